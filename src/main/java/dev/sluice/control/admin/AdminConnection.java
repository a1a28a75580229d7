package dev.sluice.control.admin;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sluice.stats.LogField;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.util.concurrent.TimeUnit;

/**
 * One connection of the admin socket: reads a line, has it answered, writes the answer, and again. Whoever waits for its peer
 * can be closed by {@link AdminConnections}; a request that is being carried out is not interrupted.
 *
 * <p>Owned by: the connection's thread, but for {@link #close}, {@link #isWaiting} and their like: any thread.
 */
final class AdminConnection implements Runnable {
    /** How long a request may take to arrive, and an answer to leave. */
    static final long IO_TIMEOUT_MS = 5_000;

    /** How fast a peer has to read a long answer, beyond that. */
    private static final int BYTES_PER_MS = 1024;

    /** What is given to the kernel at a time: the JDK copies it outside the heap. */
    private static final int WRITE_BYTES = 64 * 1024;

    private static final int END = -1;
    private static final int TOO_LONG = -2;

    private static final Logger LOG = System.getLogger(AdminSocket.class.getName());

    private final SocketChannel channel;
    private final AdminPeer peer;
    private final AdminSocket.Handler handler;
    private final AdminConnections table;
    private final ByteBuffer buffer = ByteBuffer.allocate(AdminProtocol.MAX_REQUEST_BYTES);

    // Guarded by this. Until its thread runs, it is not the peer who is slow.
    private boolean waiting;
    private boolean closed;
    private long sinceNs = System.nanoTime();
    private long deadlineNs = sinceNs;

    AdminConnection(SocketChannel channel, AdminPeer peer, AdminSocket.Handler handler, AdminConnections table) {
        this.channel = channel;
        this.peer = peer;
        this.handler = handler;
        this.table = table;
    }

    AdminPeer peer() {
        return peer;
    }

    /** Whether it waits for its peer. */
    synchronized boolean isWaiting() {
        return waiting && !closed;
    }

    /** Since when it waits for its peer, by {@link System#nanoTime}. */
    synchronized long waitingSinceNs() {
        return sinceNs;
    }

    /** Whether its peer has had its time. */
    synchronized boolean isLate(long nowNs) {
        return isWaiting() && nowNs - deadlineNs > 0;
    }

    /** Hangs up if it waits for its peer. Returns whether it did. */
    synchronized boolean close() {
        if (!isWaiting()) {
            return false;
        }
        closed = true;
        try {
            channel.close();
        } catch (IOException e) {
            LOG.log(Level.DEBUG, "admin connection: {0}", e.getMessage());
        }
        return true;
    }

    /** Begins to wait for the peer, to read or to take in so many bytes. */
    private synchronized void waitForPeer(int answerBytes) {
        waiting = true;
        sinceNs = System.nanoTime();
        deadlineNs = sinceNs + TimeUnit.MILLISECONDS.toNanos(IO_TIMEOUT_MS + answerBytes / BYTES_PER_MS);
    }

    /** Ends the wait, unless it was closed meanwhile. */
    private synchronized boolean goOn() {
        waiting = false;
        return !closed;
    }

    @Override
    public void run() {
        try (channel) {
            boolean more = true;
            while (more) {
                more = serveOne();
            }
        } catch (IOException e) {
            LOG.log(Level.DEBUG, "admin connection: {0}", e.getMessage());
        } finally {
            table.leave(this);
        }
    }

    /** Reads a request and answers it. Returns whether there may be another one. */
    private boolean serveOne() throws IOException {
        waitForPeer(0);
        int lengthBytes = readLine();
        if (lengthBytes == END || !goOn()) {
            return false;
        }
        if (lengthBytes == TOO_LONG) {
            send(AdminProtocol.failure(new AdminException(
                    "bad_request", "a request line is longer than " + AdminProtocol.MAX_REQUEST_BYTES + " bytes")));
            return false;
        }
        ByteBuffer line = ByteBuffer.wrap(buffer.array(), 0, lengthBytes);
        byte[] answer = answer(line);
        buffer.flip().position(lengthBytes + 1);
        buffer.compact();
        send(answer);
        return peer.rights() != AdminPeer.Rights.NONE;
    }

    /** The bytes of the line that the buffer begins with, {@link #END} or {@link #TOO_LONG}. */
    private int readLine() throws IOException {
        int scanned = 0;
        while (true) {
            for (; scanned < buffer.position(); scanned++) {
                if (buffer.get(scanned) == '\n') {
                    return scanned;
                }
            }
            if (!buffer.hasRemaining()) {
                return TOO_LONG;
            }
            if (channel.read(buffer) < 0) {
                return END;
            }
        }
    }

    private byte[] answer(ByteBuffer line) {
        String command = "";
        boolean logged = false;
        try {
            JsonNode request = AdminProtocol.parseRequest(line);
            command = request.path("command").textValue();
            boolean readOnly = handler.isReadOnly(command);
            if (!peer.may(readOnly)) {
                table.logRefusal(peer, command.matches("[a-z-]{1,32}") ? command : "what is no command");
                throw new AdminException(
                        AdminException.FORBIDDEN,
                        peer + " may not " + (peer.rights() == AdminPeer.Rights.NONE ? "ask" : "change")
                                + " anything on this director: socket_mode and socket_group say who may");
            }
            logged = handler.isLogged(command);
            byte[] answer = AdminProtocol.success(handler.answer(command, request));
            if (logged) {
                LOG.log(Level.INFO, "{0} by {1}: done", LogField.change(command), peer.field(), peer.pidField());
            }
            return answer;
        } catch (AdminException e) {
            if (logged && !e.code().equals(AdminException.UNKNOWN_COMMAND)) {
                LOG.log(
                        Level.INFO,
                        "{0} by {1}: {2}",
                        new LogField("command", command),
                        peer.field(),
                        e.code(),
                        peer.pidField());
            }
            return AdminProtocol.failure(e);
        } catch (RuntimeException | StackOverflowError e) {
            LOG.log(Level.ERROR, "admin request " + command + " by " + peer + " failed", e);
            return AdminProtocol.failure(new AdminException("internal", "the director failed to answer: " + e));
        }
    }

    private void send(byte[] answer) throws IOException {
        table.makeRoom(this, answer.length);
        try {
            waitForPeer(answer.length);
            for (int at = 0; at < answer.length; ) {
                ByteBuffer piece = ByteBuffer.wrap(answer, at, Math.min(WRITE_BYTES, answer.length - at));
                at += channel.write(piece);
            }
        } finally {
            table.sent(this);
        }
    }
}
