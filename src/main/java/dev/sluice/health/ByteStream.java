package dev.sluice.health;

import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** A connection of octets, each of whose operations ends at the check's deadline. Owned by the check's thread. */
interface ByteStream extends AutoCloseable {
    /** Reads at least one octet: how many, or -1 at the end. */
    int read(byte[] buffer, int offset, int lengthBytes) throws IOException;

    /** Writes all of them; what checks write fits into a socket's buffer. */
    void write(byte[] octets) throws IOException;

    @Override
    void close() throws IOException;

    /** Plain or encrypted, as the probe wants it. */
    static ByteStream open(Destination destination, @Nullable TlsClient tls, Deadline deadline) throws IOException {
        PlainStream plain = new PlainStream(destination.connect(deadline), deadline);
        if (tls == null) {
            return plain;
        }
        try {
            deadline.expect("TLS handshake");
            return TlsStream.handshake(plain, tls.engine());
        } catch (IOException | RuntimeException e) {
            plain.close();
            throw e;
        }
    }
}
