package dev.sluice.it;

import static dev.sluice.it.DirectorLab.RIPS4;
import static dev.sluice.it.DirectorLab.VIP4;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.control.admin.AdminClient;
import dev.sluice.control.admin.AdminException;
import dev.sluice.testing.CommandResult;
import dev.sluice.testing.LabFixture;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Who may administer a running director, what a dump and a reload say of changes by command, and clients that mean no good. */
class AdminIT {
    /** Of the lab's machines' users: nobody in particular, and the group that every Unix has. */
    private static final String NOBODY = "65534";

    private static final String GROUP = "12345";

    private static DirectorLab lab;
    private LabFixture.@Nullable Director started;

    @BeforeAll
    static void up() {
        lab = DirectorLab.up();
    }

    @AfterAll
    static void down() {
        lab.close();
    }

    private void start(String... settings) {
        started = lab.fixture()
                .startDirector(new ConfigText(lab.fixture(), "eth1")
                        .director(settings)
                        .service("tcp", VIP4, 80, "rr", 1, 1, 0)
                        .toString());
    }

    private LabFixture.Director director() {
        return Objects.requireNonNull(started);
    }

    @AfterEach
    void stop() {
        LabFixture.Director director = director();
        assertEquals(0, director.stop(), director::log);
    }

    private CommandResult sluiceAs(String group, String... arguments) {
        List<String> command = new ArrayList<>(List.of(
                "setpriv",
                "--reuid",
                NOBODY,
                "--regid",
                group,
                "--clear-groups",
                launcher().toString()));
        command.addAll(Arrays.asList(arguments));
        return lab.fixture().exec("director", command.toArray(String[]::new));
    }

    private static Path launcher() {
        return Path.of(System.getProperty("sluice.home"), "bin", "sluice");
    }

    @Test
    void others_look_and_members_change() throws Exception {
        start("socket_mode = \"0666\"", "socket_group = " + GROUP);
        Path socket = lab.fixture().socket();
        assertEquals("rw-rw-rw-", PosixFilePermissions.toString(Files.getPosixFilePermissions(socket)));
        assertEquals(GROUP, Files.getAttribute(socket, "posix:group").toString());
        assertTrue(sluiceAs(NOBODY, "stats").orFail().contains("10.0.0.11"));
        assertTrue(sluiceAs(NOBODY, "config", "dump").orFail().contains("10.0.0.11"));
        CommandResult refused = sluiceAs(NOBODY, "fwmark", "add", "7", "10.0.0.101");
        assertEquals(1, refused.exitCode(), refused::toString);
        assertTrue(refused.err().contains("may not change anything on this director"), refused::toString);
        assertEquals(
                "",
                lab.fixture().sluice("fwmark", "list").orFail().lines().skip(1).reduce("", String::concat));
        sluiceAs(GROUP, "fwmark", "add", "7", "10.0.0.101").orFail();
        assertTrue(lab.fixture().sluice("fwmark", "list").orFail().contains("10.0.0.101"));
        assertTrue(
                director()
                        .log()
                        .lines()
                        .anyMatch(line -> line.matches(
                                ".* fwmark-add by user nobody, group " + GROUP + ", pid [1-9][0-9]*: done")),
                director()::log);
        assertTrue(director().log().contains("refused fwmark-add by user nobody"), director()::log);
    }

    @Test
    void nobody_else_reaches_a_socket_of_the_default_mode() {
        start();
        CommandResult refused = sluiceAs(NOBODY, "stats");
        assertEquals(5, refused.exitCode(), refused::toString);
    }

    @Test
    void a_dump_keeps_what_a_reload_would_undo() throws Exception {
        start();
        AdminClient admin = new AdminClient(lab.fixture().socket());
        admin.askTree(
                "real-edit",
                Map.of(
                        "service", Map.of("protocol", "tcp", "address", VIP4 + ":80"),
                        "real", Map.of("address", RIPS4.getFirst(), "weight", 5)));
        String edit = "edit real server 10.0.0.11 of TCP 10.0.0.100:80: weight 5 -> 1";
        assertEquals(
                "undoes changes made by command:\n  " + edit + "\ndry run: nothing was changed\n",
                lab.fixture().sluice("reload", "--dry-run").orFail());
        String dump = lab.fixture().sluice("config", "dump").orFail();
        assertTrue(dump.contains("#   edit real server 10.0.0.11 of TCP 10.0.0.100:80: weight 1 -> 5\n"), dump);
        Path file = lab.write(dump);
        assertTrue(lab.fixture().sluice("check", file.toString()).orFail().contains("ok"));
        CommandResult kept = lab.fixture().sluice("reload", file.toString());
        assertEquals("nothing to change\n", kept.orFail());
        assertEquals("sluice: director.hash_key differs; it takes effect with the next start\n", kept.err());
        assertEquals(edit + "\n", lab.fixture().sluice("reload").orFail(), "that was loaded, so nothing is undone");
    }

    @Test
    void hostile_clients_hold_up_neither_the_operator_nor_the_control_thread_nor_a_packet() throws Exception {
        start();
        List<SocketChannel> held = new ArrayList<>();
        try (Requests requests = Requests.start(lab.fixture(), VIP4)) {
            requests.awaitMore(20);
            Thread flood = Thread.ofPlatform().start(() -> changes(300));
            for (int i = 0; i < 100; i++) {
                SocketChannel channel = SocketChannel.open(
                        UnixDomainSocketAddress.of(lab.fixture().socket()));
                held.add(channel);
                send(channel, hostile(i));
            }
            AdminClient admin = new AdminClient(lab.fixture().socket());
            for (int i = 0; i < 20; i++) {
                long startNs = System.nanoTime();
                assertTrue(admin.askTree("ping").path("ready").booleanValue());
                long took = (System.nanoTime() - startNs) / 1_000_000;
                assertTrue(took < 5_000, "the operator waited for " + took + " ms");
            }
            // The control thread follows the kernel between any two changes: a neighbour that moves is seen in time.
            lab.on("director", "ip", "neigh", "replace", RIPS4.getLast(), "lladdr", "02:00:00:00:00:01", "dev", "eth1");
            lab.await(
                    "the control thread follows the neighbour",
                    stats -> DirectorLab.real(stats, RIPS4.getLast()).toString().contains("02:00:00:00:00:01"));
            lab.on("director", "ip", "neigh", "del", RIPS4.getLast(), "dev", "eth1");
            flood.join();
        } catch (AssertionError e) {
            throw new AssertionError(director().log(), e);
        } finally {
            for (SocketChannel channel : held) {
                channel.close();
            }
        }
        assertTrue(director().isAlive());
        assertEquals(Map.of("rs1", 10, "rs2", 10), lab.ask("tcp", VIP4, 80, 20));
    }

    private static String hostile(int kind) {
        return switch (kind % 5) {
            case 0 -> "";
            case 1 -> "{\"v\":1,\"command\":\"sta";
            case 2 -> "{\"v\":1,\"command\":\"stats\"}\n".repeat(1000);
            case 3 -> "[".repeat(60_000) + "\n";
            default -> "{\"v\":1,\"command\":\"flush\",\"command\":\"flush\"}\n\0\n";
        };
    }

    private static void send(SocketChannel channel, String text) throws IOException {
        channel.configureBlocking(false);
        // As much as it takes in; nothing is ever read.
        ByteBuffer bytes = ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
        for (int i = 0; i < 3 && bytes.hasRemaining(); i++) {
            try {
                channel.write(bytes);
            } catch (IOException e) {
                return;
            }
        }
    }

    private static void changes(int count) {
        AdminClient admin = new AdminClient(lab.fixture().socket());
        Random random = new Random(5);
        for (int i = 0; i < count; i++) {
            Map<String, String> service = Map.of("protocol", "tcp", "address", "10.0.0.101:" + (1 + random.nextInt(9)));
            try {
                admin.askTree(i % 2 == 0 ? "service-add" : "service-delete", Map.of("service", service));
            } catch (AdminException e) {
                assertTrue(List.of("service_exists", "service_not_found").contains(e.code()), e::toString);
            }
        }
    }
}
