package dev.sluice.flow;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.bench.PacketBuilder;
import dev.sluice.bench.SctpChunk;
import dev.sluice.packet.IpAddress;
import dev.sluice.packet.PacketParser;
import dev.sluice.packet.PacketView;
import dev.sluice.packet.Sctp;
import dev.sluice.packet.Transport;
import dev.sluice.schedule.HashKey;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class FlowTableTest {
    private static final IpAddress VIP4 = IpAddress.parse("203.0.113.1");
    private static final IpAddress VIP6 = IpAddress.parse("2001:db8:2::1");
    private static final int REAL_SERVERS = 64;

    private static final Set<FlowState> ACTIVE =
            EnumSet.of(FlowState.SYN_RECV, FlowState.ESTABLISHED, FlowState.SCTP_ESTABLISHED);
    private static final int[] CHUNKS = {Sctp.INIT, Sctp.COOKIE_ECHO, Sctp.DATA, Sctp.SHUTDOWN, Sctp.ABORT, 200};

    private static FlowTable table(int maxFlows) {
        return new FlowTable(maxFlows, REAL_SERVERS, Arena.ofAuto());
    }

    private static PacketView tcp(int client, int flags) {
        return view(PacketBuilder.tcp(IpAddress.ofInet(0x0a000000 + client), 1024 + client, VIP4, 80)
                .tcpFlags(flags));
    }

    private static PacketView udp6(int client) {
        return view(PacketBuilder.udp(IpAddress.ofInet6(0x20010db800010000L, client), 9, VIP6, 53));
    }

    private static PacketView sctp6(int client, int chunk) {
        return view(PacketBuilder.sctp(IpAddress.ofInet6(0x20010db800010000L, client), 9, VIP6, 53)
                .payload(SctpChunk.of(chunk, 16)));
    }

    private static PacketView view(PacketBuilder packet) {
        byte[] frame = packet.build();
        PacketView view = new PacketView();
        assertEquals(PacketParser.OK, PacketParser.parse(MemorySegment.ofArray(frame), 0, frame.length, view));
        return view;
    }

    /** What the model knows of a flow. */
    private static final class Flow {
        int realServer;
        FlowState state = FlowState.NONE;
        long seenMs;
        long packets;
        long bytes;

        boolean isExpired(long nowMs) {
            return nowMs - seenMs >= state.defaultTimeoutMs();
        }
    }

    /**
     * Random operations against a map. Hashes of few bits make runs long and collisions common; homes near the last slot
     * make runs wrap around.
     */
    @ParameterizedTest
    @CsvSource({"1, 200, 64", "2, 200, 12", "3, 40, 40", "4, 1000, 900", "5, 3, 3"})
    void behavesAsAMap(long seed, int clients, int maxFlows) {
        Random random = new Random(seed);
        FlowTable table = table(maxFlows);
        Map<Integer, Flow> model = new HashMap<>();
        PacketView[] views = new PacketView[clients];
        long[] hashes = new long[clients];
        int[] flags = {Transport.SYN, Transport.ACK, Transport.FIN | Transport.ACK, Transport.RST, 0};
        for (int i = 0; i < clients; i++) {
            hashes[i] = switch (i % 3) {
                case 0 -> random.nextLong();
                case 1 -> table.slots() - 1 - random.nextInt(3);
                default -> random.nextInt(4);
            };
        }
        // Near the overflow of the 32-bit clock, so that it is passed.
        long nowMs = (1L << 32) - 200_001;
        int reclaimed = 0;
        int lapsed = 0;
        for (int step = 0; step < 60_000; step++) {
            int client = random.nextInt(clients);
            PacketView packet = switch (client % 5) {
                case 3 -> sctp6(client, CHUNKS[random.nextInt(CHUNKS.length)]);
                case 4 -> udp6(client);
                default -> tcp(client, flags[random.nextInt(flags.length)]);
            };
            views[client] = packet;
            long now = nowMs;
            Flow expected = model.get(client);
            if (expected != null && expected.isExpired(now)) {
                model.remove(client);
                expected = null;
                lapsed++;
            }
            int slot = table.find(packet, hashes[client], now);
            assertEquals(expected == null, slot == FlowTable.NOT_FOUND, "step " + step);
            if (expected == null) {
                if (!table.isFull() && random.nextInt(3) > 0) {
                    expected = new Flow();
                    expected.realServer = random.nextInt(REAL_SERVERS);
                    slot = table.insert(packet, hashes[client], expected.realServer, client & 1, now);
                    model.put(client, expected);
                }
            } else if (random.nextInt(10) == 0) {
                table.remove(slot);
                model.remove(client);
                expected = null;
            }
            if (expected != null) {
                table.touch(slot, packet, now);
                touch(expected, packet, now);
                assertEquals(expected.realServer, table.realServer(slot));
                assertEquals(expected.state, FlowState.ofCode(table.stateCode(slot)));
                assertEquals(expected.packets, table.packets(slot));
                assertEquals(expected.bytes, table.bytes(slot));
                assertEquals(client & 1, table.flags(slot));
            }
            nowMs += 2L * (random.nextInt(200) == 0 ? random.nextInt(100_000) : random.nextInt(20));
            if (random.nextInt(50) == 0) {
                int before = table.expired();
                table.expire(1 + random.nextInt(100), nowMs);
                reclaimed += table.expired() - before;
            }
            if (step % 1000 == 0) {
                agree(table, model, views, hashes, nowMs);
            }
        }
        assertTrue(reclaimed > 0);
        assertTrue(lapsed > 0);
        assertTrue(table.expired() >= reclaimed);
    }

    private static void touch(Flow flow, PacketView packet, long nowMs) {
        flow.state = FlowState.ofCode(
                FlowTransitions.after(FlowTransitions.CLIENT_ALONE, flow.state.code(), FlowEvent.of(packet)));
        flow.packets++;
        flow.bytes += packet.ipLengthBytes();
        flow.seenMs = nowMs;
    }

    /** When nothing is due any more exactly the model's live flows are left, and the counts say so. */
    private static void agree(
            FlowTable table, Map<Integer, Flow> model, PacketView[] views, long[] hashes, long nowMs) {
        // At the end of a tick; deadlines are odd here, so that none falls on it.
        long dueMs = (nowMs / TimerWheel.TICK_MS + 2) * TimerWheel.TICK_MS;
        table.expire(Integer.MAX_VALUE, dueMs);
        model.values().removeIf(flow -> flow.isExpired(dueMs));
        assertEquals(model.size(), table.size());
        int[] perRealServer = new int[REAL_SERVERS];
        int[] active = new int[REAL_SERVERS];
        model.forEach((client, flow) -> {
            int slot = table.find(views[client], hashes[client], nowMs);
            assertNotEquals(FlowTable.NOT_FOUND, slot);
            assertEquals(flow.state.defaultTimeoutMs() - (nowMs - flow.seenMs), table.remainingMs(slot, nowMs));
            perRealServer[flow.realServer]++;
            active[flow.realServer] += ACTIVE.contains(flow.state) ? 1 : 0;
        });
        assertEquals(
                model.values().stream().filter(flow -> flow.state.isHalfOpen()).count(), table.halfOpen());
        for (int id = 0; id < REAL_SERVERS; id++) {
            assertEquals(perRealServer[id], table.flowsOf(id));
            assertEquals(active[id], table.activeOf(id));
            assertEquals(perRealServer[id] - active[id], table.inactiveOf(id));
        }
    }

    @Test
    void aTimeoutSetLaterHoldsForFlowsThatAreThere() {
        FlowTable table = new FlowTable(16, 16, Arena.ofAuto());
        PacketView datagram = Flows.packet(1, 0);
        int slot = Flows.open(table, datagram, 3, 0);
        assertEquals(300_000, table.remainingMs(slot, 0));
        assertEquals(900_000, table.longestTimeoutMs());
        table.setTimeout(FlowState.UDP, 1_000_000);
        assertEquals(1_000_000, table.longestTimeoutMs());
        table.expire(1000, 999_999);
        assertEquals(1, table.size());
        table.setTimeout(FlowState.UDP, 10_000);
        assertEquals(FlowTable.NOT_FOUND, table.find(datagram, Flows.HASHER.hash(datagram), 999_999));
        table.expire(1000, 2_000_000);
        assertEquals(0, table.size());
    }

    @Test
    void flowsThatDifferInOneFieldAreDifferent() {
        FlowTable table = table(16);
        IpAddress client = IpAddress.parse("192.0.2.1");
        PacketBuilder[] builders = {
            PacketBuilder.tcp(client, 1000, VIP4, 80),
            PacketBuilder.tcp(IpAddress.parse("192.0.2.2"), 1000, VIP4, 80),
            PacketBuilder.tcp(client, 1001, VIP4, 80),
            PacketBuilder.tcp(client, 1000, IpAddress.parse("203.0.113.2"), 80),
            PacketBuilder.tcp(client, 1000, VIP4, 81),
            PacketBuilder.udp(client, 1000, VIP4, 80),
            PacketBuilder.tcp(IpAddress.ofInet6(0, client.low()), 1000, IpAddress.ofInet6(0, VIP4.low()), 80),
            PacketBuilder.tcp(IpAddress.ofInet6(1, client.low()), 1000, IpAddress.ofInet6(0, VIP4.low()), 80),
            PacketBuilder.tcp(IpAddress.ofInet6(0, client.low()), 1000, IpAddress.ofInet6(1, VIP4.low()), 80),
        };
        FlowHasher hasher = new FlowHasher(new HashKey(1, 2));
        for (int i = 0; i < builders.length; i++) {
            PacketView view = view(builders[i]);
            for (int j = 0; j < i; j++) {
                assertNotEquals(hasher.hash(view(builders[j])), hasher.hash(view));
            }
            // One hash for all: only the key's comparison tells them apart.
            assertEquals(FlowTable.NOT_FOUND, table.find(view, 7, 0));
            table.touch(table.insert(view, 7, i, 0, 0), view, 0);
        }
        for (int i = 0; i < builders.length; i++) {
            assertEquals(i, table.realServer(table.find(view(builders[i]), 7, 0)));
        }
    }

    @Test
    void aFullTableSaysSoUntilAFlowIsGone() {
        FlowTable table = table(4);
        for (int client = 0; client < 4; client++) {
            assertFalse(table.isFull());
            table.insert(tcp(client, Transport.SYN), client, 0, 0, 0);
        }
        assertTrue(table.isFull());
        assertThrows(IllegalStateException.class, () -> table.insert(tcp(9, Transport.SYN), 9, 0, 0, 0));
        table.remove(table.find(tcp(2, 0), 2, -1));
        assertFalse(table.isFull());
    }

    @Test
    void timersAreThoseOfIpvs() {
        FlowTable table = table(4);
        PacketView syn = tcp(1, Transport.SYN);
        table.touch(table.insert(syn, 1, 0, 0, 0), syn, 0);
        assertNotEquals(FlowTable.NOT_FOUND, table.find(syn, 1, 59_999));
        table.touch(table.find(syn, 1, 59_999), tcp(1, Transport.ACK), 59_999);
        assertNotEquals(FlowTable.NOT_FOUND, table.find(syn, 1, 59_999 + 899_999));
        table.expire(Integer.MAX_VALUE, 59_999 + 899_999);
        assertEquals(0, table.expired());
        assertEquals(FlowTable.NOT_FOUND, table.find(syn, 1, 59_999 + 900_000));
        assertEquals(1, table.expired());
        assertEquals(0, table.size());
    }

    /** Every flow of a full table expires at once, and is reclaimed in slices that look at no more than was asked for. */
    @Test
    void whatExpiresAtOnceIsReclaimedInBoundedSlices() {
        int flows = 2_000_000;
        FlowTable table = table(flows);
        Random random = new Random(3);
        PacketView syn = tcp(1, Transport.SYN);
        for (int i = 0; i < flows; i++) {
            // One key for all: only the hash tells where it stands, and nobody looks it up.
            table.touch(table.insert(syn, random.nextLong(), i % REAL_SERVERS, 0, 1_000), syn, 1_000);
        }
        assertEquals(flows, table.halfOpen());
        long lastMs = 1_000 + 60_000;
        assertEquals(0, table.expire(1_000_000, lastMs - 1));
        assertEquals(0, table.expired());
        long nowMs = lastMs + TimerWheel.TICK_MS;
        int cycles = 0;
        for (int left = flows; left > 0; cycles++) {
            int looked = table.expire(64, nowMs);
            assertTrue(looked <= 64, "looked at " + looked);
            assertEquals(left - looked, table.size());
            left -= looked;
        }
        assertTrue(cycles <= flows / 64 + 1, cycles + " cycles");
        assertEquals(flows, table.expired());
        assertEquals(0, table.halfOpen());
        for (int id = 0; id < REAL_SERVERS; id++) {
            assertEquals(0, table.activeOf(id) + table.inactiveOf(id));
        }
    }

    /** A flow that lives on costs the wheel one look in each of its timeouts, however many packets it has. */
    @Test
    void aBusyFlowIsLookedAtOncePerTimeout() {
        FlowTable table = table(4);
        PacketView syn = tcp(1, Transport.SYN);
        PacketView ack = tcp(1, Transport.ACK);
        table.touch(table.insert(syn, 1, 0, 0, 0), syn, 0);
        int looked = 0;
        int slot = table.find(ack, 1, 0);
        for (long nowMs = 10; nowMs <= 3_600_000; nowMs += 10) {
            table.touch(slot, ack, nowMs);
            looked += table.expire(64, nowMs);
        }
        // At 60 s, when the SYN would have been old, then every 900 s.
        assertEquals(4, looked);
        assertEquals(1, table.size());
    }

    /** A timeout that becomes shorter moves the timer, so that the entry does not wait for its old time. */
    @Test
    void aResetFlowIsReclaimedAfterTheShortTimeout() {
        FlowTable table = table(4);
        PacketView ack = tcp(1, Transport.ACK);
        table.touch(table.insert(ack, 1, 0, 0, 0), ack, 0);
        table.touch(table.find(ack, 1, 500), tcp(1, Transport.RST), 500);
        table.expire(Integer.MAX_VALUE, 10_499);
        assertEquals(1, table.size());
        table.expire(Integer.MAX_VALUE, 10_500 + TimerWheel.TICK_MS);
        assertEquals(0, table.size());
    }

    /** Beyond the wheel's reach of 17 minutes, and after a pause longer than that. */
    @Test
    void aTimeoutMayBeLongerThanTheWheel() {
        FlowTable table = table(4);
        int weekMs = 604_800_000;
        table.setTimeout(FlowState.UDP, weekMs);
        PacketView datagram = udp6(1);
        table.touch(table.insert(datagram, 1, 0, 0, 5), datagram, 5);
        for (long nowMs = 0; nowMs < weekMs; nowMs += 3_600_000) {
            table.expire(Integer.MAX_VALUE, nowMs);
        }
        assertEquals(1, table.size());
        table.expire(Integer.MAX_VALUE, weekMs + 5L + TimerWheel.TICK_MS);
        assertEquals(0, table.size());
    }

    @Test
    void entriesAreCacheLines() {
        FlowTable table = table(1000);
        assertEquals(2048, table.slots());
        assertEquals(2048 * (64 + 8), FlowTable.memoryBytes(1000));
        assertEquals(1000, table.capacity());
    }
}
