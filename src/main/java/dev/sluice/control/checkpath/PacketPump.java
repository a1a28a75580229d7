package dev.sluice.control.checkpath;

import dev.sluice.ffi.CallState;
import dev.sluice.ffi.EventFd;
import dev.sluice.ffi.LibC;
import dev.sluice.ffi.NativeException;
import dev.sluice.ffi.generated.Native;
import dev.sluice.ffi.generated.pollfd;
import dev.sluice.flow.FlowHasher;
import dev.sluice.forward.DirectedForwarder;
import dev.sluice.forward.ForwardingSnapshot;
import dev.sluice.forward.PacketPolicy;
import dev.sluice.packet.AddressFamily;
import dev.sluice.packet.IpAddress;
import dev.sluice.packet.Ipv4;
import dev.sluice.packet.Ipv6;
import dev.sluice.packet.PacketView;
import dev.sluice.packet.Transport;
import dev.sluice.packet.Wire;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;

/**
 * Moves packets between the sockets in a {@link CheckNamespace} and the director's interfaces: what comes out of the TUN device
 * goes to the real server that its source port stands for, as {@link DirectedForwarder} sends it; answers go in again. A
 * thread of its own.
 */
final class PacketPump implements AutoCloseable {
    private static final Logger LOG = System.getLogger(PacketPump.class.getName());

    /** Large enough for what GRO has put together. */
    private static final int RECEIVE_BYTES = 65_536;
    /** Packets taken from one socket before the others have their turn. */
    private static final int PACKETS_IN_TURN = 64;

    private static final int PORTS = 65_536;

    private final Supplier<ForwardingSnapshot> snapshots;
    private final PacketSockets packets;
    private final CheckNamespace namespace;
    private final EventFd wakeUp = EventFd.open();
    private final Arena arena = Arena.ofShared();
    private final DirectedForwarder forwarder;
    private final Thread thread =
            Thread.ofPlatform().name("sluice-check-path").daemon().unstarted(this::run);

    /** By source, for each port the real server's id and one; 0 for none. */
    private final Map<Source, int[]> realServerOf = new ConcurrentHashMap<>();

    private volatile boolean closed;

    /** Where a socket sends from. */
    private record Source(int protocol, IpAddress address) {}

    private PacketPump(
            Supplier<ForwardingSnapshot> snapshots,
            PacketSockets packets,
            CheckNamespace namespace,
            FlowHasher hasher,
            PacketPolicy policy) {
        this.snapshots = snapshots;
        this.packets = packets;
        this.namespace = namespace;
        this.forwarder = new DirectedForwarder(arena, hasher, policy);
    }

    /**
     * Makes the namespace and starts.
     *
     * @param snapshots how real servers are reached now
     * @param interfaces the director's, in the order of the workers' ports, in the caller's network namespace
     * @param hasher under the director's key
     * @param policy of the workers
     * @throws IOException when the kernel refuses
     */
    static PacketPump start(
            Supplier<ForwardingSnapshot> snapshots, List<String> interfaces, FlowHasher hasher, PacketPolicy policy)
            throws IOException {
        PacketSockets packets;
        try {
            packets = new PacketSockets(interfaces);
        } catch (NativeException e) {
            throw new IOException(e.getMessage(), e);
        }
        try {
            PacketPump pump = new PacketPump(snapshots, packets, CheckNamespace.open(), hasher, policy);
            pump.thread.start();
            return pump;
        } catch (IOException e) {
            packets.close();
            throw e;
        }
    }

    /** Where sockets are opened. */
    CheckNamespace namespace() {
        return namespace;
    }

    /** What is sent from a port goes to a real server from now on, and what comes to it is let in. Any thread. */
    void direct(int protocol, IpAddress source, int port, int realServer) {
        realServerOf.computeIfAbsent(new Source(protocol, source), _ -> new int[PORTS])[port] = realServer + 1;
    }

    private void run() {
        int receivers = packets.count();
        MemorySegment polled = pollfd.allocateArray(receivers + 2L, arena);
        MemorySegment received = arena.allocate(RECEIVE_BYTES, Long.BYTES);
        for (int i = 0; i < receivers + 2; i++) {
            int fd = i < receivers ? packets.receiver(i) : i == receivers ? namespace.tun() : wakeUp.fd();
            pollfd.fd(pollfd.asSlice(polled, i), fd);
            pollfd.events(pollfd.asSlice(polled, i), (short) Native.POLLIN());
        }
        try {
            while (!closed) {
                LibC.poll(CallState.current(), polled, receivers + 2L, -1);
                sendOut();
                for (int port = 0; port < receivers; port++) {
                    takeIn(port, received);
                }
            }
        } catch (RuntimeException e) {
            LOG.log(Level.ERROR, "health checks via the VIP end", e);
        }
    }

    private void sendOut() {
        for (int i = 0; i < PACKETS_IN_TURN; i++) {
            long length = LibC.read(CallState.current(), namespace.tun(), forwarder.packet());
            if (length <= 0) {
                return;
            }
            PacketView packet = forwarder.read((int) length);
            if (packet == null) {
                // Router solicitations and the like.
                continue;
            }
            IpAddress source = new IpAddress(
                    packet.inet6() ? AddressFamily.INET6 : AddressFamily.INET, packet.sourceHigh(), packet.sourceLow());
            int realServer = realServer(packet.protocol(), source, packet.sourcePort());
            ForwardingSnapshot snapshot = snapshots.get();
            if (realServer < 0 || snapshot.serviceOf(realServer) == ForwardingSnapshot.NONE) {
                continue;
            }
            int frames = forwarder.forward(snapshot, realServer, System.nanoTime() / 1_000_000);
            for (int frame = 0; frame < frames; frame++) {
                if (forwarder.egressPort(frame) >= 0) {
                    packets.send(forwarder.egressPort(frame), forwarder.frame(frame));
                }
            }
        }
    }

    private void takeIn(int port, MemorySegment received) {
        for (int i = 0; i < PACKETS_IN_TURN; i++) {
            long length = packets.receive(port, received);
            if (length <= 0) {
                return;
            }
            if (isForCheck(received, length)) {
                LibC.write(CallState.current(), namespace.tun(), received.asSlice(0, length));
            }
        }
    }

    /** Whether a packet that passed the filter, so TCP or UDP, is for a socket of a check. */
    private boolean isForCheck(MemorySegment packet, long length) {
        boolean inet6 = Wire.u8(packet, 0) >>> 4 == 6;
        int header = inet6 ? Ipv6.HEADER_BYTES : (Wire.u8(packet, 0) & 0xf) * 4;
        if (length < header + Transport.DESTINATION_PORT + Short.BYTES) {
            return false;
        }
        IpAddress destination = inet6
                ? IpAddress.ofInet6(Wire.i64(packet, Ipv6.DESTINATION), Wire.i64(packet, Ipv6.DESTINATION + Long.BYTES))
                : IpAddress.ofInet(Wire.i32(packet, Ipv4.DESTINATION));
        int protocol = Wire.u8(packet, inet6 ? Ipv6.NEXT_HEADER : Ipv4.PROTOCOL);
        return realServer(protocol, destination, Wire.u16(packet, header + Transport.DESTINATION_PORT)) >= 0;
    }

    private int realServer(int protocol, IpAddress source, int port) {
        int[] byPort = realServerOf.get(new Source(protocol, source));
        return byPort == null ? -1 : byPort[port] - 1;
    }

    @Override
    public void close() {
        closed = true;
        wakeUp.signal();
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        namespace.close();
        packets.close();
        wakeUp.close();
        arena.close();
    }
}
