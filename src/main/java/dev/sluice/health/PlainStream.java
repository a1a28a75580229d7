package dev.sluice.health;

import java.io.IOException;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;

/** A TCP connection with a deadline; a virtual thread that waits in it is parked. Owned by the check's thread. */
final class PlainStream implements ByteStream {
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

    @Override
    public void write(byte[] octets) throws IOException {
        ByteBuffer rest = ByteBuffer.wrap(octets);
        while (rest.hasRemaining()) {
            channel.write(rest);
        }
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
