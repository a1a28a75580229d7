package dev.sluice.flow;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.flow.FlowTableImage.Recovery;
import dev.sluice.packet.PacketView;
import dev.sluice.packet.Transport;
import dev.sluice.schedule.HashKey;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Connections by FULLNAT keep the local addresses and ports that their real servers know. */
class TranslationTableImageTest {
    private static final int FLOWS = 500;
    private static final int SERVERS = 1000;
    private static final long LIP = 0x0a000201L;

    private final MemorySegment flows = Arena.ofAuto().allocate(FlowTableImage.bytes(FLOWS), 4096);
    private final MemorySegment translations = Arena.ofAuto().allocate(TranslationTableImage.bytes(FLOWS), 4096);

    private static PacketView reply(int client, int localPort) {
        PacketView reply = new PacketView();
        reply.setFlow(
                false,
                Flows.packet(client, Transport.ACK).protocol(),
                0,
                Flows.REAL.address().low(),
                8080,
                0,
                LIP,
                localPort);
        return reply;
    }

    private static void open(FlowTable table, int client, int localPort) {
        PacketView packet = Flows.packet(client, Transport.SYN);
        int flags = FlowTable.FLAG_TRANSLATED | FlowTable.FLAG_LOCAL;
        int slot = table.insert(packet, Flows.HASHER.hash(packet), client, flags, 0);
        PacketView reply = reply(client, localPort);
        Translation translation = new Translation();
        translation.setClientSide(packet);
        translation.setRealSide(reply, client);
        translation.setStation(0x02_00_00_00_00_07L, 1, 0x02_00_00_00_00_08L, 0);
        table.translate(slot, translation, Flows.HASHER.hash(reply), false);
        table.touch(slot, packet, 0);
    }

    private static void close(FlowTable table, int client) {
        PacketView packet = Flows.packet(client, Transport.ACK);
        table.remove(table.find(packet, Flows.HASHER.hash(packet), 0));
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void everyConnectionKeepsItsLocalPort(boolean sameKey) {
        FlowTable before =
                new FlowTable(FLOWS, SERVERS, FlowTableImage.format(flows, Flows.BOOT, Flows.HASHER), Arena.ofAuto());
        before.keepTranslations(TranslationTableImage.format(translations, Flows.BOOT), Arena.ofAuto());
        int[] ports = new int[FLOWS];
        Random random = new Random(1);
        int alive = 0;
        // They come and go, and again between the same ports, so that entries move and are used again.
        for (int step = 0; step < 5000; step++) {
            int client = random.nextInt(FLOWS);
            if (ports[client] != 0) {
                close(before, client);
                ports[client] = 0;
                alive--;
            } else {
                ports[client] = 1024 + step;
                open(before, client, ports[client]);
                alive++;
            }
        }
        assertEquals(Optional.empty(), TranslationTableImage.unreadable(translations, Flows.BOOT));
        FlowHasher hasher = sameKey ? Flows.HASHER : new FlowHasher(new HashKey(9, 9));
        FlowTable after = new FlowTable(FLOWS, SERVERS, Arena.ofAuto());
        after.keepTranslations(Arena.ofAuto());
        Recovery recovery = FlowTableImage.recover(
                flows, TranslationTableImage.of(translations), hasher, after, id -> Flows.REAL, 1);
        assertEquals(new Recovery(alive, 0, 0, 0, 0), recovery);
        assertTrue(alive > 100);
        Translation found = new Translation();
        for (int client = 0; client < FLOWS; client++) {
            if (ports[client] != 0) {
                PacketView packet = Flows.packet(client, Transport.ACK);
                PacketView reply = reply(client, ports[client]);
                int slot = after.findReply(reply, hasher.hash(reply), 1, found);
                assertNotEquals(FlowTable.NOT_FOUND, slot, "client " + client);
                assertEquals(after.find(packet, hasher.hash(packet), 1), slot);
                assertEquals(client, found.realServer());
                assertEquals(packet.sourceLow(), found.clientLow());
                assertEquals(packet.destinationPort(), found.virtualPort());
                assertEquals(packet.inet6(), found.clientInet6());
                assertTrue((after.flags(slot) & FlowTable.FLAG_STATIONLESS) != 0);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void withoutTranslationsTheyAreLeftBehind(boolean there) {
        FlowTable before =
                new FlowTable(FLOWS, SERVERS, FlowTableImage.format(flows, Flows.BOOT, Flows.HASHER), Arena.ofAuto());
        before.keepTranslations(Arena.ofAuto());
        open(before, 2, 5000);
        FlowTable after = new FlowTable(FLOWS, SERVERS, Arena.ofAuto());
        after.keepTranslations(Arena.ofAuto());
        TranslationTableImage.format(translations, Flows.BOOT);
        Recovery recovery = FlowTableImage.recover(
                flows, there ? TranslationTableImage.of(translations) : null, Flows.HASHER, after, id -> Flows.REAL, 1);
        assertEquals(new Recovery(0, 0, 1, 0, 0), recovery);
    }
}
