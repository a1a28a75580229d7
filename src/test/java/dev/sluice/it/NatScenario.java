package dev.sluice.it;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;

/** NAT in a topology of {@code vagrant/scenarios}, and packets of all kinds that no program of the scenario sends. */
abstract class NatScenario extends TranslationScenario {
    private final int network;

    /**
     * Runs the scenario.
     *
     * @param network of the real servers, as it stands in their addresses
     * @param directorPorts where the director is plugged into the switch
     */
    NatScenario(String name, int network, String... directorPorts) {
        super(name, directorPorts);
        this.network = network;
    }

    /** TCP, UDP with and without a checksum, SCTP, and ICMP errors about them, octet by octet. */
    @Test
    @Order(6)
    void scapy_translates_them_alike() throws IOException {
        NatPackets packets = new NatPackets(lab(), network);
        Path rules = Files.writeString(lab().state().resolve("packets.rules"), packets.rules(network));
        lab().exec(
                        "director",
                        "sh",
                        "-c",
                        "%s/bin/sluice ipvsadm -R < %s".formatted(System.getProperty("sluice.home"), rules))
                .orFail();
        packets.assertTranslated(network);
        Reading.of(lab()).assertNothingIsLost();
    }
}
