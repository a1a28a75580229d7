package dev.sluice.forward;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sluice.service.Tunnel;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What comes out of the golden packets' pipeline, in the eyes of others: rebuilt by scapy, and dissected by tshark. */
class GoldenOraclesIT {
    /** Cases that come in with a sum, or a length, that tshark rightly complains of. */
    private static final Set<String> BAD_BY_INTENT =
            Set.of("dr: a wrong TCP checksum is the real server's to judge", "relayed: a wrong sum quoted");

    private static final List<String> FIELDS = List.of(
            "ip.checksum.status",
            "tcp.checksum.status",
            "udp.checksum.status",
            "icmp.checksum.status",
            "icmpv6.checksum.status",
            "gre.checksum.status",
            "_ws.malformed");

    private static final int MALFORMED = FIELDS.indexOf("_ws.malformed");

    private static List<GoldenCase> cases = List.of();
    private static final List<List<GoldenRun.Packet>> outputs = new ArrayList<>();

    @TempDir
    Path directory = Path.of("");

    @BeforeAll
    static void run() {
        cases = GoldenPacketsTest.all();
        cases.forEach(golden -> outputs.add(GoldenRun.of(golden)));
    }

    private static List<String> exec(Path output, String... command) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command)
                .redirectOutput(output.toFile())
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        int code = process.waitFor();
        List<String> lines = Files.readAllLines(output);
        assertEquals(0, code, () -> String.join(" ", command) + "\n" + String.join("\n", lines));
        return lines;
    }

    @Test
    void scapyBuildsTheSame() throws Exception {
        ObjectMapper mapper = new ObjectMapper();
        StringBuilder lines = new StringBuilder();
        for (int i = 0; i < cases.size(); i++) {
            lines.append(mapper.writeValueAsString(json(mapper, cases.get(i), outputs.get(i))))
                    .append('\n');
        }
        Path file = Files.writeString(directory.resolve("cases.jsonl"), lines);
        Path script = Path.of(System.getProperty("sluice.basedir", ""), "src/test/scripts/packet-oracle");
        List<String> said = exec(directory.resolve("said"), script.toString(), file.toString());
        long packets = outputs.stream().mapToLong(List::size).sum();
        assertEquals(packets + " packets checked, 0 bad", said.getLast());
        assertTrue(packets > 500);
    }

    private static ObjectNode json(ObjectMapper mapper, GoldenCase golden, List<GoldenRun.Packet> out) {
        GoldenSetup setup = golden.setup;
        Tunnel tunnel = setup.tunnel();
        ObjectNode node = mapper.createObjectNode().put("name", golden.name);
        node.putObject("setup")
                .put("kind", tunnel == null ? "dr" : tunnel.type().keyword())
                .put("checksum", tunnel != null && tunnel.checksum() == Tunnel.Checksum.CSUM)
                .put("port", tunnel == null ? 0 : tunnel.port())
                .put("outer6", setup.outer6())
                .put("rip", setup.rip().toString())
                .put("source", setup.source().toString())
                .put("mtu", setup.mtuBytes())
                .put("vlan", setup.vlan())
                .put("keep_ttl", setup.policy().keepTtl())
                .put("outer_ttl", setup.policy().tunnelTtl())
                .put("pmtu_disc", setup.policy().pmtuDisc());
        ArrayNode in = node.putArray("in");
        golden.steps.forEach(step -> step.in()
                .forEach(packet -> in.addObject()
                        .put("hex", HexFormat.of().formatHex(packet.packet()))
                        .put("first", packet.firstBytes())));
        ArrayNode sent = node.putArray("out");
        out.forEach(packet -> sent.addObject()
                .put("port", packet.port())
                .put("hex", HexFormat.of().formatHex(packet.bytes())));
        return node;
    }

    /** A capture file of Ethernet frames, with the case's number as the time. */
    private Path capture(Set<Integer> which, List<String> names) throws IOException {
        Path file = directory.resolve("out.pcap");
        try (SeekableByteChannel channel = Files.newByteChannel(
                file, StandardOpenOption.CREATE, StandardOpenOption.TRUNCATE_EXISTING, StandardOpenOption.WRITE)) {
            channel.write(order(24)
                    .putInt(0xa1b2c3d4)
                    .putShort((short) 2)
                    .putShort((short) 4)
                    .putLong(0)
                    .putInt(65_535)
                    .putInt(1)
                    .flip());
            for (int i : which) {
                for (GoldenRun.Packet packet : outputs.get(i)) {
                    int length = packet.bytes().length;
                    names.add(cases.get(i).name);
                    channel.write(order(16)
                            .putInt(i)
                            .putInt(0)
                            .putInt(length)
                            .putInt(length)
                            .flip());
                    channel.write(ByteBuffer.wrap(packet.bytes()));
                }
            }
        }
        return file;
    }

    private static ByteBuffer order(int bytes) {
        return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }

    private List<String> tshark(Path capture, boolean defragment) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of("tshark", "-r", capture.toString(), "-T", "fields"));
        for (String header : List.of("ip", "udp", "tcp")) {
            command.addAll(List.of("-o", header + ".check_checksum:TRUE"));
        }
        for (String header : List.of("ip", "ipv6")) {
            command.addAll(List.of("-o", header + ".defragment:" + (defragment ? "TRUE" : "FALSE")));
        }
        // What the payload is not.
        for (String port : List.of("udp.port==6080", "udp.port==5555", "udp.port==53", "tcp.port==80")) {
            command.addAll(List.of("-d", port + ",data"));
        }
        command.addAll(List.of("-E", "separator=;"));
        FIELDS.forEach(field -> command.addAll(List.of("-e", field)));
        return exec(directory.resolve("tshark"), command.toArray(String[]::new));
    }

    /** Whether a packet of a case is bad in tshark's eyes: a status of 0, where 1 is good and 2 not verified (epan/proto.h). */
    private static boolean isBad(String name, String line) {
        String[] fields = line.split(";", -1);
        boolean bad = !fields[MALFORMED].isEmpty();
        for (int field = 0; field < MALFORMED; field++) {
            // Of a TCP segment quoted in part, tshark sums up the part.
            boolean inPart = FIELDS.get(field).startsWith("tcp") && name.startsWith("too big");
            bad |= !inPart && List.of(fields[field].split(",")).contains("0");
        }
        return bad;
    }

    @Test
    void tsharkFindsEveryChecksumGood() throws Exception {
        List<String> names = new ArrayList<>();
        Set<Integer> whole = new TreeSet<>();
        for (int i = 0; i < cases.size(); i++) {
            if (!cases.get(i).name.startsWith("pieces") && !BAD_BY_INTENT.contains(cases.get(i).name)) {
                whole.add(i);
            }
        }
        List<String> lines = tshark(capture(whole, names), false);
        assertEquals(names.size(), lines.size());
        List<String> bad = new ArrayList<>();
        int good = 0;
        for (int i = 0; i < lines.size(); i++) {
            good += lines.get(i).contains("1") ? 1 : 0;
            if (isBad(names.get(i), lines.get(i))) {
                bad.add(names.get(i) + ": " + lines.get(i));
            }
        }
        assertTrue(bad.isEmpty(), () -> String.join("\n", bad));
        assertTrue(good > 400, "packets with a checksum verified: " + good);
    }

    /** Put together again, each case by itself: identifications may be the same in two. */
    @Test
    void tsharkPutsPiecesTogether() throws Exception {
        List<String> bad = new ArrayList<>();
        int transports = 0;
        int wanted = 0;
        for (int i = 0; i < cases.size(); i++) {
            String name = cases.get(i).name;
            if (name.startsWith("pieces: outside") || name.startsWith("pieces: inside")) {
                wanted++;
                List<String> lines = tshark(capture(Set.of(i), new ArrayList<>()), true);
                bad.addAll(lines.stream()
                        .filter(line -> isBad(name, line))
                        .map(line -> name + ": " + line)
                        .toList());
                transports += lines.stream().anyMatch(GoldenOraclesIT::isVerified) ? 1 : 0;
            }
        }
        assertTrue(bad.isEmpty(), () -> String.join("\n", bad));
        assertTrue(wanted > 20);
        assertEquals(wanted, transports, "cases whose innermost checksum could be verified");
    }

    /** Whether TCP's or UDP's checksum was verified, which takes all pieces. */
    private static boolean isVerified(String line) {
        String[] fields = line.split(";", -1);
        return fields[FIELDS.indexOf("tcp.checksum.status")].contains("1")
                || fields[FIELDS.indexOf("udp.checksum.status")].contains("1");
    }
}
