package dev.sluice.health;

import dev.sluice.packet.AddressFamily;
import dev.sluice.packet.IpAddress;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ProtocolFamily;
import java.net.StandardProtocolFamily;
import java.net.StandardSocketOptions;
import java.nio.channels.DatagramChannel;
import java.nio.channels.SocketChannel;
import org.jspecify.annotations.Nullable;

/**
 * Opens the sockets through which checks ask. They are bound to what is asked for, not connected, in blocking mode, and the caller's to close.
 * Where they are opened decides which way their packets take: a socket belongs to the network namespace of the thread that
 * opened it. Any thread, virtual ones too.
 */
public interface Sockets {
    /** In the director's own network namespace: {@link Via#RIP} alone. */
    Sockets DIRECT = new Sockets() {
        @Override
        public SocketChannel tcp(Target target, Via via, AddressFamily family, @Nullable IpAddress source)
                throws IOException {
            refuseDetours(via);
            SocketChannel channel = SocketChannel.open(protocolFamily(family));
            try {
                if (source != null) {
                    // A port is chosen before the peer is known: without this, none that was used in the last minute.
                    channel.setOption(StandardSocketOptions.SO_REUSEADDR, true);
                    channel.bind(new InetSocketAddress(InetAddress.getByAddress(source.toBytes()), 0));
                }
                return channel;
            } catch (IOException | RuntimeException e) {
                channel.close();
                throw e;
            }
        }

        @Override
        public DatagramChannel udp(Target target, Via via, AddressFamily family, @Nullable IpAddress source)
                throws IOException {
            refuseDetours(via);
            DatagramChannel channel = DatagramChannel.open(protocolFamily(family));
            try {
                if (source != null) {
                    channel.bind(new InetSocketAddress(InetAddress.getByAddress(source.toBytes()), 0));
                }
                return channel;
            } catch (IOException | RuntimeException e) {
                channel.close();
                throw e;
            }
        }
    };

    /**
     * A socket for TCP.
     *
     * @param target whom it will ask
     * @param via the way that its packets must take
     * @param family of the address that will be asked
     * @param source the address to be bound to; null for none, or the one that the way has
     * @throws IOException when there is none for that way; the check then says nothing of the real server, and never takes
     *     another way
     */
    SocketChannel tcp(Target target, Via via, AddressFamily family, @Nullable IpAddress source) throws IOException;

    /** As {@link #tcp}, for UDP. */
    DatagramChannel udp(Target target, Via via, AddressFamily family, @Nullable IpAddress source) throws IOException;

    private static void refuseDetours(Via via) throws IOException {
        if (via != Via.RIP) {
            throw new IOException("this director makes no checks via the VIP");
        }
    }

    private static ProtocolFamily protocolFamily(AddressFamily family) {
        return family == AddressFamily.INET ? StandardProtocolFamily.INET : StandardProtocolFamily.INET6;
    }
}
