package dev.sluice.cli.observe;

import dev.sluice.cli.ExitCode;
import dev.sluice.cli.socket.AdminSocketOption;
import dev.sluice.control.admin.AdminClient;
import dev.sluice.control.admin.AdminException;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintWriter;
import java.nio.channels.Channels;
import java.nio.file.Files;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code sluice capture}. */
@Command(
        name = "capture",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        header = "Write packets as the director got them and as it sent them, as pcapng.",
        description = {
            "",
            "What tcpdump does not see, for packets of services never reach the kernel. Without --drops and --misses all packets "
                    + "are captured that the filter lets through; with them, those that were dropped, or were new to the scheduler. "
                    + "Each packet is written as it came in (inbound) and as it left (outbound), with the same packet id and a comment that "
                    + "says queue, direction, what became of it and what was counted.",
            "",
            "A capture is bounded, by default to 1000 packets a second of each queue, 100 MB and ten minutes. What it missed is said at the "
                    + "end: lost, when nobody read in time; suppressed, when more came in a second than the rate. It costs the "
                    + "workers nothing while no capture runs, and ends when this command does.",
        },
        optionListHeading = "%nOptions:%n",
        footerHeading = "%nExamples:%n",
        footer = {
            "  sluice capture -w - | tshark -i -                       live",
            "  sluice capture -w - --drops | tshark -i - -T fields -e frame.comment -e ip.src",
            "  sluice capture -w odd.pcapng --drops no_neighbour,no_route -c 100",
            "  sluice capture -w one.pcapng --client 192.0.2.7 --vip 10.0.0.100:443",
            "  sluice capture -w some.pcapng --sample 1000 -s 96 -a duration:60",
            "",
            "Exit codes: 0 done, 1 the director ended it or answered with an error, 2 usage, 5 no answer from a director.",
            "See also: docs/observing.md; sluice trace; tcpdump(8), dumpcap(1), tshark(1)",
        })
public final class CaptureCommand implements Callable<Integer> {
    private static final int WAIT_MS = 500;
    private static final Set<OpenOption> CREATE =
            Set.of(StandardOpenOption.CREATE, StandardOpenOption.TRUNCATE_EXISTING, StandardOpenOption.WRITE);
    private @Nullable @Spec CommandSpec spec;

    @Option(
            names = {"-w", "--write"},
            required = true,
            paramLabel = "FILE",
            description =
                    "The file, or - for standard output. A file that is there is replaced; it is its owner's alone.")
    private String file = "";

    @Option(
            names = {"-c", "--count"},
            paramLabel = "COUNT",
            description = "End after so many packets.")
    private @Nullable Long count;

    @Option(
            names = {"-s", "--snapshot-length"},
            paramLabel = "BYTES",
            description = "The first octets of each packet: 14 to 16384. Default: ${DEFAULT-VALUE}.")
    private int snap = 256;

    @Option(
            names = {"-a", "--autostop"},
            paramLabel = "CONDITION",
            description = "End after duration:SECONDS, filesize:KB or packets:COUNT; may be given several times. "
                    + "Default: duration:600 and filesize:100000.")
    private List<String> autostop = List.of();

    @Option(
            names = "--rate",
            paramLabel = "COUNT",
            description = "At most so many packets a second of each queue, up to 100000. Default: ${DEFAULT-VALUE}.")
    private int rate = 1000;

    @Option(
            names = "--sample",
            paramLabel = "N",
            description = "One packet in N on average, of those that would be captured.")
    private @Nullable Integer oneIn;

    @Option(
            names = "--drops",
            arity = "0..1",
            fallbackValue = "",
            split = ",",
            paramLabel = "REASON",
            description =
                    "Packets that were dropped, or answered by an ICMP error: for any reason, or for one of these, as sluice stats names them.")
    private @Nullable List<String> drops;

    @Option(
            names = "--misses",
            description =
                    "Packets of no known flow, which were given to the scheduler or taken over from another worker.")
    private boolean misses;

    @Option(
            names = "--images",
            paramLabel = "WHICH",
            description = "before, after or both: packets as they came in, or as they left. Default: ${DEFAULT-VALUE}.")
    private String images = "both";

    @Option(
            names = "--client",
            paramLabel = "ADDRESS[/LENGTH][:PORT]",
            converter = Endpoint.Converter.class,
            description = "Of this client, or of those that begin alike. By NAT its replies as well.")
    private @Nullable Endpoint client;

    @Option(
            names = "--vip",
            paramLabel = "ADDRESS[:PORT]",
            converter = Endpoint.Converter.class,
            description = "Of this VIP.")
    private @Nullable Endpoint vip;

    @Option(names = "--port", paramLabel = "PORT", description = "Of this port, on whichever side.")
    private @Nullable Integer port;

    @Option(
            names = "--protocol",
            paramLabel = "NAME",
            description = "Of this protocol: tcp, udp, sctp, icmp, icmpv6, esp, ah.")
    private @Nullable String protocol;

    @Option(
            names = {"-i", "--interface"},
            paramLabel = "NAME",
            description = "That came in by this interface.")
    private @Nullable String interfaceName;

    @Option(names = "--queue", paramLabel = "NUMBER", description = "That came in by this queue.")
    private @Nullable Integer queue;

    @Mixin
    private final AdminSocketOption socket;

    /** The command; {@code socketOfEnvironment} is SLUICE_SOCKET, if set. */
    public CaptureCommand(@Nullable Path socketOfEnvironment) {
        socket = new AdminSocketOption(socketOfEnvironment);
    }

    @Override
    public Integer call() throws AdminException, IOException {
        PrintWriter err = Objects.requireNonNull(spec).commandLine().getErr();
        Limits limits = limits();
        boolean toStandardOutput = file.equals("-");
        if (toStandardOutput && isTerminal()) {
            throw misused("-w -: packets are not for a terminal; pipe them into tshark -i -, or write a file");
        }
        AdminClient director = socket.client();
        Interruption interruption = Interruption.install();
        int code = ExitCode.FAILURE.code();
        // Asked first, so that no file is replaced for nothing.
        Reading reading = Reading.start(director, "capture", request());
        try (reading;
                OutputStream out = open(toStandardOutput)) {
            err.println("capturing to " + (toStandardOutput ? "standard output" : file) + ": at most " + rate
                    + " packets a second of each queue, " + limits.fileBytes() / 1000 + " kB, " + limits.durationS()
                    + " s; Ctrl-C ends it");
            err.flush();
            Recording recording = new Recording(new PcapngWriter(out), reading.interfaces());
            recording.begin(snap);
            long endNs = System.nanoTime() + limits.durationS() * 1_000_000_000L;
            while (!interruption.isRequested()
                    && recording.packets() < limits.packets()
                    && recording.bytes() < limits.fileBytes()
                    && System.nanoTime() - endNs < 0
                    && !recording.isReaderGone()) {
                recording.write(reading.next(WAIT_MS), limits.packets());
            }
            reading.stop();
            recording.end(reading);
            recording.report(reading, err);
            code = ExitCode.OK.code();
        } finally {
            interruption.end(code);
        }
        return code;
    }

    private Limits limits() {
        try {
            Limits limits = Limits.DEFAULT.with(autostop);
            if (count != null && count < 1) {
                throw new IllegalArgumentException("-c " + count + " is no count of packets");
            }
            return count == null ? limits : limits.with(List.of("packets:" + count));
        } catch (IllegalArgumentException e) {
            throw misused(String.valueOf(e.getMessage()));
        }
    }

    private ParameterException misused(String message) {
        return new ParameterException(Objects.requireNonNull(spec).commandLine(), message);
    }

    private Map<String, Object> request() {
        Map<String, Object> request = new LinkedHashMap<>();
        TraceCommand.putEndpoint(request, "client", client);
        TraceCommand.putEndpoint(request, "vip", vip);
        put(request, "port", port);
        put(request, "protocol", protocol);
        put(request, "interface", interfaceName);
        put(request, "queue", queue);
        put(request, "one_in", oneIn);
        if (drops != null) {
            request.put("drops", drops.stream().filter(name -> !name.isEmpty()).toList());
        }
        request.put("misses", misses);
        request.put("images", images);
        request.put("snap", snap);
        request.put("rate", rate);
        return request;
    }

    private static void put(Map<String, Object> request, String name, @Nullable Object value) {
        if (value != null) {
            request.put(name, value);
        }
    }

    private OutputStream open(boolean toStandardOutput) throws IOException {
        if (toStandardOutput) {
            // System.out keeps silent about a reader that has gone.
            return new FileOutputStream(FileDescriptor.out);
        }
        return Channels.newOutputStream(Files.newByteChannel(
                Path.of(file),
                CREATE,
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"))));
    }

    private static boolean isTerminal() {
        try {
            String target = Files.readSymbolicLink(Path.of("/proc/self/fd/1")).toString();
            return target.startsWith("/dev/pts/") || target.startsWith("/dev/tty") || target.equals("/dev/console");
        } catch (IOException e) {
            return false;
        }
    }
}
