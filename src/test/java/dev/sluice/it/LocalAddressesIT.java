package dev.sluice.it;

import static dev.sluice.it.DirectorLab.RIPS4;
import static dev.sluice.it.DirectorLab.RIPS6;
import static dev.sluice.it.DirectorLab.VIP4;
import static dev.sluice.it.DirectorLab.VIP6;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sluice.control.admin.AdminClient;
import dev.sluice.control.admin.AdminException;
import dev.sluice.testing.LabFixture;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Local addresses of FULLNAT come and go while connections use them. */
class LocalAddressesIT {
    private static final String FIRST4 = "10.0.0.77";
    private static final String SECOND4 = "10.0.0.78";
    private static final String NOWHERE4 = "10.0.0.79";
    private static final String FIRST6 = "fd00:51::77";

    private static DirectorLab lab;
    private LabFixture.@Nullable Director director;
    private final List<DirectorLab.Conversation> conversations = new ArrayList<>();

    @BeforeAll
    static void up() {
        lab = DirectorLab.up();
        lab.on("director", "ip", "address", "add", FIRST4 + "/32", "dev", "eth1");
        lab.on("director", "ip", "address", "add", SECOND4 + "/32", "dev", "eth1");
        lab.on("director", "ip", "address", "add", FIRST6 + "/128", "dev", "eth1", "nodad", "preferred_lft", "0");
    }

    @AfterAll
    static void down() {
        lab.close();
    }

    @AfterEach
    void stop() {
        conversations.forEach(DirectorLab.Conversation::end);
        if (director != null) {
            assertEquals(0, director.stop(), director::log);
        }
    }

    /** Port 8000 of both VIPs, translated to port 80, from local addresses. */
    private static String config(String... addresses) {
        String list = List.of(addresses).stream().map(each -> '"' + each + '"').collect(Collectors.joining(", "));
        return lab.config(
                "timeouts = { tcpfin = 1, time_wait = 1, close = 1 }\nfullnat.local_addresses = [" + list
                        + "]\nfullnat.local_ports = \"5000-5999\"",
                service(VIP4, RIPS4),
                service("[" + VIP6 + "]", RIPS6));
    }

    private static String service(String vip, List<String> rips) {
        return "[[service]]\nprotocol = \"tcp\"\naddress = \"" + vip + ":8000\"\nscheduler = \"rr\"\n"
                + rips.stream()
                        .map(rip -> "  [[service.real]]\n  address = \"" + rip
                                + "\"\n  method = \"fullnat\"\n  port = 80\n")
                        .collect(Collectors.joining());
    }

    private DirectorLab.Conversation converse(String vip) {
        DirectorLab.Conversation conversation = lab.converse(vip, 8000);
        conversations.add(conversation);
        return conversation;
    }

    /** The local addresses of all connections. */
    private static Set<String> locals() throws AdminException {
        AdminClient client = new AdminClient(lab.fixture().socket());
        Set<String> locals = new TreeSet<>();
        for (String cursor = "0:0"; cursor != null; ) {
            JsonNode page = client.askTree("connections", Map.of("cursor", cursor));
            for (JsonNode connection : page.path("connections")) {
                assertEquals(80, connection.path("destinationPort").asInt(), page::toString);
                int port = connection.path("localPort").asInt();
                assertTrue(port >= 5000 && port <= 5999, page::toString);
                locals.add(connection.path("local").asText());
            }
            cursor = page.path("next").textValue();
        }
        return locals;
    }

    /** What becomes of a connection that a real server opens to a local address: {@code refused} by the kernel, or {@code silence}. */
    private static String probe(String address) {
        String script = """
                import socket, sys
                sock = socket.socket()
                sock.settimeout(0.5)
                try:
                    sock.connect((sys.argv[1], 5555))
                except ConnectionRefusedError:
                    print("refused")
                except socket.timeout:
                    print("silence")
                """;
        return lab.on("rs1", "/usr/bin/python3", "-c", script, address).strip();
    }

    @Test
    void aPoolGrowsAndShrinksUnderConnections() throws AdminException {
        director = lab.fixture().startDirector(config(FIRST4, FIRST6));
        assertFalse(director.log().contains("is on no interface"), director::log);
        DirectorLab.Conversation before = converse(VIP4);
        DirectorLab.Conversation inet6 = converse(VIP6);
        assertEquals(Set.of(FIRST4, FIRST6), locals());
        assertEquals("silence", probe(FIRST4), "nobody has this port, so the director drops what comes there");
        assertEquals("refused", probe(SECOND4), "the kernel's");
        assertEquals(
                List.of("local addresses: " + FIRST4 + " " + FIRST6 + " -> " + SECOND4 + " " + FIRST6),
                lab.apply(config(SECOND4, FIRST6)));
        before.assertContinues();
        converse(VIP4).assertContinues();
        assertEquals(Set.of(FIRST4, SECOND4, FIRST6), locals());
        assertEquals("silence", probe(FIRST4), "a connection has the address");
        before.end();
        long startNs = System.nanoTime();
        while (!probe(FIRST4).equals("refused")) {
            assertTrue(System.nanoTime() - startNs < 30_000_000_000L, "it stays steered without a connection");
        }
        assertEquals(Set.of(SECOND4, FIRST6), locals());
        inet6.assertContinues();
        assertEquals(
                List.of("local addresses: " + SECOND4 + " " + FIRST6 + " -> " + SECOND4 + " " + NOWHERE4 + " "
                        + FIRST6),
                lab.apply(config(SECOND4, NOWHERE4, FIRST6)));
        // It looks when it has answered.
        while (!director.log().contains("local address " + NOWHERE4 + " is on no interface of this host")) {
            assertTrue(System.nanoTime() - startNs < 40_000_000_000L, director::log);
            DirectorLab.pause(50);
        }
    }

    @Test
    void byCommand() throws AdminException {
        director = lab.fixture().startDirector(config(FIRST4, FIRST6));
        String vip = VIP4 + ":8000";
        lab.fixture()
                .sluice("ipvsadm", "-P", "-t", vip, "-z", SECOND4, "-F", "eth1")
                .orFail();
        assertEquals(
                "\"eth7\" is no interface of this director; it has eth1\n",
                lab.fixture()
                        .sluice("ipvsadm", "-P", "-t", vip, "-z", NOWHERE4, "-F", "eth7")
                        .err());
        DirectorLab.Conversation conversation = converse(VIP4);
        assertEquals(Set.of(SECOND4), locals());
        String listed = lab.fixture().sluice("ipvsadm", "-Lnc").orFail();
        assertTrue(
                listed.contains(" "
                        + RIPS4.get(Integer.parseInt(conversation.realServer().substring(2)) - 1) + ":80"),
                listed);
        assertTrue(
                lab.fixture().sluice("ipvsadm", "-G", "-n", "-t", vip).orFail().contains(" " + SECOND4 + "\n"));
        lab.fixture().sluice("ipvsadm", "-Q", "-t", vip, "-z", SECOND4).orFail();
        conversation.assertContinues();
    }
}
