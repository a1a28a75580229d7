package dev.sluice.it;

import dev.sluice.testing.LabFixture;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** A tcpdump on an interface of a lab's host, and the frames that it wrote. */
final class Capture {
    private static final int GLOBAL_HEADER_BYTES = 24;
    private static final int MAGIC_MICROSECONDS = 0xa1b2c3d4;
    private static final long DEADLINE_NS = TimeUnit.SECONDS.toNanos(10);

    private final Path file;
    private final Process tcpdump;

    private Capture(Path file, Process tcpdump) {
        this.file = file;
        this.tcpdump = tcpdump;
    }

    /** Captures whole frames on {@code eth1} of a host, from the moment this returns. */
    static Capture start(LabFixture lab, String host, String filter) {
        return start(lab, host, "eth1", filter);
    }

    /** Captures whole frames on an interface of a host, from the moment this returns. */
    static Capture start(LabFixture lab, String host, String interfaceName, String filter) {
        Path file = lab.state().resolve(host + "-" + System.nanoTime() + ".pcap");
        Path log = file.resolveSibling(file.getFileName() + ".log");
        Process tcpdump = lab.start(
                log,
                host,
                "tcpdump",
                "--immediate-mode",
                "-U",
                // 32 MiB: a busy machine must not make it miss frames.
                "-B",
                "32768",
                "-s0",
                "-Z",
                "root",
                "-i",
                interfaceName,
                "-w",
                file.toString(),
                filter);
        long startNs = System.nanoTime();
        while (!read(log).contains("listening on")) {
            if (!tcpdump.isAlive() || System.nanoTime() - startNs > DEADLINE_NS) {
                throw new AssertionError("tcpdump does not listen: " + read(log));
            }
            pause();
        }
        return new Capture(file, tcpdump);
    }

    /** The file in pcap format. */
    Path file() {
        return file;
    }

    /** The source MAC address of a frame, with colons. */
    static String sourceMac(byte[] frame) {
        return HexFormat.ofDelimiter(":").formatHex(frame, 6, 12);
    }

    /** Waits until so many frames are there and a moment longer, and ends the capture; all frames in their order. */
    List<byte[]> stop(int atLeast) {
        long startNs = System.nanoTime();
        while (frames().size() < atLeast && System.nanoTime() - startNs < DEADLINE_NS) {
            pause();
        }
        pause();
        tcpdump.destroy();
        try {
            if (!tcpdump.waitFor(10, TimeUnit.SECONDS)) {
                throw new AssertionError("tcpdump does not end");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
        return frames();
    }

    private List<byte[]> frames() {
        ByteBuffer pcap;
        try {
            pcap = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.nativeOrder());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        List<byte[]> frames = new ArrayList<>();
        if (pcap.limit() < GLOBAL_HEADER_BYTES) {
            return frames;
        }
        if (pcap.getInt(0) != MAGIC_MICROSECONDS) {
            throw new AssertionError("not a pcap file of this machine's byte order");
        }
        pcap.position(GLOBAL_HEADER_BYTES);
        while (pcap.remaining() >= 16) {
            int captured = pcap.getInt(pcap.position() + 8);
            int original = pcap.getInt(pcap.position() + 12);
            if (captured != original) {
                throw new AssertionError("a frame was captured in part");
            }
            if (pcap.remaining() < 16 + captured) {
                break;
            }
            byte[] frame = new byte[captured];
            pcap.get(pcap.position() + 16, frame);
            frames.add(frame);
            pcap.position(pcap.position() + 16 + captured);
        }
        return frames;
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void pause() {
        try {
            Thread.sleep(50);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }
}
