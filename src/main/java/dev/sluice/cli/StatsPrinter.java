package dev.sluice.cli;

import dev.sluice.stats.DirectorStats;
import dev.sluice.stats.InterfaceStats;
import dev.sluice.stats.PacketBalance;
import dev.sluice.stats.PathStats;
import dev.sluice.stats.RealServerStats;
import dev.sluice.stats.ServiceStats;
import dev.sluice.stats.Traffic;
import dev.sluice.stats.TranslationStats;
import dev.sluice.stats.TunnelStats;
import dev.sluice.stats.WorkerStats;
import java.io.PrintWriter;
import java.util.Locale;
import java.util.Map;
import java.util.StringJoiner;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** Prints a reading of the counters for people: services in the columns of {@code ipvsadm -L --stats}, then the rest. */
final class StatsPrinter {
    private final PrintWriter out;

    StatsPrinter(PrintWriter out) {
        this.out = out;
    }

    void print(DirectorStats stats) {
        out.printf(
                Locale.ROOT,
                "Sluice %s, pid %d, up %d s, configuration %d%n",
                stats.version(),
                stats.pid(),
                stats.uptimeMs() / 1000,
                stats.generation());
        printServices(stats);
        new HealthPrinter(out).printBrief(stats.health());
        out.println();
        printBalance(PacketBalance.of(stats));
        out.printf("%nPackets by outcome (all workers)%n");
        printCounters(stats.outcomes());
        for (InterfaceStats nic : stats.interfaces()) {
            out.printf(
                    "%nInterface %s: %s XDP%s, packets by outcome of the steering program%n",
                    nic.name(), nic.xdpMode(), nic.dispatcher() ? " through libxdp's dispatcher" : "");
            printCounters(nic.steering());
            for (InterfaceStats.QueueStats queue : nic.queues()) {
                out.printf(
                        "  queue %d: %s, %s%n",
                        queue.queue(), queue.zeroCopy() ? "zero-copy" : "copy", inline(queue.xsk()));
            }
        }
        for (WorkerStats worker : stats.workers()) {
            out.printf(
                    "%nWorker of queue %d, %s%n",
                    worker.queue(), worker.cpu() < 0 ? "not pinned" : "on processor " + worker.cpu());
            printCounters(worker.counters());
            printBatches(worker.batches());
        }
        out.flush();
    }

    /** The sums that say that no packet's fate is unknown. */
    void printBalance(PacketBalance sums) {
        out.println("Balance of packets");
        out.printf(
                "  %d seen = %d passed to the kernel + %d dropped by the program + %d steered%n",
                sums.seen(), sums.passed(), sums.refused(), sums.steered());
        out.printf(
                "  %d steered = %d received + %d missed by the rings%s%n",
                sums.steered(), sums.received(), sums.missed(), difference(sums.betweenProgramAndWorkers()));
        out.printf(
                "  %d received + %d made = %d forwarded + %d answered + %d dropped by reason + %d held%s%n",
                sums.received(),
                sums.made(),
                sums.forwarded() - sums.answered(),
                sums.answered(),
                sums.dropped(),
                sums.held(),
                difference(sums.withinWorkers()));
        out.flush();
    }

    private static String difference(long packets) {
        return packets == 0 ? "" : " (" + packets + " on their way)";
    }

    private void printBatches(Map<Integer, Long> batches) {
        StringJoiner text = new StringJoiner(", ");
        int above = 0;
        for (Map.Entry<Integer, Long> bucket : new TreeMap<>(batches).entrySet()) {
            if (bucket.getValue() != 0) {
                int most = bucket.getKey();
                text.add((most - above > 1 ? above + 1 + "-" : "") + most + ": " + bucket.getValue());
            }
            above = bucket.getKey();
        }
        if (text.length() != 0) {
            out.println("  batches by packets           " + text);
        }
    }

    private void printServices(DirectorStats stats) {
        out.printf(
                "%-33s %8s %8s %8s %8s %8s%n",
                "Prot LocalAddress:Port", "Conns", "InPkts", "OutPkts", "InBytes", "OutBytes");
        out.println("  -> RemoteAddress:Port");
        for (ServiceStats service : stats.services()) {
            printRow(String.format("%-4s %s", service.protocol(), name(service)), service.traffic());
            printNotes(notes(service));
            for (RealServerStats real : service.realServers()) {
                printRow("  -> " + endpoint(real.address(), real.port()), real.traffic());
                printNotes(notes(real));
                if (!real.reachable()) {
                    out.println("     " + real.nextHop());
                }
            }
        }
    }

    private void printNotes(StringJoiner notes) {
        if (notes.length() != 0) {
            out.println("     " + notes);
        }
    }

    private static StringJoiner notes(ServiceStats service) {
        StringJoiner notes = new StringJoiner(", ");
        if (service.persistence() != 0) {
            notes.add("persistent " + service.persistence() + " s");
        }
        if (service.onePacket()) {
            notes.add("one-packet");
        }
        TranslationStats translation = service.translation();
        if (translation != null) {
            addNotes(notes, translation);
        }
        return notes;
    }

    private static void addNotes(StringJoiner notes, TranslationStats translation) {
        if (!translation.localAddresses().isEmpty()) {
            notes.add("local addresses " + String.join(" ", translation.localAddresses()) + " ports "
                    + translation.localPorts());
        }
        if (!translation.clientAddress().equals("none")) {
            notes.add("client address by " + translation.clientAddress());
        }
        if (translation.synProxy()) {
            notes.add("SYN proxy");
        }
    }

    private static StringJoiner notes(RealServerStats real) {
        StringJoiner notes = new StringJoiner(", ");
        if (!real.method().equals("dr")) {
            notes.add(method(real));
        }
        if (!real.vlan().equals("keep")) {
            notes.add("VLAN " + real.vlan());
        }
        if (real.paths().size() > 1 || real.paths().stream().anyMatch(path -> path.gateway() != null)) {
            notes.add(real.paths().stream().map(StatsPrinter::path).collect(Collectors.joining(" and ", "via ", "")));
        }
        if (real.persistent() != 0) {
            notes.add(real.persistent() + " persistent");
        }
        if (real.upperThreshold() != 0) {
            notes.add("threshold " + real.upperThreshold()
                    + (real.lowerThreshold() == 0 ? "" : ", lower " + real.lowerThreshold()));
        }
        if (real.overloaded()) {
            notes.add("overloaded");
        }
        return notes;
    }

    private static String method(RealServerStats real) {
        TunnelStats tunnel = real.tunnel();
        return tunnel == null
                ? real.method()
                : real.method() + " (" + tunnel.type()
                        + (tunnel.port() == 0 ? "" : " port " + tunnel.port())
                        + (tunnel.checksum().equals("nocsum") ? "" : ", " + tunnel.checksum()) + ")";
    }

    private static String path(PathStats path) {
        return (path.gateway() == null ? path.mac() : path.gateway()) + " on " + path.nic()
                + (path.vlan() == 0 ? "" : " in VLAN " + path.vlan());
    }

    private void printRow(String label, Traffic traffic) {
        // Replies go straight from real server to client in direct routing and tunneling: the director has nothing to
        // count there.
        out.printf(
                "%-33s %8s %8s %8s %8s %8s%n",
                label,
                scaled(traffic.connections()),
                scaled(traffic.inPackets()),
                scaled(traffic.outPackets()),
                scaled(traffic.inBytes()),
                scaled(traffic.outBytes()));
    }

    private void printCounters(Map<String, Long> counters) {
        boolean any = false;
        for (Map.Entry<String, Long> counter : counters.entrySet()) {
            if (counter.getValue() != 0) {
                any = true;
                out.printf("  %-28s %d%n", counter.getKey(), counter.getValue());
            }
        }
        if (!any) {
            out.println("  all zero");
        }
    }

    private static String inline(Map<String, Long> counters) {
        StringJoiner text = new StringJoiner(", ");
        for (Map.Entry<String, Long> counter : counters.entrySet()) {
            if (counter.getValue() != 0) {
                text.add(counter.getKey() + " " + counter.getValue());
            }
        }
        return text.length() == 0 ? "no drops" : text.toString();
    }

    /** {@code 10.0.0.1:80}; {@code 1} or {@code 1 IPv6} for a firewall mark, as ipvsadm has it. */
    private static String name(ServiceStats service) {
        if (service.protocol().equals("FWM")) {
            return service.address() + (service.family().equals("inet6") ? " IPv6" : "");
        }
        return endpoint(service.address(), service.port());
    }

    /** {@code 10.0.0.1:80}, {@code [2001:db8::1]:80}. */
    static String endpoint(String address, int port) {
        return (address.indexOf(':') >= 0 ? "[" + address + "]" : address) + ":" + port;
    }

    /** Counts as ipvsadm shortens them, from 100 million on: 100000K, 1000M, 100G, 100T. */
    static String scaled(long value) {
        if (value < 100_000_000L) {
            return Long.toString(value);
        }
        if (value < 1_000_000_000L) {
            return value / 1_000L + "K";
        }
        if (value < 100_000_000_000L) {
            return value / 1_000_000L + "M";
        }
        if (value < 100_000_000_000_000L) {
            return value / 1_000_000_000L + "G";
        }
        return value / 1_000_000_000_000L + "T";
    }
}
