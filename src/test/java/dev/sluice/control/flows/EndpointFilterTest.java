package dev.sluice.control.flows;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.packet.AddressFamily;
import dev.sluice.packet.IpAddress;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class EndpointFilterTest {
    @ParameterizedTest
    @CsvSource({
        "10.0.0.0/8, 10.255.255.255, 7, true",
        "10.0.0.0/8, 11.0.0.0, 7, false",
        "10.0.0.1, 10.0.0.1, 7, true",
        "10.0.0.1, 10.0.0.0, 7, false",
        "0.0.0.0/0, 192.0.2.1, 7, true",
        "0.0.0.0/0, 2001:db8::1, 7, false",
        "10.0.0.1:80, 10.0.0.1, 80, true",
        "10.0.0.1:80, 10.0.0.1, 81, false",
        "10.0.0.0/31:80, 10.0.0.1, 80, true",
        ":80, 10.0.0.1, 80, true",
        ":80, 2001:db8::1, 80, true",
        ":80, 2001:db8::1, 8080, false",
        "2001:db8::/32, 2001:db8:ffff::1, 7, true",
        "2001:db8::/32, 2001:db9::, 7, false",
        "2001:db8::/65, 2001:db8::7fff:0:0:1, 7, true",
        "2001:db8::/65, 2001:db8::8000:0:0:1, 7, false",
        "2001:db8::1, 2001:db8::1, 7, true",
        "2001:db8::1, 2001:db8::2, 7, false",
        "::/0, 2001:db8::1, 7, true",
        "::/0, 10.0.0.1, 7, false",
        "[2001:db8::1]:53, 2001:db8::1, 53, true",
        "[2001:db8::1]:53, 2001:db8::1, 54, false",
        "[2001:db8::]/32, 2001:db8::9, 54, true",
        "[2001:db8::]/32:53, 2001:db8::9, 54, false",
    })
    void takes_what_it_says(String filter, String address, int port, boolean taken) {
        IpAddress ip = IpAddress.parse(address);
        assertEquals(
                taken,
                EndpointFilter.parse(filter).matches(ip.family() == AddressFamily.INET6, ip.high(), ip.low(), port));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "10.0.0.256",
                "10.0.0.0/33",
                "10.0.0.1/8",
                "10.0.0.1:",
                "10.0.0.1:65536",
                "10.0.0.1:http",
                ":",
                "[2001:db8::1",
                "[2001:db8::1]80",
                "[10.0.0.1]:80",
                "2001:db8::1::2",
                "real.example",
                "[::1]:",
            })
    void refuses_what_is_none_and_says_what_would_be(String filter) {
        String message = String.valueOf(assertThrows(IllegalArgumentException.class, () -> EndpointFilter.parse(filter))
                .getMessage());
        assertTrue(message.startsWith("\"" + filter + "\": "), message);
        assertTrue(message.contains("allowed: 10.0.0.1"), message);
    }
}
