package dev.sluice.cli.ipvsadm;

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
    void connection(Json json) {
        String protocol = json.path("protocol").text();
        Protocol transport = Arrays.stream(Protocol.values())
                .filter(known -> known.name().equals(protocol))
                .findFirst()
                .orElse(null);
        long seconds = json.path("expiresMs").number() / 1000;
        out.print(TablePrinter.padded(protocol, 3) + " "
                + TablePrinter.padded(twoDigits(seconds / 60) + ":" + twoDigits(seconds % 60), 6) + " "
                + TablePrinter.padded(json.path("state").text(), 11) + " "
                + TablePrinter.padded(endpoint(json, "client", transport), 18) + " "
                + TablePrinter.padded(endpoint(json, "virtual", transport), 18) + " "
                + endpoint(json, "destination", transport) + "\n");
    }

    private String endpoint(Json json, String which, @Nullable Protocol transport) {
        // None for a real server that has been removed, and whose number is another's by now.
        String address = json.path(which).string();
        String unspecified = json.path("family").text().equals("inet6") ? "::" : "0.0.0.0";
        return names.endpoint(
                IpAddress.parse(address == null ? unspecified : address),
                (int) json.path(which + "Port").number(),
                transport);
    }

    private static String twoDigits(long number) {
        return number < 10 ? "0" + number : Long.toString(number);
    }
}
