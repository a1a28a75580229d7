package dev.sluice.health;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.atomic.AtomicInteger;

/** A TCP server on the loopback whose answers a test makes up, down to ones that no sound server gives. */
final class ScriptedServer implements AutoCloseable {
    /** What it does with a connection; an exception ends that. */
    @FunctionalInterface
    interface Answer {
        void give(InputStream in, OutputStream out) throws IOException, InterruptedException;
    }

    private final ServerSocket socket = new ServerSocket(0, 1000, InetAddress.getLoopbackAddress());
    private final AtomicInteger connections = new AtomicInteger();

    ScriptedServer(Answer answer) throws IOException {
        Thread.ofPlatform().daemon().name("scripted-server").start(() -> accept(answer));
    }

    /** Writes text once the client has sent something, and closes. */
    static ScriptedServer answering(String text) throws IOException {
        return new ScriptedServer((in, out) -> {
            in.read(new byte[4096]);
            out.write(text.getBytes(StandardCharsets.ISO_8859_1));
        });
    }

    /** Writes the start, and then the same again and again without end, with a pause after each. */
    static ScriptedServer endless(String start, String repeated, int pauseMs) throws IOException {
        return new ScriptedServer((_, out) -> {
            out.write(start.getBytes(StandardCharsets.ISO_8859_1));
            while (true) {
                out.write(repeated.getBytes(StandardCharsets.ISO_8859_1));
                Thread.sleep(pauseMs);
            }
        });
    }

    private void accept(Answer answer) {
        while (!socket.isClosed()) {
            try {
                Socket connection = socket.accept();
                connections.incrementAndGet();
                Thread.ofPlatform().daemon().start(() -> serve(connection, answer));
            } catch (IOException e) {
                return;
            }
        }
    }

    private static void serve(Socket connection, Answer answer) {
        try (connection) {
            answer.give(connection.getInputStream(), connection.getOutputStream());
        } catch (IOException | InterruptedException e) {
            // The client has gone, which is all that an endless answer waits for.
        }
    }

    int port() {
        return socket.getLocalPort();
    }

    int connections() {
        return connections.get();
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
