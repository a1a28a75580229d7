package dev.sluice.control.flows;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sluice.packet.IpAddress;
import dev.sluice.packet.Transport;
import dev.sluice.service.AddressKey;
import dev.sluice.service.ForwardingMethod;
import dev.sluice.service.Protocol;
import dev.sluice.service.ServiceKey;
import dev.sluice.stats.ConnectionGroup;
import dev.sluice.stats.ConnectionStats;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class FlowCollectorTest {
    private static final ObjectMapper JSON = new ObjectMapper();

    private static final ServiceKey HTTP = new AddressKey(Protocol.TCP, IpAddress.parse("203.0.113.1"), 80);
    private static final ServiceKey DNS = new AddressKey(Protocol.UDP, IpAddress.parse("2001:db8::53"), 53);
    private static final FlowNames NAMES = new FlowNames(
            1,
            Map.of(0, HTTP, 1, DNS),
            Map.of(
                    0, new FlowNames.Real(HTTP, IpAddress.parse("10.0.0.12"), 80, ForwardingMethod.DR),
                    1, new FlowNames.Real(HTTP, IpAddress.parse("10.0.0.9"), 8080, ForwardingMethod.NAT),
                    2, new FlowNames.Real(DNS, IpAddress.parse("2001:db8::b"), 53, ForwardingMethod.DR),
                    3, new FlowNames.Real(HTTP, IpAddress.parse("10.0.0.7"), 80, null)));

    private static FlowQuery query(String json) {
        try {
            return FlowQuery.parse(JSON.readTree(json.replace('\'', '"')));
        } catch (JsonProcessingException e) {
            throw new AssertionError(e);
        }
    }

    /** A connection as a table might have it, every field from the generator. */
    private static void fill(FlowRow row, Random random) {
        boolean dns = random.nextInt(4) == 0;
        row.template = false;
        row.inet6 = dns;
        row.protocol = dns ? Transport.UDP : Transport.TCP;
        row.stateCode = dns ? 6 : 1 + random.nextInt(5);
        row.clientHigh = dns ? 0x20010db800000000L + random.nextInt(3) : 0;
        row.clientLow = dns ? random.nextLong() : 0x0a000000L + random.nextInt(4096);
        row.clientPort = random.nextInt(65536);
        row.virtualHigh = dns ? 0x20010db800000000L : 0;
        row.virtualLow = dns ? 0x53 : 0xcb007101L;
        row.virtualPort = dns ? 53 : 80;
        row.setReal(dns ? 2 : new int[] {0, 1, 3, 99}[random.nextInt(4)], NAMES);
        row.expiresMs = random.nextInt(900_000);
        row.idleMs = random.nextInt(900_000);
        row.packets = random.nextInt(1 << 20);
        row.bytes = random.nextLong(1L << 40);
        row.queue = random.nextInt(4);
    }

    private static FlowCollector collect(FlowQuery query, int count, Consumer<FlowRow> each) {
        FlowCollector collector = new FlowCollector(query, NAMES);
        Random random = new Random(7);
        for (int i = 0; i < count; i++) {
            FlowRow row = collector.row();
            fill(row, random);
            each.accept(row);
            collector.take();
        }
        return collector;
    }

    @ParameterizedTest
    @EnumSource(FlowField.class)
    void the_first_by_any_field_are_those_of_a_whole_sort(FlowField field) {
        List<FlowRow> all = new ArrayList<>();
        Random random = new Random(7);
        for (int i = 0; i < 5000; i++) {
            FlowRow row = new FlowRow();
            fill(row, random);
            all.add(row);
        }
        for (boolean descending : new boolean[] {false, true}) {
            FlowCollector collector = collect(
                    query("{'order':'%s','descending':%s,'limit':50}".formatted(field.keyword(), descending)),
                    5000,
                    _ -> {});
            Comparator<FlowRow> order = (a, b) -> field.compare(a, b, NAMES);
            all.sort(descending ? order.reversed() : order);
            assertEquals(5000, collector.matched());
            // Equal ones may come in any order: what is sorted by has to be the same, place by place.
            assertEquals(
                    all.subList(0, 50).stream()
                            .map(row -> word(field, row.toStats()))
                            .toList(),
                    collector.connections().stream()
                            .map(flow -> word(field, flow))
                            .toList());
        }
    }

    private static String word(FlowField field, ConnectionStats flow) {
        return switch (field) {
            case PROTOCOL -> flow.protocol();
            case STATE -> flow.state();
            case EXPIRES -> "" + flow.expiresMs();
            case IDLE -> "" + flow.idleMs();
            case CLIENT -> flow.client() + " " + flow.clientPort();
            case VIRTUAL -> flow.virtual() + " " + flow.virtualPort();
            case REAL -> flow.destination() + " " + flow.destinationPort();
            case SERVICE -> "" + flow.service();
            case METHOD -> "" + flow.method();
            case QUEUE -> "" + flow.queue();
            case PACKETS -> "" + flow.packets();
            case BYTES -> "" + flow.bytes();
        };
    }

    @Test
    void addresses_are_sorted_by_number_and_not_by_letter() {
        FlowCollector collector = collect(query("{'order':'real','limit':4096}"), 200, _ -> {});
        List<String> order = collector.connections().stream()
                .map(flow -> String.valueOf(flow.destination()))
                .distinct()
                .toList();
        assertEquals(List.of("null", "10.0.0.7", "10.0.0.9", "10.0.0.12", "2001:db8::b"), order);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{'protocol':'udp'} | protocol=UDP",
                "{'protocol':['tcp','sctp']} | protocol=TCP",
                "{'state':['established']} | state=ESTABLISHED",
                "{'method':'nat'} | method=nat",
                "{'queue':3} | queue=3",
                "{'real':'10.0.0.9'} | destination=10.0.0.9",
                "{'real':'10.0.0.0/24:8080'} | destinationPort=8080",
                "{'service':'udp/[2001:db8::53]:53'} | service=UDP [2001:db8::53]:53",
                "{'service':'TCP 203.0.113.1:80'} | service=TCP 203.0.113.1:80",
                "{'virtual':':53'} | virtualPort=53",
                "{'client':'10.0.1.0/24'} | client~10[.]0[.]1[.].*",
                "{'client':'2001:db8:0:1::/64'} | client~2001:db8:0:1:.*",
            })
    void a_filter_takes_all_of_them_and_nothing_else(String filter, String condition) {
        FlowCollector taken = collect(query("{'limit':4096,'filter':" + filter + "}"), 3000, _ -> {});
        FlowCollector all = collect(query("{'limit':4096}"), 3000, _ -> {});
        String[] parts = condition.split("[=~]", 2);
        List<ConnectionStats> expected = all.connections().stream()
                .filter(flow -> {
                    String value =
                            JSON.<JsonNode>valueToTree(flow).path(parts[0]).asText();
                    return condition.contains("~") ? value.matches(parts[1]) : value.equals(parts[1]);
                })
                .toList();
        assertTrue(expected.size() > 10 && expected.size() < 2900, () -> "" + expected.size());
        assertEquals(expected, taken.connections());
        assertEquals(expected.size(), taken.matched());
    }

    @Test
    void times_are_bounds() {
        FlowQuery query = query("{'limit':4096,'filter':{'min_idle_ms':1000,'max_idle_ms':5000,'max_expires_ms':700}}");
        List<String> taken = new ArrayList<>();
        long[][] times = {{999, 1}, {1000, 700}, {5000, 0}, {5001, 1}, {3000, 701}};
        for (long[] time : times) {
            FlowCollector collector = new FlowCollector(query, NAMES);
            fill(collector.row(), new Random(1));
            collector.row().idleMs = time[0];
            collector.row().expiresMs = time[1];
            collector.take();
            collector.connections().forEach(flow -> taken.add(flow.idleMs() + " " + flow.expiresMs()));
        }
        assertEquals(List.of("1000 700", "5000 0"), taken);
    }

    @Test
    void counts_add_up_and_networks_are_one() {
        Map<String, Long> expected = new HashMap<>();
        collect(query("{'limit':4096}"), 3000, _ -> {}).connections().forEach(flow -> {
            String network = flow.client().startsWith("10.")
                    ? flow.client().substring(0, flow.client().lastIndexOf('.')) + ".0/24"
                    : flow.client()
                                    .replaceAll("^(2001:db8:0:[12]:|2001:db8::).*", "$1")
                                    .replaceAll("([12]):$", "$1::")
                            + "/64";
            expected.merge(network + " " + flow.state(), 1L, Long::sum);
        });
        FlowCollector collector = collect(query("{'count_by':['client/24/64','state']}"), 3000, _ -> {});
        Map<String, Long> counted = new HashMap<>();
        List<ConnectionGroup> groups = collector.groups();
        assertTrue(groups != null && collector.connections().isEmpty());
        groups.forEach(group ->
                counted.put(group.by().get("client/24/64") + " " + group.by().get("state"), group.count()));
        assertEquals(expected, counted);
        assertEquals(3000, groups.stream().mapToLong(ConnectionGroup::count).sum());
        assertEquals(
                collect(query("{'limit':4096}"), 3000, _ -> {}).connections().stream()
                        .mapToLong(ConnectionStats::bytes)
                        .sum(),
                groups.stream().mapToLong(ConnectionGroup::bytes).sum());
    }

    @Test
    void one_address_behind_two_services_is_one_real_server() {
        FlowNames twice = new FlowNames(
                1,
                Map.of(0, HTTP, 1, DNS),
                Map.of(
                        0, new FlowNames.Real(HTTP, IpAddress.parse("10.0.0.12"), 80, ForwardingMethod.DR),
                        1, new FlowNames.Real(DNS, IpAddress.parse("10.0.0.12"), 80, ForwardingMethod.DR)));
        FlowCollector collector = new FlowCollector(query("{'count_by':['real']}"), twice);
        for (int id = 0; id < 2; id++) {
            fill(collector.row(), new Random(3));
            collector.row().setReal(id, twice);
            collector.take();
        }
        List<ConnectionGroup> groups = collector.groups();
        assertTrue(groups != null);
        assertEquals(1, groups.size());
        assertEquals(Map.of("real", "10.0.0.12:80"), groups.getFirst().by());
        assertEquals(2, groups.getFirst().count());
    }

    @Test
    void what_is_kept_is_bounded_however_much_comes() {
        // Ascending keys when the greatest are wanted: every one is better than those before.
        long[] next = {0};
        FlowCollector top =
                collect(query("{'order':'bytes','descending':true,'limit':3}"), 20_000, row -> row.bytes = next[0]++);
        assertEquals(
                List.of(19_999L, 19_998L, 19_997L),
                top.connections().stream().map(ConnectionStats::bytes).toList());
        FlowCollector counts = new FlowCollector(query("{'count_by':['client']}"), NAMES);
        Random random = new Random(5);
        int taken = 0;
        while (!counts.isFull()) {
            fill(counts.row(), random);
            counts.row().clientLow = taken++;
            counts.take();
        }
        assertEquals(FlowQuery.MAX_LIMIT, taken);
        FlowCollector list = collect(query("{'limit':5}"), 5, _ -> {});
        assertTrue(list.isFull());
        assertNull(list.groups());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{'limit':0} | \"limit\" is not a number from 1 to 4096",
                "{'limit':4097} | \"limit\" is not a number from 1 to 4096",
                "{'limit':'5'} | \"limit\" is not a number from 1 to 4096",
                "{'order':'age'} | \"order\" is none of protocol, state,",
                "{'order':7} | \"order\" is none of",
                "{'descending':1} | \"descending\" is not true or false",
                "{'count_by':'real'} | \"count_by\" is not a list",
                "{'count_by':[]} | \"count_by\" is not a list",
                "{'count_by':['bytes']} | connections are not counted by \"bytes\"; allowed: client,",
                "{'count_by':['client/33']} | connections are not counted by \"client/33\"",
                "{'count_by':['real'],'order':'real'} | \"order\" and \"count_by\" exclude each other",
                "{'filter':7} | \"filter\" is not an object",
                "{'filter':{'clientt':'10.0.0.1'}} | filter: there is no \"clientt\"; there are: kind, protocol,",
                "{'filter':{'kind':'both'}} | kind: \"both\" is none; allowed: connections, templates, all",
                "{'filter':{'client':'10.0.0.300'}} | client: \"10.0.0.300\": ",
                "{'filter':{'client':7}} | client: a string is needed",
                "{'filter':{'state':['OPEN']}} | state: \"open\" is none; allowed: SYN_RECV, ESTABLISHED,",
                "{'filter':{'protocol':['icmp']}} | protocol: \"icmp\" is none; allowed: tcp, udp, sctp, ah, esp",
                "{'filter':{'method':['xdp']}} | method: \"xdp\" is none; allowed: dr, tun, nat, fullnat",
                "{'filter':{'service':'http'}} | service: \"http\" names no service; allowed: tcp/10.0.0.100:80",
                "{'filter':{'service':'tcp/2001:db8::1:80'}} | service: ",
                "{'filter':{'queue':-1}} | queue: a number from 0 on is needed",
                "{'filter':{'min_idle_ms':1.5}} | min_idle_ms: a number from 0 on is needed",
            })
    void what_is_wrong_is_named(String line) {
        String[] parts = line.split(" \\| ", 2);
        String message = String.valueOf(assertThrows(IllegalArgumentException.class, () -> query(parts[0]))
                .getMessage());
        assertTrue(message.startsWith(parts[1]), message);
    }

    @Test
    void every_order_of_arrival_leaves_the_same() {
        List<Integer> numbers = new ArrayList<>();
        for (int i = 0; i < 300; i++) {
            numbers.add(i);
        }
        for (int seed = 0; seed < 20; seed++) {
            Collections.shuffle(numbers, new Random(seed));
            FlowCollector collector = new FlowCollector(query("{'order':'idle','limit':7}"), NAMES);
            for (int number : numbers) {
                fill(collector.row(), new Random(number));
                collector.row().idleMs = number;
                collector.take();
            }
            assertEquals(
                    List.of(0L, 1L, 2L, 3L, 4L, 5L, 6L),
                    collector.connections().stream()
                            .map(ConnectionStats::idleMs)
                            .toList());
        }
    }
}
