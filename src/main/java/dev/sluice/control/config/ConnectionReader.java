package dev.sluice.control.config;

import dev.sluice.control.config.ConnectionConfig.Timeouts;
import dev.sluice.flow.FlowState;
import dev.sluice.forward.Sloppy;
import java.util.Optional;

/** Reads what {@code [director]} says of connections, and its table {@code [director.timeouts]}. */
final class ConnectionReader {
    private static final int DEFAULT_HALF_OPEN_PERCENT = 25;
    private static final int DEFAULT_PERSISTENCE_TABLE = 65_536;
    private static final int MAX_PERSISTENCE_TABLE = 1 << 24;
    private static final int MAX_NEW_FLOWS = 1_000_000_000;
    /** IP_VS_SCTP_S_ESTABLISHED of sctp_timeouts in ip_vs_proto_sctp.c. */
    private static final int DEFAULT_SCTP_S = 900;

    private final TableReader table;

    ConnectionReader(TableReader table) {
        this.table = table;
    }

    ConnectionConfig read() {
        return new ConnectionConfig(
                table.choice("sloppy_tcp", Sloppy.class, Sloppy::keyword, Sloppy.HASH),
                table.choice("sloppy_sctp", Sloppy.class, Sloppy::keyword, Sloppy.HASH),
                table.integer("conn_reuse_mode", 0, 2, 1),
                table.flag("expire_nodest_conn", false),
                table.flag("expire_quiescent_template", false),
                table.integer("persistence_table_size", 1, MAX_PERSISTENCE_TABLE, DEFAULT_PERSISTENCE_TABLE),
                table.integer("half_open_percent", 1, 100, DEFAULT_HALF_OPEN_PERCENT),
                table.integer("max_new_flows_per_second", 0, MAX_NEW_FLOWS, 0),
                timeouts());
    }

    private Timeouts timeouts() {
        Optional<TableReader> found = table.table("timeouts", "[director.timeouts]");
        if (found.isEmpty()) {
            return new Timeouts(
                    seconds(FlowState.ESTABLISHED),
                    seconds(FlowState.FIN_WAIT),
                    seconds(FlowState.UDP),
                    seconds(FlowState.SYN_RECV),
                    seconds(FlowState.TIME_WAIT),
                    seconds(FlowState.CLOSE),
                    DEFAULT_SCTP_S);
        }
        TableReader reader = found.get();
        Timeouts timeouts = new Timeouts(
                setTimeout(reader, "tcp", FlowState.ESTABLISHED),
                setTimeout(reader, "tcpfin", FlowState.FIN_WAIT),
                setTimeout(reader, "udp", FlowState.UDP),
                timeout(reader, "syn_recv", FlowState.SYN_RECV),
                timeout(reader, "time_wait", FlowState.TIME_WAIT),
                timeout(reader, "close", FlowState.CLOSE),
                reader.integer("sctp", 1, DirectorConfig.MAX_TIMEOUT_S, DEFAULT_SCTP_S));
        reader.finish();
        return timeouts;
    }

    /** As {@code ipvsadm --set}, which leaves alone what is 0. */
    private static int setTimeout(TableReader reader, String key, FlowState state) {
        int seconds = reader.integer(key, 0, DirectorConfig.MAX_TIMEOUT_S, 0);
        return seconds == 0 ? seconds(state) : seconds;
    }

    private static int timeout(TableReader reader, String key, FlowState state) {
        return reader.integer(key, 1, DirectorConfig.MAX_TIMEOUT_S, seconds(state));
    }

    private static int seconds(FlowState state) {
        return state.defaultTimeoutMs() / 1000;
    }
}
