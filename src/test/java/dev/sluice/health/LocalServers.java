package dev.sluice.health;

import dev.sluice.testing.NetworkNamespace;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/** Real servers on 127.0.0.1 with their files in a directory of their own; {@link #close} ends and removes all of it. */
final class LocalServers implements AutoCloseable {
    private static final long START_TIMEOUT_MS = 20_000;

    private final Path directory = Files.createTempDirectory("sluice-checks");
    private final List<Process> processes = new ArrayList<>();

    LocalServers() throws IOException {
        // Workers of nginx and dnsmasq are of other users.
        directory.toFile().setExecutable(true, false);
        directory.toFile().setReadable(true, false);
    }

    Path file(String name) {
        return directory.resolve(name);
    }

    static Path script(String name) {
        return Path.of(System.getProperty("sluice.basedir", "."), "src/test/scripts", name);
    }

    static int freePort() {
        try (ServerSocket tcp = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
                DatagramSocket udp = new DatagramSocket(tcp.getLocalSocketAddress())) {
            return udp.getLocalPort();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Starts a server, and waits until it takes connections. */
    int start(int port, String... command) throws IOException, InterruptedException {
        processes.add(new ProcessBuilder(command)
                .directory(directory.toFile())
                .redirectErrorStream(true)
                .redirectOutput(file("output-" + port).toFile())
                .start());
        long endNs = System.nanoTime() + START_TIMEOUT_MS * 1_000_000;
        while (true) {
            try (Socket socket = new Socket()) {
                socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 1_000);
                return port;
            } catch (IOException e) {
                if (System.nanoTime() > endNs) {
                    throw new IOException(
                            String.join(" ", command) + " does not listen: " + Files.readString(file("output-" + port)),
                            e);
                }
                Thread.sleep(20);
            }
        }
    }

    /** A certificate authority {@code NAME.pem}. */
    void authority(String name) {
        openssl("req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=" + name + " -keyout " + file(name + ".key")
                + " -out " + file(name + ".pem"));
    }

    /** A certificate {@code NAME.pem} with its key {@code NAME.key}, valid for so many days from now on. */
    void certificate(String name, String authority, String subjects, int days) throws IOException {
        openssl("req -newkey rsa:2048 -nodes -subj /CN=" + name + " -keyout " + file(name + ".key") + " -out "
                + file(name + ".csr"));
        Files.writeString(file("extensions"), "subjectAltName=" + subjects + "\n");
        openssl("x509 -req -in " + file(name + ".csr") + " -CA " + file(authority + ".pem") + " -CAkey "
                + file(authority + ".key") + " -CAcreateserial -days " + days + " -extfile " + file("extensions")
                + " -out " + file(name + ".pem"));
    }

    private static void openssl(String arguments) {
        NetworkNamespace.runHere(("openssl " + arguments).split(" ", -1));
    }

    @Override
    public void close() throws IOException {
        for (Process process : processes) {
            process.descendants().forEach(ProcessHandle::destroyForcibly);
            process.destroyForcibly();
        }
        try (Stream<Path> files = Files.walk(directory)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(file);
            }
        }
    }
}
