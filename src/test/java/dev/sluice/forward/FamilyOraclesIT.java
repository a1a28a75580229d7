package dev.sluice.forward;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sluice.bench.PacketBuilder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Packets and ICMP errors that have changed their family, in the eyes of scapy, which makes them anew, and of tshark. */
class FamilyOraclesIT {
    private static final int ROUNDS = 400;
    private static final int[] PROTOCOLS = {PacketBuilder.TCP, PacketBuilder.UDP, PacketBuilder.SCTP};
    private static final List<String> FIELDS = List.of(
            "ip.checksum.status",
            "tcp.checksum.status",
            "udp.checksum.status",
            "icmp.checksum.status",
            "icmpv6.checksum.status",
            "sctp.checksum.status");

    @TempDir
    Path directory = Path.of("");

    private final ObjectMapper mapper = new ObjectMapper();
    private final StringBuilder lines = new StringBuilder();
    private final FamilyHarness harness = new FamilyHarness();
    private final Random random = new Random(64);
    private int checked;
    private int translated;

    @BeforeEach
    void cases() throws Exception {
        for (int round = 0; round < ROUNDS; round++) {
            boolean inet6 = (round & 1) != 0;
            packet(inet6);
            pieces(inet6);
            error(inet6);
        }
    }

    private static void put(ArrayNode node, FamilyHarness.Side side) {
        node.add(side.source().toString())
                .add(side.sourcePort())
                .add(side.destination().toString())
                .add(side.destinationPort());
    }

    private void done(ObjectNode node, List<byte[]> in, List<byte @Nullable []> out) throws Exception {
        ArrayNode came = node.putArray("in");
        in.forEach(frame -> came.add(HexFormat.of().formatHex(frame)));
        ArrayNode left = node.putArray("out");
        for (byte @Nullable [] frame : out) {
            left.add(frame == null ? null : HexFormat.of().formatHex(frame));
            checked++;
            translated += frame == null ? 0 : 1;
        }
        lines.append(mapper.writeValueAsString(node)).append('\n');
    }

    private ObjectNode node(String kind, FamilyHarness.Side to) {
        ObjectNode node = mapper.createObjectNode().put("kind", kind);
        put(node.putArray("to"), to);
        return node;
    }

    /** With options, or extension headers, some of them such that nothing can be done. */
    private PacketBuilder random(boolean inet6, int mostBytes) {
        byte[] payload = new byte[random.nextInt(mostBytes)];
        random.nextBytes(payload);
        PacketBuilder packet = FamilyHarness.packet(PROTOCOLS[random.nextInt(3)], FamilyHarness.side(inet6))
                .trafficClass(random.nextInt(256))
                .ttl(1 + random.nextInt(255))
                .payload(payload);
        if (random.nextInt(3) == 0) {
            packet.tag(random.nextBoolean() ? 0x8100 : 0x88a8, random.nextInt(4096));
        }
        if (inet6) {
            packet.flowLabel(random.nextInt(1 << 20));
            int headers = random.nextInt(3);
            for (int i = 0; i < headers; i++) {
                extension(packet);
            }
        } else {
            packet.identification(random.nextInt(65536));
            if (random.nextInt(4) == 0) {
                byte type = (byte) (random.nextBoolean() ? 131 : 137);
                byte pointer = (byte) (4 + 4 * random.nextInt(3));
                packet.ipOptions(
                        (byte) 1, type, (byte) 11, pointer, (byte) 10, (byte) 0, (byte) 0, (byte) 1, (byte) 10,
                        (byte) 0, (byte) 0, (byte) 2);
            } else if (random.nextInt(3) == 0) {
                packet.ipOptions((byte) 148, (byte) 4, (byte) 0, (byte) 0);
            }
            if (random.nextBoolean()) {
                packet.dontFragment();
            }
        }
        return packet;
    }

    private void extension(PacketBuilder packet) {
        switch (random.nextInt(3)) {
            case 0 -> packet.extension(PacketBuilder.HOP_BY_HOP, 8 + 8 * random.nextInt(3));
            case 1 -> packet.extension(PacketBuilder.DESTINATION_OPTIONS, 8 + 8 * random.nextInt(3));
            default -> {
                byte[] routing = new byte[24];
                routing[1] = 2;
                routing[3] = (byte) (random.nextInt(3) == 0 ? 1 : 0);
                packet.extension(PacketBuilder.ROUTING, routing);
            }
        }
    }

    private void packet(boolean inet6) throws Exception {
        PacketBuilder packet = random(inet6, 1500);
        if (inet6 && random.nextInt(4) == 0) {
            packet.fragmentHeader(0, false, random.nextInt());
        }
        if (random.nextInt(5) == 0) {
            packet.padding(1 + random.nextInt(10));
        }
        byte[] frame = packet.build();
        harness.put(frame);
        FamilyHarness.Side to = FamilyHarness.side(!inet6);
        done(node("packet", to), List.of(frame), Collections.singletonList(harness.translate(to)));
    }

    private void pieces(boolean inet6) throws Exception {
        FamilyHarness.Side side = FamilyHarness.side(inet6);
        FamilyHarness.Side to = FamilyHarness.side(!inet6);
        byte[] payload = new byte[200 + random.nextInt(1000)];
        random.nextBytes(payload);
        PacketBuilder packet = FamilyHarness.packet(PROTOCOLS[random.nextInt(2)], side)
                .payload(payload)
                .ttl(9);
        List<byte[]> in = packet.buildFragments(64 + 8 * random.nextInt(30), random.nextInt() >>> (inet6 ? 0 : 16));
        List<byte @Nullable []> out = new ArrayList<>();
        for (byte[] frame : in) {
            harness.put(frame);
            out.add(harness.translate(to));
        }
        done(node("pieces", to), in, out);
    }

    private void error(boolean inet6) throws Exception {
        FamilyHarness.Side back = FamilyHarness.side(inet6).reversed();
        FamilyHarness.Side to = FamilyHarness.side(!inet6);
        PacketBuilder quoted = random(inet6, 1500);
        if (inet6 && random.nextInt(4) == 0) {
            quoted.fragmentHeader(0, random.nextBoolean(), random.nextInt());
        } else if (!inet6 && random.nextInt(4) == 0) {
            quoted.fragment(0, true);
        }
        byte[] whole = quoted.buildPacket();
        byte[] message = Arrays.copyOf(whole, Math.min(whole.length, random.nextInt(inet6 ? 1232 : 1400)));
        int header = inet6 ? headers(whole) : (whole[0] & 15) * 4;
        if (message.length < header + 8) {
            message = Arrays.copyOf(whole, Math.min(whole.length, header + 8));
        }
        int type = inet6 ? 1 + random.nextInt(4) : new int[] {3, 3, 11, 12, 4}[random.nextInt(5)];
        int code = random.nextInt(type == 3 && !inet6 ? 17 : 6);
        int rest = 0;
        if (type == (inet6 ? 2 : 3) && (inet6 || code == 4)) {
            rest = random.nextInt(3) == 0 ? 0 : 1000 + random.nextInt(1000);
        } else if (type == (inet6 ? 4 : 12)) {
            rest = inet6 ? random.nextInt(44) : random.nextInt(24) << 24;
        }
        boolean extendable = inet6 ? type == 1 || type == 3 : type != 4;
        if (extendable && message.length >= 128 && random.nextBoolean()) {
            int unit = inet6 ? 8 : 4;
            int length = 128 / unit + random.nextInt(Math.min(message.length, 480) / unit - 128 / unit + 1);
            message = Arrays.copyOf(message, length * unit + 4 + 4 * random.nextInt(5));
            for (int i = length * unit; i < message.length; i++) {
                message[i] = (byte) random.nextInt();
            }
            rest |= length << (inet6 ? 24 : 16);
        }
        byte[] frame = PacketBuilder.ethernet()
                .ip(back.source(), back.destination())
                .trafficClass(random.nextInt(256))
                .icmp(type, code, rest)
                .payload(message)
                .build();
        harness.put(frame);
        ObjectNode node = node("error", to.reversed());
        put(node.putArray("quoted"), to);
        done(node, List.of(frame), Collections.singletonList(harness.translateError(to)));
    }

    /** All headers of an IPv6 packet. */
    private static int headers(byte[] packet) {
        int next = packet[6];
        int at = 40;
        while (next == 0 || next == 43 || next == 44 || next == 60) {
            int length = next == 44 ? 8 : 8 * ((packet[at + 1] & 255) + 1);
            next = packet[at];
            at += length;
        }
        return at;
    }

    private List<String> exec(String... command) throws Exception {
        Path output = directory.resolve("said");
        int code = new ProcessBuilder(command)
                .redirectOutput(output.toFile())
                .redirectError(directory.resolve("complaints").toFile())
                .start()
                .waitFor();
        List<String> said = Files.readAllLines(output);
        List<String> complaints = new ArrayList<>(said.subList(0, Math.min(30, said.size())));
        complaints.addAll(Files.readAllLines(directory.resolve("complaints")));
        assertEquals(0, code, () -> String.join(" ", command) + "\n" + String.join("\n", complaints));
        return said;
    }

    @Test
    void scapyMakesTheSameAndTsharkFindsNoWrongSum() throws Exception {
        Path file = Files.writeString(directory.resolve("cases.jsonl"), lines);
        Path capture = directory.resolve("out.pcap");
        Path script = Path.of(System.getProperty("sluice.basedir", ""), "src/test/scripts/family-oracle");
        List<String> said = exec(script.toString(), file.toString(), capture.toString());
        assertEquals(checked + " packets checked, 0 bad", said.getLast());
        assertTrue(translated > 3 * ROUNDS, "only " + translated);

        List<String> command = new ArrayList<>(List.of("tshark", "-r", capture.toString(), "-T", "fields"));
        for (String preference : List.of(
                "ip.check_checksum:TRUE",
                "udp.check_checksum:TRUE",
                "tcp.check_checksum:TRUE",
                "sctp.checksum:CRC 32c",
                "ip.defragment:TRUE",
                "ipv6.defragment:TRUE")) {
            command.addAll(List.of("-o", preference));
        }
        FIELDS.forEach(field -> command.addAll(List.of("-e", field)));
        // Of several in a packet the first: an error's own, not what it quotes cut off.
        command.addAll(List.of("-E", "occurrence=f", "-E", "separator=;"));
        List<String> found = exec(command.toArray(String[]::new));
        assertEquals(translated, found.size());
        for (String line : found) {
            String[] statuses = line.split(";", -1);
            boolean error = !statuses[3].isEmpty() || !statuses[4].isEmpty();
            for (int i = 0; i < statuses.length; i++) {
                boolean quoted = error && (i == 1 || i == 2 || i == 5);
                // 0 is bad; 1 good, 2 not verified.
                assertTrue(
                        quoted || !statuses[i].equals("0"), () -> "tshark: " + String.join(";", FIELDS) + " " + line);
            }
        }
        assertTrue(found.stream().filter(line -> line.contains("1")).count() > translated / 2);
    }
}
