package dev.sluice.control;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.control.CommonRules.Verdict;
import dev.sluice.packet.AddressFamily;
import dev.sluice.packet.IpAddress;
import dev.sluice.packet.IpPrefix;
import dev.sluice.service.AddressKey;
import dev.sluice.service.FwmarkRule;
import dev.sluice.service.Protocol;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Against the plain meaning: a packet is steered when the first rule that matches it says so, in both lists. */
class CommonRulesTest {
    private static final Random RANDOM = new Random(20);

    private record Packet(Protocol protocol, IpAddress source, IpAddress destination, int port) {}

    private static IpAddress address(boolean inet6) {
        return inet6
                ? IpAddress.ofInet6(0x2001_0db8L << 32, RANDOM.nextInt(8))
                : IpAddress.ofInet(0x0a000000 + RANDOM.nextInt(8));
    }

    private static IpPrefix prefix(boolean inet6) {
        AddressFamily family = inet6 ? AddressFamily.INET6 : AddressFamily.INET;
        int length = family.addressBits() - RANDOM.nextInt(4);
        return new IpPrefix(address(inet6).and(IpAddress.netmask(family, length)), length);
    }

    private static List<Verdict> list() {
        List<Verdict> verdicts = new ArrayList<>();
        for (int i = RANDOM.nextInt(8); i > 0; i--) {
            boolean inet6 = RANDOM.nextInt(4) == 0;
            int first = RANDOM.nextInt(6);
            Protocol protocol = RANDOM.nextBoolean() ? null : RANDOM.nextBoolean() ? Protocol.TCP : Protocol.UDP;
            IpPrefix destination = prefix(inet6);
            verdicts.add(new Verdict(
                    new FwmarkRule(
                            1 + RANDOM.nextInt(3),
                            protocol,
                            destination,
                            first,
                            first + RANDOM.nextInt(4),
                            RANDOM.nextBoolean() ? null : prefix(inet6)),
                    RANDOM.nextInt(3) != 0));
        }
        return verdicts;
    }

    private static boolean matches(FwmarkRule rule, Packet packet) {
        return (rule.protocol() == null || rule.protocol() == packet.protocol())
                && rule.destination().contains(packet.destination())
                && (rule.source() == null || rule.source().contains(packet.source()))
                && packet.port() >= rule.firstPort()
                && packet.port() <= rule.lastPort();
    }

    private static boolean isSteered(List<Verdict> list, Packet packet) {
        return list.stream()
                .filter(verdict -> matches(verdict.rule(), packet))
                .findFirst()
                .map(Verdict::steered)
                .orElse(false);
    }

    @Test
    void a_packet_is_steered_when_both_lists_steer_it() {
        int steered = 0;
        for (int round = 0; round < 2_000; round++) {
            List<Verdict> before = list();
            List<Verdict> after = list();
            List<Verdict> common = CommonRules.of(before, after, 256).stream()
                    .map(rule -> Verdict.of(rule, CommonRules::isSteered))
                    .toList();
            for (int i = 0; i < 100; i++) {
                boolean inet6 = RANDOM.nextInt(4) == 0;
                Packet packet = new Packet(
                        RANDOM.nextBoolean() ? Protocol.TCP : Protocol.UDP,
                        address(inet6),
                        address(inet6),
                        RANDOM.nextInt(10));
                boolean both = isSteered(before, packet) && isSteered(after, packet);
                assertEquals(both, isSteered(common, packet), () -> packet + "\n" + before + "\n" + after);
                steered += both ? 1 : 0;
            }
        }
        assertTrue(steered > 1_000, steered + " packets of both");
    }

    @Test
    void rules_that_stay_are_no_more_than_they_were() {
        List<Verdict> rules = IntStream.range(0, 200)
                .mapToObj(i -> new Verdict(
                        new FwmarkRule(7, Protocol.TCP, IpPrefix.parse("10.0.0.0/24"), i, i + 50, null), true))
                .toList();
        assertEquals(200, CommonRules.of(rules, rules, 256).size());
    }

    @Test
    void what_does_not_fit_is_left_to_the_kernel() {
        List<Verdict> ports = IntStream.range(0, 40)
                .mapToObj(i -> new Verdict(new FwmarkRule(7, null, IpPrefix.parse("10.0.0.0/24"), i, i, null), true))
                .toList();
        List<Verdict> hosts = IntStream.range(0, 40)
                .mapToObj(
                        i -> new Verdict(new FwmarkRule(7, null, IpPrefix.parse("10.0.0." + i), 0, 65535, null), true))
                .toList();
        List<FwmarkRule> common = CommonRules.of(ports, hosts, 256);
        assertEquals(256, common.size());
        assertEquals(1600, CommonRules.of(ports, hosts, 2000).size());
    }

    @Test
    void services_of_addresses_count_as_rules() {
        FwmarkRule http = Verdict.of(new AddressKey(Protocol.TCP, IpAddress.parse("10.0.0.1"), 80))
                .rule();
        FwmarkRule every = Verdict.of(new AddressKey(Protocol.TCP, IpAddress.parse("10.0.0.1"), 0))
                .rule();
        FwmarkRule udp = Verdict.of(new AddressKey(Protocol.UDP, IpAddress.parse("10.0.0.1"), 80))
                .rule();
        assertTrue(CommonRules.overlap(http, every));
        assertTrue(!CommonRules.overlap(http, udp));
    }
}
