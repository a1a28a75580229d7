package dev.sluice.bench;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Command line of {@link FrameReplay}. */
@Command(
        name = "replay",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description =
                "Sends the frames of a capture out of an interface, again and again, by XDP live frames. Needs root. The"
                        + " peer of a veth needs an XDP program or \"ethtool -K PEER gro on\".")
public final class ReplayMain implements Callable<Integer> {
    @Option(names = "--interface", required = true, description = "the interface to send from")
    private String interfaceName = "";

    @Option(names = "--pcap", required = true, description = "a pcap or pcapng file of whole Ethernet frames")
    private Path pcap = Path.of("");

    @Option(names = "--seconds", defaultValue = "10", description = "how long at most, 1-600 (${DEFAULT-VALUE})")
    private int seconds;

    @Option(names = "--count", defaultValue = "0", description = "how many frames, 0 for no end (${DEFAULT-VALUE})")
    private long count;

    @Option(names = "--rate", defaultValue = "0", description = "frames a second, 0 for full rate (${DEFAULT-VALUE})")
    private long rate;

    /** See {@code --help}. */
    public static void main(String[] args) {
        System.exit(new CommandLine(new ReplayMain())
                .setExecutionExceptionHandler((e, commandLine, _) -> {
                    commandLine.getErr().println("replay: " + e.getMessage());
                    return 1;
                })
                .execute(args));
    }

    @Override
    public Integer call() throws IOException {
        if (seconds < 1 || seconds > 600 || count < 0 || rate < 0) {
            throw new IllegalArgumentException("--seconds must be 1-600, --count and --rate 0 or more");
        }
        List<byte[]> frames = PcapFile.read(pcap);
        try (FrameReplay replay = FrameReplay.open(interfaceName, frames)) {
            LiveFrames.Report report =
                    replay.run(Duration.ofSeconds(seconds), count == 0 ? Long.MAX_VALUE : count, rate);
            System.out.printf(
                    Locale.ROOT,
                    "%d frames in %.3f s, %.0f frames/s%n",
                    report.frames(),
                    report.elapsed().toNanos() / 1e9,
                    report.framesPerSecond());
        }
        return 0;
    }
}
