package dev.sluice.bench.net;

import dev.sluice.testing.NetworkNamespace;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** An nginx that answers in three octets and closes, in a real server's namespace and on one CPU. */
final class WebServer implements AutoCloseable {
    private static final Duration START = Duration.ofSeconds(10);

    private final SubjectProcess process;

    private WebServer(SubjectProcess process) {
        this.process = process;
    }

    /** Why there can be none here and what would help, empty when there can. */
    static Optional<String> missing() {
        return Files.isExecutable(Path.of("/usr/sbin/nginx"))
                ? Optional.empty()
                : Optional.of("nginx is not installed: bench/run setup lab (Debian: apt-get install nginx-light)");
    }

    /** Starts it and waits until it listens. */
    static WebServer start(NetworkNamespace namespace, String name, int cpu, Path folder) throws IOException {
        Path config = folder.resolve(name + ".conf");
        Files.writeString(config, config(folder, name));
        SubjectProcess process = SubjectProcess.start(
                name,
                namespace,
                folder.resolve(name + ".log"),
                Map.of(),
                List.of(
                        "taskset",
                        "-c",
                        Integer.toString(cpu),
                        "/usr/sbin/nginx",
                        "-e",
                        "stderr",
                        "-p",
                        folder.toString(),
                        "-c",
                        config.toString()));
        WebServer server = new WebServer(process);
        long end = System.nanoTime() + START.toNanos();
        while (!namespace.run("ss", "-Hltn").contains(":" + WebTopology.PORT + " ")) {
            process.check();
            if (System.nanoTime() > end) {
                server.close();
                throw new IllegalStateException(name + " does not listen after " + START.toSeconds() + " s");
            }
            Pause.ms(20);
        }
        return server;
    }

    private static String config(Path folder, String name) {
        return """
                daemon off;
                master_process off;
                worker_rlimit_nofile 65536;
                pid %1$s/%2$s.pid;
                error_log stderr crit;
                events {
                    worker_connections 32768;
                    multi_accept on;
                }
                http {
                    access_log off;
                    keepalive_timeout 0;
                    client_body_temp_path %1$s/%2$s.body;
                    proxy_temp_path %1$s/%2$s.proxy;
                    fastcgi_temp_path %1$s/%2$s.fastcgi;
                    uwsgi_temp_path %1$s/%2$s.uwsgi;
                    scgi_temp_path %1$s/%2$s.scgi;
                    server {
                        listen %3$d backlog=65535;
                        location / {
                            return 200 "ok\\n";
                        }
                    }
                }
                """.formatted(folder, name, WebTopology.PORT);
    }

    @Override
    public void close() {
        process.close();
    }
}
