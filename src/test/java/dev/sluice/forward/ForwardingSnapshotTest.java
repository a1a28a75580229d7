package dev.sluice.forward;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.service.Protocol;
import dev.sluice.service.SchedulerKind;
import dev.sluice.service.VirtualService;
import org.junit.jupiter.api.Test;

class ForwardingSnapshotTest {
    /** Whoever has failed is asked after by statistics, and may have had the highest number of all. */
    @Test
    void realServersThatAreNotOfItCanBeAskedFor() {
        VirtualService service = Harness.service(0, Protocol.TCP, "10.0.0.100", 80, SchedulerKind.RR, 1, 1);
        ForwardingSnapshot snapshot = Harness.snapshot(service);
        int last = service.realServers().getLast().id();
        assertTrue(snapshot.isReachable(last));
        for (int id : new int[] {last + 1, last + 1000}) {
            assertEquals(ForwardingSnapshot.NONE, snapshot.serviceOf(id));
            assertFalse(snapshot.isReachable(id));
        }
    }
}
