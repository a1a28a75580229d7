package dev.sluice.cli.ipvsadm;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sluice.packet.IpAddress;
import dev.sluice.service.Protocol;
import java.io.PrintStream;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** Prints connections in the columns of {@code ipvsadm -L -c}. */
final class ConnectionPrinter {
    private final PrintStream out;
    private final EntryNames names;

    ConnectionPrinter(PrintStream out, EntryNames names) {
        this.out = out;
        this.names = names;
    }

    /**
     * Prints what stands above the connections.
     *
     * @param engines whether there are columns for persistence engines; this director has none, so they stay empty
     */
    void header(boolean engines) {
        out.print("IPVS connection entries\n");
        out.print("pro expire state       source             virtual            destination"
                + (engines ? "        pe name          pe_data" : "") + "\n");
    }

    /** Prints one connection of the admin protocol's {@code connections}. */
    void connection(JsonNode json) {
        String protocol = json.path("protocol").asText();
        Protocol transport = Arrays.stream(Protocol.values())
                .filter(known -> known.name().equals(protocol))
                .findFirst()
                .orElse(null);
        long seconds = json.path("expiresMs").asLong() / 1000;
        out.print(TablePrinter.padded(protocol, 3) + " "
                + TablePrinter.padded(twoDigits(seconds / 60) + ":" + twoDigits(seconds % 60), 6) + " "
                + TablePrinter.padded(json.path("state").asText(), 11) + " "
                + TablePrinter.padded(endpoint(json, "client", transport), 18) + " "
                + TablePrinter.padded(endpoint(json, "virtual", transport), 18) + " "
                + endpoint(json, "destination", transport) + "\n");
    }

    private String endpoint(JsonNode json, String which, @Nullable Protocol transport) {
        JsonNode address = json.path(which);
        // A real server that has been removed, and whose number is another's by now.
        boolean gone = !address.isTextual();
        String unspecified = json.path("family").asText().equals("inet6") ? "::" : "0.0.0.0";
        return names.endpoint(
                IpAddress.parse(gone ? unspecified : address.textValue()),
                json.path(which + "Port").asInt(),
                transport);
    }

    private static String twoDigits(long number) {
        return number < 10 ? "0" + number : Long.toString(number);
    }
}
