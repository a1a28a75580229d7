package dev.sluice.flow;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.packet.PacketView;
import dev.sluice.packet.Transport;
import java.lang.foreign.Arena;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Translations stay with their flows, which come, go and move. */
class TranslationTableTest {
    private static final int CLIENTS = 120;
    private static final long REAL_HIGH = 0xfd00_0000_0000_0000L;

    private final FlowTable flows = new FlowTable(90, CLIENTS, Arena.ofAuto());
    private final FlowExchange exchange = new FlowExchange(2);
    private final PacketView reply = new PacketView();
    private final Translation translation = new Translation();

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void everyReplyLeadsToItsFlow(long seed) {
        flows.keepTranslations(Arena.ofAuto());
        exchange.join(flows);
        exchange.join(new FlowTable(4, CLIENTS, Arena.ofAuto()));
        Random random = new Random(seed);
        Set<Integer> open = new TreeSet<>();
        for (int step = 0; step < 3000; step++) {
            int client = random.nextInt(CLIENTS);
            PacketView packet = Flows.packet(client, Transport.SYN);
            if (open.remove(client)) {
                flows.remove(flows.find(packet, Flows.HASHER.hash(packet), 0));
            } else if (!flows.isFull()) {
                open(client, packet);
                open.add(client);
            }
            for (int known = 0; known < CLIENTS; known++) {
                check(known, open.contains(known));
            }
        }
        assertTrue(open.size() > 10);
    }

    private void open(int client, PacketView packet) {
        int slot = flows.insert(packet, Flows.HASHER.hash(packet), client, FlowTable.FLAG_TRANSLATED, 0);
        translation.setClientSide(packet);
        setReply(packet);
        translation.setRealSide(reply, client);
        flows.translate(slot, translation, Flows.HASHER.hash(reply), false);
        flows.touch(slot, packet, 0);
    }

    private void check(int client, boolean isOpen) {
        PacketView packet = Flows.packet(client, Transport.SYN);
        setReply(packet);
        long hash = Flows.HASHER.hash(reply);
        int slot = flows.find(packet, Flows.HASHER.hash(packet), 0);
        assertEquals(isOpen, slot >= 0);
        assertEquals(slot, flows.findReply(reply, hash, 0, translation));
        // Another worker finds the same.
        assertEquals(isOpen ? 0 : FlowTable.NOT_FOUND, exchange.findReply(1, reply, hash, translation));
        if (isOpen) {
            assertEquals(client, translation.realServer());
            assertEquals(packet.sourceLow(), translation.clientLow());
            assertEquals(packet.destinationPort(), translation.virtualPort());
            assertTrue(flows.translation(slot, translation));
            assertEquals(client, translation.realServer());
        }
    }

    /** From one real server's address in each family, as all of them answer. */
    private void setReply(PacketView packet) {
        reply.setFlow(
                packet.inet6(),
                packet.protocol(),
                packet.inet6() ? REAL_HIGH : 0,
                7,
                8080,
                packet.sourceHigh(),
                packet.sourceLow(),
                packet.sourcePort());
    }
}
