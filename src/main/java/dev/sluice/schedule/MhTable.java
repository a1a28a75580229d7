package dev.sluice.schedule;

import dev.sluice.packet.PacketView;
import dev.sluice.service.RealServer;
import dev.sluice.service.SchedulerFlag;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * {@code mh}: IPVS's Maglev hashing, slot for slot as ip_vs_mh.c. Flows are hashed by CIP, and CPORT with {@code mh-port},
 * under keys that everybody knows: for directors that must agree with IPVS. Between Sluice's own, {@link MaglevTable} is
 * the better choice.
 *
 * <p>A real server edited to weight 0 keeps its slots, so that the others' flows stay where they are; one added at weight 0
 * has none.
 */
final class MhTable extends SchedulerTable {
    private static final HashKey FLOW_AND_OFFSET_KEY = new HashKey(2654435761L, 2654435761L);
    private static final HashKey SKIP_KEY = new HashKey(2654446892L, 2654446892L);
    /** CONFIG_IP_VS_MH_TAB_INDEX of the smallest table size. */
    private static final int FIRST_TABLE_INDEX = 8;

    private final boolean fallback;
    private final boolean port;
    private final int size;
    private final RealServerList list;
    /** Positions in the list by slot; empty when nobody ever had a weight. */
    private final char[] slots;

    MhTable(Set<SchedulerFlag> flags, int size, List<RealServer> oldestFirst, @Nullable SchedulerTable previous) {
        super(null, oldestFirst, previous);
        if (oldestFirst.size() > Character.MAX_VALUE + 1) {
            throw new IllegalArgumentException(
                    "mh cannot serve " + oldestFirst.size() + " real servers, at most " + (Character.MAX_VALUE + 1));
        }
        fallback = flags.contains(SchedulerFlag.MH_FALLBACK);
        port = flags.contains(SchedulerFlag.MH_PORT);
        this.size = size;
        list = new RealServerList(oldestFirst);
        List<RealServer> newestFirst = oldestFirst.reversed();
        int[] turns = turns(
                newestFirst.stream().mapToInt(real -> lastWeight(real.id())).toArray());
        slots = turns.length == 0 ? new char[0] : populate(newestFirst, turns);
    }

    /** Turns in each round, none for anybody when all weights are 0: ip_vs_mh_permutate(). */
    private int[] turns(int[] lastWeights) {
        int divisor = 0;
        int highest = 0;
        for (int weight : lastWeights) {
            divisor = gcd(weight, divisor);
            highest = Math.max(highest, weight);
        }
        if (divisor == 0) {
            return new int[0];
        }
        // ip_vs_mh_shift_weight(): the largest number of turns keeps to half the bits of the table's index.
        int bits = (FIRST_TABLE_INDEX + SchedulerParameters.MH_TABLE_SIZES.indexOf(size)) / 2;
        int occupied = Integer.SIZE - Integer.numberOfLeadingZeros(highest / divisor);
        int shift = Math.max(0, occupied - bits);
        int[] turns = new int[lastWeights.length];
        for (int at = 0; at < turns.length; at++) {
            int reduced = (lastWeights[at] / divisor) >> shift;
            turns[at] = reduced > 0 ? reduced : Math.min(1, lastWeights[at]);
        }
        return turns;
    }

    private static int gcd(int a, int b) {
        while (b != 0) {
            int rest = a % b;
            a = b;
            b = rest;
        }
        return a;
    }

    /** ip_vs_mh_populate(): several turns of one real server follow each other. */
    private char[] populate(List<RealServer> newestFirst, int[] turns) {
        int[] position = new int[turns.length];
        int[] skip = new int[turns.length];
        for (int at = 0; at < turns.length; at++) {
            RealServer real = newestFirst.get(at);
            int key = FoldedAddress.of(real.address()) + real.port();
            position[at] = hash(FLOW_AND_OFFSET_KEY, key, size);
            skip[at] = hash(SKIP_KEY, key, size - 1) + 1;
        }
        char[] table = new char[size];
        boolean[] taken = new boolean[size];
        int filled = 0;
        while (true) {
            for (int at = 0; at < turns.length; at++) {
                for (int turn = 0; turn < turns[at]; turn++) {
                    int slot = position[at];
                    while (taken[slot]) {
                        slot += skip[at];
                        slot = slot >= size ? slot - size : slot;
                    }
                    position[at] = slot;
                    taken[slot] = true;
                    table[slot] = (char) at;
                    if (++filled == size) {
                        return table;
                    }
                }
            }
        }
    }

    /** The low 32 bits of SipHash-1-3 of four octets, modulo {@code range}: hsiphash() of a 64-bit kernel. */
    private static int hash(HashKey key, int value, int range) {
        int hash = (int) SipHash.hash13(key, 0, 0, 0, 0, 0, 4L << 56 | Integer.toUnsignedLong(value));
        return Integer.remainderUnsigned(hash, range);
    }

    @Override
    void adopt(SchedulerState state, @Nullable SchedulerTable earlier) {
        // A pick depends on the packet alone.
    }

    @Override
    int choose(SchedulerState state, PacketView packet, long flowHash, long nowMs) {
        return bySlot(packet, state.counts);
    }

    @Override
    public int pickByHash(PacketView packet, long flowHash) {
        return bySlot(packet, ConnectionCounts.NONE);
    }

    private int bySlot(PacketView packet, ConnectionCounts counts) {
        if (slots.length == 0) {
            return NO_REAL_SERVER;
        }
        int key = FoldedAddress.ofClient(packet) + (port ? packet.sourcePort() : 0);
        int slot = hash(FLOW_AND_OFFSET_KEY, key, size);
        int at = slots[slot];
        if (list.takesFlows(at, counts)) {
            return list.id(at);
        }
        return fallback ? beyond(key, slot, counts) : NO_REAL_SERVER;
    }

    /** Further hashes of the flow, of which the slot's number offsets the first. */
    private int beyond(int key, int slot, ConnectionCounts counts) {
        int offset = slot;
        for (int tries = 0; tries < size; tries++) {
            int at = slots[hash(FLOW_AND_OFFSET_KEY, key + offset, size)];
            if (list.takesFlows(at, counts)) {
                return list.id(at);
            }
            offset = offset + 1 == size ? 0 : offset + 1;
        }
        return NO_REAL_SERVER;
    }
}
