package dev.sluice.health;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.sluice.packet.AddressFamily;
import dev.sluice.packet.IpAddress;
import dev.sluice.service.AddressKey;
import dev.sluice.service.FwmarkKey;
import dev.sluice.service.Protocol;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.channels.DatagramChannel;
import java.nio.channels.SocketChannel;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Whom a check asks, and through whose sockets. */
final class DestinationTest {
    private static final IpAddress RIP = IpAddress.parse("10.0.0.11");

    private static CheckSpec spec(Via via, int port) {
        return new CheckSpec(new Probe.Tcp(), IpAddress.parse("10.1.0.11"), port, null, via, Timing.DEFAULT);
    }

    @Test
    void asksTheCheckSAddressAndPortOrTheRealServerS() {
        Target target = Asking.target("10.0.0.11", 8080);
        assertEquals(
                "10.1.0.11:8080",
                Destination.of(target, spec(Via.RIP, 0), Sockets.DIRECT).toString());
        assertEquals(
                "10.1.0.11:81",
                Destination.of(target, spec(Via.RIP, 81), Sockets.DIRECT).toString());
        CheckSpec plain = Asking.spec(new Probe.Tcp(), 1_000, null, Via.RIP);
        assertEquals(
                "10.0.0.11:8080", Destination.of(target, plain, Sockets.DIRECT).toString());
        assertEquals(
                "10.0.0.11:80",
                Destination.of(Asking.target("10.0.0.11", 0), plain, Sockets.DIRECT)
                        .toString(),
                "a real server that keeps the service's port");
        Target inet6 = Asking.target("2001:db8::11", 80);
        assertEquals(
                "[2001:db8::11]:80",
                Destination.of(inet6, plain, Sockets.DIRECT).toString());
    }

    @Test
    void viaTheVipItAsksTheServiceThroughTheSocketsOfThatWay() throws Exception {
        assertEquals(
                "192.0.2.100:80",
                Destination.of(Asking.target("10.0.0.11", 8080), spec(Via.VIP, 0), Sockets.DIRECT)
                        .toString());
        try (ServerSocket vip = new ServerSocket(0, 10, InetAddress.getByName("127.0.0.5"))) {
            Target target = new Target(
                    new AddressKey(Protocol.TCP, IpAddress.parse("127.0.0.5"), vip.getLocalPort()), RIP, 8080);
            Sockets theWay = new Sockets() {
                @Override
                public SocketChannel tcp(Target asked, Via via, AddressFamily family, @Nullable IpAddress source)
                        throws IOException {
                    assertEquals(target, asked);
                    assertEquals(Via.VIP, via);
                    return Sockets.DIRECT.tcp(asked, Via.RIP, family, source);
                }

                @Override
                public DatagramChannel udp(Target asked, Via via, AddressFamily family, @Nullable IpAddress source) {
                    throw new AssertionError("not asked for");
                }
            };
            Destination destination = Destination.of(target, spec(Via.VIP, 0), theWay);
            assertEquals(
                    CheckResult.healthy("connection accepted"), new TcpCheck().result(destination, Deadline.in(5_000)));
            try (Socket accepted = vip.accept()) {
                assertEquals("127.0.0.5", accepted.getLocalAddress().getHostAddress());
            }
        }
    }

    @Test
    void aServiceOfAFirewallMarkHasNoVip() throws Exception {
        Target target = new Target(new FwmarkKey(AddressFamily.INET, 1), RIP, 0);
        Destination destination = Destination.of(target, spec(Via.VIP, 80), Sockets.DIRECT);
        assertEquals(
                CheckResult.notMade("a service of a firewall mark has no VIP to be checked via"),
                new TcpCheck().result(destination, Deadline.in(1_000)));
    }
}
