package dev.sluice.control;

import dev.sluice.ffi.Errno;
import dev.sluice.ffi.NativeException;
import dev.sluice.ffi.UnixDatagrams;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Tells the service manager how the director gets on, by the protocol of sd_notify(3): one datagram a message to the socket
 * that {@code NOTIFY_SOCKET} names. Without it nobody is told anything.
 *
 * <p>Any thread.
 */
final class ServiceManager implements AutoCloseable {
    private static final Logger LOG = System.getLogger(ServiceManager.class.getName());

    private final @Nullable UnixDatagrams socket;
    private final long watchdogNs;
    private boolean failed;
    private String status = "";
    private int reloads;

    private ServiceManager(@Nullable UnixDatagrams socket, long watchdogNs) {
        this.socket = socket;
        this.watchdogNs = watchdogNs;
    }

    /** As systemd has set the environment: {@code NOTIFY_SOCKET}, {@code WATCHDOG_USEC} and {@code WATCHDOG_PID}. */
    static ServiceManager of(Map<String, String> environment, long pid) {
        String name = environment.getOrDefault("NOTIFY_SOCKET", "");
        if (name.isEmpty()) {
            return new ServiceManager(null, 0);
        }
        try {
            return new ServiceManager(UnixDatagrams.to(name), watchdogNs(environment, pid));
        } catch (IllegalArgumentException | NativeException e) {
            LOG.log(Level.WARNING, "NOTIFY_SOCKET: {0}; the service manager hears nothing", e.getMessage());
            return new ServiceManager(null, 0);
        }
    }

    /** sd_watchdog_enabled(3): microseconds, and for this process unless another one is named. */
    private static long watchdogNs(Map<String, String> environment, long pid) {
        String microseconds = environment.getOrDefault("WATCHDOG_USEC", "");
        String meant = environment.getOrDefault("WATCHDOG_PID", Long.toString(pid));
        if (!microseconds.matches("[1-9]\\d{0,14}") || !meant.equals(Long.toString(pid))) {
            return 0;
        }
        return Long.parseLong(microseconds) * 1000;
    }

    /** How long the service manager waits for a beat before it ends the director; 0 when it does not. */
    long watchdogNs() {
        return watchdogNs;
    }

    /** Traffic is steered. */
    void ready(String newStatus) {
        status = newStatus;
        send("READY=1\nSTATUS=" + newStatus);
    }

    /** One line for {@code systemctl status}; sent when it is another one than before. */
    void status(String newStatus) {
        if (!newStatus.equals(status)) {
            status = newStatus;
            send("STATUS=" + newStatus);
        }
    }

    /** The configuration is being read again; every call is followed by one of {@link #reloaded}. */
    synchronized void reloading() {
        if (reloads++ == 0) {
            // The monotonic clock, which the JVM's nanoTime is on Linux.
            send("RELOADING=1\nMONOTONIC_USEC=" + System.nanoTime() / 1000);
        }
    }

    /** It has been read, whatever came of it. */
    synchronized void reloaded() {
        if (--reloads == 0) {
            send("READY=1");
        }
    }

    /** The director begins to stop. */
    void stopping() {
        send("STOPPING=1\nSTATUS=stopping");
    }

    /** Every worker and the control thread turn. */
    void beat() {
        send("WATCHDOG=1");
    }

    private synchronized void send(String message) {
        if (socket == null) {
            return;
        }
        int result = socket.send(message);
        if (result < 0 && !failed) {
            LOG.log(
                    Level.WARNING,
                    "cannot tell the service manager \"{0}\": {1}",
                    message.lines().findFirst().orElse(""),
                    Errno.describe(-result));
        }
        failed = result < 0;
    }

    @Override
    public void close() {
        if (socket != null) {
            socket.close();
        }
    }
}
