package dev.sluice.control.doctor;

import dev.sluice.bpf.SteeringException;
import dev.sluice.bpf.XdpAttachment;
import dev.sluice.control.preflight.EnvironmentException;
import dev.sluice.control.preflight.MachineFacts;
import dev.sluice.control.preflight.Preflight;
import dev.sluice.ffi.Ethtool;
import dev.sluice.ffi.NativeException;
import dev.sluice.neighbour.KernelView;
import dev.sluice.neighbour.Link;
import dev.sluice.neighbour.XdpFeatures;
import dev.sluice.stats.WorkerStats;
import dev.sluice.xsk.InterfaceQueues;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;

/** Reads facts of the machine: from /proc, /sys, rtnetlink and the drivers. Changes nothing. One thread. */
final class HostReader {
    private static final Path SYSCTLS = Path.of("/proc/sys");
    private static final Path CPUS = Path.of("/sys/devices/system/cpu");
    private static final Path NETSTAT = Path.of("/proc/thread-self/net/netstat");

    private static final Path PROTOCOLS = Path.of("/proc/thread-self/net/protocols");

    /** Counters of drivers for packets that found no buffer; those of packets that somebody dropped on purpose are others. */
    private static final Pattern MISSED = Pattern.compile("miss|no_?buf|no_?desc|out_of_buf|fifo|alloc_fail");

    private static final List<String> INET_SETTINGS =
            List.of("rp_filter", "arp_ignore", "arp_announce", "send_redirects", "forwarding");

    private final Subject subject;
    private final List<String> notes;

    /**
     * A reader.
     *
     * @param notes takes what could not be looked at, and why
     */
    HostReader(Subject subject, List<String> notes) {
        this.subject = subject;
        this.notes = notes;
    }

    /**
     * Makes sure that the calling thread is in the network namespace of a director, whose interfaces would otherwise be taken for
     * missing. A process of that number which is not a director's, seen from inside a container, tells nothing.
     */
    static void sameNamespace(long pid) throws EnvironmentException {
        Path director = Path.of("/proc", Long.toString(pid));
        boolean known = read(director.resolve("cmdline")).orElse("").contains("sluice");
        try {
            Path its = Files.readSymbolicLink(director.resolve("ns/net"));
            if (known && !its.equals(Files.readSymbolicLink(Path.of("/proc/thread-self/ns/net")))) {
                throw new EnvironmentException(
                        List.of("the director (pid " + pid + ") runs in another network namespace;" + " nsenter --net="
                                + director.resolve("ns/net") + " sluice doctor"));
            }
        } catch (IOException e) {
            // Not to be seen from here, which root can everywhere but in a container.
        }
    }

    /** The director's interfaces that are there; counters of what they missed are absolute. */
    Map<String, Facts.Nic> interfaces(KernelView kernel) {
        Map<String, Facts.Nic> nics = new LinkedHashMap<>();
        for (String name : subject.interfaces()) {
            kernel.links().stream()
                    .filter(link -> link.name().equals(name))
                    .findFirst()
                    .ifPresent(link -> nics.put(name, nic(link, kernel.links())));
        }
        return nics;
    }

    private Facts.Nic nic(Link link, List<Link> links) {
        String name = link.name();
        List<String> vlans = links.stream()
                .filter(other -> other.vlan() != null && other.vlan().lowerIfindex() == link.ifindex())
                .map(Link::name)
                .toList();
        return new Facts.Nic(
                link,
                InterfaceQueues.driver(name),
                InterfaceQueues.count(name),
                Ethtool.indirection(name),
                Ethtool.flowRules(name),
                Ethtool.features(name),
                attachment(name),
                XdpFeatures.of(link.ifindex()),
                missed(name),
                vlans);
    }

    private Optional<XdpAttachment> attachment(String name) {
        try {
            return Optional.of(XdpAttachment.of(name));
        } catch (SteeringException | NativeException e) {
            notes.add("XDP programs of " + name + ": " + e.getMessage());
            return Optional.empty();
        }
    }

    private static Map<String, Long> missed(String name) {
        Map<String, Long> missed = new LinkedHashMap<>();
        Ethtool.statistics(name).forEach((counter, value) -> {
            String lower = counter.toLowerCase(Locale.ROOT);
            if (MISSED.matcher(lower).find() && !lower.startsWith("tx")) {
                missed.put(counter, value);
            }
        });
        return missed;
    }

    /** The same interfaces with what they have missed since an earlier reading. */
    static Map<String, Facts.Nic> since(Map<String, Facts.Nic> before) {
        Map<String, Facts.Nic> now = new LinkedHashMap<>();
        before.forEach((name, nic) -> {
            Map<String, Long> grown = missed(name);
            grown.replaceAll(
                    (counter, value) -> Math.max(0, value - nic.missed().getOrDefault(counter, value)));
            now.put(
                    name,
                    new Facts.Nic(
                            nic.link(),
                            nic.driver(),
                            nic.queues(),
                            nic.indirection(),
                            nic.flowRules(),
                            nic.features(),
                            nic.attachment(),
                            nic.xdpFeatures(),
                            grown,
                            nic.vlans()));
        });
        return now;
    }

    Facts.Machine machine(Map<String, Facts.Nic> interfaces) {
        MachineFacts machine = MachineFacts.ofThisMachine();
        List<Preflight.Problem> problems = List.of();
        OptionalInt workers = OptionalInt.empty();
        if (subject.after().isPresent()) {
            workers = OptionalInt.of(subject.after().get().workers().size());
        } else {
            problems = Preflight.problems(subject.config().director(), machine);
            if (interfaces.size() == subject.interfaces().size()) {
                workers = OptionalInt.of(Preflight.workers(subject.config().director(), machine));
            }
        }
        return new Facts.Machine(problems, siblings(), Runtime.getRuntime().availableProcessors(), workers);
    }

    /** Of the processors that workers are pinned to. */
    private Map<Integer, Set<Integer>> siblings() {
        Map<Integer, Set<Integer>> siblings = new HashMap<>();
        subject.after().ifPresent(stats -> {
            for (WorkerStats worker : stats.workers()) {
                Path list = CPUS.resolve("cpu" + worker.cpu() + "/topology/thread_siblings_list");
                if (worker.cpu() >= 0) {
                    read(list).ifPresent(text -> siblings.put(worker.cpu(), numbers(text)));
                }
            }
        });
        return siblings;
    }

    private static Set<Integer> numbers(String list) {
        Set<Integer> numbers = new TreeSet<>();
        for (String range : list.split(",", -1)) {
            String[] ends = range.split("-", -1);
            for (int i = Integer.parseInt(ends[0]); i <= Integer.parseInt(ends[ends.length - 1]); i++) {
                numbers.add(i);
            }
        }
        return numbers;
    }

    /**
     * The settings that checks look at.
     *
     * @param links every interface: answers may come in by any
     */
    static Map<String, Integer> sysctls(List<Link> links) {
        List<String> names = new ArrayList<>(List.of("net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding"));
        for (String setting : INET_SETTINGS) {
            names.add("net.ipv4.conf.all." + setting);
        }
        Map<String, Integer> values = new LinkedHashMap<>();
        names.forEach(name -> put(values, name, name.replace('.', '/')));
        for (Link link : links) {
            for (String setting : INET_SETTINGS) {
                // A name of an interface may have dots of its own.
                put(
                        values,
                        "net.ipv4.conf." + link.name() + "." + setting,
                        "net/ipv4/conf/" + link.name() + "/" + setting);
            }
        }
        return values;
    }

    private static void put(Map<String, Integer> values, String name, String path) {
        read(SYSCTLS.resolve(path))
                .filter(text -> text.matches("-?\\d+"))
                .ifPresent(text -> values.put(name, Integer.parseInt(text)));
    }

    /** {@code TcpExt IPReversePathFilter} of proc(5) net/netstat: packets that rp_filter has dropped. */
    static long reversePathDrops() {
        List<String> lines = read(NETSTAT).orElse("").lines().toList();
        for (int i = 0; i + 1 < lines.size(); i++) {
            List<String> names = List.of(lines.get(i).split(" ", -1));
            int at = names.indexOf("IPReversePathFilter");
            if (at >= 0) {
                return Long.parseLong(lines.get(i + 1).split(" ", -1)[at]);
            }
        }
        return 0;
    }

    /** Sockets of AF_XDP in this network namespace, as /proc/net/protocols counts them. */
    static int xdpSockets() {
        return read(PROTOCOLS)
                .orElse("")
                .lines()
                .map(line -> List.of(line.strip().split("\\s+", -1)))
                .filter(columns -> columns.size() > 2 && columns.getFirst().equals("XDP"))
                .mapToInt(columns -> Integer.parseInt(columns.get(2)))
                .sum();
    }

    private static Optional<String> read(Path file) {
        try {
            return Optional.of(Files.readString(file).strip());
        } catch (IOException e) {
            return Optional.empty();
        }
    }
}
