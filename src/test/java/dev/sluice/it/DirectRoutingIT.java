package dev.sluice.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sluice.forward.Counter;
import dev.sluice.testing.LabFixture;
import java.io.IOException;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Direct routing: requests pass the director, replies do not; and no packet is dropped uncounted. */
class DirectRoutingIT {
    private static final int DOWNLOADS = 10;
    private static final long MIB = 1 << 20;
    private static final ObjectMapper JSON = new ObjectMapper();

    private static LabFixture lab;

    @BeforeAll
    static void up() {
        lab = LabFixture.up();
        ConfigText config = new ConfigText(lab, "eth1");
        for (String vip : Topology.VIPS) {
            config.service("tcp", vip, 80, "rr", 1, 1, 1);
            config.service("udp", vip, 7, "rr", 1, 1, 1);
            config.service("udp", vip, 9, "rr", 0, 0, 0);
        }
        lab.startDirector(config.toString());
    }

    @AfterAll
    static void down() {
        lab.close();
    }

    @Test
    void downloads_bypass_the_director() throws IOException {
        for (String vip : Topology.VIPS) {
            long steeredBefore = Reading.of(lab).steered();
            JsonNode directorBefore = bytesOf("director");
            JsonNode clientBefore = bytesOf("client");
            long serversBefore = sentByRealServers();
            assertEquals(DOWNLOADS * MIB, download(vip));

            assertTrue(received("client", clientBefore) > DOWNLOADS * MIB);
            assertTrue(sentByRealServers() - serversBefore > DOWNLOADS * MIB);
            // What is left are requests and acknowledgements: of 66 or 86 bytes, one for two segments of 1448 at the
            // most.
            long limit = DOWNLOADS * MIB / 20;
            long in = received("director", directorBefore);
            long out = bytesOf("director").at("/tx/bytes").asLong()
                    - directorBefore.at("/tx/bytes").asLong();
            assertTrue(in > 0 && in < limit, "the director received " + in + " bytes");
            assertTrue(out > 0 && out < limit, "the director sent " + out + " bytes");

            // The command line tells the same.
            JsonNode stats = JSON.readTree(lab.sluice("stats", "--json").orFail());
            JsonNode service = serviceOf(stats, vip);
            long packets = service.at("/traffic/inPackets").asLong();
            long bytes = service.at("/traffic/inBytes").asLong();
            assertEquals(DOWNLOADS, service.at("/traffic/connections").asLong());
            assertTrue(bytes >= packets * 40 && bytes < limit, bytes + " bytes in " + packets + " packets");
            assertEquals(Reading.of(lab).steered() - steeredBefore, packets);
            // Each request's own frames at the least: SYN, ACK, request, FIN.
            assertTrue(packets >= 4 * DOWNLOADS, packets + " packets");
        }
        Reading.of(lab).assertNothingIsLost();
    }

    @Test
    void every_packet_in_is_forwarded_or_dropped_for_a_reason() {
        for (String vip : Topology.VIPS) {
            Reading before = Reading.of(lab);
            send(vip, 7, 20, 100);
            send(vip, 7, 5, 100, 1);
            send(vip, 7, 4, 100, 2);
            send(vip, 9, 3, 10);
            send(vip, 7, 2, 4000);
            Reading after = Reading.of(lab);

            // What the client says of replies to a socket that is closed goes to the real server; Linux limits how much
            // that is.
            long relayed = grown(before, after, Counter.ICMP_RELAYED);
            // Two of them in three fragments each, and an answer to each whose TTL had run out.
            assertEquals(24 + 2 * 3 + 5 + relayed, grown(before, after, Counter.FORWARDED));
            assertEquals(5, grown(before, after, Counter.TTL_EXPIRED));
            assertEquals(5, grown(before, after, Counter.ICMP_ERROR_SENT));
            assertEquals(3, grown(before, after, Counter.NO_REAL_SERVER));
            assertEquals(24 + 5 + 3 + 6 + relayed, grown(before, after, Counter.PACKETS_IN));
            after.assertNothingIsLost();
        }
    }

    /** How many bytes the client got. */
    private static long download(String vip) {
        String command = "curl -sS --fail -H 'Connection: close' 'http://%s/big?[1-%d]' | wc -c"
                .formatted(Topology.host(vip), DOWNLOADS);
        return Long.parseLong(lab.exec("client", "sh", "-c", command).orFail().strip());
    }

    private static void send(String vip, int port, int count, int length, int... ttl) {
        String command = "src/test/scripts/udp-send %s %d %d %d".formatted(vip, port, count, length);
        lab.exec("client", "sh", "-c", ttl.length == 0 ? command : command + " " + ttl[0])
                .orFail();
    }

    private static long grown(Reading before, Reading after, Counter counter) {
        return after.count(counter) - before.count(counter);
    }

    private static JsonNode serviceOf(JsonNode stats, String vip) {
        for (JsonNode service : stats.get("services")) {
            if (service.get("address").asText().equals(vip)
                    && service.get("protocol").asText().equals("TCP")) {
                return service;
            }
        }
        throw new AssertionError("no service of " + vip + " in " + stats);
    }

    private static JsonNode bytesOf(String host) throws IOException {
        return JSON.readTree(lab.exec(host, "ip", "-json", "-statistics", "link", "show", "eth1")
                        .orFail())
                .at("/0/stats64");
    }

    private static long received(String host, JsonNode before) throws IOException {
        return bytesOf(host).at("/rx/bytes").asLong() - before.at("/rx/bytes").asLong();
    }

    private static long sentByRealServers() throws IOException {
        long sum = 0;
        for (String host : Topology.REAL_SERVERS) {
            sum += bytesOf(host).at("/tx/bytes").asLong();
        }
        return sum;
    }
}
