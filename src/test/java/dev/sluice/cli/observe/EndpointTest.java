package dev.sluice.cli.observe;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine.TypeConversionException;

class EndpointTest {
    private final Endpoint.Converter converter = new Endpoint.Converter();

    @ParameterizedTest
    @CsvSource({
        "10.0.0.1, 10.0.0.1, -1",
        "10.0.0.1:80, 10.0.0.1, 80",
        "10.0.0.0/24, 10.0.0.0/24, -1",
        "10.0.0.0/24:80, 10.0.0.0/24, 80",
        "0.0.0.0/0, 0.0.0.0/0, -1",
        "2001:db8::1, 2001:db8::1, -1",
        "2001:db8::/32, 2001:db8::/32, -1",
        "::/0, ::/0, -1",
        "[2001:db8::1]:443, 2001:db8::1, 443",
        "[2001:db8::1], 2001:db8::1, -1",
        "[2001:db8::/32]:443, 2001:db8::/32, 443",
    })
    void addresses_and_ports(String text, String address, int port) {
        Endpoint endpoint = converter.convert(text);
        assertEquals(address, endpoint.addressText());
        assertEquals(port, endpoint.port());
    }

    @Test
    void a_port_alone() {
        Endpoint endpoint = converter.convert(":80");
        assertEquals(null, endpoint.addressText());
        assertEquals(80, endpoint.port());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "vip",
                "10.0.0.1:",
                "10.0.0.1:65536",
                "10.0.0",
                "10.0.0.1/24",
                "[10.0.0.1",
                "10.0.0.1:80:80",
                "2001:db8::1:g"
            })
    void all_else_is_refused(String text) {
        assertThrows(TypeConversionException.class, () -> converter.convert(text));
    }
}
