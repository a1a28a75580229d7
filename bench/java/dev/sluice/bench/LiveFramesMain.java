package dev.sluice.bench;

import dev.sluice.packet.IpAddress;
import dev.sluice.service.Protocol;
import java.time.Duration;
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

    @Option(names = "--src", required = true, converter = Address.class, description = "source address of flow 0")
    private IpAddress source = IpAddress.ofInet(0);

    @Option(names = "--dst", required = true, converter = Address.class, description = "destination address")
    private IpAddress destination = IpAddress.ofInet(0);

    @Option(names = "--port", defaultValue = "80", description = "destination port (${DEFAULT-VALUE})")
    private int port;

    @Option(names = "--protocol", defaultValue = "udp", description = "tcp (SYN) or udp (${DEFAULT-VALUE})")
    private String protocol = "";

    @Option(names = "--flows", defaultValue = "1024", description = "how many flows (${DEFAULT-VALUE})")
    private int flows;

    @Option(names = "--seconds", defaultValue = "10", description = "how long, 1-600 (${DEFAULT-VALUE})")
    private int seconds;

    @Option(names = "--rate", defaultValue = "0", description = "frames a second, 0 for full rate (${DEFAULT-VALUE})")
    private long rate;

    @Option(names = "--size", defaultValue = "60", description = "frame size in bytes (${DEFAULT-VALUE})")
    private int size;

    /** 48 bits from six hexadecimal octets. */
    static final class Mac implements ITypeConverter<Long> {
        @Override
        public Long convert(String text) {
            if (!text.matches("[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}")) {
                throw new TypeConversionException("\"" + text + "\" is not a MAC address like 02:00:00:00:00:01");
            }
            return Long.parseLong(text.replace(":", ""), 16);
        }
    }

    /** An address literal. */
    static final class Address implements ITypeConverter<IpAddress> {
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
        LiveFrames.Traffic traffic = new LiveFrames.Traffic(
                interfaceName,
                sourceMac,
                destinationMac,
                source,
                destination,
                Protocol.valueOf(protocol.toUpperCase(Locale.ROOT)),
                port,
                flows,
                size);
        try (LiveFrames frames = LiveFrames.open(traffic)) {
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
