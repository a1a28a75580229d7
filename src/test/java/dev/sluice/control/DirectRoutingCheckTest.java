package dev.sluice.control;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.sluice.neighbour.NextHop;
import dev.sluice.neighbour.NextHop.Reason;
import dev.sluice.packet.IpAddress;
import java.util.EnumSet;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class DirectRoutingCheckTest {
    private static final IpAddress RIP = IpAddress.parse("10.0.0.11");
    private static final Set<Reason> MAY_PASS = EnumSet.of(
            Reason.RESOLVING,
            Reason.UNREACHABLE,
            Reason.INTERFACE_DOWN,
            Reason.NO_ROUTE,
            Reason.BLACKHOLE,
            Reason.LOOKUP_FAILED);

    private static NextHop resolved(@Nullable IpAddress gateway) {
        return new NextHop.Resolved(RIP, 2, "eth1", 1, 2, 1500, null, gateway);
    }

    @Test
    void aRealServerOnTheLinkIsFine() {
        assertEquals(Optional.empty(), DirectRoutingCheck.refusal(resolved(null)));
    }

    @Test
    void aRealServerBehindAGatewayIsRefused() {
        assertEquals(
                Optional.of(
                        "real server 10.0.0.11 with method dr: the route to 10.0.0.11 goes through gateway 10.0.0.1,"
                                + " but direct routing needs a real server on a network that the director is on"),
                DirectRoutingCheck.refusal(resolved(IpAddress.parse("10.0.0.1"))));
    }

    @ParameterizedTest
    @EnumSource(Reason.class)
    void whatMayPassIsNoReasonToRefuseAStart(Reason reason) {
        NextHop hop = new NextHop.Unresolved(RIP, reason, "because of that", null);
        assertEquals(
                MAY_PASS.contains(reason)
                        ? Optional.empty()
                        : Optional.of("real server 10.0.0.11 with method dr: because of that"),
                DirectRoutingCheck.refusal(hop));
    }
}
