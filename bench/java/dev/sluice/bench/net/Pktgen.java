package dev.sluice.bench.net;

import dev.sluice.bench.Generator;
import dev.sluice.bench.LiveFrames;
import dev.sluice.bench.OfferedTraffic;
import dev.sluice.packet.AddressFamily;
import dev.sluice.packet.IpAddress;
import dev.sluice.service.Protocol;
import dev.sluice.testing.NetworkNamespace;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The kernel's pktgen, by files in {@code /proc/net/pktgen} (Documentation/networking/pktgen.rst): one thread on one CPU. It sends
 * UDP of one family, flows in turn up to 64,000 and at random beyond. It has no Zipf and no time stamps of ours.
 */
final class Pktgen implements Generator {
    private static final Pattern SENT = Pattern.compile("pkts-sofar:\\s*([0-9]+)");
    private static final long END_S = 5;
    private static final String FOLDER = "/proc/net/pktgen/";

    /** A line written to a file of {@link #FOLDER}. */
    record Write(String file, String line) {
        @Override
        public String toString() {
            return "echo \"" + line + "\" >" + FOLDER + file;
        }
    }

    private final OfferedTraffic traffic;
    private final NetworkNamespace namespace;
    private final int cpu;
    private final AtomicLong sentBefore = new AtomicLong();
    private volatile boolean isRunning;
    private volatile boolean isStopped;
    private volatile int runs;

    /** Throws {@link IllegalArgumentException} for traffic that it cannot send. */
    Pktgen(OfferedTraffic traffic, NetworkNamespace namespace, int cpu) {
        if (traffic.kinds() > 1 || traffic.protocolOf(0) != Protocol.UDP) {
            throw new IllegalArgumentException(
                    "pktgen sends UDP of one family; use --protocols udp with one family, or another generator");
        }
        this.traffic = traffic;
        this.namespace = namespace;
        this.cpu = cpu;
    }

    static Optional<String> missing() {
        // Where the module is there for it, it is loaded.
        NetworkNamespace.tryHere("sh", "-c", "modprobe pktgen 2>/dev/null");
        return NetworkNamespace.tryHere("test", "-d", FOLDER).exitCode() == 0
                ? Optional.empty()
                : Optional.of("this kernel has no pktgen (CONFIG_NET_PKTGEN): modprobe pktgen does not load it; use"
                        + " --generator ours or trafgen, or a distribution's kernel");
    }

    @Override
    public void choose(int[] flows) {
        throw new IllegalArgumentException(
                "pktgen takes flows in turn or at random, not by Zipf's law; leave --zipf out");
    }

    private String device() {
        return traffic.interfaceName() + "@" + cpu;
    }

    /** What sets it up, in order. */
    static List<Write> setup(OfferedTraffic traffic, int cpu) {
        String thread = "kpktgend_" + cpu;
        String device = traffic.interfaceName() + "@" + cpu;
        List<Write> writes = new ArrayList<>();
        writes.add(new Write(thread, "rem_device_all"));
        writes.add(new Write(thread, "add_device " + device));
        List<String> lines = new ArrayList<>();
        lines.add("flag QUEUE_MAP_CPU");
        lines.add("clone_skb 0");
        lines.add("delay 0");
        if (traffic.sizes().isOne()) {
            lines.add("pkt_size " + traffic.first(0, traffic.sizes().longest()).length);
        } else {
            lines.add("imix_weights " + traffic.sizes().pairs());
        }
        lines.add("dst_mac " + Topology.mac(traffic.destinationMac()));
        lines.add("src_mac " + Topology.mac(traffic.sourceMac()));
        lines.addAll(addresses(traffic));
        lines.add("udp_dst_min " + traffic.port());
        lines.add("udp_dst_max " + traffic.port());
        lines.add("flag UDPCSUM");
        lines.forEach(line -> writes.add(new Write(device, line)));
        return writes;
    }

    /** The largest is left out of a range, but for addresses that are taken in turn. */
    private static List<String> addresses(OfferedTraffic traffic) {
        OfferedTraffic.Ends ends = traffic.endsOf(0);
        int addresses = (traffic.flows() + OfferedTraffic.PORTS - 1) / OfferedTraffic.PORTS;
        int ports = (traffic.flows() + addresses - 1) / addresses;
        List<String> lines = new ArrayList<>();
        if (ends.source().family() == AddressFamily.INET) {
            lines.add("dst_min " + ends.destination());
            lines.add("dst_max " + ends.destination());
            lines.add("src_min " + ends.source());
            lines.add("src_max " + IpAddress.ofInet((int) ends.source().low() + (addresses > 1 ? addresses : 0)));
        } else if (addresses > 1) {
            throw new IllegalArgumentException("pktgen sends IPv6 of one source address, so " + OfferedTraffic.PORTS
                    + " flows at most, not " + traffic.flows());
        } else {
            lines.add("dst6 " + ends.destination());
            lines.add("src6 " + ends.source());
        }
        lines.add("udp_src_min " + OfferedTraffic.FIRST_PORT);
        lines.add("udp_src_max " + (OfferedTraffic.FIRST_PORT + ports));
        if (addresses > 1) {
            // In turn both would count up at once.
            lines.add("flag IPSRC_RND");
            lines.add("flag UDPSRC_RND");
        }
        return lines;
    }

    private void write(Write write) {
        NetworkNamespace.Result result =
                namespace.tryRun("sh", "-c", "echo \"$1\" >\"$2\"", "sh", write.line(), FOLDER + write.file());
        if (result.exitCode() != 0) {
            throw new IllegalStateException("pktgen refuses \"" + write.line() + "\" in " + write.file() + ": "
                    + result.output().strip());
        }
    }

    @Override
    public String command() {
        StringBuilder text = new StringBuilder();
        setup(traffic, cpu).forEach(write -> text.append(write).append('\n'));
        return text.append(new Write("pgctrl", "start")).toString();
    }

    @Override
    public LiveFrames.Report run(Duration duration, LiveFrames.Pace pace) {
        if (pace.stamps()) {
            throw new IllegalArgumentException("pktgen puts no time stamps of ours into frames; --generator ours does");
        }
        return run(duration.toMillis(), pace.framesPerSecond(), 0);
    }

    @Override
    public LiveFrames.Report send(int frames) {
        return run(TimeUnit.SECONDS.toMillis(END_S), 0, frames);
    }

    private LiveFrames.Report run(long ms, long framesPerSecond, long count) {
        int run = runs;
        setup(traffic, cpu).forEach(this::write);
        write(new Write(device(), "count " + count));
        if (framesPerSecond > 0) {
            write(new Write(device(), "ratep " + framesPerSecond));
        }
        Process start = start();
        isRunning = true;
        long startNs = System.nanoTime();
        long endNs = startNs + ms * 1_000_000;
        try {
            while (start.isAlive() && System.nanoTime() < endNs && !isStopped && runs == run) {
                Pause.ms(Math.clamp((endNs - System.nanoTime()) / 1_000_000, 1, 10));
            }
            long elapsed = System.nanoTime() - startNs;
            end(start);
            long sent = sofar();
            isRunning = false;
            sentBefore.addAndGet(sent);
            return new LiveFrames.Report(sent, Duration.ofNanos(elapsed));
        } finally {
            isRunning = false;
            end(start);
            write(new Write("kpktgend_" + cpu, "rem_device_all"));
        }
    }

    /** Writing "start" returns when all has been sent, or somebody writes "stop". */
    private Process start() {
        try {
            return new ProcessBuilder(namespace.command("sh", "-c", "echo start >" + FOLDER + "pgctrl"))
                    .redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .start();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void end(Process start) {
        try {
            if (start.isAlive()) {
                write(new Write("pgctrl", "stop"));
                if (!start.waitFor(END_S, TimeUnit.SECONDS)) {
                    start.destroyForcibly().waitFor();
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted", e);
        }
    }

    private long sofar() {
        return sofar(namespace.run("cat", FOLDER + device()));
    }

    /** The packets of a device's present or last run. */
    static long sofar(String device) {
        Matcher matcher = SENT.matcher(device);
        return matcher.find() ? Long.parseLong(matcher.group(1)) : 0;
    }

    @Override
    public void pause() {
        synchronized (this) {
            runs++;
        }
    }

    @Override
    public void stop() {
        isStopped = true;
    }

    @Override
    public long sent() {
        return sentBefore.get() + (isRunning ? sofar() : 0);
    }

    @Override
    public void close() {
        isStopped = true;
    }
}
