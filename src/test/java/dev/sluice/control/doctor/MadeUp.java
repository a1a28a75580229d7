package dev.sluice.control.doctor;

import dev.sluice.bpf.XdpAttachment;
import dev.sluice.control.config.ConfigException;
import dev.sluice.control.config.ConfigFile;
import dev.sluice.control.config.SluiceConfig;
import dev.sluice.control.doctor.probe.ProbeAnswer;
import dev.sluice.control.doctor.probe.ProbeKey;
import dev.sluice.control.doctor.probe.ProbeKey.Question;
import dev.sluice.control.preflight.Preflight;
import dev.sluice.ffi.Ethtool;
import dev.sluice.neighbour.KernelView.Kind;
import dev.sluice.neighbour.KernelView.Leg;
import dev.sluice.neighbour.KernelView.OwnAddress;
import dev.sluice.neighbour.KernelView.Way;
import dev.sluice.neighbour.Link;
import dev.sluice.packet.IpAddress;
import dev.sluice.stats.DirectorStats;
import dev.sluice.stats.HealthStats;
import dev.sluice.stats.InterfaceStats;
import dev.sluice.stats.ServiceStats;
import dev.sluice.stats.WorkerStats;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Facts that somebody made up: a healthy director with one service on 10.0.0.100:80 and the real servers 10.0.0.11 and 10.0.0.12, of which
 * a test changes what it is about.
 */
final class MadeUp {
    static final String VIP = "10.0.0.100";
    static final String RS1 = "10.0.0.11";
    static final String RS2 = "10.0.0.12";
    static final long MAC1 = 0x0251_0000_0011L;
    static final long MAC2 = 0x0251_0000_0012L;
    static final long STRANGER = 0x0251_0000_00eeL;

    /** As in the kernel's NETDEV_XDP_ACT_…: basic, redirect, transmit, zero-copy. */
    static final long ALL_OF_XDP = 0xf;

    String config = "";
    String method = "dr";
    Link link = new Link(2, "eth1", 0x0251_0000_0002L, 1500, true, true, 1, null);
    final List<Link> others = new ArrayList<>();
    Optional<String> driver = Optional.of("ixgbe");
    int queues = 1;
    List<Integer> indirection = List.of();
    List<Ethtool.FlowRule> flowRules = List.of();
    final Map<String, Boolean> features = new HashMap<>();
    Optional<XdpAttachment> attachment = attached(false, "sluice_steer");
    OptionalLong xdpFeatures = OptionalLong.empty();
    final Map<String, Long> missed = new LinkedHashMap<>();
    List<String> vlans = List.of();
    final List<OwnAddress> addresses = new ArrayList<>(List.of(own("eth1", "10.0.0.2", 24), own("eth1", VIP, 32)));
    final Map<IpAddress, Way> ways = new LinkedHashMap<>();
    final Map<String, Integer> sysctls = new HashMap<>(
            Map.of("net.ipv4.ip_forward", 0, "net.ipv4.conf.all.rp_filter", 1, "net.ipv4.conf.eth1.rp_filter", 1));
    final Map<ProbeKey, List<ProbeAnswer>> answers = new LinkedHashMap<>();
    List<Preflight.Problem> problems = List.of();
    long reversePathDrops;
    int xdpSockets = 1;
    boolean isRunning = true;
    final Map<String, Long> before = new HashMap<>();
    final Map<String, Long> after = new HashMap<>();
    String xdpMode = "native";
    boolean zeroCopy = true;
    final Map<String, Long> xsk = new HashMap<>();
    List<ServiceStats> services = List.of();
    List<HealthStats.Service> health = List.of();
    List<Integer> workerCpus = List.of(-1);
    final Map<Integer, Set<Integer>> siblings = new HashMap<>();

    MadeUp() {
        for (String rip : List.of(RS1, RS2)) {
            long mac = rip.equals(RS1) ? MAC1 : MAC2;
            way(rip, null, "REACHABLE", mac);
            answer(ProbeKey.whoHas(address(rip), "eth1"), ProbeAnswer.Kind.I_HAVE, rip, mac, 0);
            answer(ProbeKey.direct(Question.ECHO, address(rip), 0), ProbeAnswer.Kind.ECHO_REPLY, rip, mac, 0);
            answer(ProbeKey.direct(Question.ECHO_LARGE, address(rip), 1500), ProbeAnswer.Kind.ECHO_REPLY, rip, mac, 0);
            answer(ProbeKey.direct(Question.SYN, address(rip), 80), ProbeAnswer.Kind.SYN_ACK, rip, mac, 1460);
            answer(onPath(Question.ECHO_ON_PATH, rip, 0), ProbeAnswer.Kind.ECHO_REPLY, VIP, mac, 0);
            answer(onPath(Question.SYN_ON_PATH, rip, 80), ProbeAnswer.Kind.SYN_ACK, VIP, mac, 1460);
        }
        silent(ProbeKey.whoHas(address(VIP), "eth1"));
    }

    static IpAddress address(String text) {
        return IpAddress.parse(text);
    }

    static OwnAddress own(String interfaceName, String address, int length) {
        return new OwnAddress(interfaceName, address(address), length);
    }

    static ProbeKey onPath(Question question, String rip, int port) {
        return ProbeKey.ofVip(question, address(rip), address(VIP), port);
    }

    static Optional<XdpAttachment> attached(boolean dispatcher, String... names) {
        List<XdpAttachment.Program> programs = new ArrayList<>();
        for (String name : names) {
            programs.add(new XdpAttachment.Program(17, name));
        }
        return Optional.of(new XdpAttachment(programs, dispatcher, true));
    }

    final void way(String rip, @Nullable String gateway, String state, long mac) {
        Leg leg = new Leg(link, gateway == null ? null : address(gateway), link.mtuBytes(), state, mac);
        ways.put(address(rip), new Way(address(rip), Kind.UNICAST, List.of(leg), address("10.0.0.2")));
    }

    final void answer(ProbeKey key, ProbeAnswer.Kind kind, String from, long mac, int mss) {
        answer(key, kind, from, "eth1", mac, mss);
    }

    final void answer(ProbeKey key, ProbeAnswer.Kind kind, String from, String interfaceName, long mac, int mss) {
        answers.computeIfAbsent(key, _ -> new ArrayList<>())
                .add(new ProbeAnswer(kind, address(from), interfaceName, mac, mss));
    }

    /** Asked, and not answered. */
    final void silent(ProbeKey key) {
        answers.put(key, new ArrayList<>());
    }

    /** Nobody answers anything that has to do with a real server. */
    void silence(String rip) {
        answers.keySet().stream()
                .filter(key -> key.target().equals(address(rip)))
                .toList()
                .forEach(this::silent);
    }

    /** The whole configuration: that of a test, or the ordinary one. */
    private SluiceConfig parsed() {
        String text = config.isEmpty() ? """
                  [director]
                  interfaces = ["eth1"]
                  [[service]]
                  protocol = "tcp"
                  address = "10.0.0.100:80"
                    [[service.real]]
                    address = "10.0.0.11"
                    method = "METHOD"
                    [[service.real]]
                    address = "10.0.0.12"
                    method = "METHOD"
                  """.replace("METHOD", method) : config;
        try {
            return ConfigFile.parse("made up", text);
        } catch (ConfigException e) {
            throw new AssertionError(e);
        }
    }

    private DirectorStats stats(Map<String, Long> outcomes) {
        List<WorkerStats> workers = new ArrayList<>();
        List<InterfaceStats.QueueStats> sockets = new ArrayList<>();
        boolean isAfter = outcomes == after;
        for (int queue = 0; queue < workerCpus.size(); queue++) {
            workers.add(new WorkerStats(queue, workerCpus.get(queue), Map.of(), Map.of()));
            sockets.add(new InterfaceStats.QueueStats(queue, zeroCopy, isAfter ? xsk : Map.of()));
        }
        return new DirectorStats(
                "1",
                42,
                1000,
                1,
                services,
                outcomes,
                List.of(new InterfaceStats("eth1", xdpMode, false, Map.of(), sockets)),
                workers,
                new HealthStats(new HealthStats.Progress(0, 0, 0, 0, 0, 0), health));
    }

    Facts facts() {
        SluiceConfig parsed = parsed();
        Subject subject = isRunning
                ? new Subject(parsed, Optional.of(stats(before)), Optional.of(stats(after)))
                : Subject.ofFile(parsed);
        Facts.Nic nic = new Facts.Nic(
                link, driver, queues, indirection, flowRules, features, attachment, xdpFeatures, missed, vlans);
        List<Link> links = new ArrayList<>(others);
        links.add(link);
        return new Facts(
                subject,
                new Facts.Machine(problems, siblings, 4, OptionalInt.of(workerCpus.size())),
                link.name().equals("eth1") ? Map.of("eth1", nic) : Map.of(),
                links,
                addresses,
                ways,
                sysctls,
                answers,
                reversePathDrops,
                xdpSockets);
    }

    /** What is found, causes first. */
    List<Finding> findings() {
        return Consequences.sort(Checks.all(facts()));
    }

    /** Each as {@code id}, or {@code id < cause}. */
    List<String> ids() {
        return findings().stream()
                .map(finding -> finding.id()
                        + finding.follows().map(cause -> " < " + cause).orElse(""))
                .toList();
    }
}
