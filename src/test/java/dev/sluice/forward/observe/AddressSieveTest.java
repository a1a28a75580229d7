package dev.sluice.forward.observe;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.bench.PacketBuilder;
import dev.sluice.packet.AddressFamily;
import dev.sluice.packet.IpAddress;
import dev.sluice.packet.IpPrefix;
import dev.sluice.packet.PacketParser;
import dev.sluice.packet.PacketView;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class AddressSieveTest {
    private final PacketView view = new PacketView();
    private final Random random = new Random(11);

    /** By the parser's word: what is kept back does not match, and of whole frames all is kept back whose addresses do not. */
    @Test
    void it_keeps_back_what_the_addresses_say() {
        int keptBack = 0;
        for (int i = 0; i < 50_000; i++) {
            boolean inet6 = random.nextBoolean();
            IpAddress client = address(inet6);
            IpAddress vip = address(inet6);
            byte[] frame = PacketBuilder.tcp(client, 1, vip, 2).build();
            PacketFilter filter =
                    new PacketFilter(prefix(client), -1, prefix(vip), random.nextInt(4) == 0 ? 3 : -1, -1, -1, -1);
            boolean matches = filter.matchesRequest(view, parse(frame));
            boolean kept = keepsBack(filter, frame, frame.length);
            assertFalse(matches && kept, () -> filter + " keeps back " + client + " to " + vip);
            boolean byAddress = (filter.client() == null || filter.client().contains(client))
                    && (filter.virtual() == null || filter.virtual().contains(vip));
            assertEquals(!byAddress, kept, () -> filter + " of " + client + " to " + vip);
            keptBack += kept ? 1 : 0;
        }
        assertTrue(keptBack > 10_000 && keptBack < 40_000, keptBack + " of 50000");
    }

    @Test
    void what_it_cannot_read_is_the_parsers() {
        IpAddress client = IpAddress.parse("10.1.2.3");
        PacketFilter filter = new PacketFilter(IpPrefix.parse("10.9.9.9"), -1, null, -1, -1, -1, -1);
        byte[] frame = PacketBuilder.tcp(client, 1, client, 2).build();
        assertTrue(keepsBack(filter, frame, frame.length));
        byte[] tagged = PacketBuilder.tcp(client, 1, client, 2).tag(0x8100, 7).build();
        assertFalse(keepsBack(filter, tagged, tagged.length));
        byte[] arp = frame.clone();
        arp[13] = 6;
        assertFalse(keepsBack(filter, arp, arp.length));
    }

    /** Never beyond the frame, which may be the last in its memory. */
    @Test
    void it_reads_no_further_than_the_frame() {
        for (String address : new String[] {"10.1.2.3", "2001:db8::3"}) {
            IpAddress client = IpAddress.parse(address);
            byte[] frame = PacketBuilder.tcp(client, 1, client, 2).build();
            PacketFilter filter =
                    new PacketFilter(IpPrefix.parse(address), -1, IpPrefix.parse(address), -1, -1, -1, -1);
            for (int length = 0; length <= frame.length; length++) {
                byte[] cut = Arrays.copyOf(frame, length);
                assertFalse(keepsBack(filter, cut, length));
            }
        }
    }

    private int parse(byte[] frame) {
        return PacketParser.parse(MemorySegment.ofArray(frame), 0, frame.length, view);
    }

    private static boolean keepsBack(PacketFilter filter, byte[] frame, int length) {
        return new AddressSieve(filter).keepsBack(MemorySegment.ofArray(frame), 0, length);
    }

    private IpAddress address(boolean inet6) {
        return inet6 ? IpAddress.ofInet6(random.nextLong(), random.nextLong()) : IpAddress.ofInet(random.nextInt());
    }

    /** One that an address is in, or is not by one bit; or of the other family; or none. */
    private @Nullable IpPrefix prefix(IpAddress of) {
        int bits = of.family().addressBits();
        int length = random.nextInt(bits + 1);
        int flip = random.nextInt(bits);
        return switch (random.nextInt(8)) {
            case 0 -> null;
            case 1 -> IpPrefix.parse(of.family() == AddressFamily.INET ? "2001:db8::/32" : "10.0.0.0/8");
            case 2, 3 -> {
                IpAddress near = flip < 64 ? moved(of, 0, 1L << flip) : moved(of, 1L << (flip - 64), 0);
                yield new IpPrefix(near.and(IpAddress.netmask(of.family(), length)), length);
            }
            default -> new IpPrefix(of.and(IpAddress.netmask(of.family(), length)), length);
        };
    }

    private static IpAddress moved(IpAddress address, long high, long low) {
        return address.family() == AddressFamily.INET
                ? IpAddress.ofInet((int) (address.low() ^ low))
                : IpAddress.ofInet6(address.high() ^ high, address.low() ^ low);
    }
}
