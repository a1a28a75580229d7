package dev.sluice.cli.ipvsadm;

import dev.sluice.control.config.LocalAddresses;
import dev.sluice.packet.IpAddress;
import dev.sluice.service.AddressKey;
import dev.sluice.service.FwmarkKey;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;

/** Prints a service's local addresses in the first columns of DPVS's {@code ipvsadm -G}. */
final class LocalAddressPrinter {
    private static final int NAME = 20;
    private static final int TOTAL = 8;

    private final PrintStream out;
    private final EntryNames names;

    LocalAddressPrinter(PrintStream out, EntryNames names) {
        this.out = out;
        this.names = names;
    }

    void service(Entries.Service service) {
        List<IpAddress> addresses = new ArrayList<>();
        service.translation().localAddresses().forEach(text -> addresses.addAll(LocalAddresses.parse(text)));
        String name = switch (service.key()) {
            case AddressKey key -> names.endpoint(key.address(), key.port(), key.protocol());
            case FwmarkKey mark -> "FWM " + Integer.toUnsignedString(mark.mark());
        };
        out.print(TablePrinter.padded("VIP:VPORT", NAME) + " " + TablePrinter.padded("TOTAL", TOTAL) + " SNAT_IP\n");
        out.print(TablePrinter.padded(name, NAME) + " " + addresses.size() + "\n");
        for (IpAddress address : addresses) {
            out.print(" ".repeat(NAME + TOTAL + 2) + address + "\n");
        }
    }
}
