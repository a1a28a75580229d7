package dev.sluice.neighbour;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;

import dev.sluice.ffi.generated.Native;
import dev.sluice.packet.IpAddress;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Routes out of VLAN devices and over several ways, without a kernel that would have to have them. */
class EvaluationTest {
    private static final IpAddress RIP = IpAddress.parse("10.9.0.1");
    private static final IpAddress SOURCE = IpAddress.parse("10.1.0.1");
    private static final int ETH1 = 2;
    private static final int VLAN = 3;
    private static final int ELSEWHERE = 4;
    private static final int STACKED = 5;
    private static final int SERVICE = 6;
    private static final int FOREIGN = 7;

    private static final Map<Integer, Link> LINKS = Map.of(
            ETH1, link(ETH1, "eth1", 1, 1500, true, null),
            VLAN, link(VLAN, "eth1.100", 2, 1400, true, new Link.Vlan(ETH1, 100, Link.Vlan.CUSTOMER)),
            ELSEWHERE, link(ELSEWHERE, "eth1.7", 2, 1500, true, new Link.Vlan(0, 7, Link.Vlan.CUSTOMER)),
            STACKED, link(STACKED, "eth1.100.5", 2, 1500, true, new Link.Vlan(VLAN, 5, Link.Vlan.CUSTOMER)),
            SERVICE, link(SERVICE, "eth1.s", 2, 1500, true, new Link.Vlan(ETH1, 8, Link.Vlan.SERVICE)),
            FOREIGN, link(FOREIGN, "eth9", 9, 1500, true, null));

    private static Link link(int ifindex, String name, long mac, int mtuBytes, boolean up, Link.@Nullable Vlan vlan) {
        return new Link(ifindex, name, mac, mtuBytes, up, up, 1, vlan);
    }

    private static Route.Leg leg(int ifindex, int router, int weight) {
        return new Route.Leg(ifindex, router == 0 ? null : IpAddress.parse("10.1.0." + router), weight);
    }

    private static Neighbour neighbour(Route.Leg leg, int state, long mac) {
        IpAddress gateway = leg.gateway();
        NeighbourEntry.Key key = new NeighbourEntry.Key(leg.ifindex(), gateway == null ? RIP : gateway);
        return new Neighbour(key, new NeighbourEntry(key, state, mac, false, false));
    }

    private static WatchedAddress address(List<Route.Leg> legs, List<Optional<Neighbour>> neighbours, int mtuBytes) {
        WatchedAddress address = new WatchedAddress(RIP);
        address.route(new Route(0, Native.RTN_UNICAST(), legs, SOURCE, mtuBytes));
        address.neighbours(neighbours);
        return address;
    }

    private static NextHop reachable(String director, Route.Leg leg) {
        Optional<Neighbour> there = Optional.of(neighbour(leg, Native.NUD_REACHABLE(), 0xb));
        return new Evaluation(Set.of(director), LINKS).of(address(List.of(leg), List.of(there), 0));
    }

    @Test
    void aRouteOutOfAVlanDeviceLeavesByTheInterfaceBelowWithItsTag() {
        assertEquals(
                new NextHop.Resolved(
                        RIP,
                        List.of(new NextHop.Path(ETH1, "eth1", 2, 0xb, 1400, 100, IpAddress.parse("10.1.0.2"), 1)),
                        SOURCE),
                reachable("eth1", leg(VLAN, 2, 1)));
    }

    @Test
    void aVlanDeviceThatIsTheDirectorsOwnTagsByItself() {
        NextHop.Resolved next = assertInstanceOf(NextHop.Resolved.class, reachable("eth1.100", leg(VLAN, 0, 1)));
        assertEquals(
                new NextHop.Path(VLAN, "eth1.100", 2, 0xb, 1400, NextHop.Path.NO_VLAN, null, 1),
                next.paths().getFirst());
    }

    @Test
    void otherTagsThanOneOfADirectorsInterfaceAreRefused() {
        for (int ifindex : new int[] {ELSEWHERE, STACKED, SERVICE}) {
            NextHop.Unresolved refused =
                    assertInstanceOf(NextHop.Unresolved.class, reachable("eth1", leg(ifindex, 0, 1)));
            assertEquals(NextHop.Reason.INTERFACE_NOT_OURS, refused.reason());
            assertNull(new Evaluation(Set.of("eth1"), LINKS).egress(ifindex));
        }
        assertEquals(
                "the route to 10.9.0.1 leads out of eth1.s, which is not among the director's interfaces (eth1) nor a VLAN"
                        + " device of 802.1Q right above one",
                reachable("eth1", leg(SERVICE, 0, 1)).describe());
        assertEquals(
                "the route to 10.9.0.1 leads out of eth9, which is not among the director's interfaces (eth1)",
                reachable("eth1", leg(FOREIGN, 0, 1)).describe());
    }

    @Test
    void ofSeveralWaysThoseAreTakenThatCanBe() {
        List<Route.Leg> legs = List.of(leg(ETH1, 2, 3), leg(ETH1, 3, 1), leg(FOREIGN, 4, 1));
        Evaluation evaluation = new Evaluation(Set.of("eth1"), LINKS);
        List<Optional<Neighbour>> both = List.of(
                Optional.of(neighbour(legs.get(0), Native.NUD_REACHABLE(), 0xb)),
                Optional.of(neighbour(legs.get(1), Native.NUD_STALE(), 0xc)),
                Optional.empty());
        NextHop.Resolved next = assertInstanceOf(NextHop.Resolved.class, evaluation.of(address(legs, both, 1300)));
        assertEquals(
                List.of(
                        new NextHop.Path(
                                ETH1, "eth1", 1, 0xb, 1300, NextHop.Path.NO_VLAN, IpAddress.parse("10.1.0.2"), 3),
                        new NextHop.Path(
                                ETH1, "eth1", 1, 0xc, 1300, NextHop.Path.NO_VLAN, IpAddress.parse("10.1.0.3"), 1)),
                next.paths());
        List<Optional<Neighbour>> oneDead =
                List.of(Optional.of(neighbour(legs.get(0), Native.NUD_FAILED(), 0)), both.get(1), Optional.empty());
        NextHop.Resolved left = assertInstanceOf(NextHop.Resolved.class, evaluation.of(address(legs, oneDead, 0)));
        assertEquals(
                List.of(0xcL),
                left.paths().stream().map(NextHop.Path::destinationMac).toList());
        List<Optional<Neighbour>> none = List.of(
                oneDead.getFirst(), Optional.of(neighbour(legs.get(1), Native.NUD_INCOMPLETE(), 0)), Optional.empty());
        NextHop.Unresolved soon = assertInstanceOf(NextHop.Unresolved.class, evaluation.of(address(legs, none, 0)));
        assertEquals(NextHop.Reason.RESOLVING, soon.reason());
    }

    @Test
    void theSmallestMtuOnTheWayCounts() {
        Route.Leg leg = leg(ETH1, 2, 1);
        List<Optional<Neighbour>> there = List.of(Optional.of(neighbour(leg, Native.NUD_REACHABLE(), 0xb)));
        Evaluation evaluation = new Evaluation(Set.of("eth1"), LINKS);
        assertEquals(1500, mtuBytes(evaluation.of(address(List.of(leg), there, 9000))));
        assertEquals(1300, mtuBytes(evaluation.of(address(List.of(leg), there, 1300))));
        WatchedAddress narrow = address(List.of(leg), there, 1300);
        narrow.pathMtu(1000, 5);
        assertEquals(1000, mtuBytes(evaluation.of(narrow)));
        narrow.forgetPathMtu();
        assertEquals(1300, mtuBytes(evaluation.of(narrow)));
    }

    private static int mtuBytes(NextHop hop) {
        return assertInstanceOf(NextHop.Resolved.class, hop).paths().getFirst().mtuBytes();
    }
}
