package dev.sluice.forward;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.sluice.bench.PacketBuilder;
import dev.sluice.packet.Checksum;
import dev.sluice.packet.IpAddress;
import dev.sluice.packet.PacketParser;
import dev.sluice.packet.PacketView;
import dev.sluice.packet.Tcp;
import dev.sluice.packet.Transport;
import dev.sluice.packet.Wire;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** One TCP segment in a frame with headroom, for what changes segments in place. */
final class SegmentHarness {
    static final IpAddress CLIENT4 = IpAddress.parse("192.0.2.7");
    static final IpAddress VIP4 = IpAddress.parse("198.51.100.1");
    static final IpAddress CLIENT6 = IpAddress.parse("2001:db8:1::7");
    static final IpAddress VIP6 = IpAddress.parse("2001:db8:2::1");
    static final int CPORT = 40_000;
    static final int VPORT = 21;
    static final int MTU = 1500;

    private static final int HEADROOM = 256;
    private static final int FRAME_BYTES = 4096;

    final MemorySegment umem = Arena.ofAuto().allocate(8 * FRAME_BYTES, 64);
    final Batch batch = new Batch(FRAME_BYTES - HEADROOM);
    final PacketView packet = new PacketView();
    private byte[] before = {};

    /** A segment between the test's addresses of a family. */
    static PacketBuilder segment(boolean inet6) {
        return inet6 ? PacketBuilder.tcp(CLIENT6, CPORT, VIP6, VPORT) : PacketBuilder.tcp(CLIENT4, CPORT, VIP4, VPORT);
    }

    /** Puts a frame into the batch as its only packet, all in one frame. */
    void put(byte[] frame) {
        put(frame, frame.length);
    }

    /** Puts a frame into the batch as its only packet, what is beyond {@code first} octets into a tail. */
    void put(byte[] frame, int first) {
        umem.fill((byte) 0xa5);
        batch.clear();
        batch.add(HEADROOM, first);
        MemorySegment.copy(frame, 0, umem, ValueLayout.JAVA_BYTE, HEADROOM, first);
        if (first < frame.length) {
            long tail = FRAME_BYTES + HEADROOM;
            MemorySegment.copy(frame, first, umem, ValueLayout.JAVA_BYTE, tail, frame.length - first);
            batch.addTail(tail, frame.length - first);
        }
        before = frame.clone();
        parse(0);
    }

    /** Reads a packet of the batch anew, which must be whole. */
    void parse(int index) {
        assertEquals(
                PacketParser.OK,
                PacketParser.parse(umem, batch.address(index), batch.length(index), batch.tailsLength(index), packet));
    }

    /** The frame that was put in. */
    byte[] before() {
        return before.clone();
    }

    /** All octets of a packet. */
    byte[] frame(int index) {
        byte[] bytes = new byte[batch.totalLength(index)];
        int at = batch.length(index);
        MemorySegment.copy(umem, ValueLayout.JAVA_BYTE, batch.address(index), bytes, 0, at);
        for (int tail = 0; tail < batch.tails(index); tail++) {
            int length = batch.tailLength(index, tail);
            MemorySegment.copy(umem, ValueLayout.JAVA_BYTE, batch.tailAddress(index, tail), bytes, at, length);
            at += length;
        }
        return bytes;
    }

    /** Asserts that lengths and checksums of a packet are right, by another reading of it, and that {@link #packet} is up to date. */
    void assertSound(int index) {
        PacketView known = packet;
        PacketView read = new PacketView();
        assertEquals(
                PacketParser.OK,
                PacketParser.parse(umem, batch.address(index), batch.length(index), batch.tailsLength(index), read));
        assertEquals(read.l3Offset(), known.l3Offset());
        assertEquals(read.l4Offset(), known.l4Offset());
        assertEquals(read.ipLengthBytes(), known.ipLengthBytes());
        byte[] frame = frame(index);
        MemorySegment copy = Arena.ofAuto().allocate(frame.length);
        MemorySegment.copy(frame, 0, copy, ValueLayout.JAVA_BYTE, 0, frame.length);
        long l3 = read.l3Offset() - batch.address(index);
        long l4 = read.l4Offset() - batch.address(index);
        int length = (int) (l3 + read.ipLengthBytes() - l4);
        assertEquals(0, Checksum.transport(copy, l3, read.inet6(), Transport.TCP, l4, length), "TCP checksum");
        if (!read.inet6()) {
            assertEquals(0, Checksum.of(copy, l3, (int) (l4 - l3)), "IP checksum");
        }
    }

    int header() {
        return Tcp.headerBytes(umem, packet.l4Offset());
    }

    int i32(int field) {
        return Wire.i32(umem, packet.l4Offset() + field);
    }

    int u16(int field) {
        return Wire.u16(umem, packet.l4Offset() + field);
    }

    int flags() {
        return Wire.u8(umem, packet.l4Offset() + Transport.TCP_FLAGS);
    }

    /** The options of the packet last parsed. */
    byte[] options() {
        byte[] options = new byte[header() - Tcp.OPTIONS];
        MemorySegment.copy(umem, ValueLayout.JAVA_BYTE, packet.l4Offset() + Tcp.OPTIONS, options, 0, options.length);
        return options;
    }

    /** The payload of the packet last parsed, which is the one at {@code index}. */
    byte[] payload(int index) {
        byte[] frame = frame(index);
        int from = (int) (packet.l4Offset() - batch.address(index)) + header();
        int to = (int) (packet.l3Offset() - batch.address(index)) + packet.ipLengthBytes();
        return Arrays.copyOfRange(frame, from, to);
    }

    String text() {
        return new String(payload(0), StandardCharsets.ISO_8859_1);
    }

    static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.ISO_8859_1);
    }

    /** Gives the batch spare frames. */
    void spare() {
        batch.putSpare(3L * FRAME_BYTES + HEADROOM);
    }
}
