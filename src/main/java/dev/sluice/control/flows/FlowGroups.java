package dev.sluice.control.flows;

import dev.sluice.packet.AddressFamily;
import dev.sluice.packet.IpAddress;
import dev.sluice.stats.ConnectionGroup;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Counts connections by what they have in common. Owned by: whoever made it. */
public final class FlowGroups {
    private static final Pattern CLIENT = Pattern.compile("client(?:/([0-9]{1,2}))?(?:/([0-9]{1,3}))?");
    private static final List<FlowField> FIELDS = List.of(
            FlowField.CLIENT,
            FlowField.VIRTUAL,
            FlowField.REAL,
            FlowField.SERVICE,
            FlowField.STATE,
            FlowField.PROTOCOL,
            FlowField.METHOD,
            FlowField.QUEUE);

    /** The most that one field puts into a key. */
    private static final int WORDS = 3;

    private final List<By> by;
    private final FlowNames names;
    private final Map<Key, Group> groups = new HashMap<>();
    private final Key probe;

    /**
     * What is counted by.
     *
     * @param label the word with which it was asked for
     * @param field the field
     * @param bits the prefix length of IPv4 addresses
     * @param bits6 the prefix length of IPv6 addresses
     */
    public record By(String label, FlowField field, int bits, int bits6) {
        /**
         * Reads {@code real}, {@code client}, {@code client/24}, {@code client/24/64}.
         *
         * @throws IllegalArgumentException with a message fit for users
         */
        public static By parse(String word) {
            Matcher client = CLIENT.matcher(word);
            if (client.matches()) {
                int bits = client.group(1) == null ? 32 : Integer.parseInt(client.group(1));
                int bits6 = client.group(2) == null ? 128 : Integer.parseInt(client.group(2));
                if (bits <= 32 && bits6 <= 128) {
                    return new By(word, FlowField.CLIENT, bits, bits6);
                }
            }
            return FlowField.of(word)
                    .filter(FIELDS::contains)
                    .map(field -> new By(word, field, 32, 128))
                    .orElseThrow(() -> new IllegalArgumentException("connections are not counted by \"" + word
                            + "\"; allowed: client, client/24 (IPv4 networks), client/24/64 (IPv6 networks as well), "
                            + "virtual, real, service, state, protocol, method, queue"));
        }
    }

    private static final class Key {
        private final long[] words;

        Key(long[] words) {
            this.words = words;
        }

        @Override
        public boolean equals(@Nullable Object other) {
            return other instanceof Key that && Arrays.equals(words, that.words);
        }

        @Override
        public int hashCode() {
            long mixed = 0;
            for (long word : words) {
                mixed = (mixed ^ word) * 0x9e37_79b9_7f4a_7c15L;
                mixed ^= mixed >>> 29;
            }
            return (int) (mixed ^ mixed >>> 32);
        }
    }

    private static final class Group {
        final Map<String, String> labels;
        long count;
        long packets;
        long bytes;

        Group(Map<String, String> labels) {
            this.labels = labels;
        }
    }

    FlowGroups(List<By> by, FlowNames names) {
        this.by = by;
        this.names = names;
        probe = new Key(new long[by.size() * WORDS]);
    }

    int size() {
        return groups.size();
    }

    /** Counts a connection. */
    void add(FlowRow row) {
        for (int i = 0; i < by.size(); i++) {
            write(by.get(i), row, probe.words, i * WORDS);
        }
        Group group = groups.get(probe);
        if (group == null) {
            group = new Group(labels(row));
            groups.put(new Key(probe.words.clone()), group);
        }
        group.count++;
        group.packets += row.packets;
        group.bytes += row.bytes;
    }

    private void write(By one, FlowRow row, long[] words, int at) {
        switch (one.field) {
            case CLIENT -> {
                words[at] = row.inet6 ? 1 : 0;
                words[at + 1] = row.inet6 ? row.clientHigh & ones(Math.min(one.bits6, 64)) : 0;
                words[at + 2] = row.inet6
                        ? row.clientLow & ones(Math.max(one.bits6 - 64, 0))
                        : row.clientLow & ones(one.bits) >>> 32;
            }
            case VIRTUAL -> {
                words[at] = (row.inet6 ? 1 : 0) | row.virtualPort << 1;
                words[at + 1] = row.virtualHigh;
                words[at + 2] = row.virtualLow;
            }
            case REAL -> {
                words[at] = names.rankOfAddress(row.realServer);
                words[at + 1] = row.real == null ? 0 : row.realPort;
            }
            case SERVICE -> words[at] = row.serviceRank;
            case STATE -> words[at] = row.stateRank();
            case PROTOCOL -> words[at] = row.protocol;
            case METHOD -> words[at] = FlowField.rankOfMethod(row);
            case QUEUE -> words[at] = row.queue;
            case EXPIRES, IDLE, PACKETS, BYTES -> throw new IllegalArgumentException(one.label);
        }
    }

    private static long ones(int count) {
        return count == 0 ? 0 : -1L << (64 - count);
    }

    private Map<String, String> labels(FlowRow row) {
        Map<String, String> labels = new LinkedHashMap<>();
        by.forEach(one -> labels.put(one.label, label(one, row)));
        return labels;
    }

    /** {@code -} for what is not known any more. */
    private static String label(By one, FlowRow row) {
        return switch (one.field) {
            case CLIENT -> client(one, row);
            case VIRTUAL -> endpoint(new IpAddress(family(row), row.virtualHigh, row.virtualLow), row.virtualPort);
            case REAL -> row.real == null ? "-" : endpoint(row.real.address(), row.realPort);
            case SERVICE -> Objects.requireNonNullElse(row.serviceName(), "-");
            case STATE -> row.state();
            case PROTOCOL -> row.protocolName();
            case METHOD -> Objects.requireNonNullElse(row.method(), "-");
            case QUEUE -> row.queue == FlowRow.NO_QUEUE ? "-" : Integer.toString(row.queue);
            case EXPIRES, IDLE, PACKETS, BYTES -> throw new IllegalArgumentException(one.label);
        };
    }

    private static String client(By one, FlowRow row) {
        int length = row.inet6 ? one.bits6 : one.bits;
        IpAddress network =
                new IpAddress(family(row), row.clientHigh, row.clientLow).and(IpAddress.netmask(family(row), length));
        return length == family(row).addressBits() ? network.toString() : network + "/" + length;
    }

    private static AddressFamily family(FlowRow row) {
        return row.inet6 ? AddressFamily.INET6 : AddressFamily.INET;
    }

    private static String endpoint(IpAddress address, int port) {
        return (address.family() == AddressFamily.INET6 ? "[" + address + "]:" : address + ":") + port;
    }

    /** What was counted. */
    List<ConnectionGroup> result() {
        List<ConnectionGroup> result = new ArrayList<>();
        groups.values()
                .forEach(group ->
                        result.add(new ConnectionGroup(group.labels, group.count, group.packets, group.bytes)));
        return result;
    }
}
