package dev.sluice.bpf;

import static dev.sluice.bpf.SteeringOutcome.PASS_NO_SERVICE;
import static dev.sluice.bpf.SteeringOutcome.STEERED;
import static dev.sluice.bpf.SteeringOutcome.STEERED_FRAGMENT;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.bench.PacketBuilder;
import dev.sluice.ffi.generated.Native;
import dev.sluice.packet.IpAddress;
import dev.sluice.packet.IpPrefix;
import dev.sluice.service.AddressKey;
import dev.sluice.service.FwmarkRule;
import dev.sluice.service.Protocol;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/** Rules that give marks: what they steer, against a reading of them in Java, and while they change. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class SteeringFwmarkIT {
    private final VerdictLab lab = new VerdictLab();

    @AfterEach
    void noRules() {
        lab.maps.setFwmarkRules(List.of());
    }

    @AfterAll
    void close() {
        lab.close();
    }

    private static FwmarkRule rule(@Nullable Protocol protocol, String destination, int first, int last) {
        return new FwmarkRule(1, protocol, IpPrefix.parse(destination), first, last, null);
    }

    private static byte[] tcp(String source, String destination, int port) {
        return PacketBuilder.tcp(IpAddress.parse(source), 40000, IpAddress.parse(destination), port)
                .build();
    }

    private static byte[] udp(String source, String destination, int port) {
        return PacketBuilder.udp(IpAddress.parse(source), 40000, IpAddress.parse(destination), port)
                .build();
    }

    @Test
    void protocolDestinationAndPorts() {
        lab.expect("no rules", tcp("10.0.0.1", "10.4.0.9", 80), PASS_NO_SERVICE);
        lab.maps.setFwmarkRules(List.of(rule(Protocol.TCP, "10.4.0.8/30", 80, 443)));
        lab.expect("first port", tcp("10.0.0.1", "10.4.0.9", 80), STEERED);
        lab.expect("last port", tcp("10.0.0.1", "10.4.0.11", 443), STEERED);
        lab.expect("below", tcp("10.0.0.1", "10.4.0.9", 79), PASS_NO_SERVICE);
        lab.expect("above", tcp("10.0.0.1", "10.4.0.9", 444), PASS_NO_SERVICE);
        lab.expect("beside", tcp("10.0.0.1", "10.4.0.12", 80), PASS_NO_SERVICE);
        lab.expect("udp", udp("10.0.0.1", "10.4.0.9", 80), PASS_NO_SERVICE);
        lab.maps.setFwmarkRules(List.of());
        lab.expect("rules gone", tcp("10.0.0.1", "10.4.0.9", 80), PASS_NO_SERVICE);
    }

    @Test
    void everyPortAndEveryProtocol() {
        lab.maps.setFwmarkRules(List.of(rule(null, "2001:db8:4::/48", 0, 65535)));
        lab.expect("tcp", tcp("2001:db8::1", "2001:db8:4:ffff::1", 0), STEERED);
        lab.expect("udp", udp("2001:db8::1", "2001:db8:4::", 65535), STEERED);
        lab.expect("beside", udp("2001:db8::1", "2001:db8:5::", 53), PASS_NO_SERVICE);
        lab.expect("the other family", udp("10.0.0.1", "10.0.0.9", 53), PASS_NO_SERVICE);
        lab.expect(
                "icmpv6",
                PacketBuilder.ethernet()
                        .ip(IpAddress.parse("2001:db8::1"), IpAddress.parse("2001:db8:4::1"))
                        .icmp(128)
                        .build(),
                SteeringOutcome.PASS_PROTOCOL);
    }

    @Test
    void aRuleIsForItsFamilyAlone() {
        // To the other family's rules an IPv4 address is the number ::a04:1.
        FwmarkRule everything6 = new FwmarkRule(5, null, IpPrefix.parse("::/0"), 0, 65535, null);
        lab.maps.setFwmarkRules(List.of(everything6, rule(null, "10.4.0.1", 0, 65535)), key -> key.mark() == 1);
        lab.expect("the second rule's", tcp("10.0.0.1", "10.4.0.1", 80), STEERED);
        lab.maps.setFwmarkRules(List.of(everything6));
        lab.expect("no rule's", tcp("10.0.0.1", "10.4.0.1", 80), PASS_NO_SERVICE);
        lab.expect("the first rule's", tcp("2001:db8::1", "::a04:1", 80), STEERED);
    }

    @Test
    void aSourceNarrowsARule() {
        lab.maps.setFwmarkRules(
                List.of(new FwmarkRule(1, null, IpPrefix.parse("10.4.0.1"), 0, 65535, IpPrefix.parse("192.0.2.0/24"))));
        lab.expect("from there", tcp("192.0.2.7", "10.4.0.1", 80), STEERED);
        lab.expect("from elsewhere", tcp("192.0.3.7", "10.4.0.1", 80), PASS_NO_SERVICE);
    }

    @Test
    void theFirstRuleCountsAlsoWhenItsMarkHasNoService() {
        FwmarkRule narrow = new FwmarkRule(5, Protocol.TCP, IpPrefix.parse("10.4.0.1"), 22, 22, null);
        FwmarkRule wide = new FwmarkRule(6, null, IpPrefix.parse("10.4.0.0/16"), 0, 65535, null);
        lab.maps.setFwmarkRules(List.of(narrow, wide), key -> key.mark() == 6);
        lab.expect("its mark has no service", tcp("10.0.0.1", "10.4.0.1", 22), PASS_NO_SERVICE);
        lab.expect("the second", tcp("10.0.0.1", "10.4.0.1", 23), STEERED);
        lab.maps.setFwmarkRules(List.of(wide, narrow), key -> key.mark() == 6);
        lab.expect("the other order", tcp("10.0.0.1", "10.4.0.1", 22), STEERED);
        AddressKey ssh = new AddressKey(Protocol.TCP, IpAddress.parse("10.4.0.1"), 22);
        lab.maps.setFwmarkRules(List.of(narrow), key -> false);
        lab.maps.addService(ssh, 1);
        lab.expect("a service by address", tcp("10.0.0.1", "10.4.0.1", 22), STEERED);
        lab.maps.removeService(ssh);
    }

    @Test
    void fragmentsMatchByAddressAndProtocol() {
        PacketBuilder fragment = PacketBuilder.ethernet()
                .ip(IpAddress.parse("10.0.0.1"), IpAddress.parse("10.4.0.1"))
                .raw(PacketBuilder.TCP)
                .fragment(1480, true)
                .payloadLength(64);
        lab.maps.setFwmarkRules(List.of(rule(Protocol.UDP, "10.4.0.1", 0, 65535)));
        lab.expect("udp's rule", fragment.build(), PASS_NO_SERVICE);
        lab.maps.setFwmarkRules(List.of(rule(Protocol.TCP, "10.4.0.1", 443, 443)));
        lab.expect("tcp's rule", fragment.build(), STEERED_FRAGMENT);
    }

    @Test
    void ipsecGoesWhereARuleSendsItsIke() {
        for (int protocol : new int[] {PacketBuilder.ESP, PacketBuilder.AUTHENTICATION}) {
            byte[] packet = PacketBuilder.ethernet()
                    .ip(IpAddress.parse("10.0.0.1"), IpAddress.parse("10.4.0.1"))
                    .raw(protocol)
                    .payloadLength(40)
                    .build();
            lab.maps.setFwmarkRules(List.of(rule(Protocol.UDP, "10.4.0.1", 501, 4499)));
            lab.expect("beside", packet, PASS_NO_SERVICE);
            lab.maps.setFwmarkRules(List.of(rule(Protocol.TCP, "10.4.0.1", 0, 65535)));
            lab.expect("tcp", packet, PASS_NO_SERVICE);
            lab.maps.setFwmarkRules(List.of(rule(Protocol.UDP, "10.4.0.1", 500, 500)));
            lab.expect("500", packet, STEERED);
            lab.maps.setFwmarkRules(List.of(rule(null, "10.4.0.1", 4500, 4500)));
            lab.expect("4500", packet, STEERED);
        }
    }

    @Test
    void asManyRulesAsThereCanBe() {
        List<FwmarkRule> rules = new ArrayList<>();
        for (int i = 0; i < SteeringMaps.MAX_FWMARK_RULES; i++) {
            rules.add(rule(Protocol.TCP, "10.5." + i + ".0/24", i + 1, i + 1));
        }
        lab.maps.setFwmarkRules(rules);
        for (int i = 0; i < SteeringMaps.MAX_FWMARK_RULES; i++) {
            lab.expect("rule " + i, tcp("10.0.0.1", "10.5." + i + ".1", i + 1), STEERED);
            lab.expect("rule " + i + ", other port", tcp("10.0.0.1", "10.5." + i + ".1", i + 2), PASS_NO_SERVICE);
        }
        rules.add(rule(Protocol.TCP, "10.6.0.0/24", 1, 1));
        assertThrows(IllegalArgumentException.class, () -> lab.maps.setFwmarkRules(rules));
        // Every destination is another one: the gate has room for both sets.
        List<FwmarkRule> others = new ArrayList<>();
        for (int i = 0; i < SteeringMaps.MAX_FWMARK_RULES; i++) {
            others.add(rule(Protocol.TCP, "10.7." + i + ".0/24", 80, 80));
        }
        lab.maps.setFwmarkRules(others);
        lab.expect("new", tcp("10.0.0.1", "10.7.255.1", 80), STEERED);
        lab.expect("old", tcp("10.0.0.1", "10.5.255.1", 256), PASS_NO_SERVICE);
    }

    @Test
    void randomRulesAsAReadingInJavaSays() {
        Random random = new Random(20261121);
        int steered = 0;
        for (int round = 0; round < 30; round++) {
            List<FwmarkRule> rules = new ArrayList<>();
            for (int i = random.nextInt(12); i >= 0; i--) {
                rules.add(randomRule(random));
            }
            lab.maps.setFwmarkRules(rules, key -> key.mark() < 4);
            for (int i = 0; i < 60; i++) {
                boolean inet6 = random.nextBoolean();
                IpAddress source = randomAddress(random, inet6);
                IpAddress destination = randomAddress(random, inet6);
                int port = random.nextInt(8);
                Protocol protocol = random.nextBoolean() ? Protocol.TCP : Protocol.UDP;
                byte[] frame = protocol == Protocol.TCP
                        ? PacketBuilder.tcp(source, 1, destination, port).build()
                        : PacketBuilder.udp(source, 1, destination, port).build();
                boolean expected = rules.stream()
                        .filter(rule -> rule.protocol() == null || rule.protocol() == protocol)
                        .filter(rule -> rule.destination().contains(destination))
                        .filter(rule -> rule.source() == null || rule.source().contains(source))
                        .filter(rule -> rule.firstPort() <= port && port <= rule.lastPort())
                        .findFirst()
                        .filter(rule -> rule.mark() < 4)
                        .isPresent();
                lab.expect(
                        rules + " " + source + " " + destination + " " + port,
                        frame,
                        expected ? STEERED : PASS_NO_SERVICE);
                steered += expected ? 1 : 0;
            }
        }
        assertTrue(steered > 100 && steered < 1700, "too little variety: " + steered);
    }

    private static FwmarkRule randomRule(Random random) {
        boolean inet6 = random.nextBoolean();
        int first = random.nextInt(8);
        return new FwmarkRule(
                1 + random.nextInt(5),
                List.of(Protocol.TCP, Protocol.UDP).get(random.nextInt(2)),
                randomPrefix(random, inet6),
                first,
                first + random.nextInt(4),
                random.nextInt(3) == 0 ? randomPrefix(random, inet6) : null);
    }

    private static IpPrefix randomPrefix(Random random, boolean inet6) {
        IpAddress address = randomAddress(random, inet6);
        int bits = address.family().addressBits();
        int length = bits - random.nextInt(6);
        return new IpPrefix(address.and(IpAddress.netmask(address.family(), length)), length);
    }

    private static IpAddress randomAddress(Random random, boolean inet6) {
        int low = random.nextInt(16);
        return inet6 ? IpAddress.ofInet6(0x2001_0db8_0004_0000L, low) : IpAddress.ofInet(0x0a04_0100 | low);
    }

    @Test
    void aRuleThatStaysSteersWhileOthersChange() throws Exception {
        FwmarkRule stays = rule(Protocol.TCP, "10.4.0.1", 80, 80);
        byte[] frame = tcp("10.0.0.1", "10.4.0.1", 80);
        lab.maps.setFwmarkRules(List.of(stays));
        AtomicBoolean done = new AtomicBoolean();
        AtomicLong runs = new AtomicLong();
        AtomicLong passed = new AtomicLong();
        Thread traffic = Thread.ofPlatform().start(() -> {
            while (!done.get()) {
                passed.addAndGet(lab.verdict(frame) == Native.XDP_REDIRECT() ? 0 : 1);
                runs.incrementAndGet();
            }
        });
        Random random = new Random(1);
        for (int i = 0; i < 300; i++) {
            List<FwmarkRule> rules = new ArrayList<>(List.of(stays));
            for (int j = random.nextInt(20); j > 0; j--) {
                rules.add(rule(Protocol.TCP, "10.4." + random.nextInt(2) + "." + random.nextInt(4), 81, 90));
            }
            Collections.shuffle(rules, random);
            lab.maps.setFwmarkRules(rules);
        }
        done.set(true);
        traffic.join();
        assertEquals(0, passed.get(), "of " + runs.get());
        assertTrue(runs.get() > 1000, "only " + runs.get() + " runs");
    }
}
