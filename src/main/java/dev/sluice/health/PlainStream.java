package dev.sluice.health;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;

/** A TCP connection with a deadline; a virtual thread that waits in it is parked. Owned by the check's thread. */
final class PlainStream implements ByteStream {
    private static final int FULL_BUFFER_WAIT_MS = 10;

    private final SocketChannel channel;
    private final Socket socket;
    private final Deadline deadline;

    PlainStream(SocketChannel channel, Deadline deadline) {
        this.channel = channel;
        this.deadline = deadline;
        socket = channel.socket();
    }

    @Override
    public int read(byte[] buffer, int offset, int lengthBytes) throws IOException {
        // Anew before each read: a server that drips must not get the whole time for every octet.
        socket.setSoTimeout(deadline.remainingMs());
        return socket.getInputStream().read(buffer, offset, lengthBytes);
    }

    /**
     * {@inheritDoc}
     *
     * <p>Requests fit into the socket's buffer. What fills it is a server that wants acknowledgements without end and reads none,
     * and a write that blocks would have no time limit.
     */
    @Override
    public void write(byte[] octets) throws IOException {
        ByteBuffer rest = ByteBuffer.wrap(octets);
        channel.configureBlocking(false);
        try {
            while (rest.hasRemaining()) {
                if (channel.write(rest) == 0) {
                    Thread.sleep(Math.min(FULL_BUFFER_WAIT_MS, deadline.remainingMs()));
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException();
        } finally {
            if (channel.isOpen()) {
                channel.configureBlocking(true);
            }
        }
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
