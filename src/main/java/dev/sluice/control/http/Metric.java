package dev.sluice.control.http;

import io.prometheus.metrics.model.snapshots.MetricMetadata;
import io.prometheus.metrics.model.snapshots.Unit;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The metrics of a director, but for those of {@link dev.sluice.forward.Counter} that have one each and those of the JVM. Names
 * and units follow the conventions of Prometheus: base units, {@code _total} for what only grows, {@code _info} for what has
 * its meaning in its labels.
 */
enum Metric {
    BUILD(Type.INFO, "sluice_build", "The version of the director.", "version"),
    UPTIME(Type.GAUGE, "sluice_uptime_seconds", Base.SECONDS, "Time since the director was ready."),
    CONFIG_GENERATION(
            Type.GAUGE,
            "sluice_config_generation",
            "Generation of the configuration snapshot that workers go by, from 1."),
    CONFIG_RELOAD_SUCCESSFUL(
            Type.GAUGE,
            "sluice_config_last_reload_successful",
            "Whether the last attempt to load the configuration file was a success."),
    CONFIG_RELOAD_TIME(
            Type.GAUGE,
            "sluice_config_last_reload_success_timestamp_seconds",
            Base.SECONDS,
            "When the configuration file was loaded last."),

    SERVICE(
            Type.INFO,
            "sluice_service",
            "Virtual services.",
            "service",
            "protocol",
            "address",
            "port",
            "family",
            "scheduler"),
    SERVICE_CONNECTIONS(Type.COUNTER, "sluice_service_connections", "New flows of a service.", "service"),
    SERVICE_IN_PACKETS(Type.COUNTER, "sluice_service_in_packets", "Packets of clients that were forwarded.", "service"),
    SERVICE_OUT_PACKETS(
            Type.COUNTER,
            "sluice_service_out_packets",
            "Replies that were forwarded: none by direct routing and tunneling.",
            "service"),
    SERVICE_IN_BYTES(
            Type.COUNTER,
            "sluice_service_in_bytes",
            Base.BYTES,
            "Bytes of clients' packets by the length of the IP packet.",
            "service"),
    SERVICE_OUT_BYTES(
            Type.COUNTER,
            "sluice_service_out_bytes",
            Base.BYTES,
            "Bytes of replies by the length of the IP packet.",
            "service"),
    SERVICE_REAL_SERVERS(
            Type.GAUGE,
            "sluice_service_real_servers",
            "Real servers of a service by what its checks say; unchecked ones have none.",
            "service",
            "state"),
    SERVICE_QUORUM_REACHED(
            Type.GAUGE, "sluice_service_quorum_reached", "Whether a service with health has its quorum.", "service"),
    SERVICE_QUORUM(Type.GAUGE, "sluice_service_quorum", "Weight that a service needs for its quorum.", "service"),
    SERVICE_HEALTHY_WEIGHT(
            Type.GAUGE, "sluice_service_healthy_weight", "Sum of the weights of healthy real servers.", "service"),
    SERVICE_SORRY(
            Type.GAUGE,
            "sluice_service_sorry_server_in_use",
            "Whether the sorry server of a service stands in for its real servers.",
            "service"),

    REAL(Type.INFO, "sluice_real_server", "Real servers.", "service", "real_server", "method"),
    REAL_CONNECTIONS(
            Type.COUNTER, "sluice_real_server_connections", "New flows of a real server.", "service", "real_server"),
    REAL_IN_PACKETS(
            Type.COUNTER,
            "sluice_real_server_in_packets",
            "Packets of clients that a real server was sent.",
            "service",
            "real_server"),
    REAL_OUT_PACKETS(
            Type.COUNTER,
            "sluice_real_server_out_packets",
            "Replies of a real server that were forwarded: none by direct routing and tunneling.",
            "service",
            "real_server"),
    REAL_IN_BYTES(
            Type.COUNTER,
            "sluice_real_server_in_bytes",
            Base.BYTES,
            "Bytes that a real server was sent, by the length of the IP packet.",
            "service",
            "real_server"),
    REAL_OUT_BYTES(
            Type.COUNTER,
            "sluice_real_server_out_bytes",
            Base.BYTES,
            "Bytes of its replies that were forwarded, by the length of the IP packet.",
            "service",
            "real_server"),
    REAL_ACTIVE(
            Type.GAUGE,
            "sluice_real_server_active_connections",
            "Connections whose state is an active one, as ipvsadm -L shows them.",
            "service",
            "real_server"),
    REAL_INACTIVE(
            Type.GAUGE, "sluice_real_server_inactive_connections", "Its other connections.", "service", "real_server"),
    REAL_PERSISTENT(
            Type.GAUGE,
            "sluice_real_server_persistent_clients",
            "Clients that come back to it by persistence: its templates.",
            "service",
            "real_server"),
    REAL_WEIGHT(Type.GAUGE, "sluice_real_server_weight", "Weight that is configured.", "service", "real_server"),
    REAL_EFFECTIVE_WEIGHT(
            Type.GAUGE,
            "sluice_real_server_effective_weight",
            "Weight that the scheduler goes by: 0 out of service, less than configured in slow start.",
            "service",
            "real_server"),
    REAL_IN_SERVICE(
            Type.GAUGE,
            "sluice_real_server_in_service",
            "Whether the service has it now: not when it has failed, nor a sorry server that is not needed.",
            "service",
            "real_server"),
    REAL_REACHABLE(
            Type.GAUGE,
            "sluice_real_server_reachable",
            "Whether the next hop of a real server that is in service is known.",
            "service",
            "real_server"),
    REAL_OVERLOADED(
            Type.GAUGE,
            "sluice_real_server_overloaded",
            "Whether its thresholds keep new flows from it.",
            "service",
            "real_server"),
    REAL_UP(
            Type.GAUGE,
            "sluice_real_server_up",
            "Whether a real server that has checks passes them.",
            "service",
            "real_server"),
    REAL_LAST_CHANGE(
            Type.GAUGE,
            "sluice_real_server_last_change_timestamp_seconds",
            Base.SECONDS,
            "When it went up or down last, or began to be checked.",
            "service",
            "real_server"),
    REAL_FLAPPING(
            Type.GAUGE,
            "sluice_real_server_flapping",
            "Whether it changes so often that it has to stay healthy longer to count as up again.",
            "service",
            "real_server"),

    CHECK_UP(
            Type.GAUGE,
            "sluice_check_up",
            "What a check says of its real server; checks are numbered in the order of the file.",
            "service",
            "real_server",
            "check",
            "type"),
    CHECK_DURATION(
            Type.GAUGE,
            "sluice_check_last_duration_seconds",
            Base.SECONDS,
            "How long the latest check took.",
            "service",
            "real_server",
            "check",
            "type"),
    CHECK_RESULTS(
            Type.COUNTER,
            "sluice_check_results",
            "Results of a check.",
            "service",
            "real_server",
            "check",
            "type",
            "result"),
    HEALTH_TARGETS(Type.GAUGE, "sluice_health_targets", "Real servers that are checked."),
    HEALTH_CHECKS(Type.GAUGE, "sluice_health_checks", "Checks that they have."),
    HEALTH_RUNNING(Type.GAUGE, "sluice_health_checks_running", "Checks that are being made now."),
    HEALTH_MADE(Type.COUNTER, "sluice_health_checks_made", "Checks that have been made."),
    HEALTH_LATE(
            Type.GAUGE,
            "sluice_health_check_lateness_seconds",
            Base.SECONDS,
            "How late checks began lately in the mean."),
    HEALTH_MAX_LATE(
            Type.GAUGE, "sluice_health_check_max_lateness_seconds", Base.SECONDS, "How late the latest of them began."),

    FLOW_CAPACITY(Type.GAUGE, "sluice_flow_table_capacity", "Connections that there is room for, over all workers."),
    TEMPLATES(Type.GAUGE, "sluice_persistence_templates", "Persistence templates of all real servers."),
    NEXT_HOPS(
            Type.GAUGE,
            "sluice_next_hops",
            "RIPs (of a forwarding method) by what is known of the way to them.",
            "state"),

    PACKETS_RECEIVED(
            Type.COUNTER, "sluice_packets_received", "Packets that the steering program handed to the workers."),
    PACKETS_FORWARDED(
            Type.COUNTER,
            "sluice_packets_forwarded",
            "Packets put into TX rings: to real servers, and answers to clients."),
    PACKETS_DROPPED(
            Type.COUNTER, "sluice_packets_dropped", "Packets dropped by reason, see docs/metrics.md.", "reason"),
    STEERING(
            Type.COUNTER,
            "sluice_steering_packets",
            "Packets by outcome of the steering program, see docs/steering.md.",
            "interface",
            "outcome"),
    INTERFACE(
            Type.INFO,
            "sluice_interface",
            "Interfaces that packets are steered from.",
            "interface",
            "xdp_mode",
            "dispatcher"),

    XSK_ZERO_COPY(
            Type.GAUGE, "sluice_xsk_zero_copy", "Whether the driver gave the socket zero-copy.", "interface", "queue"),
    XSK_RX_DROPPED(
            Type.COUNTER,
            "sluice_xsk_rx_dropped",
            "XDP_STATISTICS: packets dropped for other reasons than a full ring or a bad descriptor.",
            "interface",
            "queue"),
    XSK_RX_INVALID(
            Type.COUNTER,
            "sluice_xsk_rx_invalid_descs",
            "XDP_STATISTICS: bad descriptors in the fill ring.",
            "interface",
            "queue"),
    XSK_TX_INVALID(
            Type.COUNTER,
            "sluice_xsk_tx_invalid_descs",
            "XDP_STATISTICS: bad descriptors in the TX ring.",
            "interface",
            "queue"),
    XSK_RX_RING_FULL(
            Type.COUNTER,
            "sluice_xsk_rx_ring_full",
            "XDP_STATISTICS: packets dropped because the RX ring was full.",
            "interface",
            "queue"),
    XSK_FILL_EMPTY(
            Type.COUNTER,
            "sluice_xsk_rx_fill_ring_empty_descs",
            "XDP_STATISTICS: times the kernel found the fill ring empty.",
            "interface",
            "queue"),
    XSK_TX_EMPTY(
            Type.COUNTER,
            "sluice_xsk_tx_ring_empty_descs",
            "XDP_STATISTICS: times the kernel found the TX ring empty.",
            "interface",
            "queue"),

    WORKER(
            Type.INFO,
            "sluice_worker",
            "Workers, and the processors that they are pinned to (-1 for none).",
            "queue",
            "cpu"),
    WORKER_CYCLES(Type.COUNTER, "sluice_worker_duty_cycles", "Duty cycles.", "queue"),
    WORKER_BUSY_CYCLES(
            Type.COUNTER,
            "sluice_worker_busy_cycles",
            "Duty cycles that found packets, completions or timers.",
            "queue"),
    WORKER_BUSY_SECONDS(
            Type.COUNTER,
            "sluice_worker_busy_seconds",
            Base.SECONDS,
            "Time spent in duty cycles that found work: its rate is the busy share.",
            "queue"),
    WORKER_BATCH(
            Type.HISTOGRAM,
            "sluice_worker_batch_packets",
            "Packets that were taken from an RX ring at a time.",
            "queue"),
    WORKER_SLEEPS(Type.COUNTER, "sluice_worker_sleeps", "Times an idle worker went to sleep.", "queue"),
    WORKER_RX(Type.COUNTER, "sluice_worker_rx_packets", "Packets taken from RX rings.", "queue"),
    WORKER_TX(Type.COUNTER, "sluice_worker_tx_packets", "Packets put on TX rings.", "queue"),
    WORKER_KICK_ERRORS(
            Type.COUNTER,
            "sluice_worker_tx_kick_errors",
            "Transmit kicks that failed: interface down, device queue full.",
            "queue"),
    WORKER_STALLS(
            Type.COUNTER, "sluice_worker_stalls", "Duty cycles above a millisecond: the worker was held up.", "queue"),
    WORKER_LONGEST(
            Type.GAUGE, "sluice_worker_longest_cycle_seconds", Base.SECONDS, "The longest duty cycle so far.", "queue"),
    WORKER_UMEM_FRAMES(Type.GAUGE, "sluice_worker_umem_frames", "Frames of the UMEM.", "queue"),
    WORKER_FRAMES(
            Type.GAUGE,
            "sluice_worker_frames",
            "Frames of the UMEM by where they are: in the pool (free), with the kernel (receiving, sending), kept"
                    + " (held).",
            "queue",
            "place"),
    WORKER_HELD(
            Type.GAUGE, "sluice_worker_packets_held", "Fragments that wait for the first of their datagram.", "queue"),
    WORKER_FLOWS(Type.GAUGE, "sluice_worker_flows", "Connections in the worker's table.", "queue"),
    WORKER_HALF_OPEN(
            Type.GAUGE,
            "sluice_worker_flows_half_open",
            "Those of them whose client has sent no more than a SYN.",
            "queue"),
    WORKER_ALLOCATED(
            Type.COUNTER,
            "sluice_worker_allocated_bytes",
            Base.BYTES,
            "Bytes that the worker's thread has allocated on the Java heap since it entered its loop.",
            "queue");

    /** Base units that metrics have. */
    private enum Base {
        SECONDS,
        BYTES
    }

    /** What kind of metric it is. */
    enum Type {
        COUNTER("counter", "_total"),
        GAUGE("gauge", ""),
        HISTOGRAM("histogram", ""),
        INFO("info", "_info");

        private final String word;
        private final String suffix;

        Type(String word, String suffix) {
            this.word = word;
            this.suffix = suffix;
        }

        /** The word in documentation. */
        String word() {
            return word;
        }
    }

    private final Type type;
    private final String metricName;
    private final @Nullable Base base;
    private final String help;
    /** With commas in between. */
    private final String labels;

    Metric(Type type, String name, String help, String... labels) {
        this(type, name, null, help, labels);
    }

    Metric(Type type, String name, @Nullable Base base, String help, String... labels) {
        this.type = type;
        this.metricName = name;
        this.base = base;
        this.help = help;
        this.labels = String.join(",", labels);
    }

    Type type() {
        return type;
    }

    MetricMetadata metadata() {
        return base == null
                ? new MetricMetadata(metricName, help)
                : new MetricMetadata(metricName, help, base == Base.BYTES ? Unit.BYTES : Unit.SECONDS);
    }

    /** The names of its labels. */
    List<String> labels() {
        return labels.isEmpty() ? List.of() : List.of(labels.split(",", -1));
    }

    /** The name that a scrape has it by. */
    String exposedName() {
        return metricName + type.suffix;
    }

    String help() {
        return help;
    }
}
