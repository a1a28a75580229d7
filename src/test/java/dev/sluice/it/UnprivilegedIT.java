package dev.sluice.it;

import static dev.sluice.it.DirectorLab.RIPS4;
import static dev.sluice.it.DirectorLab.VIP4;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.testing.CommandResult;
import dev.sluice.testing.LabFixture;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Directors with the user and the capabilities of the packaged unit: none of them may look into other processes' programs. */
class UnprivilegedIT {
    private static final String CAPABILITIES = "-all,+net_admin,+net_raw,+bpf,+ipc_lock";
    private static final List<String> UNPRIVILEGED = List.of(
            "setpriv",
            "--reuid=nobody",
            "--regid=nogroup",
            "--clear-groups",
            "--no-new-privs",
            "--inh-caps=" + CAPABILITIES,
            "--ambient-caps=" + CAPABILITIES,
            "--bounding-set=" + CAPABILITIES);

    private DirectorLab lab;
    private Path folder;

    @BeforeEach
    void up() throws Exception {
        lab = DirectorLab.up();
        folder = Files.createDirectory(lab.fixture().state().resolve("nobody"));
        Files.setOwner(
                folder, folder.getFileSystem().getUserPrincipalLookupService().lookupPrincipalByName("nobody"));
    }

    @AfterEach
    void down() {
        lab.close();
    }

    private Path socket() {
        return folder.resolve("sluice.sock");
    }

    private String config(String... directorLines) {
        List<String> lines = new ArrayList<>(Arrays.asList(directorLines));
        lines.add("flow_table_memory = \"shared\"");
        lines.add("flow_table_size = 4096");
        lines.add("flow_table_directory = \"" + folder.resolve("flows") + "\"");
        return lab.config(String.join("\n", lines), DirectorLab.service("tcp", VIP4, 80, "rr", RIPS4));
    }

    private LabFixture.Director start(String config) {
        return lab.fixture().startDirectorBy(UNPRIVILEGED, config, "--socket", socket().toString());
    }

    private CommandResult refused(String config) {
        List<String> command = new ArrayList<>(UNPRIVILEGED);
        command.addAll(List.of(
                Path.of(System.getProperty("sluice.home"), "bin", "sluice").toString(),
                "run",
                "--config",
                lab.write(config).toString(),
                "--socket",
                socket().toString()));
        return lab.fixture().exec("director", command.toArray(String[]::new));
    }

    @Test
    void the_next_director_takes_over_what_the_one_before_has_noted() throws Exception {
        LabFixture.Director director = start(config());
        DirectorLab.Conversation conversation = lab.converse(VIP4, 80);
        assertEquals(
                "rw-------",
                PosixFilePermissions.toString(Files.getPosixFilePermissions(folder.resolve("sluice.sock.xdp"))));
        for (int i = 0; i < 3; i++) {
            if (i % 2 == 0) {
                assertEquals(0, director.stop(), director::log);
            } else {
                director.kill9();
            }
            director = start(config());
            assertTrue(director.log().contains("took over from XDP program \"sluice_steer\""), director::log);
            conversation.assertContinues();
        }
        conversation.end();
        assertEquals(0, director.stop());
    }

    @Test
    void what_nobody_has_noted_is_left_alone() throws Exception {
        LabFixture.Director director = start(config());
        assertEquals(0, director.stop());
        Files.delete(folder.resolve("sluice.sock.xdp"));
        String before = lab.on("director", "ip", "-d", "link", "show", "dev", "eth1");
        CommandResult refused = refused(config());
        assertEquals(4, refused.exitCode(), refused::toString);
        assertTrue(
                refused.err()
                        .contains(
                                "eth1: an XDP program is attached already that this director did not note, and without"
                                        + " CAP_SYS_ADMIN the kernel does not tell whose it is"),
                refused::toString);
        assertEquals(before, lab.on("director", "ip", "-d", "link", "show", "dev", "eth1"));

        // Root may look: it takes over, notes it, and leaves something that the unprivileged one knows.
        LabFixture.Director privileged = lab.fixture()
                .startDirector(config().replaceAll("(?m)^flow_table.*\n", ""), "--socket", socket().toString());
        assertTrue(privileged.log().contains("took over from XDP program"), privileged::log);
        assertEquals(0, privileged.stop());
        lab.on("director", "chown", "nobody", socket() + ".xdp");
        LabFixture.Director after = start(config());
        assertTrue(after.log().contains("took over from XDP program"), after::log);
        assertEquals(0, after.stop());
    }

    @Test
    void another_mode_wants_a_release_first() {
        LabFixture.Director director = start(config("xdp_mode = \"native\""));
        assertEquals(0, director.stop());
        CommandResult refused = refused(config("xdp_mode = \"generic\""));
        assertEquals(4, refused.exitCode(), refused::toString);
        assertTrue(refused.err().contains("between native and generic mode needs CAP_SYS_ADMIN"), refused::toString);
        assertTrue(lab.hasXdp("eth1"));
        lab.fixture().sluice("release", "--interface", "eth1").orFail();
        assertFalse(lab.hasXdp("eth1"));
        LabFixture.Director generic = start(config("xdp_mode = \"generic\""));
        assertTrue(generic.log().contains("eth1 (generic XDP)"), generic::log);
        assertEquals(0, generic.stop());
    }
}
