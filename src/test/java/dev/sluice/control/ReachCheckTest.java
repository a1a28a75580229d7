package dev.sluice.control;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.sluice.neighbour.NextHop;
import dev.sluice.neighbour.NextHop.Reason;
import dev.sluice.packet.IpAddress;
import dev.sluice.service.ForwardingMethod;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class ReachCheckTest {
    private static final IpAddress RIP = IpAddress.parse("10.0.0.11");
    private static final Set<Reason> MAY_PASS = EnumSet.of(
            Reason.RESOLVING,
            Reason.UNREACHABLE,
            Reason.INTERFACE_DOWN,
            Reason.NO_ROUTE,
            Reason.BLACKHOLE,
            Reason.NO_SOURCE,
            Reason.LOOKUP_FAILED);
    private static final Way DR = new Way(RIP, ForwardingMethod.DR);
    private static final Way TUN = new Way(RIP, ForwardingMethod.TUN);

    private static NextHop resolved(@Nullable IpAddress gateway) {
        return new NextHop.Resolved(
                RIP, List.of(new NextHop.Path(2, "eth1", 1, 2, 1500, NextHop.Path.NO_VLAN, gateway, 1)), null);
    }

    @Test
    void aRealServerOnTheLinkIsFine() {
        assertEquals(Optional.empty(), ReachCheck.refusal(DR, resolved(null)));
    }

    @Test
    void aRealServerBehindAGatewayIsRefused() {
        assertEquals(
                Optional.of(
                        "real server 10.0.0.11 with method dr: the route to 10.0.0.11 goes through gateway 10.0.0.1,"
                                + " but direct routing needs a real server on a network that the director is on"),
                ReachCheck.refusal(DR, resolved(IpAddress.parse("10.0.0.1"))));
    }

    @Test
    void anEncapsulatedPacketMayCrossRouters() {
        assertEquals(Optional.empty(), ReachCheck.refusal(TUN, resolved(IpAddress.parse("10.0.0.1"))));
        NextHop local = new NextHop.Unresolved(RIP, Reason.LOCAL_ADDRESS, "it is here", null);
        assertEquals(Optional.of("real server 10.0.0.11 with method tun: it is here"), ReachCheck.refusal(TUN, local));
    }

    @ParameterizedTest
    @EnumSource(Reason.class)
    void whatMayPassIsNoReasonToRefuseAStart(Reason reason) {
        NextHop hop = new NextHop.Unresolved(RIP, reason, "because of that", null);
        assertEquals(
                MAY_PASS.contains(reason)
                        ? Optional.empty()
                        : Optional.of("real server 10.0.0.11 with method dr: because of that"),
                ReachCheck.refusal(DR, hop));
    }
}
