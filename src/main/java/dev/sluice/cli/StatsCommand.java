package dev.sluice.cli;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sluice.cli.socket.AdminSocketOption;
import dev.sluice.control.admin.AdminClient;
import dev.sluice.control.admin.AdminException;
import dev.sluice.stats.DirectorStats;
import dev.sluice.stats.PacketBalance;
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

/** {@code sluice stats}. */
@Command(
        name = "stats",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        header = "Show what a running director has counted.",
        description = {
            "",
            "Services and real servers in the columns of ipvsadm -L --stats; then the sums of all packets, the fate of every packet, what the "
                    + "steering program did on each interface, and the workers. Counters that are zero are left out. Below a service stand persistence and one-packet "
                    + "scheduling, below a real server its tunnel, VLAN and routers, its persistent clients, thresholds, and whether it is overloaded.",
            "",
            "Real servers that failed their checks are not in service, and so not among them: they are named below, and by sluice health.",
            "",
            "In direct routing and tunneling replies go straight from the real servers to the clients: OutPkts and OutBytes stay 0.",
        },
        optionListHeading = "%nOptions:%n",
        footerHeading = "%nExamples:%n",
        footer = {
            "  sluice stats",
            "  sluice stats --json | jq .outcomes",
            "  sluice stats --balance                 is every packet accounted for?",
            "",
            "Exit codes: 0 done, 1 the director answered with an error or the balance does not come out, 2 usage, 5 no answer from a director.",
            "See also: docs/datapath.md (packets by outcome), docs/admin-protocol.md",
        })
final class StatsCommand implements Callable<Integer> {
    private static final int BALANCE_TRIES = 40;
    private static final int BALANCE_INTERVAL_MS = 50;
    private @Nullable @Spec CommandSpec spec;

    @Mixin
    private final AdminSocketOption socket;

    @Option(names = "--json", description = "The whole reading as one line of JSON, zeros included.")
    private boolean json;

    @Option(
            names = "--balance",
            description =
                    "Only the sums of all packets, once they come out exactly; exit code 1 when they do not within two "
                            + "seconds: traffic is flowing, or a packet's fate is unknown, which would be a bug.")
    private boolean balance;

    StatsCommand(@Nullable Path socketOfEnvironment) {
        socket = new AdminSocketOption(socketOfEnvironment);
    }

    @Override
    public Integer call() throws AdminException {
        PrintWriter out = Objects.requireNonNull(spec).commandLine().getOut();
        AdminClient client = socket.client();
        if (balance) {
            return balance(client, new StatsPrinter(out));
        }
        if (json) {
            JsonNode reading = client.askTree("stats");
            out.println(reading);
            out.flush();
        } else {
            new StatsPrinter(out).print(client.ask("stats", DirectorStats.class));
        }
        return ExitCode.OK.code();
    }

    private static int balance(AdminClient client, StatsPrinter printer) throws AdminException {
        PacketBalance sums = PacketBalance.of(client.ask("stats", DirectorStats.class));
        for (int tries = 1; tries < BALANCE_TRIES && !sums.isExact(); tries++) {
            try {
                Thread.sleep(BALANCE_INTERVAL_MS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                break;
            }
            sums = PacketBalance.of(client.ask("stats", DirectorStats.class));
        }
        printer.printBalance(sums);
        return (sums.isExact() ? ExitCode.OK : ExitCode.FAILURE).code();
    }
}
