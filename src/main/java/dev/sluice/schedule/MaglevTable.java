package dev.sluice.schedule;

import dev.sluice.packet.AddressFamily;
import dev.sluice.packet.PacketView;
import dev.sluice.service.RealServer;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * {@code maglev}: consistent hashing by a lookup table (Eisenbud et al., Maglev, NSDI 2016, section 3.4), weighted. Every
 * real server walks its own permutation of the table and takes free entries in turn; a real server of half the highest
 * weight gets a turn every second round.
 *
 * <p>The permutation depends on RIP and port under the shared key, and turns are taken in the order of addresses, so
 * neither ids nor the order of configuration matter: sibling directors agree. Weight 0 has no entries.
 */
final class MaglevTable extends SchedulerTable {
    /** Entries are indexes into {@link #ids}; 16 bits keep a table of the default size inside a core's own cache. */
    private static final int MAX_REAL_SERVERS = 1 << 16;

    /** Domain separation of the two hashes that place a real server; part of what directors agree on. */
    private static final int OFFSET_DOMAIN = 1;

    private static final int SKIP_DOMAIN = 2;

    private final int[] ids;
    private final char[] entries;

    MaglevTable(List<RealServer> realServers, MaglevParameters parameters, @Nullable SchedulerTable previous) {
        super(null, realServers, previous);
        List<RealServer> weighted = realServers.stream()
                .filter(real -> real.weight() > 0)
                .sorted(Comparator.comparing(RealServer::address).thenComparingInt(RealServer::port))
                .toList();
        if (weighted.size() > MAX_REAL_SERVERS || weighted.size() > parameters.tableSize()) {
            throw new IllegalArgumentException("a Maglev table of " + parameters.tableSize() + " entries cannot serve "
                    + weighted.size() + " real servers");
        }
        ids = weighted.stream().mapToInt(RealServer::id).toArray();
        entries = weighted.isEmpty() ? new char[0] : populate(weighted, parameters);
    }

    private static char[] populate(List<RealServer> realServers, MaglevParameters parameters) {
        int count = realServers.size();
        int size = parameters.tableSize();
        int[] position = new int[count];
        int[] skip = new int[count];
        int[] weight = new int[count];
        int highest = 0;
        for (int i = 0; i < count; i++) {
            RealServer real = realServers.get(i);
            position[i] = (int) Long.remainderUnsigned(placement(real, OFFSET_DOMAIN, parameters.key()), size);
            skip[i] = (int) Long.remainderUnsigned(placement(real, SKIP_DOMAIN, parameters.key()), size - 1L) + 1;
            weight[i] = real.weight();
            highest = Math.max(highest, real.weight());
        }
        MaglevEntries entries = new MaglevEntries(size, position, skip);
        // Asking everybody in every round is cheap unless most have no turn in most rounds.
        boolean dense = (long) highest * count
                <= 16 * IntStream.of(weight).asLongStream().sum();
        if (dense) {
            takeRounds(entries, weight, highest);
        } else {
            Turns turns = new Turns(weight, highest);
            while (!entries.isFull()) {
                entries.take(turns.next());
            }
        }
        return entries.table();
    }

    /** As by {@link Turns}, round by round: {@code lead} is round × weight − turns × highest, from which a turn follows. */
    private static void takeRounds(MaglevEntries entries, int[] weight, int highest) {
        int[] lead = new int[weight.length];
        while (true) {
            for (int i = 0; i < weight.length; i++) {
                lead[i] += weight[i];
                if (lead[i] > 0) {
                    lead[i] -= highest;
                    entries.take(i);
                    if (entries.isFull()) {
                        return;
                    }
                }
            }
        }
    }

    private static long placement(RealServer real, int domain, HashKey key) {
        int family = real.address().family() == AddressFamily.INET ? 4 : 6;
        long rest = (long) real.port() << 16 | family << 8 | domain;
        // Two words and four octets: 20 octets of message.
        return SipHash.hash13(key, 2, real.address().high(), real.address().low(), 0, 0, 20L << 56 | rest);
    }

    @Override
    void adopt(SchedulerState state, @Nullable SchedulerTable earlier) {
        // A pick depends on the flow alone.
    }

    @Override
    int choose(SchedulerState state, PacketView packet, long flowHash, long nowMs) {
        return pickByHash(flowHash);
    }

    @Override
    public int pickByHash(PacketView packet, long flowHash) {
        return pickByHash(flowHash);
    }

    /** The real server of a flow, which depends on its hash alone. */
    int pickByHash(long flowHash) {
        if (entries.length == 0) {
            return NO_REAL_SERVER;
        }
        // The hash as a fraction of 2^64 scales to an index; a remainder would cost a division.
        int at = (int) Math.unsignedMultiplyHigh(flowHash, entries.length);
        return ids[entries[at]];
    }

    /** How many entries a real server has; for tests of balance. */
    int entriesOf(int id) {
        int count = 0;
        for (char entry : entries) {
            count += ids[entry] == id ? 1 : 0;
        }
        return count;
    }

    /**
     * Whose turn it is: the k-th turn of weight w falls into round ⌊k·highest/w⌋, and a round goes in the order of
     * addresses. A binary heap by next round skips rounds in which a real server has no turn, which are many when weights
     * lie far apart.
     */
    private static final class Turns {
        private final int[] weight;
        private final int highest;
        private final long[] turn;
        private final long[] heapRound;
        private final int[] heapWho;

        Turns(int[] weight, int highest) {
            this.weight = weight;
            this.highest = highest;
            this.turn = new long[weight.length];
            this.heapRound = new long[weight.length];
            this.heapWho = new int[weight.length];
            Arrays.setAll(heapWho, i -> i);
        }

        int next() {
            int who = heapWho[0];
            turn[who]++;
            long round = turn[who] * highest / weight[who];
            sink(round, who);
            return who;
        }

        private void sink(long round, int who) {
            int at = 0;
            while (true) {
                int child = 2 * at + 1;
                if (child >= heapWho.length) {
                    break;
                }
                if (child + 1 < heapWho.length && before(child + 1, heapRound[child], heapWho[child])) {
                    child++;
                }
                if (!before(child, round, who)) {
                    break;
                }
                heapRound[at] = heapRound[child];
                heapWho[at] = heapWho[child];
                at = child;
            }
            heapRound[at] = round;
            heapWho[at] = who;
        }

        private boolean before(int at, long round, int who) {
            return heapRound[at] < round || (heapRound[at] == round && heapWho[at] < who);
        }
    }
}
