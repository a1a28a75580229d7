package dev.sluice.cli.observe;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * Writes packets in the format of draft-ietf-opsawg-pcapng: a section header block (section 4.1), an interface description block
 * for each interface (4.2), an enhanced packet block for each packet (4.3) and, at the end, interface statistics (4.6). In the
 * machine's byte order: tshark reads no other from a pipe.
 */
final class PcapngWriter {
    private static final int SECTION_HEADER = 0x0a0d0d0a;
    private static final int INTERFACE_DESCRIPTION = 1;
    private static final int INTERFACE_STATISTICS = 5;
    private static final int ENHANCED_PACKET = 6;

    private static final int BYTE_ORDER_MAGIC = 0x1a2b3c4d;
    private static final int LINKTYPE_ETHERNET = 1;
    private static final byte NANOSECONDS = 9;

    // Section 3.5, and each block's own.
    private static final int OPT_END = 0;
    private static final int OPT_COMMENT = 1;
    private static final int SHB_USERAPPL = 4;
    private static final int IF_NAME = 2;
    private static final int IF_TSRESOL = 9;
    private static final int EPB_FLAGS = 2;
    private static final int EPB_PACKETID = 5;
    private static final int EPB_QUEUE = 6;
    private static final int ISB_OSDROP = 7;
    private static final int ISB_USRDELIV = 8;

    // Section 4.3.1, bits 0 and 1.
    private static final int INBOUND = 1;
    private static final int OUTBOUND = 2;

    /** Block type, its length twice, and room for the fixed part and all options but comments and data. */
    private static final int OVERHEAD_BYTES = 256;

    private final OutputStream out;
    private byte[] memory = new byte[1 << 16];
    private ByteBuffer block = wrap(memory);
    private long writtenBytes;

    PcapngWriter(OutputStream out) {
        this.out = out;
    }

    /** Begins the section; interfaces are numbered in their order. */
    void begin(String application, List<String> interfaces, int snapBytes) throws IOException {
        start(SECTION_HEADER, application.length());
        block.putInt(BYTE_ORDER_MAGIC).putShort((short) 1).putShort((short) 0).putLong(-1);
        text(SHB_USERAPPL, application);
        end();
        for (String name : interfaces) {
            start(INTERFACE_DESCRIPTION, name.length());
            block.putShort((short) LINKTYPE_ETHERNET).putShort((short) 0).putInt(snapBytes);
            text(IF_NAME, name);
            option(IF_TSRESOL, NANOSECONDS);
            end();
        }
    }

    /**
     * A packet.
     *
     * @param interfaceNumber by which it came, or left
     * @param timeNs since 1970
     * @param outbound whether it left
     * @param packetId the same for the packet as it came and as it left
     */
    void packet(
            int interfaceNumber,
            long timeNs,
            boolean outbound,
            long packetId,
            int queue,
            byte[] bytes,
            int originalLength,
            String comment)
            throws IOException {
        start(ENHANCED_PACKET, bytes.length + 2 * comment.length());
        block.putInt(interfaceNumber);
        timestamp(timeNs);
        block.putInt(bytes.length).putInt(originalLength);
        block.put(bytes);
        pad(bytes.length);
        text(OPT_COMMENT, comment);
        block.putShort((short) EPB_FLAGS).putShort((short) 4).putInt(outbound ? OUTBOUND : INBOUND);
        block.putShort((short) EPB_PACKETID).putShort((short) 8).putLong(packetId);
        block.putShort((short) EPB_QUEUE).putShort((short) 4).putInt(queue);
        end();
    }

    /** Ends it: how much there was, of all interfaces together. */
    void statistics(long timeNs, long delivered, long lost) throws IOException {
        start(INTERFACE_STATISTICS, 64);
        block.putInt(0);
        timestamp(timeNs);
        text(OPT_COMMENT, "of all interfaces together");
        block.putShort((short) ISB_OSDROP).putShort((short) 8).putLong(lost);
        block.putShort((short) ISB_USRDELIV).putShort((short) 8).putLong(delivered);
        end();
    }

    /** Hands over all that was written. */
    void flush() throws IOException {
        out.flush();
    }

    /** How much has been written. */
    long writtenBytes() {
        return writtenBytes;
    }

    private static ByteBuffer wrap(byte[] bytes) {
        return ByteBuffer.wrap(bytes).order(ByteOrder.nativeOrder());
    }

    /** The upper half comes first, in either order (section 4.3). */
    private void timestamp(long timeNs) {
        block.putInt((int) (timeNs >>> 32)).putInt((int) timeNs);
    }

    private void start(int type, int variableBytes) {
        int needed = OVERHEAD_BYTES + 2 * variableBytes;
        if (block.capacity() < needed) {
            memory = new byte[needed];
            block = wrap(memory);
        }
        block.clear();
        block.putInt(type).putInt(0);
    }

    private void text(int code, String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        block.putShort((short) code).putShort((short) bytes.length).put(bytes);
        pad(bytes.length);
    }

    private void option(int code, byte value) {
        block.putShort((short) code).putShort((short) 1).put(value);
        pad(1);
    }

    /** Everything is aligned to 32 bits. */
    private void pad(int length) {
        for (int i = length; (i & 3) != 0; i++) {
            block.put((byte) 0);
        }
    }

    private void end() throws IOException {
        block.putShort((short) OPT_END).putShort((short) 0);
        int length = block.position() + Integer.BYTES;
        block.putInt(length);
        block.putInt(Integer.BYTES, length);
        out.write(memory, 0, length);
        writtenBytes += length;
    }
}
