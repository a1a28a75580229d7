package dev.sluice.control.http;

import com.sun.net.httpserver.HttpServer;
import dev.sluice.control.config.HttpConfig;
import dev.sluice.ffi.CallState;
import dev.sluice.ffi.LibC;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.net.BindException;
import java.net.InetSocketAddress;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * The socket of {@code [director.http]}, by the JDK's own server.
 *
 * <p>What clients can take is bounded: {@link #MAX_CONNECTIONS}, each with a thread at most, so that one that is slow holds up no
 * other; the size of a request, and the time for it and for taking the answer. The threads have the lowest priority, so
 * that a processor they share with a worker is the worker's.
 *
 * <p>{@link #open} binds, so that a start finds out early whether it can; nothing is answered before {@link #serve}.
 */
public final class HttpListener implements AutoCloseable {
    /** Beyond, a new connection is closed at once. */
    public static final int MAX_CONNECTIONS = 64;

    /** For a whole request, from its first byte on, and for a first byte to come. */
    static final int MAX_REQUEST_S = 5;

    static final int MAX_HEADER_BYTES = 16 * 1024;

    private static final int MAX_HEADERS = 64;
    private static final int MAX_ANSWER_S = 20;
    private static final int IDLE_S = 30;
    private static final int BACKLOG = 64;
    private static final int LOWEST_PRIORITY = 19;
    private static final Logger LOG = System.getLogger(HttpListener.class.getName());

    static {
        // The server has no other way to be told, and reads them once. What whoever started the JVM has set stays.
        property("jdk.httpserver.maxConnections", MAX_CONNECTIONS);
        property("sun.net.httpserver.maxIdleConnections", MAX_CONNECTIONS);
        property("sun.net.httpserver.idleInterval", IDLE_S);
        property("sun.net.httpserver.maxReqTime", MAX_REQUEST_S);
        property("sun.net.httpserver.maxRspTime", MAX_ANSWER_S);
        property("sun.net.httpserver.maxReqHeaders", MAX_HEADERS);
        property("sun.net.httpserver.maxReqHeaderSize", MAX_HEADER_BYTES);
        if (System.getProperty("sun.net.httpserver.nodelay") == null) {
            System.setProperty("sun.net.httpserver.nodelay", "true");
        }
    }

    private final HttpServer server;
    private final HttpConfig config;
    private final ThreadPoolExecutor threads;
    private @Nullable Site site;

    private HttpListener(HttpServer server, HttpConfig config) {
        this.server = server;
        this.config = config;
        threads = new ThreadPoolExecutor(
                MAX_CONNECTIONS, MAX_CONNECTIONS, IDLE_S, TimeUnit.SECONDS, new LinkedBlockingQueue<>(), new Threads());
        threads.allowCoreThreadTimeOut(true);
        server.setExecutor(threads);
    }

    private static void property(String name, int value) {
        if (System.getProperty(name) == null) {
            System.setProperty(name, Integer.toString(value));
        }
    }

    /**
     * Binds the address, in the network namespace of the calling thread.
     *
     * @param config one that {@link HttpConfig#isSet}
     * @throws IOException with a message for people
     */
    public static HttpListener open(HttpConfig config) throws IOException {
        InetSocketAddress address = config.listen().orElseThrow();
        if (config.tokenFile().isPresent()) {
            byte[] ignored = new Token(config.tokenFile().get()).read();
            if (!address.getAddress().isLoopbackAddress()) {
                LOG.log(
                        Level.WARNING,
                        "director.http: the token for actions crosses the network in clear text on its way to {0}",
                        config.listenText());
            }
        }
        try {
            return new HttpListener(HttpServer.create(address, BACKLOG), config);
        } catch (BindException e) {
            throw new IOException(
                    "director.http: cannot listen on " + config.listenText() + ": " + e.getMessage()
                            + "; listen names an address of this host and a port that nobody else has",
                    e);
        }
    }

    /** The port that it listens on. */
    int port() {
        return server.getAddress().getPort();
    }

    /** Begins to answer. */
    public void serve(Source source, Actions actions) {
        Site opened = new Site(config, source, actions);
        site = opened;
        server.createContext("/", opened);
        // From a thread of the lowest priority, for the server's own thread inherits it.
        CompletableFuture.runAsync(server::start, threads).join();
        LOG.log(
                Level.INFO,
                "http://{0}/: {1}{2}",
                config.listenText(),
                config.metrics() ? (config.page() ? "metrics and stats page" : "metrics") : "stats page",
                config.tokenFile().isPresent() ? ", with actions" : "");
    }

    @Override
    public void close() {
        server.stop(0);
        threads.shutdownNow();
        if (site != null) {
            site.close();
        }
    }

    private static final class Threads implements ThreadFactory {
        private final AtomicInteger made = new AtomicInteger();

        @Override
        public Thread newThread(Runnable work) {
            Thread thread = new Thread(
                    () -> {
                        // Refused nowhere; were it, all would go on at the usual priority.
                        int ignored = LibC.niceCurrentThread(new CallState(), LOWEST_PRIORITY);
                        work.run();
                    },
                    "sluice-http-" + made.incrementAndGet());
            thread.setDaemon(true);
            return thread;
        }
    }
}
