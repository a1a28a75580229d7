package dev.sluice.forward;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sluice.bench.PacketBuilder;
import dev.sluice.flow.FlowCounts;
import dev.sluice.packet.AddressFamily;
import dev.sluice.packet.IpAddress;
import dev.sluice.packet.IpPrefix;
import dev.sluice.schedule.SchedulerTable;
import dev.sluice.service.AddressKey;
import dev.sluice.service.ForwardingMethod;
import dev.sluice.service.FwmarkKey;
import dev.sluice.service.FwmarkRule;
import dev.sluice.service.Persistence;
import dev.sluice.service.Protocol;
import dev.sluice.service.RealServer;
import dev.sluice.service.SchedulerFlag;
import dev.sluice.service.SchedulerKind;
import dev.sluice.service.ServiceKey;
import dev.sluice.service.VirtualService;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** The services of one recording: its ipvsadm commands become snapshots, as control would make them. */
final class RecordedTable {
    private final JsonNode scenario;
    private final Map<ServiceKey, VirtualService> services = new LinkedHashMap<>();
    private final Map<ServiceKey, SchedulerTable> tables = new HashMap<>();
    private final Map<String, Integer> ids = new HashMap<>();
    private final Map<Integer, Integer> indexById = new HashMap<>();
    private final FlowCounts counts;
    private ForwardingSnapshot snapshot = ForwardingSnapshot.empty();
    private final Map<ServiceKey, Integer> serviceIds = new HashMap<>();

    /**
     * @param counts is told of thresholds
     */
    RecordedTable(JsonNode scenario, FlowCounts counts) {
        this.scenario = scenario;
        this.counts = counts;
    }

    /** The snapshot after the last command. */
    ForwardingSnapshot snapshot() {
        return snapshot;
    }

    /** The recording's number of a real server, null for an id that is none. */
    @Nullable
    Integer indexOf(int realServerId) {
        return indexById.get(realServerId);
    }

    /** The services as they are now. */
    List<VirtualService> services() {
        return List.copyOf(services.values());
    }

    /** The ids of a real server in every service, or in those of a port. */
    List<Integer> idsOf(IpAddress rip, int port) {
        return ids.entrySet().stream()
                .filter(entry -> entry.getKey().endsWith(" " + rip))
                .filter(entry -> port == 0 || entry.getKey().contains(":" + port + " "))
                .map(Map.Entry::getValue)
                .toList();
    }

    /** A frame of the flow that a line of the connection list is about: protocol, client, virtual, real, state, seconds. */
    static byte[] frameOf(String line) {
        String[] words = line.split(" +", -1);
        String[] client = endpoint(words[1]);
        String[] virtual = endpoint(words[2]);
        IpAddress cip = IpAddress.parse(client[0]);
        IpAddress vip = IpAddress.parse(virtual[0]);
        int cport = Integer.parseInt(client[1]);
        int vport = Integer.parseInt(virtual[1]);
        return words[0].equals("TCP")
                ? PacketBuilder.tcp(cip, cport, vip, vport).build()
                : PacketBuilder.udp(cip, cport, vip, vport).build();
    }

    private static String[] endpoint(String text) {
        return text.replaceAll("[\\[\\]]", "").split(",", -1);
    }

    /** The frame of a recorded packet. */
    static byte[] frame(JsonNode p) {
        IpAddress source = IpAddress.parse(p.get(1).asText());
        IpAddress destination = IpAddress.parse(p.get(3).asText());
        if (p.get(0).asText().equals("udp")) {
            return PacketBuilder.udp(
                            source, p.get(2).asInt(), destination, p.get(4).asInt())
                    .build();
        }
        int flags = 0;
        for (char flag : p.get(5).asText().toCharArray()) {
            flags |= 1 << "FSRPAUEC".indexOf(flag);
        }
        return PacketBuilder.tcp(source, p.get(2).asInt(), destination, p.get(4).asInt())
                .tcpFlags(flags)
                .build();
    }

    /** Runs an ipvsadm line and publishes what it changed. */
    void command(String line) {
        Map<String, String> options = new HashMap<>();
        String[] words = line.split(" ", -1);
        for (int i = 1; i < words.length; i++) {
            if (words[i].startsWith("-")) {
                options.put(words[i], i + 1 < words.length ? words[i + 1] : "");
            }
        }
        ServiceKey key = key(options);
        VirtualService service = services.get(key);
        if (options.containsKey("-D")) {
            services.remove(key);
            tables.remove(key);
        } else if (options.containsKey("-A") || options.containsKey("-E")) {
            String scheduler = options.getOrDefault("-s", "wlc");
            SchedulerKind kind = SchedulerKind.valueOf(scheduler.toUpperCase(Locale.ROOT));
            VirtualService now = new VirtualService(
                    // As IPVS's connections do, ours know a service that comes back by its key.
                    serviceIds.computeIfAbsent(key, ignored -> serviceIds.size()),
                    key,
                    kind,
                    flags(options.getOrDefault("-b", "")),
                    persistence(options, key.family()),
                    options.containsKey("-o"),
                    service == null ? List.of() : service.realServers());
            // Binding the scheduler that is bound already is no event to it.
            change(now, service == null || service.scheduler() != kind);
        } else if (service != null) {
            change(service.withRealServers(realServers(service, options)), true);
        }
        publish();
    }

    private static @Nullable Persistence persistence(Map<String, String> options, AddressFamily family) {
        if (!options.containsKey("-p")) {
            return null;
        }
        String seconds = options.getOrDefault("-p", "");
        String mask = options.getOrDefault("-M", "");
        return new Persistence(
                seconds.isEmpty() || seconds.startsWith("-")
                        ? Persistence.DEFAULT_TIMEOUT_SECONDS
                        : Integer.parseInt(seconds),
                mask.isEmpty()
                        ? IpAddress.netmask(family, family.addressBits())
                        : mask.contains(".")
                                ? IpAddress.parse(mask)
                                : IpAddress.netmask(family, Integer.parseInt(mask)));
    }

    /** The recordings mark packets by a port of the mark's number. */
    private static FwmarkRule rule(FwmarkKey key) {
        IpPrefix any = new IpPrefix(IpAddress.netmask(key.family(), 0), 0);
        return new FwmarkRule(key.mark(), null, any, key.mark(), key.mark(), null);
    }

    private static Set<SchedulerFlag> flags(String keywords) {
        return Arrays.stream(SchedulerFlag.values())
                .filter(flag -> Arrays.asList(keywords.split(",", -1)).contains(flag.keyword()))
                .collect(Collectors.toSet());
    }

    private static ServiceKey key(Map<String, String> options) {
        if (options.containsKey("-f")) {
            return new FwmarkKey(
                    options.containsKey("-6") ? AddressFamily.INET6 : AddressFamily.INET,
                    Integer.parseInt(options.getOrDefault("-f", "")));
        }
        boolean tcp = options.containsKey("-t");
        String text = options.getOrDefault(tcp ? "-t" : "-u", "");
        int colon = text.lastIndexOf(':');
        return new AddressKey(
                tcp ? Protocol.TCP : Protocol.UDP,
                IpAddress.parse(text.substring(0, colon).replaceAll("[\\[\\]]", "")),
                Integer.parseInt(text.substring(colon + 1)));
    }

    private List<RealServer> realServers(VirtualService service, Map<String, String> options) {
        String text = options.getOrDefault("-r", "");
        IpAddress rip = IpAddress.parse(text.replaceAll("^\\[|\\]$", ""));
        // The same real server of the same service keeps its id: its flows are still there.
        int id = ids.computeIfAbsent(service.key() + " " + rip, ignored -> ids.size());
        for (JsonNode real : scenario.get("reals")) {
            if (IpAddress.parse(real.get("addr").asText()).equals(rip)) {
                indexById.put(id, real.get("i").asInt());
            }
        }
        int weight = Integer.parseInt(options.getOrDefault("-w", "1"));
        int upper = Integer.parseInt(options.getOrDefault("-x", "0"));
        int lower = Integer.parseInt(options.getOrDefault("-y", "0"));
        int port = service.key() instanceof AddressKey key ? key.port() : 0;
        RealServer changed = new RealServer(
                id,
                rip,
                port,
                options.containsKey("-m") ? ForwardingMethod.NAT : ForwardingMethod.DR,
                weight,
                upper,
                lower);
        counts.setThresholds(id, upper, lower);
        List<RealServer> reals = new ArrayList<>(service.realServers());
        if (options.containsKey("-a")) {
            reals.add(changed);
        } else if (options.containsKey("-e")) {
            reals.replaceAll(real -> real.id() == id ? changed : real);
        } else {
            reals.removeIf(real -> real.id() == id);
        }
        return reals;
    }

    private void change(VirtualService service, boolean rebuild) {
        services.put(service.key(), service);
        @Nullable SchedulerTable previous = tables.get(service.key());
        if (rebuild) {
            tables.put(service.key(), SchedulerTable.of(service, previous, Harness.PARAMETERS));
        }
    }

    private void publish() {
        ForwardingSnapshot.Builder builder = new ForwardingSnapshot.Builder(snapshot.generation() + 1);
        builder.fwmarkRules(services.keySet().stream()
                .flatMap(key -> key instanceof FwmarkKey mark ? Stream.of(rule(mark)) : Stream.empty())
                .toList());
        for (VirtualService service : services.values()) {
            SchedulerTable table = tables.get(service.key());
            if (table != null) {
                builder.add(service, table);
            }
            for (RealServer real : service.realServers()) {
                builder.nextHops(
                        real.id(), List.of(new NextHop(0, Harness.macOf(real.id()), Harness.DIRECTOR_MAC, 1500)));
            }
        }
        snapshot = builder.routes(Harness.defaultRoutes(new NextHop(0, Harness.macOf(0), Harness.DIRECTOR_MAC, 1500)))
                .build();
    }
}
