package dev.sluice.control.checkpath;

import dev.sluice.flow.FlowHasher;
import dev.sluice.forward.ForwardingSnapshot;
import dev.sluice.forward.PacketPolicy;
import dev.sluice.health.Sockets;
import dev.sluice.health.Target;
import dev.sluice.health.Via;
import dev.sluice.packet.AddressFamily;
import dev.sluice.packet.IpAddress;
import dev.sluice.packet.Transport;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ProtocolFamily;
import java.net.StandardProtocolFamily;
import java.net.StandardSocketOptions;
import java.nio.channels.DatagramChannel;
import java.nio.channels.NetworkChannel;
import java.nio.channels.SocketChannel;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Opens sockets whose packets go to the VIP by way of one real server, as a client's packets would that the scheduler gives to
 * it. So a check finds what a check of the RIP does not: a tunnel that is missing, or a VIP.
 *
 * <p>The sockets are in a network namespace of their own, which is made with the first of them. Answers come from the VIP
 * straight to the director, past the steering program; they are copied from a packet socket into the namespace. The director's
 * kernel sees them too, and drops them as martians where the VIP is its own; where it is not, it answers with resets that lead to
 * the VIP, so back to the director, which drops them.
 *
 * <p>Any thread in the director's network namespace.
 */
public final class CheckPath implements Sockets, AutoCloseable {
    private final List<String> interfaces;
    private final FlowHasher hasher;
    private final PacketPolicy policy;
    private final Supplier<View> views;
    private @Nullable PacketPump pump;
    private boolean closed;

    /**
     * How real servers are reached now.
     *
     * @param snapshot with the next hops of all that are checked on this way, those that are not in service included
     * @param ways by target
     */
    public record View(ForwardingSnapshot snapshot, Map<Target, Way> ways) {
        /** Copies the map. */
        public View {
            ways = Map.copyOf(ways);
        }
    }

    /**
     * How a real server is checked.
     *
     * @param realServer its id in the snapshot
     * @param source the address to ask from; null while no route is known
     */
    public record Way(int realServer, @Nullable IpAddress source) {}

    /**
     * A path that is opened when it is needed.
     *
     * @param views how real servers are reached now; from any thread, at once
     * @param interfaces the director's, in the order of the workers' ports
     * @param hasher under the director's key
     * @param policy of the workers
     */
    public CheckPath(Supplier<View> views, List<String> interfaces, FlowHasher hasher, PacketPolicy policy) {
        this.views = views;
        this.interfaces = List.copyOf(interfaces);
        this.hasher = hasher;
        this.policy = policy;
    }

    @Override
    public SocketChannel tcp(Target target, Via via, AddressFamily family, @Nullable IpAddress source)
            throws IOException {
        if (via == Via.RIP) {
            return DIRECT.tcp(target, via, family, source);
        }
        return bound(Transport.TCP, target, family, source, () -> {
            SocketChannel channel = SocketChannel.open(protocolFamily(family));
            // A port is chosen before the peer is known: without this, none that was used in the last minute.
            channel.setOption(StandardSocketOptions.SO_REUSEADDR, true);
            return channel;
        });
    }

    @Override
    public DatagramChannel udp(Target target, Via via, AddressFamily family, @Nullable IpAddress source)
            throws IOException {
        if (via == Via.RIP) {
            return DIRECT.udp(target, via, family, source);
        }
        return bound(Transport.UDP, target, family, source, () -> DatagramChannel.open(protocolFamily(family)));
    }

    /** Opens a socket in the namespace; what it sends goes to the target from its first packet on. */
    private <C extends NetworkChannel> C bound(
            int protocol, Target target, AddressFamily family, @Nullable IpAddress source, Callable<C> open)
            throws IOException {
        Way way = way(target);
        IpAddress from = source(way, family, source);
        PacketPump opened = pump();
        opened.namespace().addSource(from);
        C channel = opened.namespace().call(open);
        try {
            channel.bind(new InetSocketAddress(InetAddress.getByAddress(from.toBytes()), 0));
            if (channel.getLocalAddress() instanceof InetSocketAddress local) {
                opened.direct(protocol, from, local.getPort(), way.realServer);
            }
            return channel;
        } catch (IOException | RuntimeException e) {
            channel.close();
            throw e;
        }
    }

    private Way way(Target target) throws IOException {
        Way way = views.get().ways.get(target);
        if (way == null) {
            throw new IOException("no way to " + target + " is known");
        }
        return way;
    }

    private IpAddress source(Way way, AddressFamily family, @Nullable IpAddress wanted) throws IOException {
        IpAddress source = wanted == null ? way.source : wanted;
        if (source == null || source.family() != family) {
            throw new IOException("no address of the director's to ask the VIP from; give the check a source");
        }
        return source;
    }

    private static ProtocolFamily protocolFamily(AddressFamily family) {
        return family == AddressFamily.INET ? StandardProtocolFamily.INET : StandardProtocolFamily.INET6;
    }

    private synchronized PacketPump pump() throws IOException {
        if (closed) {
            throw new IOException("the director stops");
        }
        if (pump == null) {
            pump = PacketPump.start(() -> views.get().snapshot, interfaces, hasher, policy);
        }
        return pump;
    }

    @Override
    public synchronized void close() {
        closed = true;
        if (pump != null) {
            pump.close();
            pump = null;
        }
    }
}
