package dev.sluice.forward;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.bench.PacketBuilder;
import dev.sluice.packet.AddressFamily;
import dev.sluice.packet.Checksum;
import dev.sluice.packet.Ethernet;
import dev.sluice.packet.IpAddress;
import dev.sluice.packet.PacketParser;
import dev.sluice.packet.PacketView;
import dev.sluice.packet.Tcp;
import dev.sluice.packet.Transport;
import dev.sluice.packet.Wire;
import dev.sluice.service.ClientAddress;
import dev.sluice.service.ForwardingMethod;
import dev.sluice.service.LocalPool;
import dev.sluice.service.TranslationOptions;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;

/** TCP connections through translation, segment by segment; every one that comes out is judged. */
abstract class SegmentFixture extends NatFixture {
    static final int SYN_ACK = Transport.SYN | Transport.ACK;
    static final int PSH_ACK = 0x08 | Transport.ACK;
    static final int FIN_ACK = Transport.FIN | Transport.ACK;
    static final LocalPool POOL = new LocalPool(
            List.of(
                    IpAddress.parse("10.0.2.1"),
                    IpAddress.parse("10.0.2.2"),
                    IpAddress.parse("10.0.2.3"),
                    IpAddress.parse("fd00:3::1"),
                    IpAddress.parse("fd00:3::2"),
                    IpAddress.parse("fd00:3::3")),
            LocalPool.FIRST_PORT,
            LocalPool.LAST_PORT);

    ForwardingMethod method = ForwardingMethod.NAT;
    ClientAddress clientAddress = ClientAddress.NONE;
    boolean synProxy;

    @Override
    ForwardingMethod method() {
        return method;
    }

    @Override
    TranslationOptions options() {
        return new TranslationOptions(POOL, clientAddress, synProxy);
    }

    /** Takes other options from the next packet on. */
    void reload() {
        snapshot = snapshot(1500, method);
    }

    PacketBuilder client(int flags, int sequence, int acknowledgement) {
        return fromClient(Transport.TCP).tcpFlags(flags).tcpNumbers(u32(sequence), u32(acknowledgement));
    }

    PacketBuilder server(int flags, int sequence, int acknowledgement) {
        return fromReal(Transport.TCP).tcpFlags(flags).tcpNumbers(u32(sequence), u32(acknowledgement));
    }

    private static long u32(int number) {
        return Integer.toUnsignedLong(number);
    }

    /** A client's segment that goes to the real server as one between LIP:LPORT and RIP:RPORT. */
    Segment toServer(int worker, PacketBuilder packet) {
        return judged(toReal(worker, packet), local, localPort, real, 8080);
    }

    /** A server's segment that goes to the client. */
    Segment toTheClient(int worker, PacketBuilder packet) {
        return judged(toClient(worker, packet), virtual, 80, client, 4001);
    }

    static Segment judged(byte[] frame, String source, int sourcePort, String destination, int port) {
        judge(frame, Transport.TCP, source, sourcePort, destination, port);
        return new Segment(frame);
    }

    /** A packet that goes nowhere, for a reason. */
    void dropped(int worker, PacketBuilder packet, int ingress, Counter reason) {
        long before = workers.get(worker).counters.get(reason);
        sent(worker, packet.build(), ingress, Batch.DROPPED);
        assertEquals(before + 1, workers.get(worker).counters.get(reason), reason.label());
    }

    long sum(Counter counter) {
        return workers.stream()
                .mapToLong(worker -> worker.counters.get(counter))
                .sum();
    }

    int flows() {
        expire();
        return workers.stream().mapToInt(worker -> worker.flows.size()).sum();
    }

    /** Whose LIP and LPORT a packet to the real server shows. */
    void learnLocal(byte[] toReal) {
        PacketView view = new Segment(toReal).view;
        AddressFamily family = view.inet6() ? AddressFamily.INET6 : AddressFamily.INET;
        IpAddress seen = family == AddressFamily.INET6
                ? IpAddress.ofInet6(view.sourceHigh(), view.sourceLow())
                : IpAddress.ofInet((int) view.sourceLow());
        assertTrue(method == ForwardingMethod.NAT || POOL.addresses().contains(seen), seen.toString());
        local = seen.toString();
        localPort = view.sourcePort();
    }

    static byte[] stamps(int value, int echo) {
        return ByteBuffer.allocate(12)
                .putInt(0x0101080a)
                .putInt(value)
                .putInt(echo)
                .array();
    }

    /** A SYN's or SYN-ACK's options as Linux sends them: MSS, SACK permitted, timestamps, window scale. */
    static byte[] linux(int mss, int value, int echo, int scale) {
        return ByteBuffer.allocate(20)
                .putInt(0x02040000 | mss)
                .putInt(0x0402080a)
                .putInt(value)
                .putInt(echo)
                .putInt(0x01030300 | scale)
                .array();
    }

    /** A TCP segment, read. */
    static final class Segment {
        final byte[] frame;
        final PacketView view = new PacketView();
        private final MemorySegment memory;
        private final int l4;

        Segment(byte[] frame) {
            this.frame = frame;
            memory = MemorySegment.ofArray(frame);
            assertEquals(PacketParser.OK, PacketParser.parse(memory, 0, frame.length, view));
            l4 = (int) view.l4Offset();
        }

        int sequence() {
            return Wire.i32(memory, l4 + Tcp.SEQUENCE);
        }

        int acknowledgement() {
            return Wire.i32(memory, l4 + Tcp.ACKNOWLEDGEMENT);
        }

        int flags() {
            return view.tcpFlags();
        }

        int window() {
            return Wire.u16(memory, l4 + Tcp.WINDOW);
        }

        private int header() {
            return Tcp.headerBytes(memory, l4);
        }

        byte[] options() {
            return Arrays.copyOfRange(frame, l4 + Tcp.OPTIONS, l4 + header());
        }

        /** An option's octets behind kind and length; empty when there is none. */
        byte[] option(int kind) {
            long at = Tcp.findOption(memory, l4, header(), kind);
            return at == Tcp.NONE
                    ? new byte[0]
                    : Arrays.copyOfRange(frame, (int) at + 2, (int) at + Wire.u8(memory, at + 1));
        }

        int stamp() {
            return ByteBuffer.wrap(option(Tcp.TIMESTAMPS)).getInt();
        }

        int echo() {
            return ByteBuffer.wrap(option(Tcp.TIMESTAMPS)).getInt(4);
        }

        byte[] payload() {
            return Arrays.copyOfRange(frame, l4 + header(), (int) view.l3Offset() + view.ipLengthBytes());
        }

        /** That its checksum is right and that it goes between these. */
        Segment between(String source, int sourcePort, String destination, int port) {
            assertEquals(IpAddress.parse(source).low(), view.sourceLow());
            assertEquals(IpAddress.parse(destination).low(), view.destinationLow());
            assertEquals(sourcePort, view.sourcePort());
            assertEquals(port, view.destinationPort());
            int length = frame.length - l4;
            assertEquals(0, Checksum.transport(memory, view.l3Offset(), view.inet6(), Transport.TCP, l4, length));
            return this;
        }

        long destinationMac() {
            return Ethernet.destination(memory, 0);
        }
    }
}
