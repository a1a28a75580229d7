package dev.sluice.control.realserver;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.sluice.control.preflight.EnvironmentException;
import dev.sluice.control.realserver.RealServerRequest.Decapsulation;
import dev.sluice.packet.IpAddress;
import dev.sluice.service.ForwardingMethod;
import dev.sluice.service.TunnelType;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** What a request comes to on hosts of several kinds; those with tunnel devices are nowhere else in the tests. */
class PlanTest {
    private final Map<String, String> values = new HashMap<>();
    private final Set<String> devices = new HashSet<>(Set.of("lo", "eth1"));
    private final Set<String> modules = new HashSet<>();

    private final HostFacts host = new HostFacts() {
        @Override
        public String read(Kind kind, String target) {
            return values.getOrDefault(target, kind == Kind.SYSCTL ? "0" : Kind.ABSENT);
        }

        @Override
        public boolean hasDevice(String name) {
            return devices.contains(name);
        }

        @Override
        public boolean hasModule(String name) {
            return modules.contains(name);
        }

        @Override
        public List<String> modulesOf(String name) {
            return modules.contains(name) ? List.of("ip_tunnel", name) : List.of();
        }
    };

    private static RealServerRequest request(
            ForwardingMethod method, @Nullable TunnelType type, int port, Decapsulation by, String... vips) {
        List<IpAddress> addresses = Arrays.stream(vips).map(IpAddress::parse).toList();
        return new RealServerRequest("eth1", addresses, method, type, port, by);
    }

    private List<String> plan(RealServerRequest request) throws EnvironmentException {
        return Plan.of(request, host).stream()
                .map(wanted -> wanted.kind() + " " + wanted.target() + " " + wanted.value())
                .toList();
    }

    @Test
    void directRoutingSilencesArpBeforeTheVipExists() throws Exception {
        assertEquals(
                List.of(
                        "SYSCTL net/ipv4/conf/all/arp_ignore 1",
                        "SYSCTL net/ipv4/conf/all/arp_announce 2",
                        "SYSCTL net/ipv4/conf/eth1/arp_ignore 1",
                        "SYSCTL net/ipv4/conf/eth1/arp_announce 2",
                        "LINK lo up",
                        "ADDRESS 10.0.0.100/32 lo present"),
                plan(request(ForwardingMethod.DR, null, 0, Decapsulation.AUTO, "10.0.0.100")));
        assertEquals(
                List.of("LINK lo up", "ADDRESS 2001:db8::100/128 lo present"),
                plan(request(ForwardingMethod.DR, null, 0, Decapsulation.AUTO, "2001:db8::100")));
    }

    @Test
    void withoutDevicesTheProgramComesLast() throws Exception {
        RealServerRequest request = request(ForwardingMethod.TUN, TunnelType.IPIP, 0, Decapsulation.AUTO, "10.0.0.100");
        List<String> plan = plan(request);
        assertEquals("XDP eth1 present", plan.getLast());
        assertEquals("SYSCTL net/ipv4/conf/eth1/rp_filter 0", plan.get(plan.size() - 2));
        values.put("net/ipv4/conf/all/rp_filter", "1");
        assertEquals("SYSCTL net/ipv4/conf/eth1/rp_filter 2", plan(request).get(plan.size() - 2));
        values.put("net/ipv4/conf/eth1/rp_filter", "2");
        assertEquals("SYSCTL net/ipv4/conf/eth1/rp_filter 2", plan(request).get(plan.size() - 2));
        values.put("net/ipv4/conf/all/rp_filter", "0");
        values.put("net/ipv4/conf/eth1/rp_filter", "1");
        assertEquals("SYSCTL net/ipv4/conf/eth1/rp_filter 2", plan(request).get(plan.size() - 2));
    }

    @Test
    void devicesThatAreThere() throws Exception {
        devices.addAll(Set.of("tunl0", "ip6tnl0"));
        List<String> plan = plan(request(ForwardingMethod.TUN, TunnelType.IPIP, 0, Decapsulation.AUTO, "10.0.0.100"));
        assertEquals(
                List.of(
                        "SYSCTL net/ipv4/conf/tunl0/rp_filter 0",
                        "TUNNEL_MODE ip6tnl0 any",
                        "SYSCTL net/ipv4/conf/ip6tnl0/rp_filter 0",
                        "LINK tunl0 up",
                        "LINK ip6tnl0 up",
                        "ADDRESS 10.0.0.100/32 tunl0 present"),
                plan.subList(4, plan.size()));
    }

    @Test
    void devicesThatModulesBring() throws Exception {
        modules.addAll(Set.of("ipip", "sit", "ip6_tunnel", "fou"));
        values.put("net/ipv4/conf/all/rp_filter", "1");
        List<String> plan = plan(
                request(ForwardingMethod.TUN, TunnelType.GUE, 6080, Decapsulation.AUTO, "10.0.0.100", "2001:db8::100"));
        assertEquals(
                List.of(
                        "MODULE ip_tunnel present",
                        "MODULE ipip present",
                        "SYSCTL net/ipv4/conf/tunl0/rp_filter 2",
                        "MODULE ip6_tunnel present",
                        "TUNNEL_MODE ip6tnl0 any",
                        "SYSCTL net/ipv4/conf/ip6tnl0/rp_filter 2",
                        "MODULE sit present",
                        "SYSCTL net/ipv4/conf/sit0/rp_filter 2",
                        "LINK tunl0 up",
                        "LINK ip6tnl0 up",
                        "LINK sit0 up",
                        "ADDRESS 10.0.0.100/32 tunl0 present",
                        "ADDRESS 2001:db8::100/128 ip6tnl0 present",
                        "MODULE fou present",
                        "GUE_PORT 6080 ipv4 present",
                        "GUE_PORT 6080 ipv6 present"),
                plan.subList(4, plan.size()));
    }

    @Test
    void greHasADeviceForEachOuterFamily() throws Exception {
        devices.addAll(Set.of("gre0", "ip6gre0"));
        List<String> plan =
                plan(request(ForwardingMethod.TUN, TunnelType.GRE, 0, Decapsulation.DEVICE, "2001:db8::100"));
        assertEquals(List.of("LINK gre0 up", "LINK ip6gre0 up", "ADDRESS 2001:db8::100/128 gre0 present"), plan);
    }

    @Test
    void aNamespaceThatIsDeniedTheDevices() throws Exception {
        modules.addAll(Set.of("ipip", "ip6_tunnel"));
        values.put("net/core/fb_tunnels_only_for_init_net", "2");
        RealServerRequest request = request(ForwardingMethod.TUN, TunnelType.IPIP, 0, Decapsulation.AUTO, "10.0.0.100");
        assertEquals("XDP eth1 present", plan(request).getLast());
        values.put("net/core/fb_tunnels_only_for_init_net", "0");
        assertEquals("ADDRESS 10.0.0.100/32 tunl0 present", plan(request).getLast());
        values.put("ipip", Kind.PRESENT);
        assertEquals("XDP eth1 present", plan(request).getLast());
    }

    @Test
    void devicesThatAreAskedForAndMissing() {
        EnvironmentException e = assertThrows(
                EnvironmentException.class,
                () -> plan(request(ForwardingMethod.TUN, TunnelType.GUE, 6080, Decapsulation.DEVICE, "10.0.0.100")));
        assertEquals(
                List.of(
                        "this kernel has no tunl0 (module ipip), no ip6tnl0 (module ip6_tunnel), no GUE (module fou) here;"
                                + " leave --decapsulation out, and an XDP program does it"),
                e.problems());
    }

    @Test
    void aGreaterNumberDoesWhereItIsAskedFor() {
        Wanted wanted = Wanted.atLeast(Kind.SYSCTL, "x", 1);
        assertEquals("1", wanted.after("0"));
        assertEquals("2", wanted.after("2"));
        assertEquals("1", wanted.after(Kind.ABSENT));
        assertEquals("1", Wanted.exactly(Kind.SYSCTL, "x", "1").after("2"));
    }
}
