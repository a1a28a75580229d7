package dev.sluice.forward;

import dev.sluice.flow.FlowExchange;
import dev.sluice.flow.FlowHasher;
import dev.sluice.flow.FlowTable;
import dev.sluice.flow.Translation;
import dev.sluice.packet.PacketView;
import java.util.Arrays;

/**
 * Finds a free LIP:LPORT for each new connection by FULLNAT. A pair is free for a RIP:RPORT as long as no connection's replies come from
 * there to it; what says so is the translation table itself, so that nothing is to be given back, and nothing can be lost.
 *
 * <p>Workers do not ask each other: the ports whose remainder by the number of workers is the worker's own are its own. Only while connections
 * may have moved to other workers are their tables looked into as well.
 *
 * <p>The first pair tried depends on the client's address and port and a secret (algorithm 3 of RFC 6056, without its counter: a client
 * that uses a port again comes from the same LPORT, and the real server sees of its TIME_WAIT what it would see of the client). Owned by: worker.
 */
final class LocalPorts {
    /** With 19 of 20 pairs taken, twenty are tried on the average. */
    private static final int MAX_TRIES = 1024;
    /** Steps from pair to pair: primes, so that every pair is met, and several, so that those who meet once part again. */
    private static final int[] STEPS = {
        1_000_003, 1_300_021, 1_600_033, 2_000_003, 2_300_003, 2_700_023, 3_000_017, 3_500_017
    };
    /** Real servers whose pool was found exhausted lately. */
    private static final int REMEMBERED = 256;

    private final FlowTable flows;
    private final FlowHasher hasher;
    private final FlowExchange exchange;
    private final int worker;
    private final int workers;
    private final Translation spare = new Translation();
    private final int[] exhausted = new int[REMEMBERED];
    private final long[] exhaustedMs = new long[REMEMBERED];

    LocalPorts(FlowTable flows, FlowHasher hasher, FlowExchange exchange, int worker) {
        this.flows = flows;
        this.hasher = hasher;
        this.exchange = exchange;
        this.worker = worker;
        this.workers = exchange.workers();
        Arrays.fill(exhaustedMs, Long.MIN_VALUE);
    }

    /**
     * Finds a pair.
     *
     * @param pool the real server's
     * @param hash of the client's side
     * @param reply set to RIP:RPORT → LIP:LPORT
     * @return false when none was found
     */
    boolean find(
            LocalPools.Pool pool,
            NatTable nat,
            int realServer,
            int protocol,
            int realPort,
            long hash,
            long nowMs,
            PacketView reply) {
        if (isExhausted(realServer, nowMs)) {
            return false;
        }
        boolean found = search(pool, nat, realServer, protocol, realPort, 0, pool.addresses(), hash, nowMs, reply);
        if (!found) {
            exhausted[realServer & REMEMBERED - 1] = realServer;
            exhaustedMs[realServer & REMEMBERED - 1] = nowMs;
        }
        return found;
    }

    /**
     * As {@link #find}, of a flow whose real server compares its address with that of others of the same client: all of them have one, as long
     * as the pool stays as it is and the address has a port free.
     *
     * @param flow its client's side
     */
    boolean findForClient(
            LocalPools.Pool pool,
            NatTable nat,
            int realServer,
            PacketView flow,
            int realPort,
            long hash,
            long nowMs,
            PacketView reply) {
        long client = (flow.sourceHigh() ^ flow.sourceLow()) * 0x9e37_79b9_7f4a_7c15L >>> 32;
        int address = (int) (client * pool.addresses() >>> 32);
        return (pool.addresses() > 1
                        && search(pool, nat, realServer, flow.protocol(), realPort, address, 1, hash, nowMs, reply))
                || find(pool, nat, realServer, flow.protocol(), realPort, hash, nowMs, reply);
    }

    /**
     * @param firstAddress of the pool's, from which on so many are tried
     */
    private boolean search(
            LocalPools.Pool pool,
            NatTable nat,
            int realServer,
            int protocol,
            int realPort,
            int firstAddress,
            int addresses,
            long hash,
            long nowMs,
            PacketView reply) {
        int first = pool.firstPort() + Math.floorMod(worker - pool.firstPort(), workers);
        int ports = first > pool.lastPort() ? 0 : (pool.lastPort() - first) / workers + 1;
        int pairs = ports * addresses;
        if (pairs == 0) {
            return false;
        }
        int step = STEPS[(int) hash & STEPS.length - 1] % pairs;
        int pair = (int) (((hash >>> 32) * pairs) >>> 32);
        boolean elsewhere = workers > 1 && exchange.adoptedWithin(flows.longestTimeoutMs(), nowMs);
        // Where the step is a multiple of the number of pairs, it is one.
        step = step == 0 ? 1 : step;
        for (int tries = Math.min(pairs, MAX_TRIES); tries > 0; tries--) {
            int address = firstAddress + pair % addresses;
            int port = first + pair / addresses * workers;
            reply.setFlow(
                    nat.inet6(realServer),
                    protocol,
                    nat.addressHigh(realServer),
                    nat.addressLow(realServer),
                    realPort,
                    pool.high(address),
                    pool.low(address),
                    port);
            long replyHash = hasher.hash(reply);
            if (flows.findReply(reply, replyHash, nowMs, spare) == FlowTable.NOT_FOUND
                    && (!elsewhere || exchange.findReply(worker, reply, replyHash, spare) == FlowTable.NOT_FOUND)) {
                return true;
            }
            pair += step;
            pair = pair >= pairs ? pair - pairs : pair;
        }
        return false;
    }

    /** A flood at an exhausted pool costs a search a millisecond, not one a packet. */
    private boolean isExhausted(int realServer, long nowMs) {
        int place = realServer & REMEMBERED - 1;
        return exhausted[place] == realServer && exhaustedMs[place] == nowMs;
    }
}
