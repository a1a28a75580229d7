package dev.sluice.bench;

import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/**
 * Command line of {@link KeepAliveClients}: one command a line on standard input, one line of JSON for each on standard
 * output, a {@link KeepAliveClients.Report} or an object with {@code error}.
 */
@Command(
        name = "keep-alive",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = "Holds thousands of busy HTTP connections. Commands on standard input: \"open COUNT PER_SECOND\","
                + " \"close SERVER\", \"report\", \"quit\". Each is answered by a line of JSON.")
public final class KeepAliveMain implements Callable<Integer> {
    @Parameters(index = "0", paramLabel = "ADDRESS", description = "the VIP")
    private String address = "";

    @Parameters(index = "1", paramLabel = "PORT", description = "its port")
    private int port;

    @Option(names = "--source", description = "address to connect from; several are taken in turn")
    private List<String> sources = new ArrayList<>();

    @Option(names = "--interval", defaultValue = "2000", description = "ms between requests (${DEFAULT-VALUE})")
    private long intervalMs;

    @Option(names = "--timeout", defaultValue = "30000", description = "ms until an answer (${DEFAULT-VALUE})")
    private long timeoutMs;

    @Option(names = "--seed", defaultValue = "1", description = "of the jitter (${DEFAULT-VALUE})")
    private long seed;

    private final JsonMapper json = new JsonMapper();

    private record Failure(String error) {}

    public static void main(String[] args) {
        System.exit(new CommandLine(new KeepAliveMain()).execute(args));
    }

    @Override
    public Integer call() throws IOException {
        List<InetAddress> from = new ArrayList<>();
        for (String source : sources) {
            from.add(InetAddress.getByName(source));
        }
        KeepAliveClients.Settings settings = new KeepAliveClients.Settings(
                new InetSocketAddress(InetAddress.getByName(address), port),
                from,
                Duration.ofMillis(intervalMs),
                Duration.ofMillis(timeoutMs),
                seed);
        PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        try (KeepAliveClients clients = new KeepAliveClients(settings);
                BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8))) {
            for (String line = in.readLine(); line != null && !line.equals("quit"); line = in.readLine()) {
                String error = obey(clients, line);
                out.println(json.writeValueAsString(error == null ? clients.report() : new Failure(error)));
            }
        }
        return 0;
    }

    /** What is wrong with a command, null when it was carried out. */
    private static @Nullable String obey(KeepAliveClients clients, String line) {
        String[] words = line.strip().split(" +", -1);
        try {
            if (words[0].equals("open") && words.length == 3) {
                clients.open(Integer.parseUnsignedInt(words[1]), Integer.parseUnsignedInt(words[2]));
                return null;
            }
        } catch (NumberFormatException e) {
            return "\"" + line + "\": " + e.getMessage();
        }
        if (words[0].equals("close") && words.length == 2) {
            clients.closeServer(words[1]);
            return null;
        }
        return line.equals("report")
                ? null
                : "\"" + line + "\" is not \"open COUNT PER_SECOND\", \"close SERVER\", \"report\" or \"quit\"";
    }
}
