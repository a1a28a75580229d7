package dev.sluice.schedule;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.sluice.packet.IpAddress;
import dev.sluice.packet.PacketView;
import dev.sluice.service.AddressKey;
import dev.sluice.service.ForwardingMethod;
import dev.sluice.service.Protocol;
import dev.sluice.service.RealServer;
import dev.sluice.service.SchedulerKind;
import dev.sluice.service.VirtualService;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** {@code rr} and {@code wrr}: pairs in the tests' lists are {id, weight}, oldest first. */
class RoundRobinTest {
    private static final SchedulerParameters PARAMETERS =
            SchedulerParameters.of(MaglevParameters.withKey(new HashKey(1, 2)));

    private final SchedulerState state = new SchedulerState();

    private static SchedulerTable table(SchedulerKind kind, @Nullable SchedulerTable previous, int[]... reals) {
        List<RealServer> list = Arrays.stream(reals)
                .map(r -> new RealServer(r[0], IpAddress.ofInet(r[0] + 1), 80, ForwardingMethod.DR, r[1]))
                .toList();
        AddressKey key = new AddressKey(Protocol.TCP, IpAddress.ofInet(99), 80);
        return SchedulerTable.of(new VirtualService(0, key, kind, list), previous, PARAMETERS);
    }

    private String picks(SchedulerTable table, int count) {
        PacketView packet = new PacketView();
        StringBuilder picks = new StringBuilder();
        for (int i = 0; i < count; i++) {
            int id = table.pick(state, packet, 0, 0);
            picks.append(id == SchedulerTable.NO_REAL_SERVER ? "-" : Integer.toString(id));
        }
        return picks.toString();
    }

    @Test
    void rrStartsWithTheNewestAndSkipsWeightZero() {
        SchedulerTable table = table(SchedulerKind.RR, null, new int[] {0, 1}, new int[] {1, 0}, new int[] {2, 9});
        assertEquals("202020", picks(table, 6));
    }

    @Test
    void rrGoesOnFromItsPlaceWhenThePickedOneIsRemoved() {
        int[][] all = {{0, 1}, {1, 1}, {2, 1}, {3, 1}};
        SchedulerTable four = table(SchedulerKind.RR, null, all);
        assertEquals("32", picks(four, 2));
        SchedulerTable three = table(SchedulerKind.RR, four, all[0], all[1], all[3]);
        assertEquals("1031", picks(three, 4));
    }

    @Test
    void rrServesAnAddedOneInTheNextRound() {
        int[][] all = {{0, 1}, {1, 1}, {2, 1}};
        SchedulerTable two = table(SchedulerKind.RR, null, all[0], all[1]);
        assertEquals("1", picks(two, 1));
        assertEquals("0210", picks(table(SchedulerKind.RR, two, all), 4));
    }

    @Test
    void nobodyWithWeightMeansNoRealServer() {
        for (SchedulerKind kind : SchedulerKind.values()) {
            assertEquals("-", picks(table(kind, null), 1));
            assertEquals("--", picks(table(kind, null, new int[] {0, 0}, new int[] {1, 0}), 2));
        }
    }

    @Test
    void wrrHonoursWeightsExactlyOverWholeCycles() {
        SchedulerTable table = table(SchedulerKind.WRR, null, new int[] {0, 1}, new int[] {1, 2}, new int[] {2, 3});
        String cycle = picks(table, 60);
        assertEquals(10, cycle.chars().filter(c -> c == '0').count());
        assertEquals(20, cycle.chars().filter(c -> c == '1').count());
        assertEquals(30, cycle.chars().filter(c -> c == '2').count());
    }

    @Test
    void wrrKeepsItsThresholdThroughChangesSeenLateOrAtOnce() {
        int[][] before = {{0, 4}, {1, 2}, {2, 6}};
        SchedulerTable first = table(SchedulerKind.WRR, null, before);
        picks(first, 5);
        SchedulerTable second = table(SchedulerKind.WRR, first, before[0], before[2]);
        SchedulerTable third = table(SchedulerKind.WRR, second, new int[] {0, 3}, before[2]);
        SchedulerState prompt = new SchedulerState();
        SchedulerState late = new SchedulerState();
        PacketView packet = new PacketView();
        for (int i = 0; i < 7; i++) {
            assertEquals(first.pick(prompt, packet, 0, 0), first.pick(late, packet, 0, 0));
        }
        second.adopt(prompt, first);
        third.adopt(prompt, second);
        third.adopt(late, first);
        assertEquals(prompt.currentWeight, late.currentWeight);
    }

    @Test
    void wrrRestartsWithATableOfAnotherService() {
        SchedulerTable one = table(SchedulerKind.WRR, null, new int[] {0, 5}, new int[] {1, 1});
        String fresh = picks(one, 9);
        SchedulerTable unrelated = table(SchedulerKind.WRR, null, new int[] {0, 5}, new int[] {1, 1});
        assertEquals(fresh, picks(unrelated, 9));
    }

    @Test
    void flowsThatCannotBeRememberedAreSpreadByHashAndLeaveNoTrace() {
        SchedulerTable rr = table(SchedulerKind.RR, null, new int[] {0, 1}, new int[] {1, 0}, new int[] {2, 9});
        SchedulerTable wrr = table(SchedulerKind.WRR, null, new int[] {0, 1}, new int[] {1, 0}, new int[] {2, 9});
        Random random = new Random(7);
        PacketView packet = new PacketView();
        int[] ofRr = new int[3];
        int[] ofWrr = new int[3];
        for (int i = 0; i < 20_000; i++) {
            long hash = random.nextLong();
            ofRr[rr.pickByHash(packet, hash)]++;
            ofWrr[wrr.pickByHash(packet, hash)]++;
            assertEquals(wrr.pickByHash(packet, hash), wrr.pickByHash(packet, hash));
        }
        assertEquals(0, ofRr[1] + ofWrr[1]);
        assertEquals(10_000, ofRr[0], 400);
        assertEquals(2_000, ofWrr[0], 200);
        assertEquals("2020", picks(rr, 4));
    }
}
