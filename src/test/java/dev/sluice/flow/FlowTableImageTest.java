package dev.sluice.flow;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.flow.FlowTableImage.Boot;
import dev.sluice.flow.FlowTableImage.Recovery;
import dev.sluice.packet.PacketView;
import dev.sluice.packet.Transport;
import dev.sluice.schedule.HashKey;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class FlowTableImageTest {
    private static final int SERVERS = 10_000;
    private static final int HEADER = 4096;

    private final MemorySegment image = Arena.ofAuto().allocate(FlowTableImage.bytes(1000), 4096);

    private FlowTable formatted() {
        MemorySegment entries = FlowTableImage.format(image, Flows.BOOT, Flows.HASHER);
        return new FlowTable(1000, SERVERS, entries, Arena.ofAuto());
    }

    private static FlowTable fresh(int maxFlows) {
        return new FlowTable(maxFlows, SERVERS, Arena.ofAuto());
    }

    private Recovery recover(FlowTable into, long nowMs) {
        assertEquals(Optional.empty(), FlowTableImage.unreadable(image, Flows.BOOT));
        return FlowTableImage.recover(image, Flows.HASHER, into, id -> id < SERVERS ? Flows.REAL : null, nowMs);
    }

    @ParameterizedTest
    @CsvSource({"1, 1000", "2, 700", "3, 5000"})
    void everyFlowLivesOnAsItWas(long seed, int newSize) {
        Random random = new Random(seed);
        FlowTable before = formatted();
        int flows = 700;
        long nowMs = 4_000_000_000L;
        for (int client = 0; client < flows; client++) {
            Flows.open(before, Flows.packet(client, Transport.SYN), client, nowMs + random.nextInt(500));
            for (int more = random.nextInt(3); more > 0; more--) {
                PacketView ack = Flows.packet(client, Transport.ACK);
                before.touch(before.find(ack, Flows.HASHER.hash(ack), nowMs), ack, nowMs + 500 + random.nextInt(500));
            }
        }
        FlowTable after = fresh(newSize);
        assertEquals(new Recovery(flows, 0, 0, 0, 0), recover(after, nowMs + 1_000));

        for (int client = 0; client < flows; client++) {
            PacketView packet = Flows.packet(client, Transport.ACK);
            int was = before.find(packet, Flows.HASHER.hash(packet), nowMs);
            int is = after.find(packet, Flows.HASHER.hash(packet), nowMs);
            assertEquals(client, after.realServer(is));
            assertEquals(before.stateCode(was), after.stateCode(is));
            assertEquals(before.packets(was), after.packets(is));
            assertEquals(before.bytes(was), after.bytes(is));
            assertEquals(before.remainingMs(was, nowMs), after.remainingMs(is, nowMs));
            assertEquals(before.activeOf(client), after.activeOf(client));
            assertEquals(before.inactiveOf(client), after.inactiveOf(client));
        }
        assertEquals(before.halfOpen(), after.halfOpen());
        // Both wheels forget them at the same time.
        for (long later = nowMs; later < nowMs + 1_000_000; later += 10_000) {
            before.expire(Integer.MAX_VALUE, later);
            after.expire(Integer.MAX_VALUE, later);
            assertEquals(before.size(), after.size(), "after " + (later - nowMs) + " ms");
        }
        assertEquals(0, after.size());
    }

    @Test
    void repliesOfTranslatedFlowsAreFoundAgain() {
        FlowTable before = formatted();
        before.keepTranslations(Arena.ofAuto());
        // One by NAT, and two that have lost what belongs to them.
        int[] lost = {0, FlowTable.FLAG_NUMBERED, FlowTable.FLAG_RELATED};
        for (int i = 0; i < lost.length; i++) {
            PacketView packet = Flows.packet(4 * i + 2, Transport.SYN);
            before.touch(
                    before.insert(packet, Flows.HASHER.hash(packet), i, FlowTable.FLAG_TRANSLATED | lost[i], 0),
                    packet,
                    0);
        }
        FlowTable after = fresh(100);
        after.keepTranslations(Arena.ofAuto());
        assertEquals(new Recovery(1, 0, 2, 0, 0), recover(after, 1));
        PacketView packet = Flows.packet(2, Transport.ACK);
        PacketView reply = new PacketView();
        reply.setFlow(
                false, Transport.TCP, 0, Flows.REAL.address().low(), 8080, 0, packet.sourceLow(), packet.sourcePort());
        Translation found = new Translation();
        int slot = after.findReply(reply, Flows.HASHER.hash(reply), 1, found);
        assertEquals(after.find(packet, Flows.HASHER.hash(packet), 1), slot);
        assertEquals(packet.destinationLow(), found.virtualLow());
        assertEquals(80, found.virtualPort());
        assertEquals(0, found.realServer());
        assertFalse(found.hasStationAt(0));
        found.setStation(0x02_00_00_00_00_07L, 1, 0x02_00_00_00_00_08L, 0);
        after.setStation(slot, found);
        assertEquals(0, after.flags(slot) & FlowTable.FLAG_STATIONLESS);
        after.findReply(reply, Flows.HASHER.hash(reply), 1, found);
        assertTrue(found.hasStationAt(1));
    }

    @Test
    void aDirectorWithAnotherKeyFindsThemToo() {
        FlowTable before = formatted();
        for (int client = 0; client < 100; client++) {
            Flows.open(before, Flows.packet(client, Transport.SYN), client, 0);
        }
        FlowHasher other = new FlowHasher(new HashKey(9, 9));
        FlowTable after = fresh(100);
        assertEquals(
                100,
                FlowTableImage.recover(image, other, after, id -> Flows.REAL, 1).adopted());
        for (int client = 0; client < 100; client++) {
            PacketView packet = Flows.packet(client, Transport.ACK);
            assertEquals(client, after.realServer(after.find(packet, other.hash(packet), 1)));
        }
    }

    @Test
    void whatIsOverOrUnknownOrTooMuchIsCounted() {
        FlowTable before = formatted();
        for (int client = 0; client < 300; client++) {
            Flows.open(before, Flows.packet(client, Transport.SYN), client, client < 200 ? 100_000 : 0);
        }
        FlowTable after = fresh(100);
        Recovery recovery =
                FlowTableImage.recover(image, Flows.HASHER, after, id -> id >= 50 ? Flows.REAL : null, 100_000);
        // UDP lives for 300 s, so a quarter of the old hundred does.
        assertEquals(new Recovery(100, 75, 50, 0, 75), recovery);
        assertEquals(100, after.size());
        assertEquals(new Recovery(2, 4, 6, 8, 10), new Recovery(1, 2, 3, 4, 5).plus(new Recovery(1, 2, 3, 4, 5)));
    }

    /** Offset within the entry and what is written there; every one makes it an entry that no director has written. */
    @ParameterizedTest
    @CsvSource({
        "56, 0, state NONE: no packet was accounted yet",
        "56, 77, a state that there is not",
        "32, 66051, family 3",
        "40, 12345, a hash that is not its own",
        "8, 4711, an address that is not of the hash",
        "48, 500000, seen in the future",
        "44, -1, no id"
    })
    void impossibleEntriesAreLeftBehind(int offset, int value, String what) {
        FlowTable before = formatted();
        Flows.open(before, Flows.packet(2, Transport.SYN), 2, 0);
        int slot = Flows.open(before, Flows.packet(3, Transport.SYN), 3, 0);
        image.set(ValueLayout.JAVA_INT, HEADER + 64L * slot + offset, value);
        FlowTable after = fresh(100);
        assertEquals(new Recovery(1, 0, 0, 1, 0), recover(after, 0), what);
        PacketView sound = Flows.packet(2, Transport.ACK);
        assertEquals(2, after.realServer(after.find(sound, Flows.HASHER.hash(sound), 0)));
    }

    @Test
    void anEntryThatIsThereTwiceIsTakenOnce() {
        FlowTable before = formatted();
        int slot = Flows.open(before, Flows.packet(2, Transport.SYN), 2, 0);
        int copy = slot + 1 & before.slots() - 1;
        MemorySegment.copy(image, HEADER + 64L * slot, image, HEADER + 64L * copy, 64);
        FlowTable after = fresh(100);
        assertEquals(new Recovery(1, 0, 0, 1, 0), recover(after, 0));
        assertEquals(1, after.size());
        assertEquals(1, after.activeOf(2));
    }

    @Test
    void ofTwoWorkersEntriesTheLaterCounts() {
        FlowTable after = fresh(100);
        PacketView packet = Flows.packet(2, Transport.ACK);
        for (int server : new int[] {4, 6, 5}) {
            FlowTable before = formatted();
            before.remove(Math.max(0, Flows.open(before, packet, server, 0)));
            Flows.open(before, packet, server, server * 1_000L);
            recover(after, 9_000);
            image.fill((byte) 0);
        }
        assertEquals(6, after.realServer(after.find(packet, Flows.HASHER.hash(packet), 9_000)));
        assertEquals(1, after.size());
        assertEquals(1, after.activeOf(6));
        assertEquals(0, after.activeOf(4));
    }

    @Test
    void anImageThatCannotBeReadSaysWhy() {
        assertTrue(refusal().contains("no connection table"), refusal());
        formatted();
        assertEquals(Optional.empty(), FlowTableImage.unreadable(image, Flows.BOOT));
        assertTrue(
                FlowTableImage.unreadable(image, new Boot(5, 7)).orElseThrow().contains("earlier boot"));
        assertTrue(
                FlowTableImage.unreadable(image, new Boot(7, 6)).orElseThrow().contains("earlier boot"));
        assertTrue(FlowTableImage.unreadable(image.asSlice(0, 100), Flows.BOOT).isPresent());
        assertTrue(FlowTableImage.unreadable(image.asSlice(0, image.byteSize() / 2), Flows.BOOT)
                .orElseThrow()
                .contains("2048 slots"));
        image.set(ValueLayout.JAVA_INT, 8, 2);
        assertTrue(refusal().contains("layout 2"), refusal());
        assertNotEquals(0, new FlowHasher(new HashKey(1, 2)).fingerprint() - Flows.HASHER.fingerprint());
    }

    private String refusal() {
        return FlowTableImage.unreadable(image, Flows.BOOT).orElseThrow();
    }
}
