package dev.sluice.it;

import static dev.sluice.it.Diagnosis.ERRORS;
import static dev.sluice.it.Diagnosis.WARNINGS;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.testing.LabFixture;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What {@code sluice doctor} says of a machine and a configuration before a director runs, and of services while one does. */
class DoctorMachineIT {
    private static DirectorLab lab;

    private final List<Runnable> undo = new ArrayList<>();

    @BeforeAll
    static void up() {
        lab = DirectorLab.up();
    }

    @AfterAll
    static void down() {
        lab.close();
    }

    @AfterEach
    void takeBack() {
        undo.reversed().forEach(Runnable::run);
        undo.clear();
    }

    /** A director, until the end of the test. */
    private void run(String config) {
        LabFixture.Director director = lab.fixture().startDirector(config);
        undo.add(() -> {
            assertEquals(0, director.stop());
            lab.fixture().sluice("release", "--interface", "eth1").orFail();
        });
    }

    private void change(String doIt, String undoIt) {
        lab.on("director", "sh", "-ec", doIt);
        undo.add(() -> lab.on("director", "sh", "-c", undoIt));
    }

    /** Of a configuration that no director runs, in a mount namespace where a script has been at work. */
    private static Diagnosis ofFile(String config, String script, String wrapper) {
        return in(
                lab,
                script,
                wrapper,
                "--no-probe",
                "--config",
                lab.write(config).toString());
    }

    private static Diagnosis in(DirectorLab lab, String script, String wrapper, String... arguments) {
        String command = Arrays.stream(Diagnosis.command(arguments))
                .map(word -> "'" + word + "'")
                .collect(Collectors.joining(" "));
        return Diagnosis.of(lab.fixture()
                .exec(
                        "director",
                        "unshare",
                        "--mount",
                        "sh",
                        "-ec",
                        "cd " + lab.fixture().state() + "\n" + script + "\nSLUICE_SOCKET="
                                + lab.fixture().socket() + " exec " + wrapper + " "
                                + Path.of(System.getProperty("sluice.home", ""), "bin", "sluice") + " " + command));
    }

    private static Diagnosis ofFile(String config) {
        return ofFile(config, "", "");
    }

    private static String usual(String... directorLines) {
        return lab.config(
                String.join("\n", directorLines),
                DirectorLab.service("tcp", DirectorLab.VIP4, 80, "rr", DirectorLab.RIPS4));
    }

    @Test
    void nothing_is_wrong_with_the_lab() {
        assertEquals(List.of(), ofFile(usual()).causes());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "cpus-wrong | queues = 1\\ncpus = [8000]",
                "queues-too-few | queues = 8",
                "huge-pages-too-few | hugepages = \"on\"\\nframes = 1048576"
            })
    void what_the_machine_has_not(String id, String line) {
        ofFile(usual(line.replace("\\n", "\n"))).assertFound(ERRORS, id);
    }

    @Test
    void an_interface_that_is_not_there() {
        ofFile(usual().replace("eth1", "eth9")).assertFound(ERRORS, "interface-missing");
    }

    @Test
    void a_kernel_that_is_too_old() {
        ofFile(usual(), "echo 5.4.0-1-amd64 >release; mount --bind release /proc/sys/kernel/osrelease", "")
                .assertFound(ERRORS, "kernel-too-old");
    }

    @Test
    void a_library_that_is_not_there() {
        ofFile(usual(), "mount --bind /dev/null \"$(ldconfig -p | awk '/libxdp[.]so[.]1 / { print $NF; exit }')\"", "")
                .assertFound(ERRORS, "library-missing");
    }

    @Test
    void what_it_may_not() {
        ofFile(usual(), "", "setpriv --bounding-set=-net_raw --inh-caps=-net_raw")
                .assertFound(WARNINGS, "capability-missing");
        ofFile(usual(), "", "setpriv --bounding-set=-ipc_lock --inh-caps=-ipc_lock prlimit --memlock=65536:65536")
                .assertFound(WARNINGS, "memlock-too-low");
    }

    @Test
    void an_mtu_for_which_there_are_no_frames() {
        change("ip link set eth1 mtu 65000", "ip link set eth1 mtu 1500");
        assertTrue(ofFile(usual()).causes().contains("mtu-too-large"));
    }

    @Test
    void an_interface_that_is_down() {
        withoutAddresses(6, "ip link set eth1 down", "ip link set eth1 up");
        ofFile(usual()).assertFound(ERRORS, "interface-down");
    }

    /** Does what takes addresses of a family away, and gives them back afterwards. */
    private void withoutAddresses(int family, String doIt, String undoIt) {
        String list = lab.fixture().state().resolve("addresses-" + family).toString();
        change(
                "ip -o -" + family + " address show dev eth1 scope global | awk '{ print $4 }' >" + list + "\n" + doIt,
                undoIt + "\nfor address in $(cat " + list + "); do ip address replace $address dev eth1"
                        + (family == 6 ? " nodad" : "") + "; done");
    }

    @Test
    void vlan_tags_that_the_offload_takes_away() {
        ofFile(usual() + "  vlan = 7\n").assertFound(WARNINGS, "offload-strips-vlan");
    }

    @Test
    void services_that_nobody_can_use() {
        ofFile(lab.config("")).assertFound(WARNINGS, "no-services");
        ofFile(usual() + "  weight = 0\n").assertFound(0, "real-server-quiesced");
    }

    @Test
    void a_tunnel_without_a_source() {
        withoutAddresses(
                4,
                "ip -4 address flush dev eth1; ip route replace 10.77.0.0/24 dev eth1",
                "ip route del 10.77.0.0/24 dev eth1");
        Diagnosis diagnosis = ofFile(lab.config(
                "",
                DirectorLab.service("tcp", DirectorLab.VIP6, 80, "rr", List.of("10.77.0.11"))
                        .replace("\"dr\"", "\"tun\"")));
        assertTrue(diagnosis.causes().contains("tunnel-no-source"), diagnosis.text());
    }

    @Test
    void source_nat_by_a_kernel_that_does_not_forward() {
        change("sysctl -qw net.ipv4.ip_forward=0", "true");
        ofFile(usual("[director.snat]\nsources = [\"10.0.0.0/24\"]")).assertFound(ERRORS, "ip-forward-off");
    }

    @Test
    void services_that_run_short() {
        String checked = usual() + "  upper_threshold = 1\n";
        run(checked.replace(
                "scheduler = \"rr\"\n",
                "scheduler = \"rr\"\nquorum = 10\n  [[service.check]]\n  type = \"tcp\"\n  interval = 1\n"));
        lab.await(
                "checked",
                stats -> stats.health().services().getFirst().realServers().stream()
                        .allMatch(real -> real.checks().getFirst().successes() > 0));
        Diagnosis few = Diagnosis.of(lab.fixture().sluice(Diagnosis.command()));
        few.assertFound(WARNINGS, "service-without-quorum");
        DirectorLab.Conversation[] conversations = new DirectorLab.Conversation[6];
        for (int i = 0; i < conversations.length; i++) {
            conversations[i] = lab.converse(DirectorLab.VIP4, 80);
        }
        List<String> causes = Diagnosis.of(lab.fixture().sluice(Diagnosis.command("--no-probe")))
                .causes();
        assertTrue(causes.contains("real-server-overloaded"), causes::toString);
        for (DirectorLab.Conversation conversation : conversations) {
            conversation.end();
        }
    }

    /** Real servers on the client's own network answer it past the director. */
    @Test
    void replies_that_take_another_way() {
        run(lab.config(
                "",
                DirectorLab.service("tcp", DirectorLab.VIP4, 8000, "rr", List.of("10.0.0.11"))
                                .replace("\"dr\"", "\"nat\"")
                        + "  port = 80\n"));
        Diagnosis before = Diagnosis.of(lab.fixture().sluice(Diagnosis.command("--no-probe")));
        assertEquals(List.of(), before.causes(), before.text());
        lab.fixture()
                .exec(
                        "client",
                        "sh",
                        "-c",
                        "for i in 1 2 3 4 5 6; do curl -s -m 0.3 -o /dev/null http://" + DirectorLab.VIP4
                                + ":8000/ & done; wait");
        Diagnosis.of(lab.fixture().sluice(Diagnosis.command("--no-probe"))).assertFound(ERRORS, "nat-no-replies");
    }

    /** One queue more than there are processors. */
    @Test
    void workers_that_share_a_processor() {
        int queues = Runtime.getRuntime().availableProcessors() + 1;
        try (DirectorLab many = DirectorLab.up("--queues", "" + queues)) {
            LabFixture.Director director = many.fixture()
                    .startDirector(
                            many.config("", DirectorLab.service("tcp", DirectorLab.VIP4, 80, "rr", DirectorLab.RIPS4)));
            Diagnosis diagnosis = Diagnosis.of(many.fixture().sluice(Diagnosis.command("--no-probe")));
            diagnosis.assertFound(WARNINGS, "workers-share-cpu");
            assertEquals(0, director.stop());
            // Here nobody knows of hyperthreads, so they are made up.
            LabFixture.Director spinning = many.fixture()
                    .startDirector(many.config(
                            "idle = \"busy\"\nqueues = 2\ncpus = [0, 1]",
                            DirectorLab.service("tcp", DirectorLab.VIP4, 80, "rr", DirectorLab.RIPS4)));
            Diagnosis siblings = in(
                    many,
                    "echo 0-1 >siblings; for cpu in 0 1; do"
                            + " mount --bind siblings /sys/devices/system/cpu/cpu$cpu/topology/thread_siblings_list; done",
                    "",
                    "--no-probe");
            siblings.assertFound(ERRORS, "queues-without-worker", "workers-share-core");
            assertEquals(0, spinning.stop());
        }
    }
}
