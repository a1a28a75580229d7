package dev.sluice.bench.net;

import dev.sluice.packet.AddressFamily;
import dev.sluice.packet.IpAddress;
import dev.sluice.testing.NetworkNamespace;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.ThreadLocalRandom;

/**
 * Generator, director and sink in network namespaces of their own, joined by veths, with fixed stations and neighbours so
 * that nothing has to be resolved:
 *
 * <pre>
 * one-armed   gen (also sink) === dir
 * two-armed   gen === in dir out === sink
 * </pre>
 *
 * One-armed is how DR directors stand, and what goes back out of the interface it came in on. All subjects of a run use the
 * same interfaces in turn. Offloads are off, for frames on AF_XDP get no checksum filled in. Owned by one thread.
 */
public final class Topology implements AutoCloseable {
    /** The interface that is flooded from. */
    static final String GENERATOR = "gen";

    private static final String SINK = "sink";
    private static final long STATION = 0x02_f4_00_00_00_00L;
    static final long GENERATOR_MAC = STATION | 0x01;
    static final long INGRESS_MAC = STATION | 0x02;
    static final long EGRESS_MAC = STATION | 0x03;
    private static final long SINK_MAC = STATION | 0x04;
    private static final int FIRST_REAL = 0x10;

    /**
     * What to build.
     *
     * @param arms 1 or 2, see {@link Topology}
     * @param queues receive and transmit queues of each interface
     * @param families of the virtual services, each once; the first is that of who asks for no other
     * @param realServers 1 to 100
     * @param frameBytes the largest frame sent, for the MTU; what a tunnel adds comes on top
     */
    public record Shape(int arms, int queues, List<AddressFamily> families, int realServers, int frameBytes) {
        /** Throws {@link IllegalArgumentException} for what cannot be built. */
        public Shape {
            if (arms != 1 && arms != 2) {
                throw new IllegalArgumentException("--arms must be 1 or 2, not " + arms);
            }
            if (queues < 1 || queues > 64) {
                throw new IllegalArgumentException("--queues must be 1-64, not " + queues);
            }
            if (realServers < 1 || realServers > 100) {
                throw new IllegalArgumentException("--real-servers must be 1-100, not " + realServers);
            }
            families = List.copyOf(families);
            if (families.isEmpty() || families.stream().distinct().count() < families.size()) {
                throw new IllegalArgumentException("--family must be 4, 6 or both, each once");
            }
        }

        /** Of one family. */
        public Shape(int arms, int queues, AddressFamily family, int realServers, int frameBytes) {
            this(arms, queues, List.of(family), realServers, frameBytes);
        }
    }

    private final Shape shape;
    /** Of its own, because the kernel names threads after it. */
    private final String ingress =
            String.format(Locale.ROOT, "in%04x", ThreadLocalRandom.current().nextInt(1 << 16));

    private final List<NetworkNamespace> namespaces = new ArrayList<>();
    private final NetworkNamespace generator;
    private final NetworkNamespace director;
    private final NetworkNamespace sink;

    /** Builds it. What was built until an error is taken down again. */
    public Topology(Shape shape) {
        this.shape = shape;
        try {
            generator = add("gen");
            director = add("dir");
            generator.veth(GENERATOR, director, ingress(), shape.queues());
            station(generator, GENERATOR, GENERATOR_MAC);
            station(director, ingress(), INGRESS_MAC);
            if (shape.arms() == 2) {
                sink = add("sink");
                director.veth(egress(), sink, SINK, shape.queues());
                station(director, egress(), EGRESS_MAC);
                station(sink, SINK, SINK_MAC);
            } else {
                sink = generator;
            }
            addresses();
        } catch (RuntimeException e) {
            close();
            throw e;
        }
    }

    private NetworkNamespace add(String label) {
        NetworkNamespace namespace = NetworkNamespace.create("sluice-bench-" + label);
        namespaces.add(namespace);
        // Router solicitations and the like would be counted.
        if (!shape.families().contains(AddressFamily.INET6)) {
            namespace.run("sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1", "net.ipv6.conf.default.disable_ipv6=1");
        } else {
            namespace.run(
                    "sysctl",
                    "-qw",
                    "net.ipv6.conf.default.accept_ra=0",
                    "net.ipv6.conf.default.router_solicitations=0",
                    "net.ipv6.conf.default.addr_gen_mode=1",
                    "net.ipv6.conf.default.mc_forwarding=0");
        }
        return namespace;
    }

    private void station(NetworkNamespace namespace, String name, long mac) {
        // AF_XDP and XDP_TX on a veth take what fits a page; a tunnel's header has to fit as well.
        int mtu = Math.max(1500, shape.frameBytes() + 100);
        namespace.run("ip", "link", "set", name, "address", mac(mac), "mtu", Integer.toString(mtu), "up");
    }

    private void addresses() {
        String out = egress();
        for (AddressFamily family : shape.families()) {
            boolean is4 = family == AddressFamily.INET;
            director.run("ip", "address", "add", is4 ? "10.244.0.2/16" : "fd00:244::2/64", "dev", out);
            for (int number = 0; number < shape.realServers(); number++) {
                director.run(
                        "ip",
                        "neighbour",
                        "add",
                        realServer(family, number).toString(),
                        "lladdr",
                        mac(realServerMac(number)),
                        "nud",
                        "permanent",
                        "dev",
                        out);
            }
        }
    }

    /** What it was built as. */
    public Shape shape() {
        return shape;
    }

    /** Where the generator is. */
    public NetworkNamespace generator() {
        return generator;
    }

    /** Where subjects run. */
    public NetworkNamespace director() {
        return director;
    }

    /** Where packets end. */
    public NetworkNamespace sink() {
        return sink;
    }

    /** The sink's interface. */
    public String sinkInterface() {
        return shape.arms() == 2 ? SINK : GENERATOR;
    }

    /** The director's interface that requests come in on. */
    public String ingress() {
        return ingress;
    }

    /** The director's interface towards real servers; the same where it has one arm. */
    public String egress() {
        return shape.arms() == 2 ? "out" : ingress;
    }

    /** The station that packets leave from. */
    public long egressMac() {
        return shape.arms() == 2 ? EGRESS_MAC : INGRESS_MAC;
    }

    /** All of the director's interfaces. */
    public List<String> interfaces() {
        return shape.arms() == 2 ? List.of(ingress, "out") : List.of(ingress);
    }

    /** The first family's {@link #vip(AddressFamily)}. */
    public IpAddress vip() {
        return vip(shape.families().getFirst());
    }

    /** The virtual services' address; no namespace has it. */
    public IpAddress vip(AddressFamily family) {
        return IpAddress.parse(family == AddressFamily.INET ? "192.0.2.100" : "2001:db8::100");
    }

    /** All virtual addresses. */
    public List<IpAddress> vips() {
        return shape.families().stream().map(this::vip).toList();
    }

    /** Source address of flow 0, so many addresses further. */
    public IpAddress clients(AddressFamily family, int offset) {
        IpAddress first = IpAddress.parse(family == AddressFamily.INET ? "198.18.0.1" : "2001:db8:1::1");
        return family == AddressFamily.INET
                ? IpAddress.ofInet((int) first.low() + offset)
                : IpAddress.ofInet6(first.high(), first.low() + offset);
    }

    /** The address of a real server, from 0, of the first family. */
    public IpAddress realServer(int number) {
        return realServer(shape.families().getFirst(), number);
    }

    /** The address of a real server, from 0. */
    public IpAddress realServer(AddressFamily family, int number) {
        int host = FIRST_REAL + number;
        return IpAddress.parse(
                family == AddressFamily.INET ? "10.244.0." + host : "fd00:244::" + Integer.toHexString(host));
    }

    /** The station of a real server; its last octet tells it from all others. */
    public long realServerMac(int number) {
        return STATION | (FIRST_REAL + number);
    }

    /** Six octets with colons. */
    public static String mac(long mac) {
        StringBuilder text = new StringBuilder();
        for (int shift = 40; shift >= 0; shift -= 8) {
            text.append(String.format(Locale.ROOT, "%02x", (mac >> shift) & 0xff))
                    .append(shift > 0 ? ":" : "");
        }
        return text.toString();
    }

    /** Removes the namespaces with everything in them. */
    @Override
    public void close() {
        RuntimeException failure = null;
        for (NetworkNamespace namespace : namespaces.reversed()) {
            try {
                namespace.close();
            } catch (RuntimeException e) {
                failure = e;
            }
        }
        namespaces.clear();
        if (failure != null) {
            throw failure;
        }
    }
}
