package dev.sluice.cli.ipvsadm;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.sluice.packet.IpAddress;
import dev.sluice.service.Protocol;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Names by this machine's resolver, and services of a file. */
class SystemNamesTest {
    @TempDir
    private Path folder;

    @Test
    void servicesHaveNamesAliasesAndProtocols() throws IOException {
        Path file = Files.writeString(folder.resolve("services"), """
                # a comment
                http\t\t80/tcp\t\twww\t# WorldWideWeb HTTP
                domain 53/tcp
                domain 53/udp
                syslog  514/udp

                shell 514/tcp cmd syslog
                broken
                """);
        SystemNames names = new SystemNames(file);
        assertEquals(OptionalInt.of(80), names.portOf("http", Protocol.TCP));
        assertEquals(OptionalInt.of(80), names.portOf("www", Protocol.TCP));
        assertEquals(OptionalInt.of(514), names.portOf("syslog", Protocol.TCP));
        assertEquals(OptionalInt.empty(), names.portOf("http", Protocol.UDP));
        assertEquals(OptionalInt.empty(), names.portOf("#", Protocol.TCP));
        assertEquals(Optional.of("shell"), names.serviceOf(514, Protocol.TCP));
        assertEquals(Optional.of("syslog"), names.serviceOf(514, Protocol.UDP));
        assertEquals(Optional.empty(), names.serviceOf(80, Protocol.SCTP));
        assertEquals(Optional.empty(), names.serviceOf(80, null));
    }

    @Test
    void withoutAFileServicesHaveNoNames() {
        SystemNames names = new SystemNames(folder.resolve("none"));
        assertEquals(OptionalInt.empty(), names.portOf("http", Protocol.TCP));
        assertEquals(Optional.empty(), names.serviceOf(80, Protocol.TCP));
    }

    @Test
    void hostsAreTheSystems() {
        SystemNames names = new SystemNames();
        assertEquals(Optional.of(IpAddress.parse("127.0.0.1")), names.addressOf("localhost"));
        assertEquals(Optional.of("localhost"), names.hostOf(IpAddress.parse("127.0.0.1")));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "10.0.0.08", "1.2.3.4", "256", "::1", "[::1]", "fe80::1%lo"})
    void whatJavaTakesForAnAddressIsNoName(String text) {
        assertEquals(Optional.empty(), new SystemNames().addressOf(text));
    }
}
