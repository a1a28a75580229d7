package dev.sluice.control;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.control.config.ConfigFile;
import dev.sluice.control.config.HealthConfig;
import dev.sluice.control.config.RealServerConfig;
import dev.sluice.control.config.ServiceConfig;
import dev.sluice.control.config.ServiceTables;
import dev.sluice.control.config.SluiceConfig;
import dev.sluice.health.CheckSpec;
import dev.sluice.health.Target;
import dev.sluice.health.Via;
import dev.sluice.packet.IpAddress;
import dev.sluice.service.AddressKey;
import dev.sluice.service.ForwardingMethod;
import dev.sluice.service.Protocol;
import dev.sluice.service.RealServer;
import dev.sluice.service.SchedulerKind;
import dev.sluice.service.ServiceKey;
import dev.sluice.service.VirtualService;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What failures, recoveries and time make of configured services, with checks that do as the test says. */
class HealthFollowerTest {
    private static final AddressKey HTTP = new AddressKey(Protocol.TCP, IpAddress.parse("10.0.0.100"), 80);
    private static final String SERVICE =
            "service = [{ protocol = \"tcp\", address = \"10.0.0.100:80\", scheduler = \"rr\"";
    private static final String TCP = "check = [{ type = \"tcp\" }]";

    private final HealthEvents events = new HealthEvents();
    private final FakeChecks checks = new FakeChecks(events);
    private final QuorumCommands commands = new QuorumCommands(5000);
    private long nowMs = 1_000_000;
    private final HealthFollower health =
            new HealthFollower(checks, events, commands, () -> new Overlay.Now(nowMs, Instant.ofEpochMilli(nowMs)));
    private Registry registry = new Registry(65537, KnownIds.NONE);

    /** How many snapshots there would have been. */
    private int published;

    @TempDir
    Path folder;

    /** A service on port 80 with settings, and real servers 10.0.0.11 … with these weights. */
    private static String service(String settings, int... weights) {
        StringBuilder text = new StringBuilder(SERVICE);
        if (!settings.isEmpty()) {
            text.append(", ").append(settings);
        }
        text.append(", real = [");
        for (int i = 0; i < weights.length; i++) {
            text.append(i == 0 ? "" : ", ")
                    .append("{ address = \"10.0.0.")
                    .append(11 + i)
                    .append("\", weight = ")
                    .append(weights[i])
                    .append(" }");
        }
        return text.append("] }]").toString();
    }

    /** A start of the director with a file. */
    private void start(String text) throws Exception {
        for (ServiceConfig service : ConfigFile.parseTables(text).services()) {
            registry.addService(service);
        }
        Overlay overlay = Overlay.NONE.next(registry, Map.of(), new Overlay.Now(nowMs, Instant.EPOCH), true);
        health.adopt(registry, overlay);
    }

    private List<String> change(Edit... edits) throws Exception {
        Registry draft = registry.copy();
        List<String> lines = new ArrayList<>();
        for (Edit edit : edits) {
            lines.addAll(edit.applyTo(draft));
        }
        Overlay overlay = health.plan(draft);
        registry = draft;
        published++;
        health.adopt(registry, overlay);
        return lines;
    }

    private List<String> reload(String text) throws Exception {
        ServiceTables tables = ConfigFile.parseTables(text);
        Path file = Files.writeString(folder.resolve("f.toml"), "[director]\ninterfaces = [\"eth1\"]\n");
        SluiceConfig config = new SluiceConfig(ConfigFile.load(file).director(), tables.services(), List.of());
        return change(ConfigDifference.edits(registry, config).toArray(Edit[]::new));
    }

    /** A tick of the control thread. */
    private void tick() {
        List<VirtualService> before = effective();
        Optional<Overlay> next = health.tick(registry);
        next.ifPresent(overlay -> health.adopt(registry, overlay));
        published += effective().equals(before) ? 0 : 1;
    }

    private void pass(long ms) {
        for (long end = nowMs + ms; nowMs < end; ) {
            nowMs += Math.min(50, end - nowMs);
            tick();
        }
    }

    private List<VirtualService> effective() {
        return health.overlay().states(registry).stream()
                .map(ServiceState::effective)
                .toList();
    }

    /** The last octets of the real servers in service, and their weights: {@code 11:1 12:3}. */
    private String inService() {
        return effective().getFirst().realServers().stream()
                .map(real -> (real.address().low() & 0xff) + ":" + real.weight())
                .collect(Collectors.joining(" "));
    }

    private static Target target(int octet) {
        return new Target(HTTP, IpAddress.parse("10.0.0." + octet), 80);
    }

    private void fail(int... octets) {
        for (int octet : octets) {
            checks.find(target(octet), false);
        }
        tick();
    }

    private void recover(int... octets) {
        for (int octet : octets) {
            checks.find(target(octet), true);
        }
        tick();
    }

    /** The first check that is made of a real server. */
    private CheckSpec check(int octet) {
        return Objects.requireNonNull(checks.wanted.get(target(octet))).getFirst();
    }

    private RealServer sorry() {
        return Objects.requireNonNull(registry.health(HTTP).sorry());
    }

    private Overlay.Quorum quorum() {
        return Objects.requireNonNull(health.overlay().quorum(HTTP));
    }

    private static RealServerConfig real(int octet, int weight) {
        return new RealServerConfig(IpAddress.parse("10.0.0." + octet), 80, ForwardingMethod.DR, weight, 0, 0);
    }

    @Test
    void aFailedRealServerIsOutUntilItRecoversAndComesBackToItsPlace() throws Exception {
        start(service(TCP, 1, 2, 3));
        assertEquals("11:1 12:2 13:3", inService());
        assertEquals(Set.of(target(11), target(12), target(13)), checks.wanted.keySet());
        fail(12);
        assertEquals("11:1 13:3", inService());
        recover(12);
        assertEquals("11:1 12:2 13:3", inService());
        assertEquals(2, published);
    }

    @Test
    void translatedRealServersAreAskedAtTheirOwnAddressAndPort() throws Exception {
        start(SERVICE + ", check = [{ type = \"tcp\", via = \"vip\", rise = 7 }], real = ["
                + "{ address = \"10.0.0.11\", method = \"nat\", port = 8080 }, { address = \"10.0.0.12\" }] }]");
        CheckSpec nat = Objects.requireNonNull(checks.wanted.get(new Target(HTTP, IpAddress.parse("10.0.0.11"), 8080)))
                .getFirst();
        assertEquals(Via.RIP, nat.via());
        assertEquals(7, nat.timing().rise());
        assertEquals(Via.VIP, check(12).via());
    }

    @Test
    void quiesceLeavesItWithWeightZero() throws Exception {
        start(service("on_failure = \"quiesce\", " + TCP, 1, 2));
        fail(11);
        assertEquals("11:0 12:2", inService());
        recover(11);
        assertEquals("11:1 12:2", inService());
    }

    @Test
    void nothingIsPublishedWhenNothingIsOtherwise() throws Exception {
        start(service(TCP, 1, 1));
        fail(11);
        assertEquals(1, published);
        fail(11);
        checks.find(new Target(HTTP, IpAddress.parse("10.0.0.99"), 80), false);
        checks.find(target(12), false);
        checks.find(target(12), true);
        tick();
        pass(5000);
        assertEquals(1, published);
        assertEquals(1, checks.follows);
    }

    @Test
    void manyFailuresAreOneSnapshot() throws Exception {
        StringBuilder text = new StringBuilder(SERVICE + ", " + TCP + ", real = [");
        for (int i = 0; i < 2000; i++) {
            text.append("{ address = \"10.1.")
                    .append(i / 250)
                    .append('.')
                    .append(1 + i % 250)
                    .append("\" }, ");
        }
        start(text.append("] }]").toString());
        assertEquals(2000, effective().getFirst().realServers().size());
        for (Target target : checks.wanted.keySet()) {
            checks.find(target, false);
        }
        tick();
        assertEquals(1, published);
        assertEquals(0, effective().getFirst().realServers().size());
        pass(1000);
        assertEquals(1, published);
    }

    @Test
    void oneThatBeginsAsDownIsNotInServiceUntilItPasses() throws Exception {
        start(service("slow_start = 10, check = [{ type = \"tcp\", initial = \"down\" }, { type = \"ping\" }]", 4, 4));
        assertEquals("", inService());
        recover(12);
        assertEquals("12:4", inService(), "a start is no recovery: no slow start");
        change(new Edit.AddRealServer(HTTP, real(13, 8)));
        assertEquals("12:4", inService());
        recover(13);
        assertEquals("12:4 13:1", inService());
    }

    @Test
    void aReloadKeepsFailures() throws Exception {
        String text = service(TCP, 1, 1, 1);
        start(text);
        fail(12);
        assertEquals(List.of(), reload(text));
        assertEquals("11:1 13:1", inService());
        int follows = checks.follows;
        reload(service(TCP, 1, 5, 1, 7));
        assertEquals("11:1 13:1 14:7", inService());
        assertEquals(follows + 1, checks.follows);
        recover(12);
        assertEquals("11:1 12:5 13:1 14:7", inService());
    }

    @Test
    void otherChecksDoNotMakeAFailedRealServerHealthy() throws Exception {
        start(service(TCP, 1, 1));
        fail(12);
        String slower = service("check = [{ type = \"tcp\", interval = 60 }]", 1, 1);
        assertEquals(
                List.of("edit health of service TCP 10.0.0.100:80: checks tcp -> tcp (interval 60)"), reload(slower));
        tick();
        assertEquals("11:1", inService());
        assertTrue(check(11).timing().initiallyUp());
        assertFalse(check(12).timing().initiallyUp());
        recover(12);
        assertEquals("11:1 12:1", inService());
        reload(service("check = [{ type = \"tcp\", interval = 60 }]", 1, 2));
        assertFalse(check(12).timing().initiallyUp(), "the same check goes on");
        tick();
        assertEquals("11:1 12:2", inService());
    }

    @Test
    void withoutChecksItIsInService() throws Exception {
        start(service(TCP, 1, 1));
        fail(11, 12);
        assertEquals("", inService());
        reload(service("", 1, 1));
        assertEquals("11:1 12:1", inService());
        assertEquals(Set.of(), checks.wanted.keySet());
    }

    @Test
    void commandsSeeWhatIsConfiguredNotWhatHasFailed() throws Exception {
        start(service(TCP, 1, 1));
        fail(12);
        int id = registry.get(HTTP).realServers().get(1).id();
        assertEquals(
                List.of("edit real server 10.0.0.12 of TCP 10.0.0.100:80: weight 1 -> 9"),
                change(new Edit.EditRealServer(HTTP, real(12, 9), true)));
        assertEquals("11:1", inService());
        recover(12);
        assertEquals("11:1 12:9", inService());
        assertEquals(id, effective().getFirst().realServers().get(1).id());
        fail(12);
        change(new Edit.DeleteRealServer(HTTP, IpAddress.parse("10.0.0.12"), 80));
        assertEquals(Set.of(target(11)), checks.wanted.keySet());
        change(new Edit.AddRealServer(HTTP, real(12, 2)));
        assertEquals("11:1 12:2", inService(), "a new target, whose checks begin as up");
    }

    @Test
    void ipvsadmLeavesHealthAlone() throws Exception {
        start(service("quorum = 2, " + TCP, 1, 1));
        HealthSettings before = registry.health(HTTP);
        change(
                new Edit.EditService(
                        new ServiceConfig(HTTP, SchedulerKind.WLC, Set.of(), null, false, List.of()),
                        new KeptSettings(true, true, true, true)),
                new Edit.EditRealServer(HTTP, real(11, 5), true));
        assertEquals(before, registry.health(HTTP));
        fail(12);
        assertEquals("11:5", inService());
    }

    @Test
    void idsOfFailedRealServersAreNotGivenToOthers() throws Exception {
        start(service("sorry = { address = \"10.0.0.99\" }, " + TCP, 1));
        int failed = registry.get(HTTP).realServers().getFirst().id();
        int sorry = sorry().id();
        assertNotEquals(failed, sorry);
        fail(11);
        Registry draft = registry.copy();
        draft.reclaim(id -> false);
        draft.addRealServer(HTTP, real(12, 1));
        assertFalse(Set.of(failed, sorry)
                .contains(draft.get(HTTP).realServers().get(1).id()));
        assertTrue(draft.ids().realServers().containsValue(sorry));
        assertTrue(draft.ids().realServers().containsValue(failed));
    }

    @Test
    void theSorryServerStandsInForAll() throws Exception {
        String sorry = "sorry = { address = \"10.0.0.99\" }, ";
        start(service(sorry + TCP, 1, 1));
        assertEquals("11:1 12:1", inService());
        fail(11);
        assertEquals("12:1", inService());
        fail(12);
        assertEquals("99:1", inService());
        recover(11);
        assertEquals("11:1", inService());
        change(new Edit.DeleteRealServer(HTTP, IpAddress.parse("10.0.0.11"), 80));
        assertEquals("99:1", inService(), "none is left that is healthy");
    }

    @Test
    void withQuiesceTheOthersStayBesideTheSorryServer() throws Exception {
        start(service("on_failure = \"quiesce\", quorum = 2, sorry = { address = \"10.0.0.99\" }, " + TCP, 1, 1));
        fail(11);
        assertEquals("11:0 12:0 99:1", inService());
        recover(11);
        assertEquals("11:1 12:1", inService());
    }

    @Test
    void withoutSorryServerTheHealthyOnesStay() throws Exception {
        start(service("quorum = 3, " + TCP, 1, 1, 1));
        fail(11);
        assertEquals("12:1 13:1", inService());
        assertFalse(quorum().reached());
    }

    /** keepalived: gained at quorum + hysteresis, lost below quorum - hysteresis, or without any weight. */
    @Test
    void aQuorumIsGainedAndLostWithHysteresis() throws Exception {
        start(service("quorum = 4, hysteresis = 2, sorry = { address = \"10.0.0.99\" }, " + TCP, 2, 2, 2, 1));
        assertTrue(quorum().reached());
        assertEquals(7, quorum().weight());
        fail(11, 12);
        assertEquals("13:2 14:1", inService(), "3 is not below 4 - 2");
        fail(14);
        assertEquals("13:2", inService());
        fail(13);
        assertEquals("99:1", inService());
        recover(11, 12);
        assertEquals("99:1", inService(), "4 is below 4 + 2");
        recover(14);
        assertEquals("99:1", inService());
        recover(13);
        assertEquals("11:2 12:2 13:2 14:1", inService());
    }

    @Test
    void configuredWeightsCountForTheQuorum() throws Exception {
        start(service("quorum = 8, slow_start = 100, sorry = { address = \"10.0.0.99\" }, " + TCP, 4, 4));
        fail(11);
        assertEquals("99:1", inService());
        recover(11);
        assertEquals("11:1 12:4", inService(), "the one that recovered begins slowly, the other never failed");
        change(new Edit.EditRealServer(HTTP, real(12, 3), true));
        assertEquals("99:1", inService());
    }

    @Test
    void weightsGrowToTheirFullValue() throws Exception {
        start(service("slow_start = 4, " + TCP, 100, 2, 0, 1));
        assertEquals("11:100 12:2 13:0 14:1", inService());
        fail(11, 12, 13, 14);
        published = 0;
        recover(11, 12, 13, 14);
        assertEquals("11:1 12:1 13:0 14:1", inService());
        pass(1000);
        assertEquals("11:25 12:1 13:0 14:1", inService());
        pass(1000);
        assertEquals("11:50 12:1 13:0 14:1", inService());
        fail(11);
        pass(2000);
        assertEquals("12:2 13:0 14:1", inService());
        recover(11);
        assertEquals("11:1 12:2 13:0 14:1", inService(), "from the beginning");
        pass(3999);
        assertEquals("11:75 12:2 13:0 14:1", inService());
        pass(1);
        pass(250);
        assertEquals("11:100 12:2 13:0 14:1", inService());
        int before = published;
        pass(10_000);
        assertEquals(before, published);
        assertFalse(health.overlay().isRamping());
    }

    @Test
    void oneThatIsAddedBeginsSlowlyButNotAWholeService() throws Exception {
        start(service("slow_start = 10, " + TCP, 10));
        change(new Edit.AddRealServer(HTTP, real(12, 10)));
        assertEquals("11:10 12:1", inService());
        pass(5250);
        assertEquals("11:10 12:5", inService());
        change(new Edit.EditRealServer(HTTP, real(12, 100), true));
        assertEquals("11:10 12:50", inService());
        change(new Edit.DeleteService(HTTP));
        change(new Edit.AddService(ConfigFile.parseTables(service("slow_start = 10, " + TCP, 10, 10))
                .services()
                .getFirst()));
        assertEquals("11:10 12:10", inService());
    }

    @Test
    void checksOfItsOwnReplaceThoseOfTheService() throws Exception {
        start("service = [{ protocol = \"tcp\", address = \"10.0.0.100:80\", " + TCP
                + ", real = [{ address = \"10.0.0.11\", check = [{ type = \"ping\" }] }, "
                + "{ address = \"10.0.0.12\", check = [] }, { address = \"10.0.0.13\" }] }]");
        assertEquals(Set.of(target(11), target(13)), checks.wanted.keySet());
        assertEquals("ping", check(11).probe().keyword());
        assertEquals("tcp", check(13).probe().keyword());
        change(new Edit.EditRealServer(HTTP, real(11, 1), true));
        assertEquals("ping", check(11).probe().keyword());
        assertEquals(
                List.of("edit checks of real server 10.0.0.11 of TCP 10.0.0.100:80: ping -> tcp"),
                change(new Edit.EditRealServer(HTTP, real(11, 1))));
        assertEquals("tcp", check(11).probe().keyword());
    }

    @Test
    void theSorryServerIsChangedAndGoes() throws Exception {
        start(service("sorry = { address = \"10.0.0.99\" }, " + TCP, 1));
        int id = sorry().id();
        fail(11);
        assertEquals(
                List.of(
                        "edit health of service TCP 10.0.0.100:80: sorry server 10.0.0.99 (dr) -> 10.0.0.98 (tun (ipip))"),
                reload(service("sorry = { address = \"10.0.0.98\", method = \"tun\" }, " + TCP, 1)));
        assertEquals("98:1", inService());
        assertNotEquals(id, sorry().id());
        assertTrue(registry.ids().realServers().containsValue(id), "connections may hold it");
        assertEquals(
                Set.of(IpAddress.parse("10.0.0.11"), IpAddress.parse("10.0.0.98")), registry.realServerAddresses());
        reload(service("sorry = { address = \"10.0.0.99\" }, " + TCP, 1));
        assertEquals(id, sorry().id());
        reload(service(TCP, 1));
        assertEquals("", inService());
        assertEquals(HealthConfig.NONE.sorry(), registry.health(HTTP).sorry());
    }

    @Test
    void theSorryServerHasNoOtherRoleInItsService() throws Exception {
        start(service("sorry = { address = \"10.0.0.99\" }, " + TCP, 1));
        int id = sorry().id();
        assertEquals(
                ChangeException.Code.REAL_EXISTS,
                assertThrows(ChangeException.class, () -> change(new Edit.AddRealServer(HTTP, real(99, 1))))
                        .code());
        assertEquals(Set.of(target(11)), checks.wanted.keySet());
        change(new Edit.DeleteService(HTTP));
        assertTrue(registry.ids().realServers().containsValue(id), "connections may hold it");
        assertEquals(Set.of(), checks.wanted.keySet());
        assertEquals(Set.of(), registry.realServerAddresses());
    }

    /** What a check finds out that replaces another, of a real server that is up, is looked up. */
    @Test
    void aCheckThatBeginsAsDownTakesItsRealServerOut() throws Exception {
        start(service(TCP, 1, 1));
        reload(service("check = [{ type = \"ping\", initial = \"down\" }]", 1, 1));
        tick();
        assertEquals("", inService());
        recover(11);
        assertEquals("11:1", inService());
    }

    @Test
    void quorumCommandsAreRunWhenItIsGainedAndLost() throws Exception {
        Path log = folder.resolve("log");
        Path script = Files.writeString(
                folder.resolve("notify"),
                "#!/bin/sh\necho $1 $SLUICE_QUORUM $SLUICE_PROTOCOL $SLUICE_VIP $SLUICE_VIP_PORT >> " + log + "\n");
        assertTrue(script.toFile().setExecutable(true));
        String commandLines =
                "quorum_up = [\"" + script + "\", \"gained\"], quorum_down = [\"" + script + "\", \"lost\"], ";
        start(service(commandLines + TCP, 1));
        fail(11);
        recover(11);
        long startNs = System.nanoTime();
        while (!(Files.exists(log) && Files.readAllLines(log).size() == 2)) {
            assertTrue(System.nanoTime() - startNs < 10_000_000_000L, "not run");
            Thread.sleep(10);
        }
        assertEquals(List.of("lost down TCP 10.0.0.100 80", "gained up TCP 10.0.0.100 80"), Files.readAllLines(log));
    }

    /** Whatever happens, in whatever order: what is in service is what is configured but for what has failed. */
    @Test
    void anyOrderOfEventsAndChangesLeadsToTheSame() throws Exception {
        Random random = new Random(11);
        start(service("quorum = 3, hysteresis = 1, sorry = { address = \"10.0.0.99\" }, " + TCP, 1, 1, 1, 1));
        Set<Integer> down = new TreeSet<>();
        Set<Integer> there = new TreeSet<>(Set.of(11, 12, 13, 14));
        boolean quorum = true;
        for (int round = 0; round < 500; round++) {
            int octet = 11 + random.nextInt(6);
            switch (random.nextInt(4)) {
                case 0 -> {
                    if (there.contains(octet)) {
                        down.add(octet);
                        fail(octet);
                    }
                }
                case 1 -> {
                    if (there.contains(octet)) {
                        down.remove(octet);
                        recover(octet);
                    }
                }
                case 2 -> {
                    if (there.remove(octet)) {
                        down.remove(octet);
                        change(new Edit.DeleteRealServer(HTTP, IpAddress.parse("10.0.0." + octet), 80));
                    }
                }
                default -> {
                    if (there.add(octet)) {
                        change(new Edit.AddRealServer(HTTP, real(octet, 1)));
                    }
                }
            }
            tick();
            int healthy = there.size() - down.size();
            quorum = quorum ? healthy >= 2 : healthy >= 4;
            Set<Integer> expected = new TreeSet<>(there);
            expected.removeAll(down);
            if (!quorum) {
                expected = Set.of(99);
            }
            assertEquals(
                    expected,
                    effective().getFirst().realServers().stream()
                            .map(real -> (int) (real.address().low() & 0xff))
                            .collect(Collectors.toSet()));
            assertEquals(there.size(), registry.get(HTTP).realServers().size(), "what is configured is left alone");
        }
    }

    @Test
    void aServiceToWhichNothingHappensIsTheSame() throws Exception {
        start(service(TCP, 1, 2));
        ServiceKey key = registry.services().getFirst().key();
        assertEquals(registry.services(), effective());
        RealServer real = registry.get(key).realServers().getFirst();
        assertSame(real, effective().getFirst().realServers().getFirst());
    }
}
