package dev.sluice.health;

import dev.sluice.packet.AddressFamily;
import java.io.IOException;
import java.net.ProtocolFamily;
import java.net.StandardProtocolFamily;
import java.nio.channels.DatagramChannel;
import java.nio.channels.SocketChannel;

/**
 * Opens the sockets through which checks ask. They are neither bound nor connected, in blocking mode, and the caller's to close.
 * Where they are opened decides which way their packets take: a socket belongs to the network namespace of the thread that
 * opened it. Any thread, virtual ones too.
 */
public interface Sockets {
    /** In the director's own network namespace: {@link Via#RIP} alone. */
    Sockets DIRECT = new Sockets() {
        @Override
        public SocketChannel tcp(Target target, Via via, AddressFamily family) throws IOException {
            refuseDetours(via);
            return SocketChannel.open(protocolFamily(family));
        }

        @Override
        public DatagramChannel udp(Target target, Via via, AddressFamily family) throws IOException {
            refuseDetours(via);
            return DatagramChannel.open(protocolFamily(family));
        }
    };

    /**
     * A socket for TCP.
     *
     * @param target whom it will ask
     * @param via the way that its packets must take
     * @param family of the address that will be asked
     * @throws IOException when there is none for that way; the check then says nothing of the real server, and never takes
     *     another way
     */
    SocketChannel tcp(Target target, Via via, AddressFamily family) throws IOException;

    /** As {@link #tcp}, for UDP. */
    DatagramChannel udp(Target target, Via via, AddressFamily family) throws IOException;

    private static void refuseDetours(Via via) throws IOException {
        if (via != Via.RIP) {
            throw new IOException("this director makes no checks via the VIP");
        }
    }

    private static ProtocolFamily protocolFamily(AddressFamily family) {
        return family == AddressFamily.INET ? StandardProtocolFamily.INET : StandardProtocolFamily.INET6;
    }
}
