package dev.sluice.packet;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class IpPrefixTest {
    @ParameterizedTest
    @CsvSource({
        "10.0.0.0/8, 10.255.255.255, 11.0.0.0",
        "10.0.0.128/25, 10.0.0.255, 10.0.0.127",
        "10.0.0.7, 10.0.0.7, 10.0.0.6",
        "2001:db8::/32, 2001:db8:ffff::1, 2001:db9::",
        "2001:db8::8000:0:0:0/65, 2001:db8::8000:0:0:1, 2001:db8::7000:0:0:0",
        "2001:db8::7, 2001:db8::7, 2001:db8::6",
    })
    void containsWhatBeginsWithItsBits(String prefix, String inside, String outside) {
        assertTrue(IpPrefix.parse(prefix).contains(IpAddress.parse(inside)));
        assertFalse(IpPrefix.parse(prefix).contains(IpAddress.parse(outside)));
    }

    @Test
    void zeroLengthContainsItsFamilyAlone() {
        assertTrue(IpPrefix.parse("0.0.0.0/0").contains(IpAddress.parse("255.1.2.3")));
        assertFalse(IpPrefix.parse("0.0.0.0/0").contains(IpAddress.parse("::")));
        assertTrue(IpPrefix.parse("::/0").contains(IpAddress.parse("ffff::")));
    }

    @ParameterizedTest
    @CsvSource({
        "10.0.0.1/8, 'has bits set beyond its length; the network is 10.0.0.0/8'",
        "10.0.0.0/33, outside 0-32",
        "::/129, outside 0-128",
        "10.0.0.0/, no prefix length 0-32",
        "10.0.0.0/x, no prefix length 0-32",
        "web, not an IPv4 or IPv6 address",
    })
    void refusesWithAReason(String text, String reason) {
        IllegalArgumentException refusal = assertThrows(IllegalArgumentException.class, () -> IpPrefix.parse(text));
        assertTrue(String.valueOf(refusal.getMessage()).contains(reason), refusal::toString);
    }

    @ParameterizedTest
    @CsvSource({
        "INET, 0, 0.0.0.0",
        "INET, 24, 255.255.255.0",
        "INET, 32, 255.255.255.255",
        "INET6, 0, ::",
        "INET6, 64, ffff:ffff:ffff:ffff::",
        "INET6, 65, ffff:ffff:ffff:ffff:8000::",
        "INET6, 128, ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"
    })
    void netmasks(AddressFamily family, int length, String expected) {
        assertEquals(IpAddress.parse(expected), IpAddress.netmask(family, length));
    }
}
