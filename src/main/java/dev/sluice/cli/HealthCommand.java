package dev.sluice.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sluice.cli.socket.AdminSocketOption;
import dev.sluice.control.admin.AdminClient;
import dev.sluice.control.admin.AdminException;
import dev.sluice.stats.DirectorStats;
import dev.sluice.stats.HealthStats;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code sluice health}. */
@Command(
        name = "health",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        header = "Show the health of real servers.",
        description = {
            "",
            "A line for each real server of a service with health checks: its weight, whether it is up, since when, and the "
                    + "latest result of its check; with several checks, a line for each below. The last line of a service shows its quorum "
                    + "and its sorry server. Real servers without checks are \"unchecked\", and stay in service.",
        },
        optionListHeading = "%nOptions:%n",
        footerHeading = "%nExamples:%n",
        footer = {
            "  sluice health",
            "  sluice health --exit-code > /dev/null || logger 'a real server is down'",
            "  sluice health --json | jq '.services[].realServers[] | select(.state == \"down\")'",
            "",
            "Exit codes: 0 done, 1 the director answered with an error, 2 usage, 5 no answer from a director; with --exit-code 6 when "
                    + "a real server is down or a service is without quorum.",
            "See also: docs/health.md, docs/admin-protocol.md",
        })
final class HealthCommand implements Callable<Integer> {
    private @Nullable @Spec CommandSpec spec;

    @Mixin
    private final AdminSocketOption socket;

    @Option(names = "--json", description = "All of it as one line of JSON.")
    private boolean json;

    @Option(names = "--history", description = "The latest changes of each real server as well, oldest first.")
    private boolean history;

    @Option(names = "--exit-code", description = "Exit with 6 unless all is healthy.")
    private boolean exitCode;

    HealthCommand(@Nullable Path socketOfEnvironment) {
        socket = new AdminSocketOption(socketOfEnvironment);
    }

    @Override
    public Integer call() throws AdminException {
        PrintWriter out = Objects.requireNonNull(spec).commandLine().getOut();
        AdminClient client = socket.client();
        HealthStats health = client.ask("stats", DirectorStats.class).health();
        if (json) {
            out.println(new ObjectMapper().<JsonNode>valueToTree(health));
            out.flush();
        } else {
            new HealthPrinter(out).printTable(health, history);
        }
        return exitCode && !HealthPrinter.isHealthy(health) ? ExitCode.UNHEALTHY.code() : ExitCode.OK.code();
    }
}
