package dev.sluice.neighbour;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.ffi.generated.Native;
import dev.sluice.packet.IpAddress;
import org.junit.jupiter.api.Test;

class NeighbourTest {
    private static final NeighbourEntry.Key KEY = new NeighbourEntry.Key(3, IpAddress.parse("10.77.1.11"));
    private static final long MAC = 0x0200_0000_0011L;

    private static NeighbourEntry entry(int state, long mac) {
        return new NeighbourEntry(KEY, state, mac, false, false);
    }

    private static Neighbour reachable() {
        return new Neighbour(KEY, entry(Native.NUD_REACHABLE(), MAC));
    }

    @Test
    void statesThatPacketsCanBeSentIn() {
        for (int state : new int[] {
            Native.NUD_REACHABLE(),
            Native.NUD_STALE(),
            Native.NUD_DELAY(),
            Native.NUD_PROBE(),
            Native.NUD_PERMANENT(),
            Native.NUD_NOARP()
        }) {
            assertTrue(new Neighbour(KEY, entry(state, MAC)).usable(), "state " + state);
        }
        for (int state : new int[] {Native.NUD_NONE(), Native.NUD_INCOMPLETE(), Native.NUD_FAILED()}) {
            assertFalse(new Neighbour(KEY, entry(state, 0)).usable(), "state " + state);
        }
        assertFalse(new Neighbour(KEY, null).usable());
        assertFalse(new Neighbour(KEY, null).unreachable());
        assertTrue(new Neighbour(KEY, entry(Native.NUD_FAILED(), 0)).unreachable());
    }

    @Test
    void failedIsUnreachableUntilHeardOfAgain() {
        Neighbour neighbour = reachable();
        neighbour.update(entry(Native.NUD_FAILED(), 0), 1);
        assertFalse(neighbour.usable());
        assertTrue(neighbour.unreachable());
        // Collected later: still the machine that did not answer.
        neighbour.deleted(2, 0);
        assertFalse(neighbour.usable());
        assertTrue(neighbour.unreachable());
        neighbour.update(entry(Native.NUD_REACHABLE(), MAC + 1), 3);
        assertTrue(neighbour.usable());
        assertFalse(neighbour.unreachable());
        assertEquals(MAC + 1, neighbour.mac());
    }

    @Test
    void collectedWhileUsableStaysInUseForItsGrace() {
        Neighbour neighbour = reachable();
        neighbour.deleted(1, 10_000);
        assertTrue(neighbour.usable());
        assertEquals(MAC, neighbour.mac());
        assertTrue(neighbour.needsProbe());
        assertFalse(neighbour.endGrace(10_000 + Neighbour.GRACE_MS - 1));
        assertTrue(neighbour.endGrace(10_000 + Neighbour.GRACE_MS));
        assertFalse(neighbour.usable());
        assertEquals(0, neighbour.mac());
    }

    @Test
    void flushingSaysFailedAndDeletedInOneRound() {
        Neighbour neighbour = reachable();
        neighbour.update(entry(Native.NUD_FAILED(), 0), 5);
        neighbour.deleted(5, 10_000);
        assertTrue(neighbour.usable());
        assertEquals(MAC, neighbour.mac());
        // The machine is asked and does not answer: the grace is over before its time.
        neighbour.update(entry(Native.NUD_FAILED(), 0), 6);
        assertFalse(neighbour.usable());
        assertTrue(neighbour.unreachable());
    }

    @Test
    void whatTheKernelIsAskedFor() {
        Neighbour neighbour = reachable();
        assertTrue(neighbour.needsProbe(), "once, to have it kept fresh");
        assertFalse(neighbour.toBeReleased());
        neighbour.probed(1_000, 0);
        assertFalse(neighbour.needsProbe());
        assertTrue(neighbour.toBeReleased());
        neighbour.update(entry(Native.NUD_STALE(), MAC), 1);
        assertTrue(neighbour.needsProbe());
        neighbour.update(entry(Native.NUD_FAILED(), 0), 2);
        assertTrue(neighbour.needsProbe());
        assertEquals(2_000, neighbour.nextProbeMs());
        neighbour.update(entry(Native.NUD_PERMANENT(), MAC), 3);
        assertFalse(neighbour.needsProbe());
        assertFalse(neighbour.toBeReleased());
    }

    @Test
    void aRefusalIsKeptAndTriedAgain() {
        Neighbour neighbour = new Neighbour(KEY, null);
        neighbour.probed(1_000, -Native.ENOBUFS());
        assertEquals(-Native.ENOBUFS(), neighbour.error());
        assertTrue(neighbour.needsProbe());
        assertFalse(neighbour.toBeReleased());
        assertEquals(2_000, neighbour.nextProbeMs());
    }
}
