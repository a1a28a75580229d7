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
 * <p>A client has the same local address for all its connections while there are ports, for protocols that have several belong together, as
 * FTP. The first port tried depends on the client's address and port and a secret (algorithm 3 of RFC 6056, without its counter: a client
 * that uses a port again comes from the same LPORT, and the real server sees of its TIME_WAIT what it would see of the client). Owned by: worker.
 */
final class LocalPorts {
    /** With 19 of 20 ports taken, twenty are tried on the average. */
    private static final int MAX_TRIES = 1024;
    /** Ports of an address that are tried before the next address's: with 19 of 20 taken, one of them is free but for one time in 26. */
    private static final int TRIES_OF_ADDRESS = 64;
    /** Steps from port to port: primes, so that every port is met, and several, so that those who meet once part again. */
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
     * @param flow the connection's client's side
     * @param hash of the client's side
     * @param reply set to RIP:RPORT → LIP:LPORT
     * @return false when none was found
     */
    boolean find(
            LocalPools.Pool pool,
            NatTable nat,
            int realServer,
            PacketView flow,
            int realPort,
            long hash,
            long nowMs,
            PacketView reply) {
        int first = pool.firstPort() + Math.floorMod(worker - pool.firstPort(), workers);
        int ports = first > pool.lastPort() ? 0 : (pool.lastPort() - first) / workers + 1;
        int addresses = pool.addresses();
        if (ports == 0 || addresses == 0 || isExhausted(realServer, nowMs)) {
            return false;
        }
        boolean elsewhere = workers > 1 && exchange.adoptedWithin(flows.longestTimeoutMs(), nowMs);
        int home = addresses == 1 ? 0 : home(flow, addresses, reply);
        int step = STEPS[(int) hash & STEPS.length - 1] % ports;
        // Where the step is a multiple of the number of ports, it is one.
        step = step == 0 ? 1 : step;
        int start = (int) (((hash >>> 32) * ports) >>> 32);
        int tries = 0;
        for (int from = 0; from < ports && tries < MAX_TRIES; from += TRIES_OF_ADDRESS) {
            int until = Math.min(ports, from + TRIES_OF_ADDRESS);
            for (int i = 0; i < addresses && tries < MAX_TRIES; i++) {
                int address = home + i < addresses ? home + i : home + i - addresses;
                int port = start;
                for (int at = from; at < until; at++) {
                    reply.setFlow(
                            nat.inet6(realServer),
                            flow.protocol(),
                            nat.addressHigh(realServer),
                            nat.addressLow(realServer),
                            realPort,
                            pool.high(address),
                            pool.low(address),
                            first + port * workers);
                    if (isFree(reply, elsewhere, nowMs)) {
                        return true;
                    }
                    port += step;
                    port = port >= ports ? port - ports : port;
                }
                tries += until - from;
            }
            start = (int) ((start + (long) step * TRIES_OF_ADDRESS) % ports);
        }
        exhausted[realServer & REMEMBERED - 1] = realServer;
        exhaustedMs[realServer & REMEMBERED - 1] = nowMs;
        return false;
    }

    /** The local address that a client begins with. */
    private int home(PacketView flow, int addresses, PacketView scratch) {
        scratch.setFlow(flow.inet6(), 0, flow.sourceHigh(), flow.sourceLow(), 0, 0, 0, 0);
        return (int) (((hasher.hash(scratch) >>> 32) * addresses) >>> 32);
    }

    private boolean isFree(PacketView reply, boolean elsewhere, long nowMs) {
        long hash = hasher.hash(reply);
        return flows.findReply(reply, hash, nowMs, spare) == FlowTable.NOT_FOUND
                && (!elsewhere || exchange.findReply(worker, reply, hash, spare) == FlowTable.NOT_FOUND);
    }

    /** A flood at an exhausted pool costs a search a millisecond, not one a packet. */
    private boolean isExhausted(int realServer, long nowMs) {
        int place = realServer & REMEMBERED - 1;
        return exhausted[place] == realServer && exhaustedMs[place] == nowMs;
    }
}
