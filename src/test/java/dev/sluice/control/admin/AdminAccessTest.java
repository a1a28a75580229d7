package dev.sluice.control.admin;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.GroupPrincipal;
import java.nio.file.attribute.UserPrincipal;
import jdk.net.UnixDomainPrincipal;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What whom is allowed, by mode: the director runs as {@code sluice}, its socket's group is {@code lvs}. */
class AdminAccessTest {
    @TempDir
    Path folder;

    private record User(String getName) implements UserPrincipal {
        @Override
        public String getName() {
            return getName;
        }
    }

    private record Group(String getName) implements GroupPrincipal {
        @Override
        public String getName() {
            return getName;
        }
    }

    @ParameterizedTest
    @CsvSource({
        "0600, root, root, CHANGE",
        "0600, sluice, sluice, CHANGE",
        "0600, carla, lvs, NONE",
        "0600, alice, users, NONE",
        "0660, root, root, CHANGE",
        "0660, sluice, sluice, CHANGE",
        "0660, carla, lvs, CHANGE",
        // The kernel let her in, so she is a member, whatever her primary group.
        "0660, alice, users, CHANGE",
        "0666, carla, lvs, CHANGE",
        "0666, alice, users, CHANGE",
        "0666, eve, users, READ",
        "0666, sluice, users, CHANGE",
        "0606, carla, lvs, READ",
        "0602, eve, users, READ",
        "0664, eve, users, CHANGE",
    })
    void rights(String mode, String user, String group, AdminPeer.Rights expected) throws IOException {
        Path groups = Files.writeString(
                folder.resolve("group"), "root:x:0:\nbroken\nusers:x:100:eve\nlvs:x:42:bob,alice\nlvs2:x:43:eve\n");
        AdminAccess access = new AdminAccess(
                Integer.parseInt(mode, 8), new User("root"), new User("sluice"), new Group("lvs"), groups);
        assertEquals(expected, access.rights(new UnixDomainPrincipal(new User(user), new Group(group))));
    }
}
