package dev.sluice.cli.ipvsadm;

import dev.sluice.service.ForwardingMethod;
import dev.sluice.service.Tunnel;
import dev.sluice.service.TunnelType;
import java.io.PrintStream;
import java.util.List;

/** Prints the table of virtual services as the command lines that make it: {@code ipvsadm -S}. */
final class RulePrinter {
    private final PrintStream out;
    private final EntryNames names;

    RulePrinter(PrintStream out, EntryNames names) {
        this.out = out;
        this.names = names;
    }

    void all(List<Entries.Service> services) {
        for (Entries.Service service : EntryOrder.services(services)) {
            String name = names.rule(service.key());
            out.print("-A " + name + " -s " + service.scheduler() + settings(service) + "\n");
            if (service.translation().own()) {
                for (String address : service.translation().localAddresses()) {
                    out.print("-P " + name + " -z " + address + "\n");
                }
            }
            for (Entries.Real real : EntryOrder.realServers(service.realServers())) {
                out.print("-a " + name + " -r "
                        + names.endpoint(real.address(), real.port(), EntryNames.protocol(service.key())) + " "
                        + method(real.method()) + " -w " + real.weight()
                        + (real.tunnel() == null ? "" : tunnel(real.tunnel())) + "\n");
            }
        }
    }

    private static String settings(Entries.Service service) {
        StringBuilder text = new StringBuilder();
        if (service.persistenceSeconds() != 0) {
            text.append(" -p ").append(service.persistenceSeconds());
            if (service.netmask() != null) {
                text.append(" -M ").append(service.netmask());
            }
        }
        if (!service.engine().isEmpty()) {
            text.append(" --pe ").append(service.engine());
        }
        if (service.onePacket()) {
            text.append(" -o");
        }
        if (!service.schedulerFlags().isEmpty()) {
            text.append(" -b ").append(SchedulerFlags.shown(service.schedulerFlags(), service.scheduler()));
        }
        if (service.translation().synProxy()) {
            text.append(" -j enable");
        }
        return text.toString();
    }

    private static String method(ForwardingMethod method) {
        return switch (method) {
            case DR -> "-g";
            case TUN -> "-i";
            case NAT -> "-m";
            case FULLNAT -> "-b";
        };
    }

    private static String tunnel(Tunnel tunnel) {
        return " --tun-type " + tunnel.type().keyword()
                + (tunnel.type() == TunnelType.GUE ? " --tun-port " + tunnel.port() : "")
                + (tunnel.type() == TunnelType.IPIP
                        ? ""
                        : " --tun-" + tunnel.checksum().keyword());
    }
}
