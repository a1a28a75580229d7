package dev.sluice.testing;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Predicate;

/** A real terminal with a shell in it: tmux's, on a server of its own. */
public final class TerminalFixture implements AutoCloseable {
    private static final Duration TIMEOUT = Duration.ofSeconds(30);
    private static final long AWAIT_NS = 30_000_000_000L;

    private final Path folder;
    private final Path socket;

    private TerminalFixture(Path folder) {
        this.folder = folder;
        socket = folder.resolve("tmux");
    }

    /** A terminal of a size, with a shell that knows where Java is. */
    public static TerminalFixture open(int width, int height) {
        try {
            TerminalFixture terminal = new TerminalFixture(Files.createTempDirectory("sluice-terminal"));
            terminal.tmux(
                    "-f",
                    "/dev/null",
                    "new-session",
                    "-d",
                    "-x",
                    "" + width,
                    "-y",
                    "" + height,
                    "env PS1='shell> ' JAVA_HOME=" + System.getProperty("java.home") + " bash --norc --noprofile");
            terminal.await("a shell", screen -> screen.contains("shell>"));
            return terminal;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private String tmux(String... arguments) {
        List<String> command = new ArrayList<>(List.of("tmux", "-S", socket.toString()));
        command.addAll(Arrays.asList(arguments));
        ProcessBuilder builder = new ProcessBuilder(command);
        builder.environment().remove("TMUX");
        builder.environment().put("LC_ALL", "C.UTF-8");
        return CommandResult.of(builder, TIMEOUT).orFail();
    }

    /** Presses keys by tmux's names: {@code q}, {@code C-c}, {@code PageDown}. */
    public void press(String... keys) {
        List<String> command = new ArrayList<>(List.of("send-keys"));
        command.addAll(Arrays.asList(keys));
        tmux(command.toArray(String[]::new));
    }

    /** Types a line, and Enter. */
    public void type(String line) {
        tmux("send-keys", "-l", line);
        press("Enter");
    }

    /** Gives the terminal another size, as whoever drags a window's corner. */
    public void resize(int width, int height) {
        tmux("resize-window", "-x", "" + width, "-y", "" + height);
    }

    /** What is to be seen, lines without blanks at their ends. */
    public String screen() {
        return tmux("capture-pane", "-p");
    }

    /** Waits for what is to be seen; the screen then. */
    public String await(String what, Predicate<String> condition) {
        long endNs = System.nanoTime() + AWAIT_NS;
        String screen = screen();
        while (!condition.test(screen)) {
            if (System.nanoTime() > endNs) {
                throw new AssertionError("never: " + what + "\n" + screen);
            }
            try {
                Thread.sleep(50);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IllegalStateException(e);
            }
            screen = screen();
        }
        return screen;
    }

    /** Whether the other screen is shown, and whether the cursor is: {@code 0 1} for a shell's. */
    public String flags() {
        return tmux("display-message", "-p", "#{alternate_on} #{cursor_flag}").strip();
    }

    /** What {@code stty -a} says of it but for its size, asked for by its shell. */
    public String settings() {
        Path file = folder.resolve("stty");
        try {
            Files.deleteIfExists(file);
            type("stty -a > " + file + ".part; mv " + file + ".part " + file);
            long endNs = System.nanoTime() + AWAIT_NS;
            while (!Files.exists(file)) {
                if (System.nanoTime() > endNs) {
                    throw new AssertionError("no shell\n" + screen());
                }
                Thread.sleep(20);
            }
            return Files.readString(file).replaceAll("rows [0-9]+; columns [0-9]+; ", "");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    /** Ends all that runs in it. */
    @Override
    public void close() {
        tmux("kill-server");
        try {
            Files.deleteIfExists(folder.resolve("stty"));
            Files.deleteIfExists(socket);
            Files.deleteIfExists(folder);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
