package dev.sluice.cli.observe;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sluice.cli.ExitCode;
import dev.sluice.cli.socket.AdminSocketOption;
import dev.sluice.control.admin.AdminClient;
import dev.sluice.control.admin.AdminException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code sluice trace}. */
@Command(
        name = "trace",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        header = "Show the way of a packet, decision by decision.",
        description = {
            "",
            "Waits for the next packet of a client to a VIP and shows what the director made of it: steering, service, flow, persistence, "
                    + "scheduler, forwarding method, next hop, all that was rewritten, and egress interface, or why it was dropped and what "
                    + "to do. It comes from the worker that had the packet, not from rules gone through once more.",
            "",
            "With --inject the director makes the packet itself (a SYN, an empty datagram, an INIT) and does not send it; a connection and a "
                    + "persistence template that it opened are forgotten, and nothing is counted. What a scheduler keeps moves on, as the "
                    + "trace says: the turn of rr and wrr, the memory of lblc and lblcr; and one new flow of max_new_flows_per_second and one "
                    + "ICMP error of icmp_rate_limit are used up. With --send it is sent, counted as trace_sent, and its connection stays.",
        },
        optionListHeading = "%nOptions:%n",
        footerHeading = "%nExamples:%n",
        footer = {
            "  sluice trace --client 192.0.2.7 --vip 10.0.0.100:443",
            "  sluice trace --client 192.0.2.7 --vip 10.0.0.100:443 --inject",
            "  sluice trace --client 2001:db8::7 --vip [2001:db8:1::100]:53 --protocol udp --count 3",
            "  sluice trace --client 0.0.0.0/0 --vip 10.0.0.100:80 --json | jq .verdict",
            "",
            "Exit codes: 0 done, 1 the director answered with an error, 2 usage, 5 no answer from a director, 7 fewer packets came "
                    + "than asked for.",
            "See also: docs/observing.md; sluice capture; sluice stats",
        })
public final class TraceCommand implements Callable<Integer> {
    private static final int WAIT_MS = 500;
    private @Nullable @Spec CommandSpec spec;

    @Option(
            names = "--client",
            required = true,
            paramLabel = "ADDRESS[/LENGTH][:PORT]",
            converter = Endpoint.Converter.class,
            description = "The client. Without a port, packets from any; --inject takes one that is free.")
    private @Nullable Endpoint client;

    @Option(
            names = "--vip",
            required = true,
            paramLabel = "ADDRESS:PORT",
            converter = Endpoint.Converter.class,
            description = "The VIP. Without a port, packets to any.")
    private @Nullable Endpoint vip;

    @Option(names = "--protocol", paramLabel = "NAME", description = "tcp, udp or sctp. Default: ${DEFAULT-VALUE}.")
    private String protocol = "tcp";

    @Option(names = "--count", paramLabel = "COUNT", description = "So many packets. Default: ${DEFAULT-VALUE}.")
    private int count = 1;

    @Option(
            names = "--timeout",
            paramLabel = "SECONDS",
            description = "Wait so long for them. Default: ${DEFAULT-VALUE}.")
    private int timeoutS = 30;

    @Option(names = "--inject", description = "Make a packet in place of waiting for one. It is not sent.")
    private boolean inject;

    @Option(names = "--send", description = "With --inject: send it, as if it had come from the client.")
    private boolean send;

    @Option(
            names = {"-i", "--interface"},
            paramLabel = "NAME",
            description = "With --inject: as if it had come in by this interface. Default: the director's first.")
    private @Nullable String interfaceName;

    @Option(
            names = "--queue",
            paramLabel = "NUMBER",
            description = "With --inject: by the worker of this queue. Default: the first.")
    private @Nullable Integer queue;

    @Option(names = "--json", description = "A line of JSON for each packet.")
    private boolean json;

    @Mixin
    private final AdminSocketOption socket;

    /** The command; {@code socketOfEnvironment} is SLUICE_SOCKET, if set. */
    public TraceCommand(@Nullable Path socketOfEnvironment) {
        socket = new AdminSocketOption(socketOfEnvironment);
    }

    @Override
    public Integer call() throws AdminException {
        CommandSpec own = Objects.requireNonNull(spec);
        if (!inject && (send || interfaceName != null || queue != null)) {
            throw misused("--send, --interface and --queue belong to --inject");
        }
        if (Objects.requireNonNull(client).address() == null
                || Objects.requireNonNull(vip).address() == null) {
            throw misused("--client and --vip each need an address");
        }
        if (count < 1 || timeoutS < 1) {
            throw misused("--count and --timeout are 1 or more");
        }
        PrintWriter out = own.commandLine().getOut();
        AdminClient director = socket.client();
        Map<String, Object> request = new LinkedHashMap<>();
        putEndpoint(request, "client", client);
        putEndpoint(request, "vip", vip);
        request.put("protocol", protocol);
        TracePrinter printer = new TracePrinter(out, json);
        if (inject) {
            request.put("send", send);
            if (interfaceName != null) {
                request.put("interface", interfaceName);
            }
            if (queue != null) {
                request.put("queue", queue);
            }
            director.askTree("trace-inject", request).path("packets").forEach(printer::print);
            return ExitCode.OK.code();
        }
        return await(director, request, printer, own.commandLine().getErr());
    }

    private int await(AdminClient director, Map<String, Object> request, TracePrinter printer, PrintWriter err)
            throws AdminException {
        Interruption interruption = Interruption.install();
        int code = ExitCode.FAILURE.code();
        try (Reading reading = Reading.start(director, "trace", request)) {
            JsonNode started = reading.started();
            boolean elsewhere =
                    started.has("steered") && !started.path("steered").asBoolean();
            int printed = 0;
            long endNs = System.nanoTime() + timeoutS * 1_000_000_000L;
            while (!elsewhere && printed < count && !interruption.isRequested() && System.nanoTime() - endNs < 0) {
                for (JsonNode packet : reading.next(WAIT_MS)) {
                    if (printed < count) {
                        printer.print(packet);
                        printed++;
                    }
                }
            }
            if (elsewhere) {
                err.println("sluice: nothing to wait for: "
                        + started.path("steering").asText());
            } else if (printed < count) {
                err.println("sluice: " + (printed == 0 ? "no such packet came" : "no more such packets came") + " in "
                        + timeoutS + " s; sluice stats says whether any reach the director");
            }
            err.flush();
            code = (printed < count ? ExitCode.PARTIAL : ExitCode.OK).code();
        } finally {
            interruption.end(code);
        }
        return code;
    }

    private ParameterException misused(String message) {
        return new ParameterException(Objects.requireNonNull(spec).commandLine(), message);
    }

    static void putEndpoint(Map<String, Object> request, String name, @Nullable Endpoint endpoint) {
        if (endpoint == null) {
            return;
        }
        String address = endpoint.addressText();
        if (address != null) {
            request.put(name, address);
        }
        if (endpoint.port() >= 0) {
            request.put(name + "_port", endpoint.port());
        }
    }
}
