package dev.sluice.bpf;

import static dev.sluice.bpf.SteeringOutcome.PASS_MALFORMED;
import static dev.sluice.bpf.SteeringOutcome.PASS_NO_SERVICE;
import static dev.sluice.bpf.SteeringOutcome.PASS_PROTOCOL;
import static dev.sluice.bpf.SteeringOutcome.STEERED;
import static dev.sluice.bpf.SteeringOutcome.STEERED_FRAGMENT;

import dev.sluice.bench.PacketBuilder;
import dev.sluice.packet.IpAddress;
import dev.sluice.service.AddressKey;
import dev.sluice.service.Protocol;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** SCTP by its ports; AH and ESP by the service of their IKE. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class SteeringProtocolsIT {
    private static final int SCTP = 132;
    private static final int SCTP_HEADER_BYTES = 12;
    private static final IpAddress CLIENT4 = IpAddress.parse("10.0.0.1");
    private static final IpAddress CLIENT6 = IpAddress.parse("2001:db8::1");
    private static final List<IpAddress> VIPS = List.of(IpAddress.parse("10.3.0.1"), IpAddress.parse("2001:db8:3::1"));

    private final VerdictLab lab = new VerdictLab();

    @AfterAll
    void close() {
        lab.close();
    }

    private static PacketBuilder to(IpAddress vip) {
        return PacketBuilder.ethernet().ip(vip.toString().contains(":") ? CLIENT6 : CLIENT4, vip);
    }

    private static PacketBuilder sctp(PacketBuilder packet, int port, int lengthBytes) {
        byte[] bytes = new byte[lengthBytes];
        bytes[0] = (byte) 0x9c;
        bytes[2] = (byte) (port >>> 8);
        bytes[3] = (byte) port;
        return packet.raw(SCTP).payload(bytes);
    }

    @Test
    void sctpByItsPort() {
        for (IpAddress vip : VIPS) {
            AddressKey key = new AddressKey(Protocol.SCTP, vip, 3868);
            byte[] init = sctp(to(vip), 3868, 40).build();
            byte[] bare = sctp(to(vip), 3868, SCTP_HEADER_BYTES).build();
            byte[] other = sctp(to(vip), 3869, 40).build();
            byte[] cut = sctp(to(vip), 3868, SCTP_HEADER_BYTES - 1).build();
            byte[] fragment = vip.toString().contains(":")
                    ? to(vip).fragmentHeader(1448, true, 9)
                            .raw(SCTP)
                            .payloadLength(64)
                            .build()
                    : to(vip).raw(SCTP).fragment(1480, true).payloadLength(64).build();
            lab.expect("no service", init, PASS_NO_SERVICE);
            lab.expect("fragment, no service", fragment, PASS_NO_SERVICE);
            lab.maps.addService(key, 1);
            lab.expect("to the service", init, STEERED);
            lab.expect("common header alone", bare, STEERED);
            lab.expect("to another port", other, PASS_NO_SERVICE);
            lab.expect("cut", cut, PASS_MALFORMED);
            lab.expect("fragment", fragment, STEERED_FRAGMENT);
            lab.expect("tcp to SCTP's port", to(vip).tcp(40000, 3868).build(), PASS_NO_SERVICE);
            lab.maps.removeService(key);
            AddressKey all = new AddressKey(Protocol.SCTP, vip, 0);
            lab.maps.addService(all, 1);
            lab.expect("to any port", other, STEERED);
            lab.maps.removeService(all);
            lab.expect("service gone", init, PASS_NO_SERVICE);
        }
    }

    @Test
    void sctpBehindWhatHasNoFixedLength() {
        AddressKey key4 = new AddressKey(Protocol.SCTP, VIPS.get(0), 5000);
        AddressKey key6 = new AddressKey(Protocol.SCTP, VIPS.get(1), 5000);
        lab.maps.addService(key4, 1);
        lab.maps.addService(key6, 2);
        lab.expect(
                "options",
                sctp(to(key4.address()).ipOptions(new byte[8]), 5000, 12).build(),
                STEERED);
        PacketBuilder hops = to(key6.address()).extension(PacketBuilder.HOP_BY_HOP, 8);
        lab.expect("hop-by-hop", sctp(hops, 5000, 12).build(), STEERED);
        PacketBuilder cut = to(key6.address()).extension(PacketBuilder.HOP_BY_HOP, 8);
        lab.expect("hop-by-hop, cut", sctp(cut, 5000, 11).build(), PASS_MALFORMED);
        lab.maps.removeService(key4);
        lab.maps.removeService(key6);
    }

    @ParameterizedTest
    @ValueSource(ints = {500, 4500, 0})
    void ipsecGoesWhereItsIkeGoes(int port) {
        for (IpAddress vip : VIPS) {
            boolean inet6 = vip.toString().contains(":");
            AddressKey ike = new AddressKey(Protocol.UDP, vip, port);
            byte[] esp = to(vip).raw(PacketBuilder.ESP).payloadLength(40).build();
            byte[] cut = to(vip).raw(PacketBuilder.ESP).payloadLength(7).build();
            lab.expect("no IKE service", esp, PASS_NO_SERVICE);
            lab.maps.addService(ike, 1);
            lab.expect("esp", esp, STEERED);
            lab.expect(
                    "esp of 8 bytes",
                    to(vip).raw(PacketBuilder.ESP).payloadLength(8).build(),
                    STEERED);
            lab.expect("esp, cut", cut, PASS_MALFORMED);
            if (inet6) {
                authenticatedInet6(vip);
            } else {
                lab.expect("ah", authentication(vip, 24), STEERED);
                lab.expect("ah, cut", authentication(vip, 11), PASS_MALFORMED);
                lab.expect(
                        "esp with options",
                        to(vip).ipOptions(new byte[4])
                                .raw(PacketBuilder.ESP)
                                .payloadLength(40)
                                .build(),
                        STEERED);
                lab.expect(
                        "esp fragment",
                        to(vip).raw(PacketBuilder.ESP)
                                .fragment(1480, true)
                                .payloadLength(64)
                                .build(),
                        STEERED_FRAGMENT);
                lab.expect(
                        "ah fragment",
                        to(vip).raw(PacketBuilder.AUTHENTICATION)
                                .fragment(1480, true)
                                .payloadLength(64)
                                .build(),
                        STEERED_FRAGMENT);
            }
            lab.maps.removeService(ike);
            lab.expect("IKE service gone", esp, PASS_NO_SERVICE);
        }
    }

    private static byte[] authentication(IpAddress vip, int lengthBytes) {
        return to(vip).raw(PacketBuilder.AUTHENTICATION)
                .payloadLength(lengthBytes)
                .build();
    }

    /** As IPVS, which looks through ipv6_find_hdr(): what stands behind AH decides. */
    private void authenticatedInet6(IpAddress vip) {
        lab.expect(
                "ah, esp",
                to(vip).extension(PacketBuilder.AUTHENTICATION, 24)
                        .raw(PacketBuilder.ESP)
                        .payloadLength(40)
                        .build(),
                STEERED);
        lab.expect(
                "ah, tcp without service",
                PacketBuilder.tcp(CLIENT6, 1, vip, 80)
                        .extension(PacketBuilder.AUTHENTICATION, 24)
                        .build(),
                PASS_NO_SERVICE);
        lab.expect(
                "ah, ipv6",
                to(vip).extension(PacketBuilder.AUTHENTICATION, 24)
                        .raw(41)
                        .payloadLength(60)
                        .build(),
                PASS_PROTOCOL);
        lab.expect(
                "fragment of esp",
                to(vip).fragmentHeader(1448, true, 9)
                        .raw(PacketBuilder.ESP)
                        .payloadLength(64)
                        .build(),
                STEERED_FRAGMENT);
        lab.expect(
                "fragment of ah",
                to(vip).fragmentHeader(1448, true, 9)
                        .raw(PacketBuilder.AUTHENTICATION)
                        .payloadLength(64)
                        .build(),
                PASS_PROTOCOL);
    }

    @Test
    void otherServicesDoNotBringIpsec() {
        IpAddress vip = IpAddress.parse("10.3.0.2");
        for (AddressKey key : List.of(
                new AddressKey(Protocol.UDP, vip, 501),
                new AddressKey(Protocol.TCP, vip, 500),
                new AddressKey(Protocol.TCP, vip, 0),
                new AddressKey(Protocol.SCTP, vip, 4500))) {
            lab.maps.addService(key, 1);
            lab.expect(
                    key.toString(),
                    to(vip).raw(PacketBuilder.ESP).payloadLength(40).build(),
                    PASS_NO_SERVICE);
            lab.maps.removeService(key);
        }
    }

    @Test
    void ipsecStaysAsLongAsOneOfItsServicesDoes() {
        IpAddress vip = VIPS.getFirst();
        AddressKey ike = new AddressKey(Protocol.UDP, vip, 500);
        AddressKey nat = new AddressKey(Protocol.UDP, vip, 4500);
        byte[] esp = to(vip).raw(PacketBuilder.ESP).payloadLength(40).build();
        lab.maps.addService(ike, 1);
        lab.maps.addService(nat, 2);
        lab.maps.addService(nat, 3);
        lab.maps.removeService(ike);
        lab.expect("one is left", esp, STEERED);
        lab.maps.removeService(nat);
        lab.expect("none is left", esp, PASS_NO_SERVICE);
    }
}
