package dev.sluice.control.doctor;

import static dev.sluice.control.doctor.MadeUp.MAC1;
import static dev.sluice.control.doctor.MadeUp.RS1;
import static dev.sluice.control.doctor.MadeUp.RS2;
import static dev.sluice.control.doctor.MadeUp.STRANGER;
import static dev.sluice.control.doctor.MadeUp.VIP;
import static dev.sluice.control.doctor.MadeUp.address;
import static dev.sluice.control.doctor.MadeUp.attached;
import static dev.sluice.control.doctor.MadeUp.onPath;
import static dev.sluice.control.doctor.MadeUp.own;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.control.doctor.probe.ProbeAnswer.Kind;
import dev.sluice.control.doctor.probe.ProbeKey;
import dev.sluice.control.doctor.probe.ProbeKey.Question;
import dev.sluice.control.preflight.Preflight;
import dev.sluice.ffi.Ethtool;
import dev.sluice.forward.Counter;
import dev.sluice.neighbour.KernelView;
import dev.sluice.neighbour.KernelView.Way;
import dev.sluice.neighbour.Link;
import dev.sluice.stats.HealthStats;
import dev.sluice.stats.RealServerStats;
import dev.sluice.stats.ServiceStats;
import dev.sluice.stats.Traffic;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Each finding, by facts that somebody made up: what leads to it, and what is near it and does not. */
class ChecksTest {
    private final MadeUp made = new MadeUp();

    private void assertFound(String... ids) {
        assertEquals(List.of(ids), made.ids());
    }

    private Finding only() {
        List<Finding> findings = made.findings();
        assertEquals(1, findings.size(), findings::toString);
        return findings.getFirst();
    }

    @Test
    void nothing_is_wrong_with_a_healthy_director_or_a_machine_before_its_start() {
        assertFound();
        made.isRunning = false;
        made.attachment = attached(false);
        assertFound();
    }

    @Test
    void interfaces_that_are_gone_down_or_without_carrier_are_the_cause_of_the_rest() {
        made.link = new Link(2, "eth1", 1, 1500, false, false, 1, null);
        made.ways.clear();
        made.ways.put(address(RS1), new Way(address(RS1), KernelView.Kind.NONE, List.of(), null));
        assertFound("interface-down", "rip-no-route < interface-down");
        made.link = new Link(2, "eth1", 1, 1500, true, false, 1, null);
        assertEquals("interface-no-carrier", made.ids().getFirst());
        made.link = new Link(2, "eth7", 1, 1500, true, true, 1, null);
        assertEquals("interface-missing", made.ids().getFirst());
        assertTrue(made.findings().getFirst().evidence().toString().contains("eth7"));
    }

    @Test
    void other_programs_are_named_and_those_that_share_are_not() {
        made.attachment = attached(false, "xdp_drop_all");
        assertEquals("xdp-other-program", only().id());
        assertTrue(only().evidence().contains("attached to eth1: \"xdp_drop_all\" (id 17)"));
        made.attachment = attached(true, "xdp_filter", "sluice_steer");
        assertFound();
        made.attachment = attached(false);
        assertFound("xdp-program-missing");
    }

    @Test
    void without_a_director_a_steering_program_is_a_leftover_unless_somebody_has_its_sockets() {
        made.isRunning = false;
        assertFound();
        made.xdpSockets = 0;
        assertFound("xdp-leftover");
        made.attachment = attached(false, "xdp_drop_all");
        assertTrue(only().what().contains("would refuse to start"));
        made.attachment = attached(true, "xdp_filter");
        assertFound();
    }

    @Test
    void generic_mode_counts_where_the_driver_has_native() {
        made.xdpMode = "generic";
        assertFound();
        made.xdpFeatures = OptionalLong.of(MadeUp.ALL_OF_XDP);
        assertEquals(Severity.WARNING, only().severity());
        made.config = """
                [director]
                interfaces = ["eth1"]
                xdp_mode = "generic"
                [[service]]
                protocol = "tcp"
                address = "10.0.0.100:80"
                  [[service.real]]
                  address = "10.0.0.11"
                  method = "dr"
                """;
        assertEquals(Severity.INFO, only().severity());
        made.xdpMode = "native";
        made.zeroCopy = false;
        assertFound("xdp-copy");
    }

    @Test
    void queues_need_workers_if_packets_come_to_them() {
        made.queues = 4;
        Finding finding = only();
        assertEquals("queues-without-worker", finding.id());
        assertTrue(finding.what().contains("queues [1, 2, 3]"), finding.what());
        made.indirection = List.of(0, 0, 0, 0);
        assertFound();
        made.indirection = List.of(0, 2, 0, 2);
        assertTrue(only().what().contains("queues [2]"));
        made.indirection = List.of(0);
        made.flowRules = List.of(new Ethtool.FlowRule(7, 0), new Ethtool.FlowRule(8, -1), new Ethtool.FlowRule(9, 3));
        assertFound("flow-rule-without-worker");
        assertTrue(only().advice().contains("ethtool -N eth1 delete 9"));
    }

    @Test
    void offloads_that_matter_are_told_and_others_are_not() {
        made.features.put("tx-checksum-ip-generic", true);
        made.features.put("rx-gro", true);
        made.features.put("rx-vlan-hw-parse", true);
        made.features.put("tx-tcp-segmentation", true);
        assertFound();
        made.xdpMode = "generic";
        assertFound("offload-merges-packets");
        assertEquals(List.of("ethtool -K eth1 gro off"), only().advice());
        made.xdpMode = "native";
        made.features.put("rx-lro", true);
        assertEquals(List.of("ethtool -K eth1 lro off"), only().advice());
        made.features.put("rx-lro", false);
        made.vlans = List.of("eth1.12");
        assertFound("offload-strips-vlan");
        made.vlans = List.of();
        made.driver = Optional.of("veth");
        assertEquals(Severity.INFO, only().severity());
        assertFound("offload-checksum-veth");
    }

    @Test
    void wrong_checksums_count_while_they_come() {
        made.before.put(Counter.CHECKSUM_WRONG.label(), 5L);
        made.after.put(Counter.CHECKSUM_WRONG.label(), 5L);
        assertFound();
        made.after.put(Counter.CHECKSUM_WRONG.label(), 6L);
        assertFound("offload-checksum");
    }

    @Test
    void who_answers_for_the_vip_is_named_by_what_he_is() {
        ProbeKey vip = ProbeKey.whoHas(address(VIP), "eth1");
        made.answer(vip, Kind.I_HAVE, VIP, MAC1, 0);
        assertEquals("10.0.0.11 for 10.0.0.100", only().subject());
        assertFound("arp-vip-answered-by-real-server");
        made.silent(vip);
        made.answer(vip, Kind.I_HAVE, VIP, STRANGER, 0);
        assertFound("arp-vip-answered-by-another-host");
        // An answer of one's own, by another interface on the same network.
        made.others.add(new Link(3, "eth9", STRANGER, 1500, true, true, 1, null));
        assertFound();
        made.others.clear();
        made.addresses.removeIf(own -> own.address().equals(address(VIP)));
        assertFound("vip-on-another-host");
        made.silent(vip);
        assertFound("vip-missing-on-director");
        // A VIP that routers send here belongs to no network.
        made.addresses.clear();
        made.addresses.add(own("eth1", "10.1.0.2", 24));
        assertFound();
    }

    @ParameterizedTest
    @CsvSource({
        "lo,   0, ''",
        "lo,   1, arp-ignore-silences-vip",
        "lo,   2, arp-ignore-silences-vip",
        "lo,   3, arp-ignore-silences-vip",
        "lo,   8, arp-ignore-silences-vip",
        "eth1, 1, ''",
        "eth1, 3, ''",
        "eth1, 8, arp-ignore-silences-vip"
    })
    void arp_ignore_counts_by_where_the_vip_is(String where, int value, String id) {
        made.addresses.clear();
        made.addresses.add(own("eth1", "10.0.0.2", 24));
        made.addresses.add(own(where, VIP, 32));
        made.sysctls.put("net.ipv4.conf.eth1.arp_ignore", value);
        assertEquals(id.isEmpty() ? List.of() : List.of(id), made.ids());
    }

    @ParameterizedTest
    @EnumSource(
            value = KernelView.Kind.class,
            names = {"NONE", "DISCARDED", "LOCAL", "NOT_UNICAST"})
    void routes_that_lead_nowhere(KernelView.Kind kind) {
        made.silence(RS1);
        made.answers.keySet().removeIf(key -> key.target().equals(address(RS1)));
        made.ways.put(address(RS1), new Way(address(RS1), kind, List.of(), null));
        assertFound(
                switch (kind) {
                    case NONE -> "rip-no-route";
                    case LOCAL -> "rip-is-local";
                    default -> "rip-route-discards";
                });
    }

    @Test
    void a_router_is_in_the_way_of_dr_and_of_no_other_method() {
        made.answers.keySet().removeIf(key -> key.target().equals(address(RS1)));
        made.way(RS1, "10.0.0.254", "REACHABLE", STRANGER);
        made.answer(ProbeKey.whoHas(address("10.0.0.254"), "eth1"), Kind.I_HAVE, "10.0.0.254", STRANGER, 0);
        assertFound("dr-not-on-link");
        made.method = "tun";
        assertFound();
    }

    @Test
    void neighbours_that_are_missing_wrong_or_two() {
        made.silence(RS1);
        made.answers.keySet().removeIf(key -> key.target().equals(address(RS1)) && key.question() != Question.WHO_HAS);
        made.way(RS1, null, "FAILED", 0);
        assertFound("neighbour-missing");
        made.answers.clear();
        assertFound("neighbour-missing");
        made.way(RS1, null, "STALE", MAC1);
        assertFound();
        ProbeKey who = ProbeKey.whoHas(address(RS1), "eth1");
        made.silent(who);
        made.way(RS1, null, "PERMANENT", MAC1);
        assertFound();
        made.answer(who, Kind.I_HAVE, RS1, STRANGER, 0);
        assertFound("neighbour-wrong-mac");
        made.answer(who, Kind.I_HAVE, RS1, MAC1, 0);
        assertFound("rip-answered-twice");
    }

    @Test
    void a_real_server_without_the_vip_still_answers_by_its_own_address() {
        made.silent(onPath(Question.ECHO_ON_PATH, RS1, 0));
        // Its TCP port answers: the firewall drops ping alone.
        assertFound();
        made.silent(onPath(Question.SYN_ON_PATH, RS1, 80));
        assertFound("vip-missing-on-real-server");
        made.answer(onPath(Question.SYN_ON_PATH, RS1, 80), Kind.TIME_EXCEEDED, RS1, MAC1, 0);
        assertTrue(only().evidence().toString().contains("which would have forwarded it"));
        made.method = "tun";
        made.answer(onPath(Question.ECHO_ON_PATH, RS1, 0), Kind.TUNNEL_UNREACHABLE, RS1, MAC1, 0);
        assertFound("tunnel-endpoint-missing");
        made.silence(RS1);
        made.answer(ProbeKey.whoHas(address(RS1), "eth1"), Kind.I_HAVE, RS1, MAC1, 0);
        assertFound("real-server-silent");
    }

    @Test
    void ports_that_are_closed_or_silent_on_the_vip() {
        ProbeKey port = onPath(Question.SYN_ON_PATH, RS1, 80);
        made.silent(port);
        assertFound("real-server-port-silent");
        made.answer(port, Kind.RST, VIP, MAC1, 0);
        assertFound("real-server-port-closed");
        made.method = "nat";
        made.answers.keySet().removeIf(key -> key.vip() != null);
        assertFound();
        ProbeKey direct = ProbeKey.direct(Question.SYN, address(RS2), 80);
        made.silent(direct);
        made.answer(direct, Kind.RST, RS2, MadeUp.MAC2, 0);
        assertEquals("10.0.0.12 port 80", only().subject());
    }

    @Test
    void replies_of_nat_come_back_by_the_interface_towards_the_real_server_or_not() {
        made.method = "nat";
        made.answers.keySet().removeIf(key -> key.vip() != null);
        ProbeKey fromVip = onPath(Question.ECHO_FROM_VIP, RS1, 0);
        made.answer(fromVip, Kind.ECHO_REPLY, RS1, MAC1, 0);
        assertFound();
        made.silent(fromVip);
        assertFound("nat-gateway-not-director");
        made.answer(fromVip, Kind.ECHO_REPLY, RS1, "eth0", STRANGER, 0);
        assertTrue(only().evidence().toString().contains("answered by eth0"));
    }

    @Test
    void the_mtu_has_to_be_the_same_on_both_ends() {
        made.silent(ProbeKey.direct(Question.ECHO_LARGE, address(RS1), 1500));
        assertEquals(RS1, only().subject());
        assertFound("mtu-mismatch");
        made.silent(ProbeKey.direct(Question.ECHO, address(RS1), 0));
        // Without ping nothing is known.
        assertFound();
        made.link = new Link(2, "eth1", 1, 1400, true, true, 1, null);
        made.way(RS1, null, "REACHABLE", MAC1);
        made.way(RS2, null, "REACHABLE", MadeUp.MAC2);
        assertEquals("eth1", only().subject());
        assertTrue(only().advice().toString().contains("mtu 1500"));
    }

    @Test
    void rp_filter_counts_where_answers_come_by_another_way_and_are_dropped() {
        for (ProbeKey key : List.copyOf(made.answers.keySet())) {
            boolean direct = key.question() == Question.ECHO || key.question() == Question.SYN;
            if (direct && key.target().equals(address(RS1))) {
                made.silent(key);
                made.answer(
                        key, key.question() == Question.ECHO ? Kind.ECHO_REPLY : Kind.SYN_ACK, RS1, "eth2", MAC1, 1460);
            }
        }
        assertFound("rp-filter-drops-replies");
        made.sysctls.put("net.ipv4.conf.eth2.rp_filter", 2);
        assertFound();
        made.sysctls.put("net.ipv4.conf.all.rp_filter", 0);
        made.sysctls.put("net.ipv4.conf.eth2.rp_filter", 0);
        assertFound();
    }

    @Test
    void the_kernel_of_a_director_of_nat_must_not_tell_of_shorter_ways() {
        made.method = "nat";
        made.answers.keySet().removeIf(key -> key.vip() != null);
        made.sysctls.put("net.ipv4.conf.eth1.send_redirects", 1);
        assertFound();
        made.sysctls.put("net.ipv4.ip_forward", 1);
        assertFound("send-redirects");
        made.method = "dr";
        assertFound();
    }

    @Test
    void services_without_anybody_to_send_to() {
        made.config = """
                [director]
                interfaces = ["eth1"]
                """;
        assertFound("no-services");
        made.config += """
                [[service]]
                protocol = "tcp"
                address = "10.0.0.100:80"
                """;
        assertFound("service-without-real-servers");
        made.config += """
                  [[service.real]]
                  address = "10.0.0.11"
                  method = "dr"
                  weight = 0
                """;
        assertFound("service-all-quiesced");
        made.config += """
                  [[service.real]]
                  address = "10.0.0.12"
                  method = "dr"
                """;
        assertEquals(Severity.INFO, only().severity());
        assertFound("real-server-quiesced");
    }

    private static HealthStats.Service health(String... states) {
        List<HealthStats.RealServer> reals = new ArrayList<>();
        for (int i = 0; i < states.length; i++) {
            reals.add(new HealthStats.RealServer(
                    "10.0.0.1" + (i + 1),
                    80,
                    1,
                    1,
                    true,
                    states[i],
                    "",
                    "connection refused",
                    false,
                    List.of(),
                    List.of()));
        }
        boolean any = List.of(states).contains("up");
        return new HealthStats.Service(
                "TCP", VIP, 80, "inet", "remove", 0, new HealthStats.Quorum(any, 1, 0, any ? 1 : 0, ""), null, reals);
    }

    private static ServiceStats stats(String method, boolean overloaded, long connections, long replies) {
        Traffic traffic = new Traffic(connections, 3 * connections, replies, 0, 0);
        RealServerStats real = new RealServerStats(
                RS1,
                80,
                method,
                null,
                "keep",
                1,
                "",
                List.of(),
                true,
                5,
                0,
                5,
                3,
                overloaded,
                0,
                traffic,
                Traffic.NONE);
        return new ServiceStats(
                "TCP", VIP, 80, "inet", "rr", List.of(), 0, null, false, null, traffic, Traffic.NONE, List.of(real));
    }

    @Test
    void thresholds_that_are_reached_and_connections_without_a_reply() {
        made.services = List.of(stats("dr", false, 100, 0));
        assertFound();
        made.services = List.of(stats("dr", true, 100, 0));
        assertFound("real-server-overloaded");
        made.services = List.of(stats("nat", false, 100, 1));
        assertFound();
        made.services = List.of(stats("nat", false, 2, 0));
        assertFound();
        made.services = List.of(stats("nat", false, 3, 0));
        assertFound("nat-no-replies");
    }

    @Test
    void failed_health_checks_stand_behind_what_explains_them() {
        made.health = List.of(health("up", "up"));
        assertFound();
        made.health = List.of(health("down", "up"));
        assertFound("real-server-down");
        made.health = List.of(health("down", "down"));
        assertFound("service-all-down", "real-server-down", "real-server-down");
        made.health = List.of(health("down", "up"));
        ProbeKey port = onPath(Question.SYN_ON_PATH, RS1, 80);
        made.silent(port);
        made.answer(port, Kind.RST, VIP, MAC1, 0);
        assertFound("real-server-port-closed", "real-server-down < real-server-port-closed");
        made.health = List.of(health("up", "down"));
        assertFound("real-server-port-closed", "real-server-down");
    }

    @Test
    void full_nat_needs_local_addresses_that_are_the_directors_own() {
        made.answers.keySet().removeIf(key -> key.vip() != null);
        made.config = """
                [director]
                interfaces = ["eth1"]
                [director.fullnat]
                local_addresses = ["10.0.0.201"]
                [[service]]
                protocol = "tcp"
                address = "10.0.0.100:80"
                  [[service.real]]
                  address = "10.0.0.11"
                  method = "fullnat"
                """;
        assertFound("local-address-missing");
        made.addresses.add(own("eth1", "10.0.0.201", 32));
        assertFound();
        made.answer(ProbeKey.whoHas(address("10.0.0.201"), "eth1"), Kind.I_HAVE, "10.0.0.201", STRANGER, 0);
        assertFound("arp-vip-answered-by-another-host");
    }

    @Test
    void counters_count_by_their_growth_and_ordinary_ones_by_their_share() {
        made.before.put("packets_in", 0L);
        made.after.put("packets_in", 1000L);
        made.after.put("tx_ring_full", 1L);
        assertFound("drop-tx-ring-full");
        made.after.remove("tx_ring_full");
        made.after.put("rst_without_flow", 50L);
        assertFound();
        made.after.put("rst_without_flow", 51L);
        assertFound("drop-rst-without-flow");
        made.after.remove("rst_without_flow");
        made.xsk.put("rx_ring_full", 3L);
        assertFound("xsk-rx-ring-full");
        made.xsk.clear();
        made.missed.put("rx_missed_errors", 0L);
        assertFound();
        made.missed.put("rx_missed_errors", 2L);
        assertFound("nic-missed");
    }

    @Test
    void drops_follow_from_what_explains_them() {
        made.after.put("no_neighbour", 10L);
        assertFound("drop-no-neighbour");
        made.answers.keySet().removeIf(key -> key.target().equals(address(RS1)));
        made.silent(ProbeKey.whoHas(address(RS1), "eth1"));
        made.way(RS1, null, "FAILED", 0);
        assertFound("neighbour-missing", "drop-no-neighbour < neighbour-missing");
    }

    @Test
    void workers_want_cpus_of_their_own() {
        made.workerCpus = List.of(2, 3);
        assertFound();
        made.workerCpus = List.of(3, 3);
        assertFound("workers-share-cpu");
        made.workerCpus = List.of(2, 3);
        made.siblings.put(2, Set.of(2, 3));
        made.siblings.put(3, Set.of(2, 3));
        assertFound();
        made.config = """
                [director]
                interfaces = ["eth1"]
                idle = "busy"
                [[service]]
                protocol = "tcp"
                address = "10.0.0.100:80"
                  [[service.real]]
                  address = "10.0.0.11"
                  method = "dr"
                """;
        assertFound("workers-share-core");
    }

    @ParameterizedTest
    @EnumSource(value = Preflight.Lack.class, mode = EnumSource.Mode.EXCLUDE, names = "INTERFACE")
    void what_would_stop_a_start_has_an_id_each(Preflight.Lack lack) {
        made.isRunning = false;
        made.attachment = attached(false);
        made.problems = List.of(new Preflight.Problem(lack, "it is too small; make it larger"));
        Finding finding = only();
        assertEquals("sluice run would refuse to start: it is too small", finding.what());
        assertEquals(List.of("make it larger"), finding.advice());
    }

    @Test
    void every_finding_is_documented_once_and_nothing_else_is() throws IOException {
        List<String> expected = new ArrayList<>();
        for (FindingId id : FindingId.values()) {
            expected.add(id.id());
        }
        expected.addAll(CounterAdvice.all().keySet());
        List<String> documented = Files.readAllLines(Path.of("docs/doctor.md")).stream()
                .dropWhile(line -> !line.equals("## Findings"))
                .filter(line -> line.startsWith("| `"))
                .map(line -> line.substring(3, line.indexOf('`', 3)))
                .sorted()
                .toList();
        assertEquals(expected.stream().sorted().toList(), documented);
    }

    /** But for those that take a card: a driver with zero-copy, one with flow rules, and one that counts what it missed. */
    @Test
    void every_finding_is_provoked_in_a_lab() throws IOException {
        StringBuilder tests = new StringBuilder();
        for (String name : List.of("DoctorIT", "DoctorScenariosIT", "DoctorMachineIT")) {
            tests.append(Files.readString(Path.of("src/test/java/dev/sluice/it/" + name + ".java")));
        }
        List<FindingId> missing = Arrays.stream(FindingId.values())
                .filter(id -> !tests.toString().matches("(?s).*[\" ]" + id.id() + "[\": ].*"))
                .toList();
        assertEquals(List.of(FindingId.XDP_COPY, FindingId.FLOW_RULE_WITHOUT_WORKER, FindingId.NIC_MISSED), missing);
    }

    @Test
    void every_reason_for_which_packets_are_dropped_has_advice() {
        for (Counter counter : Counter.values()) {
            if (counter.kind() == Counter.Kind.DROP) {
                assertTrue(
                        CounterAdvice.of("drop-" + counter.label().replace('_', '-'))
                                .isPresent(),
                        counter.label());
            }
        }
    }
}
