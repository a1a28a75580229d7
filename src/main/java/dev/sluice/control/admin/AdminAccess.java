package dev.sluice.control.admin;

import dev.sluice.control.config.SocketAccess;
import java.io.IOException;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.GroupPrincipal;
import java.nio.file.attribute.PosixFileAttributeView;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.UserPrincipal;
import java.nio.file.attribute.UserPrincipalLookupService;
import java.nio.file.attribute.UserPrincipalNotFoundException;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import jdk.net.ExtendedSocketOptions;
import jdk.net.UnixDomainPrincipal;

/**
 * What users may do on the admin socket: root and the director's user everything; members of its group everything, if the
 * group may write; others what only tells, if others may write. The kernel enforces the file's permissions when a
 * connection is opened (unix(7): connecting takes write permission), and this looks at the credentials that it took down then.
 * Immutable; any thread.
 */
final class AdminAccess {
    /** group(5). */
    static final Path GROUPS = Path.of("/etc/group");

    private static final int GROUP_WRITE = 0020;
    private static final int OTHERS_WRITE = 0002;

    private final int mode;
    private final UserPrincipal root;
    private final UserPrincipal owner;
    private final GroupPrincipal group;
    private final Path groups;

    AdminAccess(int mode, UserPrincipal root, UserPrincipal owner, GroupPrincipal group, Path groups) {
        this.mode = mode;
        this.root = root;
        this.owner = owner;
        this.group = group;
        this.groups = groups;
    }

    /**
     * Gives a socket file its group and permissions; nobody else may have come by the file yet.
     *
     * @throws IOException when there is no such group, or the director's user may not give it
     */
    static AdminAccess apply(Path socket, SocketAccess wanted) throws IOException {
        PosixFileAttributeView view = Files.getFileAttributeView(socket, PosixFileAttributeView.class);
        UserPrincipalLookupService lookup = socket.getFileSystem().getUserPrincipalLookupService();
        if (wanted.socketGroup().isPresent()) {
            String name = wanted.socketGroup().get();
            try {
                view.setGroup(lookup.lookupPrincipalByGroupName(name));
            } catch (UserPrincipalNotFoundException e) {
                throw new IOException("socket_group: there is no group " + name, e);
            } catch (IOException e) {
                throw new IOException(
                        "socket_group: only root, or a member of it, can give the socket to group " + name + ": "
                                + e.getMessage(),
                        e);
            }
        }
        view.setPermissions(permissions(wanted.socketMode()));
        return new AdminAccess(
                wanted.socketMode(),
                lookup.lookupPrincipalByName("0"),
                view.getOwner(),
                view.readAttributes().group(),
                GROUPS);
    }

    private static Set<PosixFilePermission> permissions(int mode) {
        Set<PosixFilePermission> permissions = EnumSet.noneOf(PosixFilePermission.class);
        // Declared from the owner's read to the others' execute, as the bits are from left to right.
        PosixFilePermission[] all = PosixFilePermission.values();
        for (int i = 0; i < all.length; i++) {
            if ((mode & (0400 >> i)) != 0) {
                permissions.add(all[i]);
            }
        }
        return permissions;
    }

    /** Who has opened a connection, and what it may do. */
    AdminPeer peer(SocketChannel connection) throws IOException {
        UnixDomainPrincipal principal = connection.getOption(ExtendedSocketOptions.SO_PEERCRED);
        return new AdminPeer(
                principal.user().getName(), principal.group().getName(), PeerId.of(connection), rights(principal));
    }

    /** What a user of a primary group may do. */
    AdminPeer.Rights rights(UnixDomainPrincipal peer) throws IOException {
        if (peer.user().equals(root) || peer.user().equals(owner)) {
            return AdminPeer.Rights.CHANGE;
        }
        boolean others = (mode & OTHERS_WRITE) != 0;
        // Where others may not connect, the kernel let this one in as a member: it knows supplementary groups, which
        // the
        // credentials of a socket do not tell.
        if ((mode & GROUP_WRITE) != 0 && (!others || isMember(peer))) {
            return AdminPeer.Rights.CHANGE;
        }
        return others ? AdminPeer.Rights.READ : AdminPeer.Rights.NONE;
    }

    private boolean isMember(UnixDomainPrincipal peer) throws IOException {
        if (peer.group().equals(group)) {
            return true;
        }
        List<String> lines = Files.exists(groups) ? Files.readAllLines(groups) : List.of();
        return lines.stream()
                .map(line -> line.split(":", -1))
                .filter(fields ->
                        fields.length == 4 && (fields[0].equals(group.getName()) || fields[2].equals(group.getName())))
                .anyMatch(fields ->
                        Arrays.asList(fields[3].split(",")).contains(peer.user().getName()));
    }
}
