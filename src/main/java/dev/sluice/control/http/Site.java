package dev.sluice.control.http;

import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpHandler;
import dev.sluice.control.admin.AdminException;
import dev.sluice.control.config.HttpConfig;
import java.io.IOException;
import java.io.OutputStream;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.net.InetAddress;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * All that can be asked for. Paths are compared, and never made into names of files, so there is nothing beyond the ones
 * listed here. Any thread.
 */
final class Site implements HttpHandler, AutoCloseable {
    private static final Logger LOG = System.getLogger(Site.class.getName());

    private static final int WRITE_BYTES = 32 * 1024;

    /** Several pages and Prometheus ask once a second each; a browser asks for a dozen files at once. */
    private static final int REQUESTS_BURST = 200;

    private static final int REQUESTS_PER_S = 40;
    /** How long who asks too much waits to be told so: it bounds what can be asked by all connections together. */
    private static final int REFUSAL_MS = 200;

    /** Nothing but what comes from here may run, be shown or be asked for, and nobody may frame it. */
    private static final String CONTENT_SECURITY_POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; "
            + "img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
            + "require-trusted-types-for 'script'; trusted-types 'none'";

    private final HostCheck hosts;
    private final Throttle requests = new Throttle(REQUESTS_BURST, REQUESTS_PER_S, System::nanoTime);
    private final Map<String, Route> routes = new HashMap<>();
    private final @Nullable PageData page;

    /** What is behind a path. */
    private record Route(List<String> methods, Responder responder) {
        String allow() {
            return String.join(", ", methods);
        }
    }

    /** Answers a request. */
    @FunctionalInterface
    interface Responder {
        Answer answer(HttpExchange exchange) throws IOException, AdminException;
    }

    Site(HttpConfig config, Source source, Actions actions) {
        hosts = new HostCheck(config.hosts());
        if (config.metrics()) {
            MetricsPage metrics = new MetricsPage(source);
            routes.put("/metrics", get(metrics::answer));
        }
        if (config.page()) {
            PageData data = new PageData(source, config.tokenFile().isPresent());
            page = data;
            Assets.all().forEach((path, answer) -> routes.put(path, get(_ -> answer)));
            routes.put("/api/state", get(_ -> data.state()));
            routes.put("/api/history", get(_ -> data.history()));
            routes.put("/api/service", get(data::service));
            ActionHandler handler = new ActionHandler(
                    config.tokenFile().map(Token::new).orElse(null), actions, System::nanoTime, data::forget);
            routes.put("/api/weight", new Route(List.of("POST"), handler::answer));
            routes.put("/api/token", new Route(List.of("POST"), handler::check));
            data.start();
        } else {
            page = null;
        }
    }

    private static Route get(Responder responder) {
        return new Route(List.of("GET", "HEAD"), responder);
    }

    @Override
    public void handle(HttpExchange exchange) throws IOException {
        try (exchange) {
            send(exchange, answer(exchange));
        } catch (IOException e) {
            LOG.log(Level.DEBUG, "{0}: {1}", exchange.getRemoteAddress(), e.getMessage());
            throw e;
        }
    }

    private Answer answer(HttpExchange exchange) {
        try {
            InetAddress client = exchange.getRemoteAddress().getAddress();
            if (!requests.take(client)) {
                pause();
                exchange.getResponseHeaders().set("Retry-After", "1");
                exchange.getResponseHeaders().set("Connection", "close");
                return Answer.text(429, "too many requests");
            }
            List<String> host = exchange.getRequestHeaders().getOrDefault("Host", List.of());
            if (host.size() != 1 || !hosts.isOurs(host.getFirst())) {
                return Answer.text(
                        421,
                        "asked for by a name that is not known; allowed: numeric addresses, localhost, and the names in"
                                + " director.http.hosts");
            }
            Route route = routes.get(exchange.getRequestURI().getRawPath());
            if (route == null) {
                return Answer.text(404, "there is nothing here");
            }
            if (!route.methods().contains(exchange.getRequestMethod())) {
                exchange.getResponseHeaders().set("Allow", route.allow());
                return Answer.text(405, "allowed: " + route.allow());
            }
            return route.responder().answer(exchange);
        } catch (AdminException e) {
            return Answer.text(503, String.valueOf(e.getMessage()));
        } catch (IOException | RuntimeException e) {
            LOG.log(Level.ERROR, "cannot answer a request for " + path(exchange), e);
            return Answer.text(500, "the director failed to answer; its log says more");
        }
    }

    /** As it came, but for what would write into a log what is not there. */
    private static String path(HttpExchange exchange) {
        String path = String.valueOf(exchange.getRequestURI().getRawPath());
        return path.length() > 100 ? path.substring(0, 100) : path;
    }

    private static void pause() {
        try {
            Thread.sleep(REFUSAL_MS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static void send(HttpExchange exchange, Answer answer) throws IOException {
        Headers headers = exchange.getResponseHeaders();
        headers.set("Content-Security-Policy", CONTENT_SECURITY_POLICY);
        headers.set("X-Content-Type-Options", "nosniff");
        headers.set("X-Frame-Options", "DENY");
        headers.set("Referrer-Policy", "no-referrer");
        headers.set("Cross-Origin-Resource-Policy", "same-origin");
        headers.set("Cross-Origin-Opener-Policy", "same-origin");
        headers.set("Cache-Control", answer.entityTag() == null ? "no-store" : "no-cache");
        headers.set("Content-Type", answer.type());
        if (answer.entityTag() != null) {
            headers.set("ETag", answer.entityTag());
            if (answer.entityTag().equals(exchange.getRequestHeaders().getFirst("If-None-Match"))) {
                exchange.sendResponseHeaders(304, -1);
                return;
            }
        }
        byte[] body = answer.body();
        byte[] gzipped = answer.gzipped();
        if (gzipped != null) {
            headers.set("Vary", answer.type().startsWith("text/plain") ? "Accept, Accept-Encoding" : "Accept-Encoding");
            if (takesGzip(exchange.getRequestHeaders())) {
                headers.set("Content-Encoding", "gzip");
                body = gzipped;
            }
        }
        if (exchange.getRequestMethod().equals("HEAD")) {
            headers.set("Content-Length", Integer.toString(body.length));
            exchange.sendResponseHeaders(answer.status(), -1);
            return;
        }
        exchange.sendResponseHeaders(answer.status(), body.length == 0 ? -1 : body.length);
        try (OutputStream out = exchange.getResponseBody()) {
            // The server copies what it is given at once.
            for (int at = 0; at < body.length; at += WRITE_BYTES) {
                out.write(body, at, Math.min(WRITE_BYTES, body.length - at));
            }
        }
    }

    /** Whether compressed content is asked for (RFC 9110, 12.5.3). */
    private static boolean takesGzip(Headers request) {
        for (String line : request.getOrDefault("Accept-Encoding", List.of())) {
            for (String coding : line.toLowerCase(Locale.ROOT).split(",", -1)) {
                String[] parts = coding.strip().split(";", -1);
                if (parts[0].strip().equals("gzip")) {
                    return parts.length == 1 || !parts[1].strip().matches("q=0(\\.0*)?");
                }
            }
        }
        return false;
    }

    @Override
    public void close() {
        if (page != null) {
            page.close();
        }
    }
}
