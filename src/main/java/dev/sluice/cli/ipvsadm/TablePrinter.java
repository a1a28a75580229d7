package dev.sluice.cli.ipvsadm;

import dev.sluice.service.ForwardingMethod;
import dev.sluice.service.Tunnel;
import java.io.PrintStream;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Prints the table of virtual services in the columns of {@code ipvsadm -L}. */
final class TablePrinter {
    private static final int COLUMN = 28;
    /** Below it every number is printed as it is. */
    private static final long LARGE = 100_000_000L;

    private final PrintStream out;
    private final EntryNames names;
    private final Columns columns;
    private final boolean exact;
    private final boolean sorted;

    /** What a listing shows of each service and real server. */
    enum Columns {
        CONNECTIONS("Prot LocalAddress:Port Scheduler Flags\n"
                + "  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn"),
        STATS("Prot LocalAddress:Port               Conns   InPkts  OutPkts  InBytes OutBytes\n"
                + "  -> RemoteAddress:Port"),
        RATE("Prot LocalAddress:Port                 CPS    InPPS   OutPPS    InBPS   OutBPS\n"
                + "  -> RemoteAddress:Port"),
        THRESHOLDS("Prot LocalAddress:Port            Uthreshold Lthreshold ActiveConn InActConn \n"
                + "  -> RemoteAddress:Port"),
        PERSISTENT_CONN("Prot LocalAddress:Port            Weight    PersistConn ActiveConn InActConn \n"
                + "  -> RemoteAddress:Port"),
        TUN_INFO("Prot LocalAddress:Port Scheduler Flags\n"
                + "  -> RemoteAddress:Port           Forward TunnelInfo    Weight ActiveConn InActConn");

        private final String header;

        Columns(String header) {
            this.header = header;
        }

        /** Those that a command line asks for; of several, the first one here. */
        static Columns of(Request request) {
            if (request.has(IpvsOption.STATS)) {
                return STATS;
            }
            if (request.has(IpvsOption.RATE)) {
                return RATE;
            }
            if (request.has(IpvsOption.THRESHOLDS)) {
                return THRESHOLDS;
            }
            if (request.has(IpvsOption.PERSISTENT_CONN)) {
                return PERSISTENT_CONN;
            }
            return request.has(IpvsOption.TUN_INFO) ? TUN_INFO : CONNECTIONS;
        }
    }

    /** A printer for what a command line asks for. */
    TablePrinter(PrintStream out, EntryNames names, Request request) {
        this.out = out;
        this.names = names;
        columns = Columns.of(request);
        exact = request.has(IpvsOption.EXACT);
        sorted = !request.has(IpvsOption.NOSORT);
    }

    /**
     * Prints all services.
     *
     * @param connectionTableSize the first line tells it
     */
    void all(List<Entries.Service> services, long connectionTableSize) {
        line("IP Virtual Server version 1.2.1 (size=" + connectionTableSize + ")");
        line(columns.header);
        (sorted ? EntryOrder.services(services) : services).forEach(this::service);
    }

    /** Prints one service. */
    void one(Entries.Service service) {
        line(columns.header);
        service(service);
    }

    private void service(Entries.Service service) {
        String name = names.listed(service.key());
        if (columns == Columns.STATS) {
            line(padded(name, COLUMN + 5) + totals(service.totals()));
        } else if (columns == Columns.RATE) {
            Entries.Counts rates = service.rates();
            line(padded(name, COLUMN + 5)
                    + number(rates.connections())
                    + number(rates.inPackets())
                    + number(rates.outPackets())
                    + number(rates.inBytes())
                    + number(rates.outBytes()));
        } else {
            line(name + " " + service.scheduler() + settings(service));
        }
        for (Entries.Real real : sorted ? EntryOrder.realServers(service.realServers()) : service.realServers()) {
            line("  -> "
                    + padded(
                            names.column(real.address(), real.port(), EntryNames.protocol(service.key()), COLUMN),
                            COLUMN)
                    + real(real));
        }
    }

    private static String settings(Entries.Service service) {
        StringBuilder text = new StringBuilder();
        if (!service.schedulerFlags().isEmpty()) {
            text.append(" (")
                    .append(SchedulerFlags.shown(service.schedulerFlags(), service.scheduler()))
                    .append(')');
        }
        if (service.persistenceSeconds() != 0) {
            text.append(" persistent ").append(service.persistenceSeconds());
            if (service.netmask() != null) {
                text.append(" mask ").append(service.netmask());
            }
        }
        if (!service.engine().isEmpty()) {
            text.append(" pe ").append(service.engine());
        }
        return text.append(service.onePacket() ? " ops" : "")
                .append(service.translation().synProxy() ? " synproxy" : "")
                .toString();
    }

    private String real(Entries.Real real) {
        return switch (columns) {
            case STATS -> totals(real.totals());
            case RATE -> {
                // As recorded: of a real server only bytes are ever shortened here.
                Entries.Counts rates = real.rates();
                yield plain(rates.connections())
                        + plain(rates.inPackets())
                        + plain(rates.outPackets())
                        + number(rates.inBytes())
                        + number(rates.outBytes());
            }
            case THRESHOLDS -> cell(real.upperThreshold(), 10) + cell(real.lowerThreshold(), 10) + connections(real);
            case PERSISTENT_CONN -> cell(real.weight(), 9) + cell(real.persistent(), 11) + connections(real);
            case TUN_INFO ->
                " " + padded(forward(real.method()), 7) + " " + padded(tunnel(real.tunnel()), 13)
                        + cell(real.weight(), 6) + connections(real);
            case CONNECTIONS -> " " + padded(forward(real.method()), 7) + cell(real.weight(), 6) + connections(real);
        };
    }

    private static String connections(Entries.Real real) {
        return cell(real.active(), 10) + cell(real.inactive(), 10);
    }

    /** The word for a forwarding method in listings. */
    private static String forward(ForwardingMethod method) {
        return switch (method) {
            case DR -> "Route";
            case TUN -> "Tunnel";
            case NAT -> "Masq";
            case FULLNAT -> "FullNat";
        };
    }

    private static String tunnel(@Nullable Tunnel tunnel) {
        if (tunnel == null) {
            return "n/a";
        }
        String checksum = switch (tunnel.checksum()) {
            case NONE -> "-c";
            case CSUM -> "+c";
            case REMCSUM -> "r+c";
        };
        String type = tunnel.type().keyword();
        return switch (tunnel.type()) {
            case IPIP -> type;
            case GRE -> type + ":" + checksum;
            case GUE -> type + ":" + tunnel.port() + ":" + checksum;
        };
    }

    private String totals(Entries.Counts totals) {
        return number(totals.connections())
                + number(totals.inPackets())
                + number(totals.outPackets())
                + number(totals.inBytes())
                + number(totals.outBytes());
    }

    /** A counter in nine columns: in thousands and so on when it is large, unless exact ones are asked for. */
    private String number(long value) {
        if (exact || Long.compareUnsigned(value, LARGE) < 0) {
            return plain(value);
        }
        if (Long.compareUnsigned(value, LARGE * 10) < 0) {
            return shortened(value, 1000L, "K");
        }
        if (Long.compareUnsigned(value, LARGE * 1000) < 0) {
            return shortened(value, 1_000_000L, "M");
        }
        if (Long.compareUnsigned(value, LARGE * 1_000_000) < 0) {
            return shortened(value, 1_000_000_000L, "G");
        }
        return shortened(value, 1_000_000_000_000L, "T");
    }

    private static String shortened(long value, long unit, String letter) {
        return leftPadded(Long.toUnsignedString(Long.divideUnsigned(value, unit)), 8) + letter;
    }

    private static String plain(long value) {
        return " " + leftPadded(Long.toUnsignedString(value), 8);
    }

    private static String cell(long value, int width) {
        return " " + padded(Long.toString(value), width);
    }

    static String padded(String text, int width) {
        return text.length() >= width ? text : text + " ".repeat(width - text.length());
    }

    private static String leftPadded(String text, int width) {
        return text.length() >= width ? text : " ".repeat(width - text.length()) + text;
    }

    private void line(String text) {
        out.print(text + "\n");
    }
}
