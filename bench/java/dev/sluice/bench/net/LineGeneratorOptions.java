package dev.sluice.bench.net;

import dev.sluice.bench.FlowChoice;
import dev.sluice.bench.FrameSizes;
import dev.sluice.bench.LiveFramesMain;
import dev.sluice.bench.OfferedTraffic;
import dev.sluice.bench.pipeline.CountConverter;
import dev.sluice.packet.AddressFamily;
import dev.sluice.packet.IpAddress;
import dev.sluice.testing.NetworkNamespace;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.IntStream;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

/** Options of {@code line-rate} for what sends. */
final class LineGeneratorOptions {
    /** Streams have so many source addresses each. */
    private static final int ADDRESSES_OF_A_STREAM = 1 << 10;

    private static final int CHOICES = 1 << 20;

    /** What sends. */
    enum Source {
        OURS,
        PKTGEN,
        TRAFGEN,
        /** Somebody else, on another machine perhaps. */
        EXTERNAL
    }

    @Option(
            names = "--generator",
            defaultValue = "OURS",
            paramLabel = "NAME",
            description =
                    "what sends: ours (XDP live frames), pktgen (the kernel's), trafgen, or external: whatever you"
                            + " start yourself (${DEFAULT-VALUE})")
    private Source source = Source.OURS;

    @Option(
            names = "--generator-interface",
            paramLabel = "IF",
            description =
                    "the interface of this machine to send from, with a wire to the director's; not with external")
    private String interfaceName = "";

    @Option(names = "--generator-netns", paramLabel = "NAME", description = "its network namespace, where it has one")
    private String netns = "";

    @Option(
            names = "--generator-cpus",
            split = ",",
            defaultValue = "0",
            paramLabel = "CPU",
            description = "CPUs that send; of ours each is a stream with flows of its own (${DEFAULT-VALUE})")
    private List<Integer> cpus = List.of();

    @Option(
            names = "--destination-mac",
            paramLabel = "MAC",
            converter = LiveFramesMain.Mac.class,
            description = "whom to send to (the MAC address of --interface)")
    private Long destinationMac = -1L;

    @Option(
            names = "--flows",
            defaultValue = "1024",
            converter = CountConverter.class,
            paramLabel = "N",
            description = "flows, as 1024, 100k or 1M (${DEFAULT-VALUE})")
    private int flows;

    @Option(
            names = "--zipf",
            defaultValue = "0",
            paramLabel = "S",
            description = "choose flows by Zipf's law with this exponent, 0 for in turn (${DEFAULT-VALUE})")
    private double zipf;

    @Option(
            names = {"--sizes", "--size"},
            defaultValue = "60",
            paramLabel = "BYTES",
            converter = LiveFramesMain.Sizes.class,
            description =
                    "frame sizes without the 4 octets of frame check sequence: a number; imix for 60:7,590:4,1514:1;"
                            + " or the like (${DEFAULT-VALUE})")
    private FrameSizes sizes = FrameSizes.of(60);

    @Option(
            names = "--rates",
            split = ",",
            defaultValue = "max",
            paramLabel = "PPS",
            description = "frames a second, one measurement for each: 100k, 1M, or max for as fast as it goes"
                    + " (${DEFAULT-VALUE})")
    private List<String> rates = List.of();

    boolean isExternal() {
        return source == Source.EXTERNAL;
    }

    String name() {
        return source.name().toLowerCase(Locale.ROOT);
    }

    /** Rates to measure at; 0 stands for as fast as it goes. Throws {@link IllegalArgumentException}. */
    List<Long> rates() {
        if (isExternal() && !rates.equals(List.of("max"))) {
            throw new IllegalArgumentException(
                    "--rates is for generators started from here; an external one has its own");
        }
        List<Long> numbers = new ArrayList<>();
        for (String rate : rates) {
            try {
                numbers.add(rate.equals("max") ? 0L : (long) new CountConverter().convert(rate));
            } catch (TypeConversionException e) {
                throw new IllegalArgumentException("--rates: " + e.getMessage() + ", or max", e);
            }
        }
        return numbers;
    }

    /** Throws {@link IllegalArgumentException} where the generator is not to be had or not enough is said. */
    void check() {
        if (isExternal()) {
            return;
        }
        if (interfaceName.isEmpty()) {
            throw new IllegalArgumentException("--generator " + name()
                    + " needs --generator-interface: the interface of this machine that the wire leads from;"
                    + " a generator on another machine is --generator external");
        }
        Optional<String> missing = kind().missing();
        if (missing.isPresent()) {
            throw new IllegalArgumentException("--generator " + name() + ": " + missing.get());
        }
        if (source != Source.OURS && cpus.size() > 1) {
            throw new IllegalArgumentException(
                    "--generator " + name() + " sends from one of --generator-cpus, not " + cpus);
        }
    }

    private GeneratorKind kind() {
        return GeneratorKind.valueOf(source.name());
    }

    private NetworkNamespace namespace() {
        return netns.isEmpty() ? NetworkNamespace.here() : NetworkNamespace.existing(netns);
    }

    /** The MAC address of the generator's interface, -1 without one. */
    long station() {
        return interfaceName.isEmpty() ? -1 : LineSetup.stationOf(namespace(), interfaceName);
    }

    /** What there is to say about the generator's interface, empty without one. */
    Optional<String> facts() {
        return interfaceName.isEmpty() ? Optional.empty() : Optional.of(NicFacts.of(namespace(), interfaceName));
    }

    /** Whom frames go to, given the director's station. */
    long destination(long director) {
        return destinationMac < 0 ? director : destinationMac;
    }

    /** What has the generator's interface transmit, to be closed after the generator; empty where nothing is needed. */
    Optional<XdpObject> enable() {
        return source == Source.OURS ? XdpObject.enable(namespace(), interfaceName) : Optional.empty();
    }

    /** Opens it. */
    Flood open(LineDirectorOptions director, long directorMac, Path folder) {
        long source = station();
        List<Flood.Stream> streams = IntStream.range(0, cpus.size())
                .mapToObj(stream -> new Flood.Stream(
                        new OfferedTraffic(
                                interfaceName,
                                source,
                                destination(directorMac),
                                director.vips().stream()
                                        .map(vip -> new OfferedTraffic.Ends(client(vip, stream), vip))
                                        .toList(),
                                director.protocols(),
                                director.port(),
                                Math.max(flows / cpus.size(), 1),
                                sizes),
                        cpus.get(stream)))
                .toList();
        Flood flood = new Flood(kind(), streams, namespace(), folder);
        try {
            if (zipf > 0) {
                flood.choose(FlowChoice.zipf(Math.max(flows / cpus.size(), 1), zipf, CHOICES, 1));
            }
            return flood;
        } catch (RuntimeException e) {
            flood.close();
            throw e;
        }
    }

    private static IpAddress client(IpAddress vip, int stream) {
        boolean is4 = vip.family() == AddressFamily.INET;
        IpAddress first = IpAddress.parse(is4 ? "198.19.0.1" : "2001:2:0:1::1");
        int offset = stream * ADDRESSES_OF_A_STREAM;
        return is4
                ? IpAddress.ofInet((int) first.low() + offset)
                : IpAddress.ofInet6(first.high(), first.low() + offset);
    }

    /** As measurements carry them. */
    Map<String, String> parameters() {
        Map<String, String> parameters = new TreeMap<>();
        parameters.put("generator", name());
        if (!isExternal()) {
            parameters.put("flows", Integer.toString(flows));
            parameters.put("keys", zipf > 0 ? String.format(Locale.ROOT, "zipf %.2f", zipf) : "in turn");
            parameters.put("size", sizes.toString());
        }
        return parameters;
    }
}
