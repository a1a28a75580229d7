package dev.sluice.control.admin;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sluice.control.config.SocketAccess;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.concurrent.ThreadLocalRandom;

/**
 * Serves the admin protocol on a Unix socket that only those may open who are meant to.
 *
 * <p>Each connection has a thread, a bounded request line and deadlines, and gives way to others when there are
 * too many; so a slow or hostile client holds up nobody but itself. Handlers run on those threads and must be safe there.
 */
public final class AdminSocket implements AutoCloseable {
    /** Connections served at once; more than these, and some that wait for their peers are closed. */
    static final int MAX_CONNECTIONS = 64;

    /** Bytes of answers that may wait to be taken in. */
    static final long MAX_ANSWER_BYTES = 128 << 20;

    /** How often deadlines are looked at. */
    private static final long TICK_MS = 250;

    /** Connections that wait to be accepted; further clients wait in connect(2). Few, for behind them stands an operator. */
    private static final int BACKLOG = 64;

    private static final Logger LOG = System.getLogger(AdminSocket.class.getName());

    private final Path path;
    private final ServerSocketChannel server;
    private final AdminAccess access;
    private final Handler handler;
    private final AdminConnections connections = new AdminConnections(MAX_CONNECTIONS, MAX_ANSWER_BYTES);

    /** Answers one request. */
    @FunctionalInterface
    public interface Handler {
        /**
         * Answers one request; runs on the connection's thread.
         *
         * @param command the request's command
         * @param request the whole request
         * @return what becomes the answer's {@code result}; anything Jackson can write
         * @throws AdminException for a request that cannot be answered
         */
        Object answer(String command, JsonNode request) throws AdminException;

        /** Whether a command only tells, so that users may send it who may not change anything. */
        default boolean isReadOnly(String command) {
            return false;
        }

        /** Whether it is logged who has sent a command. */
        default boolean isLogged(String command) {
            return !isReadOnly(command);
        }
    }

    private AdminSocket(Path path, ServerSocketChannel server, AdminAccess access, Handler handler) {
        this.path = path;
        this.server = server;
        this.access = access;
        this.handler = handler;
    }

    /** As {@link #open(Path, SocketAccess, Handler)}, for root and the own user alone. */
    public static AdminSocket open(Path path, Handler handler) throws IOException {
        return open(path, SocketAccess.OWNER, handler);
    }

    /**
     * Binds the socket and starts to serve. A socket file that a killed director left is replaced; one that answers is
     * not. The file has its group and mode from the moment it has its name: it is bound in a directory that only the own
     * user can enter, and then moved.
     *
     * @throws IOException when the folder cannot be made, the socket cannot be bound or given to its group, or another
     *     director answers there
     */
    public static AdminSocket open(Path path, SocketAccess wanted, Handler handler) throws IOException {
        Path folder = path.toAbsolutePath().getParent();
        if (folder == null) {
            throw new IOException("cannot bind the admin socket " + path + ": is a directory");
        }
        Files.createDirectories(folder);
        if (Files.exists(path) && isAnswered(path)) {
            throw new IOException("another director answers on " + path + "; stop it or choose another --socket");
        }
        ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        Path privateFolder = privateFolder(folder);
        Path bound = privateFolder.resolve("s");
        AdminAccess access;
        try {
            server.bind(UnixDomainSocketAddress.of(bound), BACKLOG);
            access = AdminAccess.apply(bound, wanted);
            Files.move(bound, path, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException | RuntimeException e) {
            server.close();
            throw new IOException("cannot bind the admin socket " + path + ": " + e.getMessage(), e);
        } finally {
            Files.deleteIfExists(bound);
            Files.deleteIfExists(privateFolder);
        }
        AdminSocket socket = new AdminSocket(path, server, access, handler);
        Thread.ofPlatform().name("sluice-admin").daemon().start(socket::acceptLoop);
        Thread.ofPlatform().name("sluice-admin-deadlines").daemon().start(socket::watchDeadlines);
        return socket;
    }

    /** With a short name: a socket's path has 107 bytes at the most. */
    private static Path privateFolder(Path folder) throws IOException {
        while (true) {
            Path candidate = folder.resolve(
                    "." + Integer.toString(ThreadLocalRandom.current().nextInt(36 * 36 * 36 * 36), 36));
            try {
                return Files.createDirectory(
                        candidate, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
            } catch (FileAlreadyExistsException e) {
                LOG.log(Level.DEBUG, "{0} exists", candidate);
            }
        }
    }

    private static boolean isAnswered(Path path) {
        try (SocketChannel probe = SocketChannel.open(UnixDomainSocketAddress.of(path))) {
            return probe.isConnected();
        } catch (IOException e) {
            return false;
        }
    }

    private void acceptLoop() {
        while (server.isOpen()) {
            try {
                SocketChannel channel = server.accept();
                connections.awaitRoom();
                serve(channel);
            } catch (ClosedChannelException e) {
                return;
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return;
            } catch (IOException e) {
                LOG.log(Level.WARNING, "admin socket: {0}", e.getMessage());
            }
        }
    }

    private void serve(SocketChannel channel) throws IOException {
        boolean started = false;
        try {
            AdminConnection connection = new AdminConnection(channel, access.peer(channel), handler, connections);
            connections.enter(connection);
            // The kernel shares out the processors among these fairly; virtual ones would wait behind long answers.
            Thread.ofPlatform().name("sluice-admin-connection").daemon().start(connection);
            started = true;
        } finally {
            if (!started) {
                channel.close();
            }
        }
    }

    private void watchDeadlines() {
        while (server.isOpen()) {
            try {
                Thread.sleep(TICK_MS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return;
            }
            connections.closeLate();
        }
    }

    /** Stops to serve and removes the socket file. */
    @Override
    public void close() throws IOException {
        server.close();
        connections.closeWaiting();
        Files.deleteIfExists(path);
    }
}
