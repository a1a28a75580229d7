package dev.sluice.health;

import dev.sluice.packet.AddressFamily;
import dev.sluice.packet.IpAddress;
import java.io.IOException;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/** The sockets that all pings share: one for each family and source address, opened when first needed. Any thread. */
final class EchoSockets implements AutoCloseable {
    private record Key(AddressFamily family, @Nullable IpAddress source) {}

    private final ReentrantLock lock = new ReentrantLock();
    private final Map<Key, EchoSocket> sockets = new HashMap<>();
    private boolean closed;

    EchoSocket of(AddressFamily family, @Nullable IpAddress source) throws IOException {
        lock.lock();
        try {
            if (closed) {
                throw new NotMadeException("no more checks are made");
            }
            Key key = new Key(family, source);
            EchoSocket socket = sockets.get(key);
            if (socket == null) {
                socket = EchoSocket.open(family, source);
                sockets.put(key, socket);
            }
            return socket;
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void close() {
        lock.lock();
        try {
            closed = true;
            sockets.values().forEach(EchoSocket::close);
            sockets.clear();
        } finally {
            lock.unlock();
        }
    }
}
