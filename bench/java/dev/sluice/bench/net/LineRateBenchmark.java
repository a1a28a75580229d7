package dev.sluice.bench.net;

import dev.sluice.bench.LiveFrames;
import dev.sluice.bench.harness.Benchmark;
import dev.sluice.bench.harness.Run;
import dev.sluice.packet.AddressFamily;
import dev.sluice.packet.IpAddress;
import dev.sluice.testing.NetworkNamespace;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code bench/run line-rate}. */
@Command(
        name = "line-rate",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = {
            "The director on a network interface of yours, under whatever you can send to it.",
            "",
            "Starts the director of the distribution on --interface and a generator on --generator-interface, or waits for yours"
                    + " (--generator external). Told by queue and by CPU: packets a second in and out, Gbit/s on the wire, what"
                    + " was lost and where: by the director's own count, its sockets', the kernel's and the driver's.",
            "",
            "Needs root. The interface is the director's for the time: only what is for the VIP leaves the kernel's way."
        },
        footer = {
            "",
            "One machine, two ports with a wire between:",
            "  bench/run line-rate --interface eth1 --generator-interface eth2",
            "Another machine sends, and real servers are where the kernel's routes say:",
            "  bench/run line-rate --interface eth1 --generator external --vip 10.0.0.100 --port 80 --real 10.0.0.11,10.0.0.12",
            "",
            "Generators to start by hand, MAC being the director's and 198.18.0.100 port 80 the service:",
            "  TRex      ./t-rex-64 -i --stl --no-scapy-server (dest_mac: MAC in trex_cfg.yaml), and in ./trex-console:",
            "            start -f stl/bench.py -t size=64,vm=var1 -p 0 -m 100%%",
            "            sends UDP to 48.0.0.0 port 53 of 65,536 flows: --vip 48.0.0.0 --port 53; size=imix is as --sizes imix",
            "  DPDK      pktgen -l 0-2 -n 4 -- -P -m \"[1:2].0\", and at its prompt:",
            "  pktgen    set 0 dst mac MAC; set 0 dst ip 198.18.0.100; set 0 dport 80; set 0 proto udp; set 0 size 64; start 0",
            "  testpmd   dpdk-testpmd -l 0-1 -- --forward-mode=txonly --eth-peer=0,MAC --tx-ip=198.19.0.1,198.18.0.100"
                    + " --tx-udp=1024,80 --txonly-multi-flow --auto-start",
            "  trafgen   trafgen --dev eth2 --cpus 4 '{ eth(da=MAC), ipv4(sa=198.19.0.1, da=198.18.0.100),"
                    + " udp(sp=drnd(), dp=80), fill(0, 18) }'",
            "  pktgen    samples/pktgen/pktgen_sample02_multiqueue.sh -i eth2 -m MAC -d 198.18.0.100 -p 80 -s 60 -t 4"
        })
public final class LineRateBenchmark extends Benchmark {
    private static final double SETTLE_S = 1;

    @Mixin
    private LineDirectorOptions director = new LineDirectorOptions();

    @Mixin
    private LineGeneratorOptions generator = new LineGeneratorOptions();

    @Option(
            names = "--seconds",
            defaultValue = "10",
            paramLabel = "S",
            description = "length of a measurement (${DEFAULT-VALUE})")
    private double seconds;

    @Option(
            names = "--warm-up",
            defaultValue = "5",
            paramLabel = "S",
            description = "traffic before it (${DEFAULT-VALUE})")
    private double warmUp;

    @Option(
            names = "--rounds",
            defaultValue = "1",
            paramLabel = "N",
            description = "measurements at each rate (${DEFAULT-VALUE})")
    private int rounds;

    @Option(
            names = "--wait",
            defaultValue = "120",
            paramLabel = "S",
            description = "how long to wait for the first packet of an external generator (${DEFAULT-VALUE})")
    private double wait;

    /** What belongs to a run while the director runs. */
    private record Line(
            Run run,
            SubjectProcess process,
            Path socket,
            NetworkNamespace namespace,
            @Nullable Flood flood) {}

    @Override
    protected String name() {
        return "line-rate";
    }

    @Override
    protected void measure(Run run) throws Exception {
        if (rounds < 1 || !(seconds > 0) || !(warmUp >= 0)) {
            throw new IllegalArgumentException("--rounds and --seconds must be above 0, --warm-up 0 or more");
        }
        List<Long> rates = generator.rates();
        generator.check();
        SluiceSubject.missingProgram().ifPresent(missing -> {
            throw new IllegalStateException(missing);
        });
        NetworkNamespace namespace = director.namespace();
        long mac = LineSetup.stationOf(namespace, director.ingress());
        long egress = LineSetup.stationOf(namespace, director.egress());
        List<LineSetup.Real> reals = director.realServers(generator.station());
        Path folder = TestBed.folder();
        try (CleanUp cleanUp = new CleanUp()) {
            facts(run, namespace);
            Path socket = folder.resolve("director.sock");
            cleanUp.add(new LineSetup(namespace, director.egress(), reals));
            String config = director.config(socket, reals);
            run.command(
                    director.name(),
                    (director.javaOptions().isEmpty() ? "" : "SLUICE_JAVA_OPTS=\"" + director.javaOptions() + "\" ")
                            + "target/sluice/bin/sluice run --release --config line-rate.toml, with\n" + config);
            // Before the director, so that whatever is wrong with its options is said at once.
            generator.enable().ifPresent(cleanUp::add);
            Flood flood = generator.isExternal() ? null : cleanUp.add(generator.open(director, mac, folder));
            if (flood != null) {
                run.command("generator", flood.command());
            }
            SubjectProcess process =
                    cleanUp.add(SluiceSubject.begin("line-rate", namespace, folder, config, director.javaOptions()));
            process.await(SluiceSubject.READY, SluiceSubject.START);
            Line line = new Line(run, process, socket, namespace, flood);
            run.remark(reading(line).modes());
            run.progress("the director is ready; its station is " + Topology.mac(mac)
                    + (egress == mac ? "" : ", towards real servers " + Topology.mac(egress)));
            Map<Long, LineFindings> found = new TreeMap<>();
            for (int round = 1; round <= rounds; round++) {
                for (long rate : rates) {
                    LineFindings own = found.computeIfAbsent(rate, _ -> new LineFindings());
                    one(line, rate, own, mac);
                }
            }
            found.forEach((rate, own) -> own.report(run, director.name(), parameters(rate)));
        }
        TestBed.remove(folder);
    }

    private void facts(Run run, NetworkNamespace namespace) {
        director.interfaces().forEach(name -> run.remark(NicFacts.of(namespace, name)));
        generator.facts().ifPresent(facts -> run.remark("generator: " + facts));
    }

    private Map<String, String> parameters(long rate) {
        Map<String, String> parameters = new TreeMap<>(generator.parameters());
        parameters.put(
                "protocol",
                String.join(
                        "+",
                        director.protocols().stream()
                                .map(each -> each.name().toLowerCase(Locale.ROOT))
                                .toList()));
        parameters.put(
                "family",
                String.join(
                        "+",
                        director.vips().stream()
                                .map(IpAddress::family)
                                .map(family -> family == AddressFamily.INET ? "4" : "6")
                                .toList()));
        parameters.put("offered", generator.isExternal() ? "unknown" : rate == 0 ? "max" : Long.toString(rate));
        return parameters;
    }

    private LineReading reading(Line line) {
        return LineReading.now(
                line.socket(),
                line.namespace(),
                director.interfaces(),
                line.flood() == null ? -1 : line.flood().sent());
    }

    /** Sends, or waits for who does, lets it settle, and takes readings from second to second. */
    private void one(Line line, long rate, LineFindings own, long mac) throws IOException {
        @Nullable Future<LiveFrames.Report> sending = null;
        Flood flood = line.flood();
        if (flood == null) {
            awaitPackets(line, mac);
        } else {
            Duration duration = Duration.ofMillis(Math.round((warmUp + seconds + SETTLE_S) * 1000 + 30_000));
            sending = flood.start(duration, rate == 0 ? LiveFrames.Pace.FULL : LiveFrames.Pace.of(rate));
            awaitFirst(line, sending);
        }
        try {
            pause(line, warmUp, sending);
            LineReading before = reading(line);
            LineReading last = before;
            LineReading now = before;
            while (now.secondsSince(before) < seconds) {
                pause(line, Math.min(1, seconds - now.secondsSince(before) + 0.001), sending);
                now = reading(line);
                line.run().progress(LineFindings.text(now, last, director.ingress()));
                last = now;
            }
            if (now.receivedSince(before) == 0) {
                throw new IllegalStateException("no packet came to the director; it serves "
                        + director.vips() + " port " + director.port() + " " + director.protocols()
                        + " for frames to " + Topology.mac(mac) + ", and counted "
                        + now.lossesSince(before));
            }
            own.add(before, now, director.ingress(), director.egress());
        } finally {
            if (flood != null && sending != null) {
                flood.pause();
                var _ = Flood.await(sending);
            }
        }
    }

    /** Some generators take their time to begin. */
    private void awaitFirst(Line line, Future<LiveFrames.Report> sending) {
        Flood flood = line.flood();
        long before = flood == null ? 0 : flood.sent();
        long end = System.nanoTime() + 20_000_000_000L;
        while (flood != null && flood.sent() == before && System.nanoTime() < end && !sending.isDone()) {
            Pause.ms(20);
        }
        check(line, sending);
    }

    private void awaitPackets(Line line, long mac) {
        line.run()
                .progress("send now: frames to station " + Topology.mac(mac) + ", packets to " + director.vips()
                        + " port " + director.port() + " " + director.protocols());
        long before = received(line);
        long end = System.nanoTime() + Math.round(wait * 1e9);
        while (received(line) == before) {
            line.process().check();
            if (System.nanoTime() > end) {
                throw new IllegalStateException("no packet came in " + wait + " s (--wait)");
            }
            Pause.ms(200);
        }
    }

    private long received(Line line) {
        return reading(line).stats().workers().stream()
                .mapToLong(worker -> worker.counters().getOrDefault("rx_packets", 0L))
                .sum();
    }

    private static void pause(Line line, double seconds, @Nullable Future<LiveFrames.Report> sending) {
        long end = System.nanoTime() + Math.round(seconds * 1e9);
        while (System.nanoTime() < end) {
            Pause.ms(Math.clamp((end - System.nanoTime()) / 1_000_000, 1, 200));
            check(line, sending);
        }
    }

    private static void check(Line line, @Nullable Future<LiveFrames.Report> sending) {
        line.process().check();
        if (sending != null && sending.isDone()) {
            LiveFrames.Report report = Flood.await(sending);
            throw new IllegalStateException("the generator ended early, after " + report.frames() + " frames");
        }
    }
}
