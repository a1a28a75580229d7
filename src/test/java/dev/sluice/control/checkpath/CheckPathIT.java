package dev.sluice.control.checkpath;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.flow.FlowHasher;
import dev.sluice.forward.ForwardingSnapshot;
import dev.sluice.forward.NextHop;
import dev.sluice.forward.PacketPolicy;
import dev.sluice.health.Target;
import dev.sluice.health.Via;
import dev.sluice.packet.AddressFamily;
import dev.sluice.packet.IpAddress;
import dev.sluice.schedule.HashKey;
import dev.sluice.schedule.MaglevParameters;
import dev.sluice.schedule.SchedulerParameters;
import dev.sluice.service.AddressKey;
import dev.sluice.service.ForwardingMethod;
import dev.sluice.service.Protocol;
import dev.sluice.service.RealServer;
import dev.sluice.service.SchedulerKind;
import dev.sluice.service.VirtualService;
import dev.sluice.testing.NetworkNamespace;
import java.io.IOException;
import java.net.DatagramPacket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.nio.channels.DatagramChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A director with two interfaces and a real server behind each, both of which have the VIP. */
class CheckPathIT {
    private static final int PORT = 8080;
    private static final HashKey KEY = new HashKey(1, 2);

    /** Says its name to whoever connects, and echoes datagrams with its name before. */
    private static final String SERVER = """
            import socket, sys, threading
            name = sys.argv[1].encode()
            def tcp(server):
                while True:
                    peer, _ = server.accept()
                    with peer:
                        peer.sendall(name + b" " + peer.recv(100000)[:20])
            def udp(sock):
                while True:
                    data, peer = sock.recvfrom(2048)
                    sock.sendto(name + b" " + data, peer)
            for family, vip in ((socket.AF_INET, sys.argv[2]), (socket.AF_INET6, sys.argv[3])):
                # create_server makes an IPv6 socket one for IPv6 alone.
                server = socket.create_server(("", PORT), family=family, backlog=128)
                threading.Thread(target=tcp, args=(server,)).start()
                sock = socket.socket(family, socket.SOCK_DGRAM)
                sock.bind((vip, PORT))
                threading.Thread(target=udp, args=(sock,)).start()
            print("ready", flush=True)
            """.replace("PORT", "" + PORT);

    private final List<AutoCloseable> opened = new ArrayList<>();
    private final NetworkNamespace[] realServers = new NetworkNamespace[2];
    private NetworkNamespace director;
    private CheckPath path;

    @BeforeEach
    void up() throws Exception {
        director = keep(NetworkNamespace.create("sluice-checkpath"));
        List<NextHop> hops = new ArrayList<>();
        for (int i = 0; i < 2; i++) {
            NetworkNamespace rs = keep(NetworkNamespace.create("sluice-checkpath-rs"));
            realServers[i] = rs;
            String nic = "eth" + (i + 1);
            director.veth(nic, rs, "eth0");
            director.run("ip", "address", "add", "10.1." + i + ".1/24", "dev", nic);
            director.run("ip", "address", "add", "fd00:" + i + "::1/64", "dev", nic, "nodad");
            rs.run("ip", "address", "add", "10.1." + i + ".2/24", "dev", "eth0");
            rs.run("ip", "address", "add", "fd00:" + i + "::2/64", "dev", "eth0", "nodad");
            // Or it would ask for the director's MAC address in the VIP's name.
            rs.run("sysctl", "-qw", "net.ipv4.conf.all.arp_announce=2", "net.ipv4.conf.all.arp_ignore=1");
            rs.run("ip", "address", "add", vip(false) + "/32", "dev", "lo");
            rs.run("ip", "address", "add", vip(true) + "/128", "dev", "lo", "nodad");
            Process server = rs.start("/usr/bin/python3", "-c", SERVER, "rs" + i, vip(false), vip(true));
            opened.add(server::destroyForcibly);
            assertEquals("ready", server.inputReader(StandardCharsets.US_ASCII).readLine());
            hops.add(new NextHop(i, mac(rs, "eth0"), mac(director, nic), 1500));
        }
        CheckPath.View view = view(hops);
        path = keep(new CheckPath(() -> view, List.of("eth1", "eth2"), new FlowHasher(KEY), PacketPolicy.DEFAULT));
        try (var _ = director.enter()) {
            // Opens the path there.
            ask(0, false, null);
        }
    }

    private <T extends AutoCloseable> T keep(T resource) {
        opened.add(resource);
        return resource;
    }

    @AfterEach
    void down() throws Exception {
        for (AutoCloseable resource : opened.reversed()) {
            resource.close();
        }
    }

    private static String vip(boolean inet6) {
        return inet6 ? "fd00:80::80" : "192.0.2.80";
    }

    private static long mac(NetworkNamespace host, String nic) {
        String text = host.run("ip", "-brief", "link", "show", "dev", nic).split(" +", -1)[2];
        return Long.parseLong(text.replace(":", ""), 16);
    }

    private static Target target(int realServer, boolean inet6) {
        return new Target(
                key(inet6), IpAddress.parse(inet6 ? "fd00:" + realServer + "::2" : "10.1." + realServer + ".2"), PORT);
    }

    private static AddressKey key(boolean inet6) {
        return new AddressKey(Protocol.TCP, IpAddress.parse(vip(inet6)), PORT);
    }

    private static CheckPath.View view(List<NextHop> hops) {
        ForwardingSnapshot.Builder builder = new ForwardingSnapshot.Builder(1);
        Map<Target, CheckPath.Way> ways = new HashMap<>();
        for (int family = 0; family < 2; family++) {
            List<RealServer> reals = new ArrayList<>();
            for (int i = 0; i < 2; i++) {
                Target target = target(i, family == 1);
                int id = 2 * family + i;
                reals.add(new RealServer(id, target.address(), PORT, ForwardingMethod.DR, 1));
                builder.nextHops(id, List.of(hops.get(i)));
                ways.put(
                        target,
                        new CheckPath.Way(id, IpAddress.parse(family == 1 ? "fd00:" + i + "::1" : "10.1." + i + ".1")));
            }
            builder.add(
                    new VirtualService(family, key(family == 1), SchedulerKind.RR, reals),
                    null,
                    SchedulerParameters.of(MaglevParameters.withKey(KEY)));
        }
        return new CheckPath.View(builder.build(), ways);
    }

    private String ask(int realServer, boolean inet6, @Nullable IpAddress source) throws IOException {
        try (SocketChannel channel = path.tcp(
                target(realServer, inet6), Via.VIP, inet6 ? AddressFamily.INET6 : AddressFamily.INET, source)) {
            channel.socket().connect(new InetSocketAddress(InetAddress.getByName(vip(inet6)), PORT), 3000);
            // More than a segment, so that packets of full size go there.
            channel.write(ByteBuffer.wrap("hello ".repeat(2000).getBytes(StandardCharsets.US_ASCII)));
            ByteBuffer answer = ByteBuffer.allocate(100);
            while (channel.read(answer) >= 0 && answer.position() < 5) {
                // Until something has come.
            }
            return new String(answer.array(), 0, 3, StandardCharsets.US_ASCII);
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void every_real_server_is_asked_by_name(boolean inet6) throws IOException {
        for (int i = 0; i < 20; i++) {
            assertEquals("rs" + i % 2, ask(i % 2, inet6, null));
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void also_where_the_director_has_the_vip(boolean inet6) throws IOException {
        director.run("ip", "address", "add", vip(inet6) + (inet6 ? "/128" : "/32"), "dev", "lo");
        assertEquals("rs1", ask(1, inet6, null));
        assertEquals("rs0", ask(0, inet6, null));
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void datagrams(boolean inet6) throws IOException {
        try (DatagramChannel channel =
                path.udp(target(1, inet6), Via.VIP, inet6 ? AddressFamily.INET6 : AddressFamily.INET, null)) {
            channel.connect(new InetSocketAddress(InetAddress.getByName(vip(inet6)), PORT));
            channel.socket().setSoTimeout(500);
            DatagramPacket answer = new DatagramPacket(new byte[10], 10);
            for (int i = 0; i < 20 && answer.getPort() <= 0; i++) {
                channel.write(ByteBuffer.wrap(new byte[] {'x'}));
                try {
                    channel.socket().receive(answer);
                } catch (SocketTimeoutException e) {
                    // The first may be lost while neighbours are looked up.
                }
            }
            assertEquals("rs1 x", new String(answer.getData(), 0, answer.getLength(), StandardCharsets.US_ASCII));
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void a_real_server_without_the_vip_does_not_answer(boolean inet6) throws IOException {
        realServers[0].run("ip", "address", "del", vip(inet6) + (inet6 ? "/128" : "/32"), "dev", "lo");
        assertThrows(SocketTimeoutException.class, () -> ask(0, inet6, null));
        assertEquals("rs1", ask(1, inet6, null));
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void from_another_source(boolean inet6) throws IOException {
        String other = inet6 ? "fd00:0::9" : "10.1.0.9";
        director.run("ip", "address", "add", other + (inet6 ? "/64" : "/24"), "dev", "eth1");
        assertEquals("rs0", ask(0, inet6, IpAddress.parse(other)));
        IOException refused =
                assertThrows(IOException.class, () -> ask(0, inet6, IpAddress.parse(inet6 ? "10.1.0.1" : "fd00:0::1")));
        assertTrue(String.valueOf(refused.getMessage()).contains("source"), refused::toString);
    }
}
