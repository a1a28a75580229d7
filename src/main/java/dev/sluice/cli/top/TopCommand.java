package dev.sluice.cli.top;

import dev.sluice.cli.ExitCode;
import dev.sluice.cli.socket.AdminSocketOption;
import dev.sluice.cli.top.TopState.View;
import dev.sluice.control.admin.AdminClient;
import dev.sluice.control.admin.AdminException;
import dev.sluice.stats.DirectorStats;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.LocalTime;
import java.time.ZoneId;
import java.util.Arrays;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code sluice top}. */
@Command(
        name = "top",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        header = "Watch a running director.",
        description = {
            "",
            "A summary, and below it services with their real servers, workers with their rings, or packets by outcome: packets, "
                    + "bits and connections in a second, from two readings of the director's counters and the time between them.",
            "",
            "h shows the keys. When the director goes away it says so, and goes on when one is back.",
            "",
            "With --batch, frames are printed one after the other, whole, for a file or a pipe.",
        },
        optionListHeading = "%nOptions:%n",
        footerHeading = "%nExamples:%n",
        footer = {
            "  sluice top",
            "  sluice top --delay 0.5 --view workers",
            "  sluice top --sort bps-in --hide-idle",
            "  sluice top --batch -n 3 --view drops > drops.txt",
            "",
            "Exit codes: 0 quit by q or Ctrl-C, or all frames printed; 1 no terminal that can be drawn on; 2 usage; 5 no answer "
                    + "from a director (with --batch, or at the start).",
            "Environment: NO_COLOR for no colours, COLUMNS for the width of --batch.",
            "See also: docs/observing.md, sluice stats",
        })
public final class TopCommand implements Callable<Integer> {
    private static final double MIN_DELAY_S = 0.1;
    private static final double MAX_DELAY_S = 3600;
    private static final int BATCH_WIDTH = 132;

    /** How long a key may wait for an answer; new figures and another size are noticed as fast. */
    private static final long TICK_MS = 50;

    private final Map<String, String> environment;
    private @Nullable @Spec CommandSpec spec;

    @Mixin
    private final AdminSocketOption socket;

    @Option(
            names = {"-d", "--delay"},
            paramLabel = "SECONDS",
            description = "Time between two readings, 0.1 to 3600. Default 1.")
    private double delayS = 1;

    @Option(names = "--view", paramLabel = "VIEW", description = "services (default), workers or drops.")
    private String view = View.SERVICES.keyword();

    @Option(
            names = "--sort",
            paramLabel = "COLUMN",
            description =
                    "The column to sort by, as its name stands above it; the greatest first. Default: the order of the "
                            + "configuration.")
    private @Nullable String sort;

    @Option(
            names = {"-i", "--hide-idle"},
            description = "Leave out where nothing happens.")
    private boolean hideIdle;

    @Option(
            names = {"-b", "--batch"},
            description = "Print frames, without a terminal.")
    private boolean batch;

    @Option(
            names = {"-n", "--iterations"},
            paramLabel = "N",
            description = "So many frames, then end.")
    private @Nullable Integer iterations;

    /**
     * @param socketOfEnvironment the admin socket that the environment names
     * @param environment the environment variables
     */
    public TopCommand(@Nullable Path socketOfEnvironment, Map<String, String> environment) {
        socket = new AdminSocketOption(socketOfEnvironment);
        this.environment = environment;
    }

    @Override
    public Integer call() throws AdminException, IOException, InterruptedException {
        TopState state = state();
        AdminClient director = socket.client();
        if (batch) {
            printFrames(director, state);
            return ExitCode.OK.code();
        }
        // So that a mistyped socket is an error of the command, and no empty screen.
        DirectorStats first = director.ask("stats", DirectorStats.class);
        if (environment.getOrDefault("TERM", "dumb").equals("dumb")) {
            throw new IOException("there is no terminal to draw on (TERM is dumb, or not set); --batch prints frames");
        }
        show(director, first, state);
        return ExitCode.OK.code();
    }

    private TopState state() {
        if (!(delayS >= MIN_DELAY_S && delayS <= MAX_DELAY_S)) {
            throw usage("--delay " + delayS + ": allowed are 0.1 to 3600 seconds");
        }
        if (iterations != null && iterations < 1) {
            throw usage("--iterations " + iterations + ": at least 1");
        }
        Optional<View> wanted = Arrays.stream(View.values())
                .filter(one -> one.keyword().equals(view))
                .findFirst();
        View shown = wanted.orElseThrow(() -> usage("--view " + view + ": there is no such view; there are: "
                + Arrays.stream(View.values()).map(View::keyword).collect(Collectors.joining(", "))));
        int column = sort == null ? 0 : Tables.column(shown, sort);
        if (sort != null && column == 0) {
            throw usage("--sort " + sort + ": " + view + " have no such column; there are: "
                    + String.join(", ", Tables.names(shown)).toLowerCase(Locale.ROOT));
        }
        return new TopState(shown, column, hideIdle, delayS);
    }

    private ParameterException usage(String message) {
        return new ParameterException(Objects.requireNonNull(spec).commandLine(), message);
    }

    private void printFrames(AdminClient director, TopState state) throws AdminException, InterruptedException {
        PrintWriter out = Objects.requireNonNull(spec).commandLine().getOut();
        DirectorStats before = director.ask("stats", DirectorStats.class);
        int frames = iterations == null ? Integer.MAX_VALUE : iterations;
        for (int frame = 0; frame < frames && !out.checkError(); frame++) {
            Thread.sleep(Math.round(state.delayS() * 1000));
            if (frame > 0) {
                out.println();
            }
            try {
                DirectorStats now = director.ask("stats", DirectorStats.class);
                Interval interval = Interval.between(before, now).orElse(null);
                if (interval == null) {
                    out.println("another director answers now, pid " + now.pid() + ": rates begin anew");
                } else {
                    Frame.whole(state, interval, LocalTime.now(ZoneId.systemDefault()), batchWidth())
                            .forEach(line -> out.println(line.text().stripTrailing()));
                }
                before = now;
            } catch (AdminException e) {
                out.println(e.getMessage());
            }
            out.flush();
        }
    }

    private int batchWidth() {
        String columns = environment.getOrDefault("COLUMNS", "");
        return columns.matches("[1-9][0-9]{1,4}") ? Integer.parseInt(columns) : BATCH_WIDTH;
    }

    private void show(AdminClient director, DirectorStats first, TopState state) throws IOException {
        Poller poller = new Poller(director, state::delayS);
        poller.took(first);
        boolean colours = environment.getOrDefault("NO_COLOR", "").isEmpty();
        try (Screen screen = Screen.open(colours, state)) {
            poller.start();
            Poller.Known shown = poller.known();
            boolean redraw = true;
            int frames = 0;
            while (!state.quit()) {
                Poller.Known known = poller.known();
                if (!state.paused() && known.changes() != shown.changes()) {
                    frames += known.interval() == shown.interval() ? 0 : 1;
                    shown = known;
                    redraw = true;
                }
                if (redraw || screen.isResized()) {
                    screen.measure();
                    screen.draw(Frame.screen(
                            state,
                            shown.interval(),
                            LocalTime.now(ZoneId.systemDefault()),
                            shown.notice(),
                            screen.width(),
                            screen.height()));
                }
                if (iterations != null && frames >= iterations) {
                    return;
                }
                redraw = state.press(screen.key(TICK_MS), Tables.columns(state.view()));
                if (state.takeSuspend()) {
                    screen.suspend();
                    redraw = true;
                }
            }
        }
    }
}
