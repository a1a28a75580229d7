package dev.sluice.it;

import dev.sluice.testing.LabFixture;
import dev.sluice.testing.NetworkNamespace;
import java.util.List;

/**
 * A router on a lab's switch, and hosts of the lab moved behind it, each into a network of its own: 10.9.N.0/24 and
 * fd00:59:N::/64, where N is the last octet of the address that the host had, and still has there.
 */
final class LabRouter implements AutoCloseable {
    private static final String IPV4 = "10.0.0.254";
    private static final String IPV6 = "fd00:51::fe";

    private final LabFixture lab;
    private final NetworkNamespace namespace = NetworkNamespace.create("sluice-router");

    /** A router between a lab's network and those of the hosts named. */
    LabRouter(LabFixture lab, String... hosts) {
        this.lab = lab;
        try {
            plugIn();
            for (String host : hosts) {
                moveBehind(host);
            }
        } catch (Throwable e) {
            close();
            throw e;
        }
    }

    /** The address that a host of the lab has behind the router, in the family of another one. */
    static String address(String host, String like) {
        int number = number(host);
        return (Topology.isInet6(like) ? "fd00:59:%d::%d" : "10.9.%d.%d").formatted(number, number);
    }

    private static int number(String host) {
        return host.equals("client") ? 1 : 10 + host.charAt(2) - '0';
    }

    /** Sets the MTU of the router's end of the link to a host. */
    void mtu(String host, int bytes) {
        router("ip link set %s mtu %d".formatted(host, bytes));
    }

    private void plugIn() {
        router("sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 net.ipv6.conf.default.accept_dad=0"
                + " net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0"
                + " net.ipv4.conf.all.send_redirects=0 net.ipv4.conf.default.send_redirects=0");
        on("switch", "ip link add router type veth peer name eth1 netns " + namespace.name());
        on("switch", "ethtool -K router tx off gro on");
        router("ethtool -K eth1 tx off");
        on("switch", "ip link set router master br0 up");
        router("ip link set eth1 up");
        router("ip address add %s/24 dev eth1".formatted(IPV4));
        router("ip address add %s/64 dev eth1 nodad".formatted(IPV6));
    }

    private void moveBehind(String host) {
        int number = number(host);
        on("switch", "ip link set %s nomaster netns %s".formatted(host, namespace.name()));
        router("ethtool -K %s tx off gro on".formatted(host));
        router("ip link set %s up".formatted(host));
        router("ip address add 10.9.%d.254/24 dev %s".formatted(number, host));
        router("ip address add fd00:59:%d::fe/64 dev %s nodad".formatted(number, host));
        on(host, "ip address flush dev eth1 scope global");
        on(host, "ip address add %s/24 dev eth1".formatted(address(host, Topology.VIP4)));
        on(host, "ip address add %s/64 dev eth1 nodad".formatted(address(host, Topology.VIP6)));
        on(host, "ip route add default via 10.9.%d.254".formatted(number));
        on(host, "ip -6 route add default via fd00:59:%d::fe".formatted(number));
        for (String other : List.of("client", "director", "rs1", "rs2", "rs3")) {
            // Not of a host that has been moved: it has its default route.
            if (lab.exec(other, "ip", "route", "get", IPV4).orFail().contains("via")) {
                continue;
            }
            on(other, "ip route replace 10.9.%d.0/24 via %s".formatted(number, IPV4));
            on(other, "ip -6 route replace fd00:59:%d::/64 via %s".formatted(number, IPV6));
        }
    }

    private void router(String command) {
        namespace.run(command.split(" ", -1));
    }

    private void on(String host, String command) {
        lab.exec(host, command.split(" ", -1)).orFail();
    }

    @Override
    public void close() {
        namespace.close();
    }
}
