package dev.sluice.control.admin;

import dev.sluice.stats.LogField;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;

/**
 * The connections that are served at the moment, and who has to go when there is no room: of the user who has the most, the
 * one that has waited longest for its peer. So nobody locks out the others by connections on which nothing happens, and
 * answers that nobody takes in do not fill the memory. Any thread.
 */
final class AdminConnections {
    /** How long a connection is left alone, so that many honest clients at once do not push each other out. */
    private static final long GRACE_MS = 250;

    private static final long RETRY_MS = 20;
    private static final long LOG_INTERVAL_NS = TimeUnit.SECONDS.toNanos(1);
    private static final Logger LOG = System.getLogger(AdminSocket.class.getName());

    private final int maxConnections;
    private final long maxAnswerBytes;

    // Guarded by this.
    private final Set<AdminConnection> served = new HashSet<>();
    private final Map<AdminConnection, Integer> answers = new HashMap<>();
    private long answerBytes;
    private long loggedNs = System.nanoTime() - LOG_INTERVAL_NS;

    /**
     * @param maxConnections how many are served at once
     * @param maxAnswerBytes how many bytes of answers may wait to be taken in, all connections together
     */
    AdminConnections(int maxConnections, long maxAnswerBytes) {
        this.maxConnections = maxConnections;
        this.maxAnswerBytes = maxAnswerBytes;
    }

    /** Waits until there is room for one more, at the cost of another that has had the time to say something. */
    synchronized void awaitRoom() throws InterruptedException {
        while (served.size() >= maxConnections) {
            long dueNs = System.nanoTime() - TimeUnit.MILLISECONDS.toNanos(GRACE_MS);
            if (!evict(connection -> connection.waitingSinceNs() - dueNs <= 0)) {
                wait(RETRY_MS);
            }
        }
    }

    /** Counts a connection in. */
    synchronized void enter(AdminConnection connection) {
        served.add(connection);
    }

    /** Counts a connection out. */
    synchronized void leave(AdminConnection connection) {
        served.remove(connection);
        notifyAll();
    }

    /**
     * Makes room for an answer, at the cost of others that nobody takes in. Small ones are spared: they make no room, and whoever
     * asked is only slower than the next one with a large answer. If there is too much, somebody has more than an even share.
     */
    synchronized void makeRoom(AdminConnection connection, int lengthBytes) {
        answers.put(connection, lengthBytes);
        answerBytes += lengthBytes;
        boolean evicted = true;
        while (answerBytes > maxAnswerBytes && evicted) {
            evicted = evict(
                    other -> other != connection && answers.getOrDefault(other, 0) > maxAnswerBytes / maxConnections);
        }
    }

    /** An answer is gone, one way or another. */
    synchronized void sent(AdminConnection connection) {
        Integer lengthBytes = answers.remove(connection);
        answerBytes -= lengthBytes == null ? 0 : lengthBytes;
    }

    /** Hangs up on somebody. Returns false when nobody waits for its peer. */
    private boolean evict(Predicate<AdminConnection> candidate) {
        Map<String, Integer> ofUser = new HashMap<>();
        served.forEach(connection -> ofUser.merge(connection.peer().user(), 1, Integer::sum));
        long nowNs = System.nanoTime();
        Optional<AdminConnection> victim = served.stream()
                .filter(connection -> connection.isWaiting() && candidate.test(connection))
                .max(Comparator.<AdminConnection>comparingInt(connection ->
                                ofUser.getOrDefault(connection.peer().user(), 0))
                        .thenComparingLong(connection -> nowNs - connection.waitingSinceNs()));
        if (victim.isEmpty()) {
            return false;
        }
        // It leaves by itself, later; its place is free from now on.
        if (victim.get().close()) {
            served.remove(victim.get());
            sent(victim.get());
        }
        return true;
    }

    /** Hangs up on all whose peers have had their time. */
    synchronized void closeLate() {
        if (served.isEmpty()) {
            return;
        }
        long nowNs = System.nanoTime();
        served.stream().filter(connection -> connection.isLate(nowNs)).forEach(AdminConnection::close);
    }

    /** Hangs up on all who wait for their peers. */
    synchronized void closeWaiting() {
        served.forEach(AdminConnection::close);
    }

    /** Says that somebody asked for what it may not, at most once a second. */
    synchronized void logRefusal(AdminPeer peer, String command) {
        long nowNs = System.nanoTime();
        boolean due = nowNs - loggedNs >= LOG_INTERVAL_NS;
        loggedNs = due ? nowNs : loggedNs;
        LOG.log(
                due ? Level.WARNING : Level.DEBUG,
                "refused {0} by {1}: forbidden",
                new LogField("command", command),
                peer.field(),
                peer.pidField());
    }
}
