package dev.sluice.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sluice.control.admin.AdminClient;
import dev.sluice.control.admin.AdminException;
import dev.sluice.control.config.ConfigFile;
import dev.sluice.control.config.DirectorConfig;
import dev.sluice.control.config.SluiceConfig;
import dev.sluice.control.doctor.Doctor;
import dev.sluice.control.doctor.Finding;
import dev.sluice.control.doctor.Patient;
import dev.sluice.control.doctor.Report;
import dev.sluice.control.doctor.Severity;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code sluice doctor}. */
@Command(
        name = "doctor",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        header = "Say why traffic does not flow.",
        description = {
            "",
            "Looks at a running director, or without one at what a configuration file would meet on this machine: interfaces, "
                    + "XDP programs, queues and workers, offloads, MTUs, who has the VIPs, routes and neighbours of real servers, "
                    + "whether these have the VIP, kernel settings, health, and counters that grow. Each finding says what is "
                    + "wrong, what shows it, and what to do; its id stays the same in later versions.",
            "",
            "It changes nothing. It sends, three times at most each: ARP requests and neighbour solicitations for VIPs, local "
                    + "addresses, real servers and their routers; ICMP echo requests to real servers, small and of the MTU's size; "
                    + "for each TCP service a SYN to each real server, taken back by RST. Those to a VIP go to the real server "
                    + "with TTL 1, as the director's forwarding would send them. It takes about four seconds, fifteen at most.",
        },
        parameterListHeading = "%nParameters:%n",
        optionListHeading = "%nOptions:%n",
        footerHeading = "%nExamples:%n",
        footer = {
            "  sluice doctor",
            "  sluice doctor /etc/sluice.toml         before the start, or when it fails",
            "  sluice doctor --json | jq -r '.findings[].id'",
            "",
            "Exit codes: 0 nothing is wrong (there may be things worth knowing), 8 warnings, 9 errors, 2 usage, 3 configuration, "
                    + "4 refused by the machine, 5 no director answers and no file is named.",
            "Needs root: the admin socket, packet sockets (CAP_NET_RAW), others' XDP programs (CAP_SYS_ADMIN). What could not be "
                    + "looked at is named.",
            "See also: docs/doctor.md (every finding), docs/operations.md",
        })
final class DoctorCommand implements Callable<Integer> {
    private static final int MAX_SECONDS = 60;

    private final @Nullable Path socketOfEnvironment;
    private @Nullable @Spec CommandSpec spec;

    @Parameters(
            paramLabel = "FILE",
            arity = "0..1",
            description = "The configuration to look at while no director runs; it names the admin socket as well.")
    private @Nullable Path file;

    @Option(names = "--config", paramLabel = "FILE", description = "The same.")
    private @Nullable Path config;

    @Option(
            names = "--socket",
            paramLabel = "PATH",
            description =
                    "The director's admin socket. Goes before SLUICE_SOCKET; default is FILE's, or /run/sluice/sluice.sock.")
    private @Nullable Path socket;

    @Option(names = "--no-probe", description = "Send no packets; what only they could tell is not looked at.")
    private boolean noProbe;

    @Option(
            names = "--seconds",
            paramLabel = "N",
            description = "How far the two readings of counters are apart at least, 1 to 60; default 2.")
    private int seconds = 2;

    @Option(names = "--json", description = "One line of JSON.")
    private boolean json;

    DoctorCommand(@Nullable Path socketOfEnvironment) {
        this.socketOfEnvironment = socketOfEnvironment;
    }

    @Override
    public Integer call() throws Exception {
        CommandSpec own = Objects.requireNonNull(spec);
        if (file != null && config != null) {
            throw new ParameterException(own.commandLine(), "FILE and --config are the same; give one of them");
        }
        if (seconds < 1 || seconds > MAX_SECONDS) {
            throw new ParameterException(own.commandLine(), "--seconds " + seconds + " is outside 1-" + MAX_SECONDS);
        }
        Report report = new Doctor(!noProbe, seconds).examine(patient());
        PrintWriter out = own.commandLine().getOut();
        if (json) {
            out.println(json(report));
            out.flush();
        } else {
            new DoctorPrinter(out).print(report);
        }
        return (report.count(Severity.ERROR) > 0
                        ? ExitCode.ERRORS
                        : report.count(Severity.WARNING) > 0 ? ExitCode.WARNINGS : ExitCode.OK)
                .code();
    }

    private Patient patient() throws Exception {
        Path named = file != null ? file : config;
        SluiceConfig loaded = named == null ? null : ConfigFile.load(named);
        Path path = socket != null
                ? socket
                : socketOfEnvironment != null
                        ? socketOfEnvironment
                        : loaded != null ? loaded.director().socket() : DirectorConfig.DEFAULT_SOCKET;
        try {
            new AdminClient(path).askTree("ping");
        } catch (AdminException e) {
            if (named == null || loaded == null || !e.isUnreachable()) {
                throw e;
            }
            return Patient.ofFile(named, loaded, path);
        }
        return Patient.ofDirector(path);
    }

    private static ObjectNode json(Report report) {
        ObjectMapper mapper = new ObjectMapper();
        ObjectNode node = JsonNodeFactory.instance.objectNode();
        node.put("source", report.source());
        node.set("looked", mapper.valueToTree(report.looked()));
        node.set("notLooked", mapper.valueToTree(report.notLooked()));
        ArrayNode findings = node.putArray("findings");
        for (Finding finding : report.findings()) {
            ObjectNode one = findings.addObject();
            one.put("id", finding.id())
                    .put("severity", finding.severity().label())
                    .put("subject", finding.subject())
                    .put("what", finding.what());
            one.set("evidence", mapper.valueToTree(finding.evidence()));
            one.set("advice", mapper.valueToTree(finding.advice()));
            finding.follows().ifPresent(cause -> one.put("follows", cause));
        }
        return node;
    }
}
