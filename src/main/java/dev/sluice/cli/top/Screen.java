package dev.sluice.cli.top;

import java.io.IOError;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.jline.terminal.Attributes;
import org.jline.terminal.Attributes.LocalFlag;
import org.jline.terminal.Size;
import org.jline.terminal.Terminal;
import org.jline.terminal.Terminal.Signal;
import org.jline.terminal.TerminalBuilder;
import org.jline.utils.AttributedString;
import org.jline.utils.AttributedStyle;
import org.jline.utils.Display;
import org.jline.utils.InfoCmp.Capability;
import org.jline.utils.NonBlockingReader;

/**
 * The terminal: its other screen is ours until {@link #close}, which the end of the process calls in any case, so that nobody finds
 * a terminal without echo or cursor. Owned by: the thread that draws, but for {@link #close}.
 */
final class Screen implements AutoCloseable {
    /** What a terminal sends for one key comes within this. */
    private static final long SEQUENCE_MS = 50;

    private static final int ESCAPE = 27;
    private static final int MAX_SEQUENCE = 8;

    private final Terminal terminal;
    private final Display display;
    private final boolean colours;
    private final Attributes before;
    private final Thread hook;

    /** Set by the signal; to ask for the size takes a process. */
    private volatile boolean resized;

    // Guarded by this.
    private boolean open;
    private Size size = new Size(0, 0);

    private Screen(Terminal terminal, boolean colours, TopState state) {
        this.terminal = terminal;
        this.colours = colours;
        display = new Display(terminal, true);
        before = terminal.getAttributes();
        hook = new Thread(this::leave, "sluice-top-terminal");
        Runtime.getRuntime().addShutdownHook(hook);
        terminal.handle(Signal.INT, _ -> state.askQuit());
        terminal.handle(Signal.QUIT, _ -> state.askQuit());
        terminal.handle(Signal.TSTP, _ -> state.askSuspend());
        terminal.handle(Signal.WINCH, _ -> resized = true);
        enter();
    }

    /**
     * Takes over the terminal that the process has.
     *
     * @param colours whether colours are wanted
     * @param state is told of the signals that keys send
     * @throws IOException when there is none that can be drawn on
     */
    static Screen open(boolean colours, TopState state) throws IOException {
        Terminal terminal;
        try {
            terminal = TerminalBuilder.builder()
                    .system(true)
                    .systemOutput(TerminalBuilder.SystemOutput.SysOut)
                    .dumb(false)
                    // By stty(1): JLine's other providers set the speed to 0, which hangs up a serial console.
                    .provider(TerminalBuilder.PROP_PROVIDER_EXEC)
                    .nativeSignals(true)
                    .build();
        } catch (IllegalStateException e) {
            throw new IOException(
                    "there is no terminal to draw on (standard input and output have to be one); --batch prints frames",
                    e);
        }
        if (terminal.getStringCapability(Capability.cursor_address) == null) {
            String type = terminal.getType();
            terminal.close();
            throw new IOException(
                    "there is no terminal to draw on (one of type " + type + " has no cursor); --batch prints frames");
        }
        return new Screen(terminal, colours, state);
    }

    private synchronized void enter() {
        terminal.enterRawMode();
        Attributes raw = terminal.getAttributes();
        // Ctrl-C and Ctrl-Z are keys as others are.
        raw.setLocalFlag(LocalFlag.ISIG, false);
        terminal.setAttributes(raw);
        terminal.puts(Capability.enter_ca_mode);
        terminal.puts(Capability.keypad_xmit);
        terminal.puts(Capability.cursor_invisible);
        terminal.puts(Capability.clear_screen);
        terminal.flush();
        display.reset();
        resized = true;
        open = true;
    }

    private synchronized void leave() {
        if (open) {
            open = false;
            terminal.puts(Capability.cursor_normal);
            terminal.puts(Capability.keypad_local);
            terminal.puts(Capability.exit_ca_mode);
            terminal.flush();
            try {
                terminal.setAttributes(before);
            } catch (IOError e) {
                // The terminal has gone.
                return;
            }
        }
    }

    /** Looks how large the terminal is, if it has changed. */
    synchronized void measure() {
        if (resized) {
            resized = false;
            size = terminal.getSize();
            display.resize(height(), width());
            display.clear();
        }
    }

    int width() {
        return Math.max(1, size.getColumns());
    }

    int height() {
        return Math.max(1, size.getRows());
    }

    /** Whether the terminal has another size than at the last {@link #measure}. */
    boolean isResized() {
        return resized;
    }

    /** Shows lines, of which there are as many as the terminal has at the most. */
    synchronized void draw(List<Line> lines) {
        if (!open) {
            return;
        }
        // A list of its own, which the display keeps and changes when it scrolls.
        List<AttributedString> styled = new ArrayList<>();
        lines.forEach(line -> styled.add(styled(line)));
        display.update(styled, 0);
        terminal.flush();
    }

    private AttributedString styled(Line line) {
        AttributedStyle style = AttributedStyle.DEFAULT;
        return new AttributedString(
                line.text(),
                switch (line.style()) {
                    case PLAIN -> style;
                    case HEADER -> style.inverse();
                    case STRONG -> style.bold();
                    case FAINT -> colours ? style.foreground(AttributedStyle.BRIGHT) : style;
                    case ALARM -> colours ? style.bold().foreground(AttributedStyle.RED) : style.bold();
                });
    }

    /** The next key within a time; {@link Key#NONE} when there is none. A terminal that has gone quits. */
    Key key(long withinMs) throws IOException {
        NonBlockingReader reader = terminal.reader();
        int character = reader.read(withinMs);
        if (character == NonBlockingReader.READ_EXPIRED) {
            return Key.NONE;
        }
        if (character == NonBlockingReader.EOF) {
            return Key.QUIT;
        }
        if (character != ESCAPE) {
            return Key.of(character);
        }
        StringBuilder sequence = new StringBuilder();
        while (sequence.length() < MAX_SEQUENCE) {
            int next = reader.read(SEQUENCE_MS);
            if (next < 0) {
                break;
            }
            sequence.append((char) next);
            boolean introducer = sequence.length() == 1 && (next == '[' || next == 'O');
            if (!introducer && next >= '@') {
                break;
            }
        }
        return Key.ofSequence(sequence.toString());
    }

    /** Gives the terminal back, and stops the process as a shell's job until it is continued. */
    void suspend() throws IOException {
        leave();
        try {
            // The JVM has no way to stop itself.
            var _ = new ProcessBuilder(
                            "sh", "-c", "kill -STOP " + ProcessHandle.current().pid())
                    .inheritIO()
                    .start()
                    .waitFor();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        enter();
    }

    @Override
    public void close() throws IOException {
        leave();
        try {
            var _ = Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException e) {
            // The process ends already.
            return;
        }
        terminal.close();
    }
}
