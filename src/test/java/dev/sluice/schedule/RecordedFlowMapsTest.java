package dev.sluice.schedule;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sluice.Golden;
import dev.sluice.bench.PacketBuilder;
import dev.sluice.packet.IpAddress;
import dev.sluice.packet.PacketParser;
import dev.sluice.packet.PacketView;
import dev.sluice.service.AddressKey;
import dev.sluice.service.ForwardingMethod;
import dev.sluice.service.Protocol;
import dev.sluice.service.RealServer;
import dev.sluice.service.SchedulerFlag;
import dev.sluice.service.SchedulerKind;
import dev.sluice.service.VirtualService;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/**
 * {@code sh}, {@code dh} and {@code mh} choose flow by flow what real IPVS was seen to choose. Tables are driven directly,
 * so that recordings of services that match by a firewall mark, forward by NAT, are persistent or schedule every datagram
 * count as well: of what is replayed here only the choice of a first packet matters.
 */
class RecordedFlowMapsTest {
    private static final Map<String, Integer> ROWS = Map.of("dh", 16, "mh", 56, "sh", 56);
    private static final SchedulerParameters PARAMETERS =
            SchedulerParameters.of(MaglevParameters.withKey(new HashKey(1, 2)));

    @Test
    void everyFlowGoesWhereIpvsSentIt() throws IOException {
        JsonNode sets = Golden.lines("ipvs/flowsets.json").getFirst();
        Map<String, Integer> replayed = new TreeMap<>();
        int flows = 0;
        for (JsonNode row : Golden.lines("ipvs/flowmaps.jsonl")) {
            flows += replay(row, sets);
            replayed.merge(row.get("scheduler").asText(), 1, Integer::sum);
        }
        assertEquals(ROWS, replayed);
        assertEquals(247_874, flows);
    }

    private static int replay(JsonNode row, JsonNode sets) {
        Map<Integer, Character> indexById = new HashMap<>();
        SchedulerTable table = table(row, indexById);
        JsonNode map = row.get("map");
        String got = map.get("got").asText();
        SchedulerState state = new SchedulerState();
        JsonNode list = map.has("set")
                ? sets.get("flows").get(map.get("set").asText())
                : sets.get("destinations").get(map.get("dstset").asText());
        assertEquals(list.size(), got.length());
        StringBuilder chosen = new StringBuilder();
        for (int i = 0; i < list.size(); i++) {
            String[] words = list.get(i).asText().split(" ", -1);
            PacketView packet = map.has("set")
                    ? packet(
                            map,
                            words[0],
                            Integer.parseInt(words[1]),
                            row.get("vip").asText())
                    : packet(map, map.get("src").asText(), 1024 + i, words[0]);
            int id = table.pick(state, packet, 0, 0);
            assertEquals(id, table.pickByHash(packet, 0));
            Character index = id == SchedulerTable.NO_REAL_SERVER ? Character.valueOf('-') : indexById.get(id);
            chosen.append(index);
        }
        assertEquals(got, chosen.toString(), row.get("id").asText());
        return list.size();
    }

    private static PacketView packet(JsonNode map, String client, int clientPort, String vip) {
        IpAddress source = IpAddress.parse(client);
        IpAddress destination = IpAddress.parse(vip);
        int port = map.get("dport").asInt();
        byte[] frame = map.get("proto").asText().equals("tcp")
                ? PacketBuilder.tcp(source, clientPort, destination, port).build()
                : PacketBuilder.udp(source, clientPort, destination, port).build();
        PacketView view = new PacketView();
        assertEquals(PacketParser.OK, PacketParser.parse(MemorySegment.ofArray(frame), 0, frame.length, view));
        return view;
    }

    /** The table after ipvsadm's commands, each of them told to the scheduler. */
    private static SchedulerTable table(JsonNode row, Map<Integer, Character> indexById) {
        Map<String, Integer> ids = new HashMap<>();
        List<RealServer> reals = new ArrayList<>();
        Set<SchedulerFlag> flags = Set.of();
        SchedulerKind kind = SchedulerKind.RR;
        @Nullable SchedulerTable table = null;
        for (JsonNode event : row.get("events")) {
            if (!event.has("cmd")) {
                continue;
            }
            List<String> words = Arrays.asList(event.get("cmd").asText().trim().split(" +", -1));
            if (words.contains("-A")) {
                kind = SchedulerKind.valueOf(option(words, "-s", "").toUpperCase(Locale.ROOT));
                flags = flags(option(words, "-b", ""));
            } else {
                edit(row, words, reals, ids, indexById);
            }
            AddressKey key =
                    new AddressKey(Protocol.UDP, IpAddress.parse(row.get("vip").asText()), 80);
            table = SchedulerTable.of(new VirtualService(0, key, kind, flags, reals), table, PARAMETERS);
        }
        if (table == null) {
            throw new IllegalArgumentException("no service");
        }
        return table;
    }

    private static void edit(
            JsonNode row,
            List<String> words,
            List<RealServer> reals,
            Map<String, Integer> ids,
            Map<Integer, Character> indexById) {
        String text = option(words, "-r", "");
        int first = text.indexOf(':');
        boolean port = text.startsWith("[") || (first >= 0 && first == text.lastIndexOf(':'));
        int colon = text.lastIndexOf(':');
        IpAddress rip = IpAddress.parse((port ? text.substring(0, colon) : text).replaceAll("[\\[\\]]", ""));
        int id = ids.computeIfAbsent(text, ignored -> ids.size());
        for (JsonNode real : row.get("reals")) {
            if (IpAddress.parse(real.get("addr").asText()).equals(rip)) {
                indexById.put(id, Character.forDigit(real.get("i").asInt(), 16));
            }
        }
        int servicePort = words.contains("-f") ? 0 : 80;
        RealServer real = new RealServer(
                id,
                rip,
                port ? Integer.parseInt(text.substring(colon + 1)) : servicePort,
                ForwardingMethod.DR,
                Integer.parseInt(option(words, "-w", "1")));
        if (words.contains("-a")) {
            reals.add(real);
        } else if (words.contains("-e")) {
            reals.replaceAll(each -> each.id() == id ? real : each);
        } else {
            reals.removeIf(each -> each.id() == id);
        }
    }

    private static String option(List<String> words, String option, String fallback) {
        int at = words.indexOf(option);
        return at < 0 ? fallback : words.get(at + 1);
    }

    private static Set<SchedulerFlag> flags(String keywords) {
        return Arrays.stream(SchedulerFlag.values())
                .filter(flag -> Arrays.asList(keywords.split(",", -1)).contains(flag.keyword()))
                .collect(Collectors.toSet());
    }
}
