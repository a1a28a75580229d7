package dev.sluice.health;

import dev.sluice.packet.AddressFamily;
import dev.sluice.packet.IpAddress;
import dev.sluice.service.AddressKey;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.channels.DatagramChannel;
import java.nio.channels.SocketChannel;

/**
 * Where a check asks, and through which sockets. Immutable.
 *
 * @param target whom it is about
 * @param spec the check
 * @param address the address asked
 * @param port the port asked; 0 where neither the check nor the real server names one
 * @param sockets opens what it asks through
 */
record Destination(Target target, CheckSpec spec, IpAddress address, int port, Sockets sockets) {
    /** The RIP, the address that the check has instead, or the VIP; with the check's own port or the real server's. */
    static Destination of(Target target, CheckSpec spec, Sockets sockets) {
        IpAddress address = target.address();
        int port = target.port() == 0 && target.service() instanceof AddressKey key ? key.port() : target.port();
        if (spec.via() == Via.VIP) {
            if (target.service() instanceof AddressKey key) {
                address = key.address();
                port = key.port();
            }
        } else if (spec.address() != null) {
            address = spec.address();
        }
        return new Destination(target, spec, address, spec.port() != 0 ? spec.port() : port, sockets);
    }

    /** Says in words when the check cannot be made for what it is. */
    void verify() throws NotMadeException {
        boolean needsPort = !(spec.probe() instanceof Probe.Ping) && !(spec.probe() instanceof Probe.Script);
        if (needsPort && port == 0) {
            throw new NotMadeException("the check has no port, and its service none that it could be made on");
        }
        if (spec.via() == Via.VIP && !(target.service() instanceof AddressKey)) {
            throw new NotMadeException("a service of a firewall mark has no VIP to be checked via");
        }
        if (spec.via() == Via.VIP && !spec.probe().goesViaVip()) {
            throw new NotMadeException("a check of type " + spec.probe().keyword() + " cannot be made via the VIP");
        }
        IpAddress source = spec.source();
        if (source != null && source.family() != address.family()) {
            throw new NotMadeException("source " + source + " is not of the family of " + address);
        }
    }

    /** A connection; the caller closes it. */
    SocketChannel connect(Deadline deadline) throws IOException {
        deadline.expect("connection");
        SocketChannel channel = open(() -> sockets.tcp(target, spec.via(), address.family(), spec.source()));
        try {
            channel.socket().connect(new InetSocketAddress(inet(address), port), deadline.remainingMs());
            return channel;
        } catch (IOException | RuntimeException e) {
            channel.close();
            throw e;
        }
    }

    /** A UDP socket that hears its peer alone, and of ICMP errors; the caller closes it. */
    DatagramChannel datagrams() throws IOException {
        DatagramChannel channel = open(() -> sockets.udp(target, spec.via(), address.family(), spec.source()));
        try {
            channel.connect(new InetSocketAddress(inet(address), port));
            return channel;
        } catch (IOException | RuntimeException e) {
            channel.close();
            throw e;
        }
    }

    private interface Opening<C> {
        C open() throws IOException;
    }

    /** Whatever keeps a socket from being made is no fault of the real server. */
    private static <C> C open(Opening<C> opening) throws NotMadeException {
        try {
            return opening.open();
        } catch (IOException e) {
            throw new NotMadeException(FailureText.lowerCase(e));
        }
    }

    private static InetAddress inet(IpAddress address) throws IOException {
        return InetAddress.getByAddress(address.toBytes());
    }

    /** {@code 10.0.0.11:80}, {@code [2001:db8::1]:80}; the address alone without a port. */
    @Override
    public String toString() {
        if (port == 0) {
            return address.toString();
        }
        return address.family() == AddressFamily.INET6 ? "[" + address + "]:" + port : address + ":" + port;
    }
}
