package dev.sluice.bench;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.Queue;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;

/**
 * Thousands of TCP connections that stay and keep themselves busy: each sends an HTTP request every interval or so, on the
 * same connection, and breaks when an answer is wrong, late, another real server's or missing. {@link KeepAliveMain} is the
 * command line.
 *
 * <p>One thread of its own runs all connections; the methods may be called from any other. Threads belong to the network
 * namespace of whoever makes this.
 */
public final class KeepAliveClients implements AutoCloseable {
    private static final long SWEEP_MS = 200;
    private static final int MAX_BREAKS_TOLD = 20;

    /**
     * What the connections do.
     *
     * @param target where to
     * @param sources addresses to connect from in turn; when empty the kernel chooses. One has some 28,000 ports
     * @param interval between requests on a connection, on average: each time between half and one and a half of it
     * @param timeout how long a connection or an answer may take
     * @param seed of the jitter
     */
    public record Settings(
            InetSocketAddress target, List<InetAddress> sources, Duration interval, Duration timeout, long seed) {
        /** Copies the list. */
        public Settings {
            sources = List.copyOf(sources);
        }
    }

    /**
     * How they fare.
     *
     * @param wanted connections asked for so far
     * @param alive connected and not broken
     * @param connecting on their way, or not yet begun
     * @param closed by {@link #closeServer}
     * @param broken not closed from here, but no longer usable
     * @param answered requests
     * @param longestSilenceMs the longest time until an answer, or until now for one that has not come
     * @param stalestMs how long ago the last answer came to the living connection that has waited longest for one
     * @param servers living connections by real server
     * @param reasons broken connections by the first word of why: reset, eof, timeout, server, answer, …
     * @param breaks the first broken connections, told in full
     */
    public record Report(
            int wanted,
            int alive,
            int connecting,
            int closed,
            int broken,
            long answered,
            long longestSilenceMs,
            long stalestMs,
            Map<String, Integer> servers,
            Map<String, Integer> reasons,
            List<String> breaks) {}

    private record Due(long atMs, KeepAliveConnection connection) {}

    private final Settings settings;
    private final Selector selector;
    private final Thread thread = Thread.ofPlatform().name("keep-alive-clients").unstarted(this::run);
    private final Queue<Runnable> commands = new ConcurrentLinkedQueue<>();
    private final long startNs = System.nanoTime();
    private final Random random;

    private final Set<KeepAliveConnection> living = new LinkedHashSet<>();
    private final PriorityQueue<Due> due = new PriorityQueue<>(Comparator.comparingLong(Due::atMs));
    private final Map<String, Integer> reasons = new TreeMap<>();
    private final List<String> breaks = new ArrayList<>();
    private int wanted;
    private int opened;
    private int openPerSecond;
    /** From when on, and from how many, {@link #openPerSecond} is counted. */
    private long openSinceMs;

    private int openedBefore;
    private int broken;
    private int closed;
    private long answered;
    private long longestSilenceMs;
    private long sweptMs;
    private volatile boolean stopped;

    /** Starts with no connections. */
    public KeepAliveClients(Settings settings) throws IOException {
        this.settings = settings;
        this.random = new Random(settings.seed());
        this.selector = Selector.open();
        thread.start();
    }

    /** Opens more connections, so many a second. Returns at once. */
    public void open(int count, int perSecond) {
        command(() -> {
            wanted += count;
            openPerSecond = perSecond;
            openSinceMs = nowMs();
            openedBefore = opened;
        });
    }

    /** Closes all connections to a real server, as clients that are through; they count as closed and not as broken. */
    public void closeServer(String server) {
        command(() -> {
            for (KeepAliveConnection connection : List.copyOf(living)) {
                if (server.equals(connection.server())) {
                    drop(connection);
                    closed++;
                }
            }
        });
    }

    /** How the connections fare now. */
    public Report report() {
        CompletableFuture<Report> report = new CompletableFuture<>();
        command(() -> report.complete(reportNow()));
        return report.join();
    }

    /** Closes all connections and ends the thread. */
    @Override
    public void close() throws IOException {
        stopped = true;
        selector.wakeup();
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        for (KeepAliveConnection connection : living) {
            connection.channel.close();
        }
        selector.close();
    }

    private void command(Runnable command) {
        commands.add(command);
        selector.wakeup();
    }

    private long nowMs() {
        return (System.nanoTime() - startNs) / 1_000_000;
    }

    private void run() {
        while (!stopped) {
            for (Runnable command = commands.poll(); command != null; command = commands.poll()) {
                command.run();
            }
            long nowMs = nowMs();
            openSome(nowMs);
            askDue(nowMs);
            if (nowMs - sweptMs >= SWEEP_MS) {
                sweptMs = nowMs;
                breakLate(nowMs);
            }
            Due next = due.peek();
            long pauseMs = next == null ? SWEEP_MS : Math.clamp(next.atMs() - nowMs, 1, SWEEP_MS);
            try {
                selector.select(this::serve, opened < wanted ? 1 : pauseMs);
            } catch (IOException e) {
                throw new IllegalStateException(e);
            }
        }
    }

    private void openSome(long nowMs) {
        long may = openedBefore + 1 + (nowMs - openSinceMs) * openPerSecond / 1000;
        while (opened < Math.min(wanted, may)) {
            connect(opened++, nowMs);
        }
    }

    private void connect(int number, long nowMs) {
        KeepAliveConnection connection;
        try {
            connection = new KeepAliveConnection(SocketChannel.open(), number, nowMs);
        } catch (IOException e) {
            tell("open", "connection " + number, e);
            return;
        }
        living.add(connection);
        SocketChannel channel = connection.channel;
        try {
            channel.configureBlocking(false);
            channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
            if (!settings.sources().isEmpty()) {
                channel.bind(new InetSocketAddress(
                        settings.sources().get(number % settings.sources().size()), 0));
            }
            SelectionKey key = channel.register(selector, SelectionKey.OP_CONNECT, connection);
            if (channel.connect(settings.target())) {
                connected(key, connection);
            }
        } catch (IOException e) {
            broke(connection, e);
        }
    }

    private void serve(SelectionKey key) {
        KeepAliveConnection connection = (KeepAliveConnection) key.attachment();
        try {
            if (key.isConnectable() && connection.channel.finishConnect()) {
                connected(key, connection);
            } else if (key.isReadable()) {
                long nowMs = nowMs();
                long waitedMs = connection.waitedMs(nowMs);
                if (connection.read(nowMs)) {
                    answered++;
                    longestSilenceMs = Math.max(longestSilenceMs, waitedMs);
                    long intervalMs = settings.interval().toMillis();
                    due.add(new Due(nowMs + intervalMs / 2 + random.nextLong(Math.max(intervalMs, 1)), connection));
                }
            }
        } catch (IOException e) {
            broke(connection, e);
        }
    }

    private void connected(SelectionKey key, KeepAliveConnection connection) throws IOException {
        key.interestOps(SelectionKey.OP_READ);
        connection.ask(nowMs());
    }

    private void askDue(long nowMs) {
        for (Due next = due.peek(); next != null && next.atMs() <= nowMs; next = due.peek()) {
            due.remove();
            if (living.contains(next.connection())) {
                try {
                    next.connection().ask(nowMs);
                } catch (IOException e) {
                    broke(next.connection(), e);
                }
            }
        }
    }

    private void breakLate(long nowMs) {
        for (KeepAliveConnection connection : List.copyOf(living)) {
            if (connection.waitedMs(nowMs) > settings.timeout().toMillis()) {
                String what = connection.channel.isConnected() ? "no answer" : "no connection";
                broke(connection, new KeepAliveConnection.BrokenException("timeout: " + what));
            }
        }
    }

    private void broke(KeepAliveConnection connection, IOException why) {
        String message = String.valueOf(why.getMessage());
        int colon = message.indexOf(": ");
        String reason;
        if (why instanceof KeepAliveConnection.BrokenException) {
            reason = message.substring(0, colon);
        } else {
            // The kernel's words: "Connection reset", "Connection refused", "Broken pipe" and the like.
            reason = message.contains("reset") || message.contains("Broken pipe") ? "reset" : "connect";
        }
        longestSilenceMs = Math.max(longestSilenceMs, connection.waitedMs(nowMs()));
        tell(reason, connection.describe(), why);
        drop(connection);
    }

    private void tell(String reason, String which, IOException why) {
        broken++;
        reasons.merge(reason, 1, Integer::sum);
        if (breaks.size() < MAX_BREAKS_TOLD) {
            breaks.add("after " + nowMs() + " ms: " + which + ": " + why.getMessage());
        }
    }

    private void drop(KeepAliveConnection connection) {
        living.remove(connection);
        try {
            connection.channel.close();
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    private Report reportNow() {
        Map<String, Integer> servers = new TreeMap<>();
        int alive = 0;
        long nowMs = nowMs();
        long silenceMs = longestSilenceMs;
        long stalestMs = 0;
        for (KeepAliveConnection connection : living) {
            alive += connection.channel.isConnected() ? 1 : 0;
            silenceMs = Math.max(silenceMs, connection.waitedMs(nowMs));
            stalestMs = Math.max(stalestMs, connection.answerAgeMs(nowMs));
            String server = connection.server();
            if (server != null) {
                servers.merge(server, 1, Integer::sum);
            }
        }
        return new Report(
                wanted,
                alive,
                wanted - alive - closed - broken,
                closed,
                broken,
                answered,
                silenceMs,
                stalestMs,
                servers,
                new TreeMap<>(reasons),
                List.copyOf(breaks));
    }
}
