package dev.sluice.bench;

import dev.sluice.packet.IpAddress;
import dev.sluice.service.Protocol;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

/** Command line of the packet generator. */
@Command(
        name = "live-frames",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = "Sends frames of many flows out of an interface, by XDP live frames. Needs root. The peer of a"
                + " veth needs an XDP program or \"ethtool -K PEER gro on\".")
public final class LiveFramesMain implements Callable<Integer> {
    @Option(names = "--interface", required = true, description = "the interface to send from")
    private String interfaceName = "";

    @Option(names = "--src-mac", required = true, converter = Mac.class, description = "source station address")
    private long sourceMac;

    @Option(names = "--dst-mac", required = true, converter = Mac.class, description = "destination station address")
    private long destinationMac;

    @Option(
            names = "--src",
            required = true,
            split = ",",
            converter = Address.class,
            description = "source address of flow 0; of each family one, with a comma between")
    private List<IpAddress> sources = List.of();

    @Option(
            names = "--dst",
            required = true,
            split = ",",
            converter = Address.class,
            description = "destination address, for each source one")
    private List<IpAddress> destinations = List.of();

    @Option(names = "--port", defaultValue = "80", description = "destination port (${DEFAULT-VALUE})")
    private int port;

    @Option(
            names = {"--protocols", "--protocol"},
            split = ",",
            defaultValue = "udp",
            description = "tcp (SYN) or udp, or both with a comma between (${DEFAULT-VALUE})")
    private List<Protocol> protocols = List.of();

    @Option(names = "--flows", defaultValue = "1024", description = "how many flows (${DEFAULT-VALUE})")
    private int flows;

    @Option(names = "--seconds", defaultValue = "10", description = "how long, 1-600 (${DEFAULT-VALUE})")
    private int seconds;

    @Option(names = "--rate", defaultValue = "0", description = "frames a second, 0 for full rate (${DEFAULT-VALUE})")
    private long rate;

    @Option(
            names = {"--sizes", "--size"},
            defaultValue = "60",
            converter = Sizes.class,
            description = "frame sizes without frame check sequence: a number, imix (60:7,590:4,1514:1), or the like"
                    + " (${DEFAULT-VALUE})")
    private FrameSizes sizes = FrameSizes.of(60);

    @Option(
            names = "--zipf",
            defaultValue = "0",
            description = "choose flows by Zipf's law with this exponent, 0 for in turn (${DEFAULT-VALUE})")
    private double zipf;

    /** 48 bits from six hexadecimal octets. */
    public static final class Mac implements ITypeConverter<Long> {
        @Override
        public Long convert(String text) {
            if (!text.matches("[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}")) {
                throw new TypeConversionException("\"" + text + "\" is not a MAC address like 02:00:00:00:00:01");
            }
            return Long.parseLong(text.replace(":", ""), 16);
        }
    }

    /** What {@link FrameSizes#parse} understands. */
    public static final class Sizes implements ITypeConverter<FrameSizes> {
        @Override
        public FrameSizes convert(String text) {
            try {
                return FrameSizes.parse(text);
            } catch (IllegalArgumentException e) {
                throw new TypeConversionException(e.getMessage());
            }
        }
    }

    /** An address literal. */
    public static final class Address implements ITypeConverter<IpAddress> {
        @Override
        public IpAddress convert(String text) {
            try {
                return IpAddress.parse(text);
            } catch (IllegalArgumentException e) {
                throw new TypeConversionException(e.getMessage());
            }
        }
    }

    public static void main(String[] args) {
        System.exit(new CommandLine(new LiveFramesMain())
                .setCaseInsensitiveEnumValuesAllowed(true)
                .setExecutionExceptionHandler((e, commandLine, _) -> {
                    commandLine.getErr().println("live-frames: " + e.getMessage());
                    return 1;
                })
                .execute(args));
    }

    @Override
    public Integer call() {
        if (seconds < 1 || seconds > 600) {
            throw new IllegalArgumentException("--seconds must be 1-600, not " + seconds);
        }
        if (sources.size() != destinations.size()) {
            throw new IllegalArgumentException("--src and --dst must have as many addresses as each other");
        }
        List<OfferedTraffic.Ends> ends = new ArrayList<>();
        for (int i = 0; i < sources.size(); i++) {
            ends.add(new OfferedTraffic.Ends(sources.get(i), destinations.get(i)));
        }
        OfferedTraffic traffic =
                new OfferedTraffic(interfaceName, sourceMac, destinationMac, ends, protocols, port, flows, sizes);
        try (LiveFrames frames = LiveFrames.open(traffic)) {
            if (zipf > 0) {
                frames.choose(FlowChoice.zipf(flows, zipf, 1 << 20, 1));
            }
            LiveFrames.Report report = frames.run(Duration.ofSeconds(seconds), rate);
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
