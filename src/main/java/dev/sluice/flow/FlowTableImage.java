package dev.sluice.flow;

import dev.sluice.packet.AddressFamily;
import dev.sluice.packet.IpAddress;
import dev.sluice.packet.PacketView;
import java.lang.foreign.MemorySegment;
import java.util.Optional;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/**
 * A flow table's entries in memory that outlives the director, and how the next one reads them. Owned by: control, before
 * the worker runs.
 *
 * <p>A {@link TableImage}'s header precedes the entries.
 *
 * <p>A table whose owner was killed may hold an entry twice, as {@link FlowEntries} says, or one that no packet was accounted
 * for yet. Nothing in it is believed: an entry whose state, address family, hash or time is impossible is left behind.
 */
public final class FlowTableImage {
    private static final TableImage.Kind KIND =
            new TableImage.Kind(0x53_4c_46_4c_4f_57_54_31L, 1, FlowEntries.ENTRY_BYTES, "connection table");

    /** One clock serves all directors of a boot; a worker's reading may be a duty cycle older than another's. */
    private static final int CLOCK_SLACK_MS = 10_000;

    private static final int STATES = FlowState.values().length;

    private FlowTableImage() {}

    /**
     * Where packets for a real server of a translated flow go.
     *
     * @param address RIP
     * @param port RPORT, 0 for the one that the client asked for
     */
    public record RealAddress(IpAddress address, int port) {}

    /**
     * The run of the machine within which two readings of its monotonic clock can be compared.
     *
     * @param high the first half of the kernel's boot id
     * @param low the second
     */
    public record Boot(long high, long low) {}

    /**
     * What became of the entries of an image.
     *
     * @param adopted they live on
     * @param expired silent for too long
     * @param unknown of real servers that no longer have an id
     * @param torn impossible, or there twice
     * @param refused there was no room
     */
    public record Recovery(long adopted, long expired, long unknown, long torn, long refused) {
        /** Nothing found. */
        public static final Recovery NONE = new Recovery(0, 0, 0, 0, 0);

        /** Both together. */
        public Recovery plus(Recovery other) {
            return new Recovery(
                    adopted + other.adopted,
                    expired + other.expired,
                    unknown + other.unknown,
                    torn + other.torn,
                    refused + other.refused);
        }
    }

    /** The bytes of an image with room for so many flows. */
    public static long bytes(int maxFlows) {
        return TableImage.HEADER_BYTES + FlowTable.entryBytes(maxFlows);
    }

    /**
     * Makes zeroed memory an image without flows.
     *
     * @param image of {@link #bytes}
     * @return where its entries lie, for {@link FlowTable}
     */
    public static MemorySegment format(MemorySegment image, Boot boot, FlowHasher hasher) {
        return TableImage.format(image, KIND, boot, hasher.fingerprint());
    }

    /** Why nothing can be recovered from an image, as the end of a sentence; empty if something can. */
    public static Optional<String> unreadable(MemorySegment image, Boot boot) {
        return TableImage.unreadable(image, KIND, boot);
    }

    /**
     * Enters every live flow of an image into a table. Of two entries of a flow, as two workers may have left, the one that
     * saw it last counts.
     *
     * @param image not {@link #unreadable}
     * @param hasher the table's
     * @param known what an id meant to the image's owner and still means; null when it does not
     * @param nowMs on the monotonic clock
     */
    public static Recovery recover(
            MemorySegment image,
            FlowHasher hasher,
            FlowTable table,
            IntFunction<@Nullable RealAddress> known,
            long nowMs) {
        return recover(image, null, hasher, table, known, nowMs);
    }

    /**
     * As before.
     *
     * @param translations of the image's connections; null when there are none but those that NAT makes
     */
    public static Recovery recover(
            MemorySegment image,
            @Nullable TranslationTableImage translations,
            FlowHasher hasher,
            FlowTable table,
            IntFunction<@Nullable RealAddress> known,
            long nowMs) {
        FlowEntries old = new FlowEntries(TableImage.entries(image, KIND));
        boolean sameKey = TableImage.fingerprint(image) == hasher.fingerprint();
        FlowCopy flow = new FlowCopy();
        long adopted = 0;
        long expired = 0;
        long unknown = 0;
        long torn = 0;
        long refused = 0;
        for (int slot = 0; slot <= old.mask(); slot++) {
            long tuple = old.tupleAcquire(slot);
            if (tuple == 0) {
                continue;
            }
            old.read(slot, tuple, flow);
            long hash = hasher.hash(flow);
            if (!isPossible(flow, nowMs) || (sameKey && flow.hash != (int) hash)) {
                torn++;
            } else if (!isKnown(slot, flow, known.apply(flow.realServer), translations, hasher)) {
                unknown++;
            } else if (table.remainingMs(flow, nowMs) <= 0) {
                expired++;
            } else {
                int earlier = table.search(flow, (int) hash);
                if (earlier >= 0) {
                    torn++;
                    if (flow.lastSeenMs - table.lastSeenMs(earlier) > 0) {
                        table.remove(earlier);
                        table.adopt(flow, hash, 0, nowMs);
                    }
                } else if (table.isFull()) {
                    refused++;
                } else {
                    table.adopt(flow, hash, 0, nowMs);
                    adopted++;
                }
            }
        }
        return new Recovery(adopted, expired, unknown, torn, refused);
    }

    /** Whether it is known where the flow's packets go, and what its replies look like if it is translated. */
    private static boolean isKnown(
            int slot,
            FlowCopy flow,
            @Nullable RealAddress real,
            @Nullable TranslationTableImage translations,
            FlowHasher hasher) {
        if (real == null || !flow.isTranslated()) {
            return real != null;
        }
        // What was changed in such a connection, and its port, went with the director.
        boolean lost = (flow.flags() & (FlowTable.FLAG_NUMBERED | FlowTable.FLAG_RELATED)) != 0;
        if ((flow.flags() & FlowTable.FLAG_LOCAL) != 0) {
            boolean found = !lost && translations != null && translations.read(slot, flow, hasher);
            flow.flag(FlowTable.FLAG_STATIONLESS);
            return found;
        }
        boolean inet6 = real.address.family() == AddressFamily.INET6;
        if (lost || inet6 != flow.inet6()) {
            return false;
        }
        PacketView reply = new PacketView();
        reply.setFlow(
                inet6,
                flow.protocol(),
                real.address.high(),
                real.address.low(),
                real.port == 0 ? flow.virtualPort() : real.port,
                flow.clientHigh,
                flow.clientLow,
                flow.clientPort());
        flow.translation.recover(flow, reply, (int) hasher.hash(reply));
        flow.flag(FlowTable.FLAG_STATIONLESS);
        return true;
    }

    private static boolean isPossible(FlowCopy flow, long nowMs) {
        long family = flow.tuple & 0xff;
        int state = flow.stateCode();
        return (family == 4 || family == 6)
                && flow.tuple >>> 48 == 0
                && state > FlowState.NONE.code()
                && state < STATES
                && flow.realServer >= 0
                && flow.lastSeenMs - (int) nowMs < CLOCK_SLACK_MS;
    }
}
