package dev.sluice.health;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HexFormat;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

final class DnsQuestionTest {
    private static final String QUERY = "1234 0100 0001 0000 0000 0000 0377 7777 0765 7861 6d70 6c65 0000 0100 01";

    private static byte[] octets(String hex) {
        return HexFormat.of().parseHex(hex.replace(" ", ""));
    }

    @Test
    void writesTheQuery() {
        assertEquals(
                QUERY.replace(" ", ""), HexFormat.of().formatHex(new DnsQuestion("www.example", "a").query(0x1234)));
        assertEquals(17, new DnsQuestion(".", "SOA").query(0).length);
    }

    @Test
    void knowsItsAnswer() {
        DnsQuestion question = new DnsQuestion("WWW.example.", "A");
        byte[] answer = octets(QUERY);
        assertFalse(question.isAnswered(answer, 0x1234), "that is the query");
        answer[2] |= (byte) 0x80;
        assertTrue(question.isAnswered(answer, 0x1234));
        assertFalse(question.isAnswered(answer, 0x1235));
        assertFalse(new DnsQuestion("www.example", "MX").isAnswered(answer, 0x1234));
        assertFalse(question.isAnswered(new byte[5], 0));
    }

    @Test
    void readsAnswers() {
        DnsQuestion question = new DnsQuestion("www.example", "A");
        String end = QUERY.replace(" ", "").substring(24);
        String record = "c00c 0001 0001 0000 003c 0004 0a00 0001";
        assertEquals(
                CheckResult.healthy("DNS answer with 1 record"),
                question.judge(octets("1234 8180 0001 0001 0000 0000" + end + record)));
        assertEquals(
                CheckResult.unhealthy("DNS answer without a A record of www.example"),
                question.judge(octets("1234 8180 0001 0000 0000 0000" + end)));
        assertEquals(
                CheckResult.unhealthy("DNS error 3 (NXDOMAIN)"),
                question.judge(octets("1234 8183 0001 0000 0000 0000" + end)));
        assertEquals(
                CheckResult.unhealthy("DNS answer is malformed"),
                question.judge(octets("1234 8180 0001 0002 0000 0000" + end + record)));
        assertEquals(
                CheckResult.healthy("DNS answer, too long for a datagram"),
                question.judge(octets("1234 8380 0001 0000 0000 0000" + end)));
    }

    @Test
    void garbageEndsInAResult() {
        DnsQuestion question = new DnsQuestion("www.example", "A");
        SplittableRandom random = new SplittableRandom(5);
        for (int i = 0; i < 200_000; i++) {
            byte[] datagram = new byte[12 + random.nextInt(60)];
            random.nextBytes(datagram);
            datagram[3] = 0;
            if (question.judge(datagram).text().isEmpty()) {
                throw new AssertionError("no reason");
            }
        }
    }

    @Test
    void refusesWhatCannotBeAsked() {
        for (String name : new String[] {"", "a..b", ".a", "a b", "\u00e4.example", "x".repeat(64), "a.".repeat(128)}) {
            assertThrows(IllegalArgumentException.class, () -> new Probe.Dns(name, "A"), name);
        }
        assertThrows(IllegalArgumentException.class, () -> new Probe.Dns(".", "AXFR"));
    }
}
