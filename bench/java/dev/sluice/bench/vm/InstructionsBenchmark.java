package dev.sluice.bench.vm;

import dev.sluice.bench.harness.Benchmark;
import dev.sluice.bench.harness.Measurement;
import dev.sluice.bench.harness.Measurement.Better;
import dev.sluice.bench.harness.Run;
import dev.sluice.bench.harness.Target;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * Instructions a packet: the director beside IPVS, kernel forwarding and the C loop, in virtual machines with Debian's kernel
 * 6.12. Counts repeat within a percent on any machine, however busy; what caches and branch prediction make of the
 * instructions is not in them.
 *
 * <p>Only busy time counts, and only what grows with the number of packets. A forwarder that polls rings spins and sleeps when
 * it has nothing to do, so packets come in rounds that fit its RX ring: sent before it gets the processor, then worked off in full batches as
 * under load. The difference between rounds of 1280 and of 256 packets is free of waking up, spinning and going to sleep.
 */
@Command(
        name = "instructions",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description =
                "Counts instructions a packet in a virtual machine under QEMU: director, IPVS, kernel forwarding, C loop.")
public final class InstructionsBenchmark extends Benchmark {
    @Option(
            names = "--cases",
            split = ",",
            paramLabel = "CASE",
            description = "which forwarders, by the names that an unknown one is answered with (all)")
    private List<String> cases =
            Arrays.stream(VmCase.values()).map(VmCase::caseName).toList();

    @Option(
            names = "--generators",
            split = ",",
            defaultValue = "live,pktgen",
            paramLabel = "NAME",
            description =
                    "how packets come: live, as from a driver, before the kernel has made an skb; pktgen, as skbs from"
                            + " another host's stack; virtio, through emulated network cards with zero-copy, on a"
                            + " kernel 6.18 (${DEFAULT-VALUE})")
    private List<String> generators = List.of("live", "pktgen");

    @Option(
            names = "--packets",
            defaultValue = "6144",
            description = "packets a window, at least 1536; three windows must agree (${DEFAULT-VALUE})")
    private int packets = 6144;

    @Option(
            names = "--cache",
            defaultValue = "target/bench-vm",
            paramLabel = "FOLDER",
            description = "where kernel and root file system are kept (${DEFAULT-VALUE})")
    private Path cache = Path.of("target/bench-vm");

    @Option(
            names = "--java-options",
            defaultValue = "",
            description = "more options of the director's JVM, separated by spaces")
    private String javaOptions = "";

    @Option(names = "--minutes", defaultValue = "20", description = "at most for each machine (${DEFAULT-VALUE})")
    private int minutes = 20;

    /** The generator behind network cards. */
    private static final String CARDS = "virtio";

    private final Map<String, Double> medians = new LinkedHashMap<>();

    @Override
    protected String name() {
        return "instructions";
    }

    @Override
    protected void measure(Run run) throws IOException, InterruptedException {
        List<VmCase> chosen = cases.stream().map(VmCase::of).toList();
        for (String generator : generators) {
            if (!List.of("live", "pktgen", CARDS).contains(generator)) {
                throw new IllegalArgumentException("--generators " + generator + ": live, pktgen or " + CARDS);
            }
        }
        if (packets < 1536) {
            throw new IllegalArgumentException("--packets must be 1536 or more, not " + packets);
        }
        for (String generator : generators) {
            boolean cards = generator.equals(CARDS);
            Path folder = cards ? cache.toAbsolutePath().resolve("backports") : cache.toAbsolutePath();
            run.progress("kernel and root file system in " + folder);
            try {
                build(folder, cards);
            } catch (IOException e) {
                if (!cards) {
                    throw e;
                }
                run.remark(CARDS + " is left out: its kernel could not be had: " + e.getMessage());
                continue;
            }
            run.remark(generator + ": Debian kernel package "
                    + Files.readString(folder.resolve("kernel/kernel-package")).strip());
            VirtualMachine machine = new VirtualMachine(folder);
            for (VmCase each : chosen) {
                count(run, machine, each, generator, folder);
            }
            targets(run, generator);
        }
    }

    private static void build(Path folder, boolean backports) throws IOException, InterruptedException {
        Path base = Path.of(System.getProperty("sluice.basedir", "."));
        List<String> command =
                new ArrayList<>(List.of(base.resolve("bench/vm/build").toString(), folder.toString()));
        if (backports) {
            command.add("backports");
        }
        ProcessBuilder builder = new ProcessBuilder(command)
                .redirectOutput(ProcessBuilder.Redirect.INHERIT)
                .redirectError(ProcessBuilder.Redirect.INHERIT);
        builder.environment().put("JAVA_HOME", System.getProperty("java.home"));
        Process process = builder.start();
        try {
            if (!process.waitFor(10, TimeUnit.MINUTES) || process.exitValue() != 0) {
                throw new IOException("bench/vm/build failed; what it needs is installed by: bench/run setup vm");
            }
        } finally {
            process.destroyForcibly();
        }
    }

    private void count(Run run, VirtualMachine machine, VmCase each, String generator, Path folder)
            throws IOException, InterruptedException {
        String name = each.caseName() + ", " + generator;
        Path console = folder.resolve("console-" + each.caseName() + "-" + generator);
        boolean cards = generator.equals(CARDS);
        // A card takes 256 frames at a time.
        int few = cards ? 64 : 256;
        int many = cards ? 192 : 1280;
        Path errors = folder.resolve("qemu-" + each.caseName() + "-" + generator);
        StringBuilder extra = new StringBuilder(
                "bench.repeats=" + packets / (few + many) + " bench.few=" + few + " bench.many=" + many);
        if (each.isJava() && !javaOptions.isEmpty()) {
            // A word of the kernel's command line has no spaces; the machine puts them back.
            extra.append(" bench.java=").append(javaOptions.replace(' ', '~'));
        }
        List<String> command = machine.command(each, generator, cards, extra.toString(), console);
        run.command(each.subject(), String.join(" ", command));
        run.progress(name);
        CaseReport report = new CaseReport();
        boolean ended = VirtualMachine.run(command, errors, Duration.ofMinutes(minutes), line -> {
            boolean wanted = report.take(line);
            report.latest()
                    .ifPresent(window -> run.progress(String.format(
                            Locale.ROOT,
                            "%s: window %d, %.0f instructions a packet with all around it, %d compilations",
                            name,
                            report.windows(),
                            window.perFrame(),
                            window.compiled())));
            return wanted;
        });
        List<Double> costs;
        try {
            costs = report.costs();
        } catch (IllegalStateException e) {
            run.remark(name + " is left out: " + e.getMessage()
                    + (ended ? "" : "; it was ended after " + minutes + " minutes") + " ("
                    + VirtualMachine.lastWords(errors, console) + ")");
            return;
        }
        if (!report.isSteady()) {
            run.remark(name + " did not become steady in " + report.windows() + " windows");
        }
        Measurement measurement = new Measurement(
                each.subject(),
                "cost",
                "instructions/packet",
                Better.LOWER,
                Map.of("generator", generator, "connections", each.newFlows() ? "new" : "established"),
                costs);
        run.add(measurement);
        run.add(new Measurement(
                each.subject(),
                "subtracted",
                "instructions/packet",
                Better.NEITHER,
                measurement.parameters(),
                List.of(report.subtracted())));
        medians.put(key(each, generator), measurement.median());
        if (each.isJava()) {
            run.remark(name + ": in the last " + CaseReport.STEADY_WINDOWS + " of " + report.windows() + " windows "
                    + report.compiledInLast() + " compilations, " + report.compilingInLast()
                    + " instructions of compilers' threads; " + report.compiledBefore() + " compilations before");
        }
        run.progress(name + ": " + Math.round(measurement.median()) + " instructions a packet after " + report.windows()
                + " windows");
    }

    private static String key(VmCase which, String generator) {
        return which.caseName() + " " + generator;
    }

    private void targets(Run run, String generator) {
        target(run, "DR established: Sluice to IPVS mh", VmCase.SLUICE_DR, VmCase.IPVS_DR_MH, generator, 1.25);
        target(run, "TUN established: Sluice to IPVS mh", VmCase.SLUICE_TUN, VmCase.IPVS_TUN_MH, generator, 0.85);
        target(
                run,
                "DR, new flow each packet: Sluice to IPVS mh",
                VmCase.SLUICE_DR_NEW,
                VmCase.IPVS_DR_MH_NEW,
                generator,
                1);
        target(
                run,
                "TUN, new flow each packet: Sluice to IPVS mh",
                VmCase.SLUICE_TUN_NEW,
                VmCase.IPVS_TUN_MH_NEW,
                generator,
                1);
        target(run, "DR established: Sluice to C loop", VmCase.SLUICE_DR, VmCase.C_LOOP_DR, generator, 1.1);
    }

    private void target(Run run, String name, VmCase ours, VmCase theirs, String generator, double most) {
        Double value = medians.get(key(ours, generator));
        Double reference = medians.get(key(theirs, generator));
        if (value != null && reference != null) {
            run.add(new Target(name + ", " + generator, value / reference, most, false));
        }
    }
}
