package dev.sluice.bench;

import java.io.IOException;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Frames of a capture, in pcap format (draft-ietf-opsawg-pcap) or pcapng (draft-ietf-opsawg-pcapng), of either byte order. Times
 * are not read.
 */
public final class PcapFile {
    private static final int MAGIC_MICROSECONDS = 0xa1b2c3d4;
    private static final int MAGIC_NANOSECONDS = 0xa1b23c4d;
    private static final int SECTION_HEADER = 0x0a0d0d0a;
    private static final int BYTE_ORDER_MAGIC = 0x1a2b3c4d;
    private static final int INTERFACE_DESCRIPTION = 1;
    private static final int SIMPLE_PACKET = 3;
    private static final int ENHANCED_PACKET = 6;
    private static final int ETHERNET = 1;

    private final Path file;
    private final List<byte[]> frames = new ArrayList<>();

    private PcapFile(Path file) {
        this.file = file;
    }

    /** All frames of a file in their order. Throws {@link IOException} that names the file and what is wrong with it. */
    public static List<byte[]> read(Path file) throws IOException {
        ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file));
        PcapFile reader = new PcapFile(file);
        try {
            int magic = bytes.getInt(0);
            if (magic == SECTION_HEADER) {
                reader.readBlocks(bytes);
            } else {
                reader.readRecords(bytes);
            }
        } catch (BufferUnderflowException | IndexOutOfBoundsException | IllegalArgumentException e) {
            throw new IOException(
                    file + " is no whole capture: it ends or breaks off after " + reader.frames.size() + " frames", e);
        }
        if (reader.frames.isEmpty()) {
            throw new IOException(file + " has no frame in it");
        }
        return reader.frames;
    }

    private static boolean isPcap(int magic) {
        return magic == MAGIC_MICROSECONDS || magic == MAGIC_NANOSECONDS;
    }

    private void readRecords(ByteBuffer bytes) throws IOException {
        if (!isPcap(bytes.getInt(0))) {
            bytes.order(ByteOrder.LITTLE_ENDIAN);
            if (!isPcap(bytes.getInt(0))) {
                throw new IOException(file + " is neither a pcap nor a pcapng file");
            }
        }
        requireEthernet(bytes.getInt(20) & 0xfff_ffff);
        bytes.position(24);
        while (bytes.hasRemaining()) {
            int captured = bytes.getInt(bytes.position() + 8);
            int original = bytes.getInt(bytes.position() + 12);
            bytes.position(bytes.position() + 16);
            add(bytes, captured, original);
        }
    }

    private void readBlocks(ByteBuffer bytes) throws IOException {
        while (bytes.hasRemaining()) {
            int start = bytes.position();
            int type = bytes.getInt(start);
            if (type == SECTION_HEADER) {
                bytes.order(ByteOrder.BIG_ENDIAN);
                if (bytes.getInt(start + 8) != BYTE_ORDER_MAGIC) {
                    bytes.order(ByteOrder.LITTLE_ENDIAN);
                }
            }
            int length = bytes.getInt(start + 4);
            if (length < 12 || length % 4 != 0) {
                throw new IOException(file + " has a block of " + length + " bytes");
            }
            switch (type) {
                case INTERFACE_DESCRIPTION -> requireEthernet(bytes.getShort(start + 8) & 0xffff);
                case ENHANCED_PACKET -> {
                    int captured = bytes.getInt(start + 20);
                    int original = bytes.getInt(start + 24);
                    bytes.position(start + 28);
                    add(bytes, captured, original);
                }
                case SIMPLE_PACKET -> {
                    int original = bytes.getInt(start + 8);
                    bytes.position(start + 12);
                    add(bytes, Math.min(original, length - 16), original);
                }
                default -> {
                    // Names, statistics and the like.
                }
            }
            bytes.position(start + length);
        }
    }

    private void requireEthernet(int linkType) throws IOException {
        if (linkType != ETHERNET) {
            throw new IOException(file + " has frames of link type " + linkType + ", not of Ethernet (1)");
        }
    }

    private void add(ByteBuffer bytes, int captured, int original) throws IOException {
        if (captured != original) {
            throw new IOException(file + ": frame " + (frames.size() + 1) + " was captured in part, " + captured
                    + " of " + original + " bytes; capture with -s 0");
        }
        byte[] frame = new byte[captured];
        bytes.get(frame);
        frames.add(frame);
    }
}
