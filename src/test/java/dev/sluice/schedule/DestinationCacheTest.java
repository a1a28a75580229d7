package dev.sluice.schedule;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import dev.sluice.bench.PacketBuilder;
import dev.sluice.packet.IpAddress;
import dev.sluice.packet.PacketParser;
import dev.sluice.packet.PacketView;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class DestinationCacheTest {
    private static final int MANY = 4 * DestinationCache.ENTRIES;

    private final DestinationCache cache = new DestinationCache();

    private static PacketView to(int vip) {
        byte[] frame = PacketBuilder.udp(IpAddress.ofInet(0x0a000001), 1024, IpAddress.ofInet(0x0b000000 + vip), 80)
                .build();
        PacketView packet = new PacketView();
        assertEquals(PacketParser.OK, PacketParser.parse(MemorySegment.ofArray(frame), 0, frame.length, packet));
        return packet;
    }

    private List<Integer> idsOf(int entry) {
        List<Integer> ids = new ArrayList<>();
        for (int member = cache.firstMember(entry);
                member != DestinationCache.NONE;
                member = cache.nextMember(member)) {
            ids.add(cache.idOf(member));
        }
        assertEquals(ids.size(), cache.size(entry));
        return ids;
    }

    @Test
    void roomIsMadeByTheOneUsedLongestAgo() {
        // The set of the first VIP fills with those that would take its place: only they can push it out.
        int entry = cache.enter(to(0), 1);
        List<Integer> neighbours = new ArrayList<>();
        long nowMs = 2;
        for (int vip = 1; neighbours.size() < 7; vip++) {
            int other = cache.enter(to(vip), nowMs);
            if (other / 8 == entry / 8) {
                neighbours.add(vip);
                nowMs++;
            }
        }
        // The first is used again, so the second is now the one used longest ago.
        assertEquals(entry, cache.find(to(0), nowMs));
        for (int vip = 10_000; ; vip++) {
            if (cache.enter(to(vip), nowMs + 1) / 8 == entry / 8) {
                break;
            }
        }
        assertEquals(DestinationCache.NONE, cache.find(to(neighbours.getFirst()), nowMs + 2));
        assertEquals(entry, cache.find(to(0), nowMs + 2));
        for (int vip : neighbours.subList(1, neighbours.size())) {
            assertNotEquals(DestinationCache.NONE, cache.find(to(vip), nowMs + 2));
        }
    }

    @Test
    void entriesThatGoGiveTheirMembersBack() {
        // Far more than fit, in entries that are pushed out, cleared, and forgotten for age.
        for (int vip = 0; vip < MANY; vip++) {
            int entry = cache.enter(to(vip), vip);
            for (int id = 0; id < 8; id++) {
                cache.add(entry, id, vip);
            }
            assertEquals(List.of(7, 6, 5, 4, 3, 2, 1, 0), idsOf(entry), "VIP " + vip);
            if (vip % 3 == 0) {
                cache.clear(entry);
                assertEquals(List.of(), idsOf(entry));
            }
        }
        long nextDay = MANY + DestinationCache.EXPIRATION_MS;
        for (int vip = 0; vip < MANY; vip++) {
            assertEquals(DestinationCache.NONE, cache.find(to(vip), nextDay));
        }
        int entry = cache.enter(to(0), nextDay);
        for (int id = 0; id < DestinationCache.MEMBERS; id++) {
            cache.add(entry, id, nextDay);
        }
        assertEquals(DestinationCache.MEMBERS, cache.size(entry));
        cache.add(entry, DestinationCache.MEMBERS, nextDay);
        assertEquals(DestinationCache.MEMBERS, cache.size(entry));
    }

    @Test
    void membersLeaveFromAnyPlace() {
        int entry = cache.enter(to(0), 5);
        for (int id = 0; id < 5; id++) {
            cache.add(entry, id, 6);
        }
        cache.add(entry, 2, 7);
        assertEquals(6, cache.changedMs(entry), "one that is there changes nothing");
        cache.remove(entry, 2, 8);
        assertEquals(List.of(4, 3, 1, 0), idsOf(entry));
        assertEquals(8, cache.changedMs(entry));
        cache.remove(entry, 4, 9);
        cache.remove(entry, 0, 9);
        cache.remove(entry, 77, 10);
        assertEquals(List.of(3, 1), idsOf(entry));
        assertEquals(9, cache.changedMs(entry));
    }

    @Test
    void aVipIsForgottenAfterADayNotAtIt() {
        int entry = cache.enter(to(0), 1000);
        assertEquals(entry, cache.find(to(0), 1000 + DestinationCache.EXPIRATION_MS));
        assertEquals(DestinationCache.NONE, cache.find(to(0), 1001 + 2 * DestinationCache.EXPIRATION_MS));
    }

    @Test
    void vipsSpreadOverTheSets() {
        // Half as many as there are places: hardly any set of eight overflows.
        int vips = DestinationCache.ENTRIES / 2;
        for (int vip = 0; vip < vips; vip++) {
            cache.enter(to(vip), 0);
        }
        int found = 0;
        for (int vip = 0; vip < vips; vip++) {
            found += cache.find(to(vip), 1) == DestinationCache.NONE ? 0 : 1;
        }
        assertEquals(vips, found, vips * 0.03);
    }
}
