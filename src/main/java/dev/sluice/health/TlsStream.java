package dev.sluice.health;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLEngineResult;
import javax.net.ssl.SSLException;

/**
 * TLS over a {@link PlainStream}, by an {@link SSLEngine}: {@code SSLSocket} would give a server the whole time for every octet of
 * a record. Owned by the check's thread.
 */
final class TlsStream implements ByteStream {
    private static final ByteBuffer NOTHING = ByteBuffer.allocate(0);

    private final PlainStream plain;
    private final SSLEngine engine;
    /** Records from the server, ready to be read. */
    private final ByteBuffer incoming;
    /** What was in them, ready to be read. */
    private final ByteBuffer clear;

    private final ByteBuffer outgoing;

    private TlsStream(PlainStream plain, SSLEngine engine) {
        this.plain = plain;
        this.engine = engine;
        int recordBytes = engine.getSession().getPacketBufferSize();
        incoming = ByteBuffer.allocate(recordBytes).limit(0);
        outgoing = ByteBuffer.allocate(recordBytes);
        clear = ByteBuffer.allocate(engine.getSession().getApplicationBufferSize())
                .limit(0);
    }

    /** Agrees with the server on everything. */
    static TlsStream handshake(PlainStream plain, SSLEngine engine) throws IOException {
        TlsStream stream = new TlsStream(plain, engine);
        engine.beginHandshake();
        stream.finishHandshake();
        return stream;
    }

    private void finishHandshake() throws IOException {
        while (true) {
            switch (engine.getHandshakeStatus()) {
                case NEED_TASK -> runTasks();
                case NEED_WRAP -> wrap(NOTHING);
                case NEED_UNWRAP, NEED_UNWRAP_AGAIN -> {
                    if (!unwrap()) {
                        throw new EOFException("TLS handshake");
                    }
                }
                case FINISHED, NOT_HANDSHAKING -> {
                    return;
                }
            }
        }
    }

    private void runTasks() {
        for (Runnable task = engine.getDelegatedTask(); task != null; task = engine.getDelegatedTask()) {
            task.run();
        }
    }

    private void wrap(ByteBuffer from) throws IOException {
        outgoing.clear();
        SSLEngineResult result = engine.wrap(from, outgoing);
        flush();
        if (result.getStatus() == SSLEngineResult.Status.CLOSED && from.hasRemaining()) {
            throw new EOFException("end of the TLS session");
        }
    }

    private void flush() throws IOException {
        byte[] octets = new byte[outgoing.flip().remaining()];
        outgoing.get(octets);
        plain.write(octets);
    }

    /** Takes one record, if need be after reading more; false at the end of the connection. */
    private boolean unwrap() throws IOException {
        clear.compact();
        try {
            SSLEngineResult result = engine.unwrap(incoming, clear);
            switch (result.getStatus()) {
                case BUFFER_UNDERFLOW -> {
                    return fill();
                }
                case CLOSED -> {
                    return false;
                }
                case BUFFER_OVERFLOW -> throw new SSLException("record that is too large");
                case OK -> {}
            }
        } catch (SSLException e) {
            sendAlert();
            throw e;
        } finally {
            clear.flip();
        }
        return true;
    }

    private boolean fill() throws IOException {
        incoming.compact();
        try {
            int count = plain.read(incoming.array(), incoming.position(), incoming.remaining());
            if (count < 0) {
                return false;
            }
            incoming.position(incoming.position() + count);
            return true;
        } finally {
            incoming.flip();
        }
    }

    /** Tells the server why, so that its log does; that it may be gone changes nothing. */
    private void sendAlert() {
        try {
            wrap(NOTHING);
        } catch (IOException e) {
            // The failure that led here is the one to report.
        }
    }

    /** The protocol agreed on by ALPN (RFC 7301), empty for none. */
    String applicationProtocol() {
        return engine.getApplicationProtocol();
    }

    @Override
    public int read(byte[] buffer, int offset, int lengthBytes) throws IOException {
        while (!clear.hasRemaining()) {
            if (!unwrap()) {
                return -1;
            }
            finishHandshake();
        }
        int count = Math.min(lengthBytes, clear.remaining());
        clear.get(buffer, offset, count);
        return count;
    }

    @Override
    public void write(byte[] octets) throws IOException {
        ByteBuffer rest = ByteBuffer.wrap(octets);
        while (rest.hasRemaining()) {
            wrap(rest);
        }
    }

    @Override
    public void close() throws IOException {
        try (plain) {
            engine.closeOutbound();
            sendAlert();
        }
    }
}
