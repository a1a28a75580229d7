package dev.sluice.neighbour;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.packet.IpAddress;
import dev.sluice.testing.NetworkNamespace;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A host's addresses as they come and go, told by the kernel within the command that does it. */
class OwnAddressesIT {
    private final NetworkNamespace host = NetworkNamespace.create("sluice-own");
    private OwnAddresses own;

    @BeforeEach
    void open() throws Exception {
        ip("link add name one type veth peer name two");
        ip("addr add 10.77.1.1/24 dev one");
        own = host.in(OwnAddresses::open);
    }

    @AfterEach
    void close() {
        own.close();
        host.close();
    }

    private void ip(String arguments) {
        host.run(("ip " + arguments).split(" "));
    }

    private String all() {
        return own.all().stream()
                .map(IpAddress::toString)
                .filter(text -> !text.equals("127.0.0.1") && !text.equals("::1"))
                .collect(Collectors.toCollection(TreeSet::new))
                .toString();
    }

    @Test
    void allThatAreThereAtFirst() {
        assertFalse(own.process());
        assertEquals("[10.77.1.1]", all());
        assertTrue(own.all().contains(IpAddress.parse("127.0.0.1")));
    }

    @Test
    void whatComesAndGoes() {
        ip("addr add 10.77.1.2/32 dev two");
        ip("addr add fd77::2/64 dev two nodad");
        assertTrue(own.process());
        assertEquals("[10.77.1.1, 10.77.1.2, fd77::2]", all());
        assertFalse(own.process());
        ip("addr del 10.77.1.2/32 dev two");
        ip("addr del fd77::2/64 dev two");
        assertTrue(own.process());
        assertEquals("[10.77.1.1]", all());
        ip("link del one");
        assertTrue(own.process());
        assertEquals("[]", all());
    }

    @Test
    void anAddressOnTwoInterfacesStaysUntilBothAreWithoutIt() {
        ip("addr add 10.77.1.1/24 dev two");
        assertFalse(own.process());
        ip("addr del 10.77.1.1/24 dev one");
        assertFalse(own.process());
        ip("addr del 10.77.1.1/24 dev two");
        assertTrue(own.process());
        assertEquals("[]", all());
    }

    @Test
    void ofALinkWithAPeerOnlyTheOwnEnd() {
        ip("addr add 10.77.3.1 peer 10.77.3.2 dev one");
        ip("addr add fd77:3::1 peer fd77:3::2 dev one nodad");
        assertTrue(own.process());
        assertEquals("[10.77.1.1, 10.77.3.1, fd77:3::1]", all());
    }

    @Test
    void moreThanTheKernelHasRoomToTell() {
        // Each with some hundred bytes of socket buffer, and a socket of 512 KiB: what does not fit is read anew.
        String script = IntStream.range(0, 4000)
                .mapToObj(i -> "addr add 10.78." + (i >> 8) + "." + (i & 255) + "/32 dev one\n")
                .collect(Collectors.joining());
        host.run("sh", "-c", "printf '%s' '" + script + "' | ip -batch -");
        assertTrue(own.process());
        long added = own.all().stream()
                .filter(address -> address.toString().startsWith("10.78."))
                .count();
        assertEquals(4000, added);
    }
}
