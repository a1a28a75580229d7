package dev.sluice.control.admin;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Serves the admin protocol on a Unix socket that only its owner may open.
 *
 * <p>Each connection has a virtual thread, a bounded request line and a deadline, so a slow or hostile client holds up
 * nobody but itself. Handlers run on those threads and must be safe there.
 */
public final class AdminSocket implements AutoCloseable {
    /** Connections served at once; more of them wait in the listen queue. */
    static final int MAX_CONNECTIONS = 64;

    /** How long one read or write of a connection may take. */
    static final long IO_TIMEOUT_MS = 5_000;

    private static final Logger LOG = System.getLogger(AdminSocket.class.getName());

    private final Path path;
    private final ServerSocketChannel server;
    private final Handler handler;
    private final Semaphore slots = new Semaphore(MAX_CONNECTIONS);

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
    }

    private AdminSocket(Path path, ServerSocketChannel server, Handler handler) {
        this.path = path;
        this.server = server;
        this.handler = handler;
    }

    /**
     * Binds the socket and starts to serve. A socket file that a killed director left is replaced; one that answers is
     * not.
     *
     * @throws IOException when the folder cannot be made, the socket cannot be bound, or another director answers there
     */
    public static AdminSocket open(Path path, Handler handler) throws IOException {
        Path folder = path.toAbsolutePath().getParent();
        if (folder != null) {
            Files.createDirectories(folder);
        }
        if (Files.exists(path)) {
            if (isAnswered(path)) {
                throw new IOException("another director answers on " + path + "; stop it or choose another --socket");
            }
            Files.delete(path);
        }
        ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        try {
            server.bind(UnixDomainSocketAddress.of(path));
            Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rw-------"));
        } catch (IOException | RuntimeException e) {
            server.close();
            throw new IOException("cannot bind the admin socket " + path + ": " + e.getMessage(), e);
        }
        AdminSocket socket = new AdminSocket(path, server, handler);
        Thread.ofPlatform().name("sluice-admin").daemon().start(socket::acceptLoop);
        return socket;
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
                slots.acquire();
                SocketChannel connection;
                try {
                    connection = server.accept();
                } catch (IOException | RuntimeException e) {
                    slots.release();
                    throw e;
                }
                Thread.ofVirtual().name("sluice-admin-connection").start(() -> {
                    try {
                        serve(connection);
                    } finally {
                        slots.release();
                    }
                });
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

    private void serve(SocketChannel connection) {
        try (connection;
                Selector selector = Selector.open()) {
            connection.configureBlocking(false);
            SelectionKey key = connection.register(selector, SelectionKey.OP_READ);
            ByteBuffer buffer = ByteBuffer.allocate(AdminProtocol.MAX_REQUEST_BYTES);
            for (String line = readLine(connection, selector, buffer);
                    line != null;
                    line = readLine(connection, selector, buffer)) {
                write(connection, selector, key, answer(line));
            }
        } catch (AdminException e) {
            LOG.log(Level.DEBUG, "admin connection closed: {0}", e.getMessage());
        } catch (IOException e) {
            LOG.log(Level.DEBUG, "admin connection: {0}", e.getMessage());
        }
    }

    private ObjectNode answer(String line) {
        try {
            JsonNode request = AdminProtocol.parseRequest(line);
            return AdminProtocol.success(handler.answer(request.path("command").textValue(), request));
        } catch (AdminException e) {
            return AdminProtocol.failure(e);
        } catch (RuntimeException e) {
            LOG.log(Level.ERROR, "admin request failed: " + line, e);
            return AdminProtocol.failure(new AdminException("internal", "the director failed to answer: " + e));
        }
    }

    /** The next line, null at the end of the stream; gives up on a line too long or a client too slow. */
    private static @Nullable String readLine(SocketChannel connection, Selector selector, ByteBuffer buffer)
            throws IOException, AdminException {
        long deadlineNs = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(IO_TIMEOUT_MS);
        int scanned = 0;
        while (true) {
            for (; scanned < buffer.position(); scanned++) {
                if (buffer.get(scanned) == '\n') {
                    buffer.flip();
                    String line = StandardCharsets.UTF_8
                            .decode(buffer.slice(0, scanned))
                            .toString();
                    buffer.position(scanned + 1).compact();
                    return line;
                }
            }
            if (!buffer.hasRemaining()) {
                throw new AdminException("bad_request", "a request line is longer than " + buffer.capacity());
            }
            int count = connection.read(buffer);
            if (count < 0) {
                return null;
            }
            if (count == 0) {
                awaitReady(selector, deadlineNs);
            }
        }
    }

    private static void write(SocketChannel connection, Selector selector, SelectionKey key, ObjectNode answer)
            throws IOException, AdminException {
        ByteBuffer bytes = ByteBuffer.wrap((answer + "\n").getBytes(StandardCharsets.UTF_8));
        long deadlineNs = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(IO_TIMEOUT_MS);
        while (bytes.hasRemaining()) {
            if (connection.write(bytes) == 0) {
                key.interestOps(SelectionKey.OP_WRITE);
                awaitReady(selector, deadlineNs);
            }
        }
        key.interestOps(SelectionKey.OP_READ);
    }

    private static void awaitReady(Selector selector, long deadlineNs) throws IOException, AdminException {
        long remainingMs = TimeUnit.NANOSECONDS.toMillis(deadlineNs - System.nanoTime());
        if (remainingMs <= 0) {
            throw new AdminException("timeout", "nothing for " + IO_TIMEOUT_MS + " ms");
        }
        selector.select(remainingMs);
        selector.selectedKeys().clear();
    }

    /** Stops to serve and removes the socket file. */
    @Override
    public void close() throws IOException {
        server.close();
        Files.deleteIfExists(path);
    }
}
