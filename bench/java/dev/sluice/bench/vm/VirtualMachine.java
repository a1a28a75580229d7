package dev.sluice.bench.vm;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;

/**
 * A machine under QEMU that counts instructions: one processor, emulated, whose clock advances by a nanosecond with each
 * ({@code -icount shift=0}) and jumps to the next timer when it idles ({@code sleep=off}). Iterations of a repeated string
 * instruction count one each, so the processor does without ERMS: with it the kernel would copy octet by octet.
 */
final class VirtualMachine {
    private static final String PROCESSOR = "max,erms=off";

    /** The ends of each cable, by their last octets: generator and director, director and sink, generator and sink. */
    private static final List<List<String>> CABLES =
            List.of(List.of("01", "02"), List.of("03", "04"), List.of("05", "06"));

    /** For zero-copy: the driver maps memory itself, and no offload stands in the way of XDP. */
    private static final String CARD = "iommu_platform=on,disable-legacy=on,romfile=,rx_queue_size=1024,csum=off,"
            + "guest_csum=off,gso=off,guest_tso4=off,guest_tso6=off,guest_ecn=off,guest_ufo=off,host_tso4=off,"
            + "host_tso6=off,host_ecn=off,host_ufo=off";

    private final Path cache;

    /** Of a kernel and a root file system that {@code bench/vm/build} made in a folder. */
    VirtualMachine(Path cache) {
        this.cache = cache;
    }

    /**
     * How to start a case.
     *
     * @param cards whether the forwarder's links are network cards on cables, by station addresses that the machine knows, rather than veths
     * @param extra more words for the kernel's command line
     */
    List<String> command(VmCase which, String generator, boolean cards, String extra, Path console) {
        String append =
                "console=ttyS0 quiet loglevel=3 panic=-1 tsc=reliable no_timer_check bench.case=" + which.setup()
                        + " bench.windows=" + which.windows() + " bench.generator=" + generator + " bench.flows="
                        + (which.newFlows() ? VmCase.NEW_FLOWS : VmCase.ESTABLISHED_FLOWS)
                        + (extra.isEmpty() ? "" : " " + extra);
        List<String> command = new ArrayList<>(List.of(
                "qemu-system-x86_64",
                "-M",
                "q35,vmport=off",
                "-nodefaults",
                "-no-user-config",
                "-display",
                "none",
                "-no-reboot",
                "-accel",
                "tcg,thread=single,tb-size=512",
                "-cpu",
                PROCESSOR,
                "-smp",
                "1",
                "-icount",
                "shift=0,sleep=off",
                "-m",
                "2048",
                "-kernel",
                cache.resolve("vmlinux").toString(),
                "-initrd",
                cache.resolve(which.isJava() ? "initramfs-java" : "initramfs").toString(),
                "-serial",
                "file:" + console,
                "-serial",
                "stdio",
                "-append",
                append));
        if (cards) {
            for (int cable = 1; cable <= CABLES.size(); cable++) {
                for (String mac : CABLES.get(cable - 1)) {
                    String id = "n" + mac;
                    command.addAll(List.of(
                            "-netdev",
                            "hubport,id=" + id + ",hubid=" + cable,
                            "-device",
                            "virtio-net-pci,netdev=" + id + ",mac=02:00:00:00:00:" + mac + "," + CARD));
                }
            }
        }
        return command;
    }

    /**
     * Runs a machine until it ends, a line is the last that is wanted, or the time is over; it is killed then, as it is when
     * this process ends.
     *
     * @param errors where QEMU's own go
     * @param wanted takes each line of its report, and says whether to go on
     * @return whether it ended by itself or was ended by {@code wanted}, rather than by the time
     */
    static boolean run(List<String> command, Path errors, Duration most, Predicate<String> wanted)
            throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command)
                .redirectError(errors.toFile())
                .redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()))
                .start();
        Thread killer = new Thread(process::destroyForcibly, "kill-qemu");
        Runtime.getRuntime().addShutdownHook(killer);
        Thread watch = Thread.ofPlatform().daemon().name("bound-qemu").start(() -> {
            try {
                if (!process.waitFor(most.toMillis(), TimeUnit.MILLISECONDS)) {
                    process.destroyForcibly();
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
        long start = System.nanoTime();
        try (BufferedReader lines = process.inputReader(StandardCharsets.UTF_8)) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                if (line.startsWith("{") && !wanted.test(line.strip())) {
                    return true;
                }
            }
        } finally {
            process.destroyForcibly();
            process.waitFor();
            watch.interrupt();
            Runtime.getRuntime().removeShutdownHook(killer);
        }
        return System.nanoTime() - start < most.toNanos();
    }

    /** The last lines of files, of those that there are. */
    static String lastWords(Path... files) {
        List<String> words = new ArrayList<>();
        for (Path file : files) {
            try {
                List<String> lines = Files.readAllLines(file, StandardCharsets.ISO_8859_1);
                words.addAll(lines.subList(Math.max(0, lines.size() - 3), lines.size()));
            } catch (NoSuchFileException _) {
                // A machine that did not start has no console.
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
        return String.join(" / ", words);
    }
}
