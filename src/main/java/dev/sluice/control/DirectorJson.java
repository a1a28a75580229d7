package dev.sluice.control;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sluice.control.config.ConnectionConfig;
import dev.sluice.control.config.ConnectionConfig.Timeouts;
import dev.sluice.control.config.CpuPinning;
import dev.sluice.control.config.DirectorConfig;
import dev.sluice.control.config.FullnatConfig;
import dev.sluice.control.config.HttpConfig;
import dev.sluice.control.config.LocalAddresses;
import dev.sluice.control.config.SourceNatConfig;
import dev.sluice.control.config.TunnelConfig;
import dev.sluice.forward.PacketPolicy;
import dev.sluice.packet.IpAddress;
import dev.sluice.packet.IpPrefix;

/**
 * The table {@code [director]} as JSON, every key with the value that it has, said or not; but for {@code hash_key}, which is a
 * secret.
 */
final class DirectorJson {
    private DirectorJson() {}

    static ObjectNode of(DirectorConfig director) {
        ObjectNode json = JsonNodeFactory.instance.objectNode();
        director.interfaces().forEach(json.putArray("interfaces")::add);
        json.put("socket", director.socket().toString());
        json.put("socket_mode", director.socketAccess().modeText());
        director.socketAccess().socketGroup().ifPresent(group -> json.put("socket_group", group));
        if (director.queues().isPresent()) {
            json.put("queues", director.queues().getAsInt());
        } else {
            json.put("queues", "auto");
        }
        putCpus(json, director.cpus());
        json.put("idle", director.idle().keyword())
                .put("xdp_mode", director.xdpMode().keyword())
                .put("bind_mode", director.bindMode().keyword())
                .put("hugepages", director.hugePages().keyword())
                .put("frame_size", director.frameSizeBytes())
                .put("frames", director.frames())
                .put("rx_ring", director.rings().rx())
                .put("tx_ring", director.rings().tx())
                .put("fill_ring", director.rings().fill())
                .put("completion_ring", director.rings().completion())
                .put("batch_size", director.batchSize())
                .put("flow_table_size", director.flowTableSize())
                .put("flow_table_memory", director.flowTableShared() ? "shared" : "private")
                .put("flow_table_directory", director.flowTableDirectory().toString());
        putConnections(json, director.connections());
        json.put("ttl", director.packets().ttl().keyword())
                .put("icmp_echo", director.packets().icmpEcho().keyword())
                .put("icmp_rate_limit", director.packets().icmpRateLimit())
                .put("maglev_table_size", director.maglevTableSize())
                .put("mh_table_size", director.mhTableSize())
                .put("without_director", director.withoutDirector().keyword())
                .put("log_level", director.log().logLevel().keyword())
                .put("log_format", director.log().logFormat().keyword())
                .put("warm_up_ms", director.warmUpMs());
        putTimeouts(json.putObject("timeouts"), director.connections().timeouts());
        putTunnel(json.putObject("tunnel"), director.tunnel());
        putFullnat(json.putObject("fullnat"), director.fullnat());
        if (director.snat().isSet()) {
            putSnat(json.putObject("snat"), director.snat());
        }
        json.putObject("busy_poll")
                .put("enabled", director.busyPoll().enabled())
                .put("usecs", director.busyPoll().usecs())
                .put("budget", director.busyPoll().budget());
        if (director.http().isSet()) {
            putHttp(json.putObject("http"), director.http());
        }
        return json;
    }

    private static void putCpus(ObjectNode json, CpuPinning cpus) {
        switch (cpus) {
            case CpuPinning.Auto auto -> json.put("cpus", "auto");
            case CpuPinning.None none -> json.put("cpus", "none");
            case CpuPinning.Fixed fixed -> {
                ArrayNode numbers = json.putArray("cpus");
                fixed.cpus().forEach(numbers::add);
            }
        }
    }

    private static void putConnections(ObjectNode json, ConnectionConfig connections) {
        json.put("sloppy_tcp", connections.sloppyTcp().keyword())
                .put("sloppy_sctp", connections.sloppySctp().keyword())
                .put("conn_reuse_mode", connections.reuseMode())
                .put("expire_nodest_conn", connections.expireNodest())
                .put("expire_quiescent_template", connections.expireQuiescentTemplate())
                .put("persistence_table_size", connections.persistenceTableSize())
                .put("half_open_percent", connections.halfOpenPercent())
                .put("max_new_flows_per_second", connections.maxNewFlowsPerSecond());
    }

    private static void putTimeouts(ObjectNode json, Timeouts timeouts) {
        json.put("tcp", timeouts.tcp())
                .put("tcpfin", timeouts.tcpfin())
                .put("udp", timeouts.udp())
                .put("syn_recv", timeouts.synRecv())
                .put("time_wait", timeouts.timeWait())
                .put("close", timeouts.close())
                .put("sctp", timeouts.sctp());
    }

    private static void putFullnat(ObjectNode json, FullnatConfig fullnat) {
        LocalAddresses.texts(fullnat.localAddresses()).forEach(json.putArray("local_addresses")::add);
        json.put("local_ports", fullnat.firstLocalPort() + "-" + fullnat.lastLocalPort())
                .put("toa_ipv6_kind", fullnat.toaIpv6Kind());
    }

    private static void putSnat(ObjectNode json, SourceNatConfig snat) {
        snat.sources().stream().map(IpPrefix::toString).forEach(json.putArray("sources")::add);
        if (!snat.addresses().isEmpty()) {
            snat.addresses().stream().map(IpAddress::toString).forEach(json.putArray("addresses")::add);
        }
        snat.outgoing().ifPresent(name -> json.put("interface", name));
    }

    private static void putHttp(ObjectNode json, HttpConfig http) {
        json.put("listen", http.listenText()).put("metrics", http.metrics()).put("page", http.page());
        http.tokenFile().ifPresent(file -> json.put("token_file", file.toString()));
        if (!http.hosts().isEmpty()) {
            http.hosts().forEach(json.putArray("hosts")::add);
        }
    }

    private static void putTunnel(ObjectNode json, TunnelConfig tunnel) {
        if (tunnel.ttl() == PacketPolicy.INHERIT) {
            json.put("ttl", "inherit");
        } else {
            json.put("ttl", tunnel.ttl());
        }
        tunnel.sourceIpv4().ifPresent(source -> json.put("source_ipv4", source.toString()));
        tunnel.sourceIpv6().ifPresent(source -> json.put("source_ipv6", source.toString()));
        json.put("pmtu_disc", tunnel.pmtuDisc())
                .put("fragment", tunnel.fragment().keyword());
    }
}
