package dev.sluice.forward;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sluice.bench.PacketBuilder;
import dev.sluice.flow.SequenceCopy;
import dev.sluice.flow.SequenceTable;
import dev.sluice.packet.IpAddress;
import dev.sluice.packet.Tcp;
import dev.sluice.packet.Transport;
import dev.sluice.packet.Wire;
import dev.sluice.schedule.HashKey;
import java.lang.foreign.Arena;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Segments that were changed on the way, in the eyes of scapy, which rebuilds them from those that came in. */
class SegmentOraclesIT {
    private static final int ROUNDS = 60;

    @TempDir
    Path directory = Path.of("");

    private final ObjectMapper mapper = new ObjectMapper();
    private final StringBuilder lines = new StringBuilder();
    private final SegmentHarness harness = new SegmentHarness();
    private final Random random = new Random(17);
    private int cases;

    private ObjectNode node(String kind) {
        cases++;
        return mapper.createObjectNode()
                .put("kind", kind)
                .put("in", HexFormat.of().formatHex(harness.before()));
    }

    private void done(ObjectNode node) throws Exception {
        node.put("out", HexFormat.of().formatHex(harness.frame(0)));
        lines.append(mapper.writeValueAsString(node)).append('\n');
    }

    /** Timestamps, and as often two SACK blocks behind them. */
    private byte[] options() {
        boolean sack = random.nextBoolean();
        ByteBuffer options =
                ByteBuffer.allocate(sack ? 32 : 12).putInt(0x0101080a).putLong(random.nextLong());
        if (sack) {
            options.putInt(0x01010512);
            options.putLong(random.nextLong()).putLong(random.nextLong());
        }
        return options.array();
    }

    private PacketBuilder segment(boolean inet6) {
        PacketBuilder segment = SegmentHarness.segment(inet6)
                .tcpFlags(Transport.ACK | (random.nextBoolean() ? 8 : 0))
                .tcpNumbers(random.nextInt() & 0xffff_ffffL, random.nextInt() & 0xffff_ffffL)
                .trafficClass(random.nextInt(256))
                .payloadLength(random.nextInt(200));
        return random.nextBoolean() ? segment.tag(0x8100, random.nextInt(4096)) : segment;
    }

    @Test
    void scapyBuildsTheSame() throws Exception {
        for (int round = 0; round < ROUNDS; round++) {
            boolean inet6 = (round & 1) != 0;
            toa(inet6);
            proxy(inet6);
            ftp(inet6);
            numbers(inet6);
            synAck(inet6);
        }
        Path file = Files.writeString(directory.resolve("cases.jsonl"), lines);
        Path script = Path.of(System.getProperty("sluice.basedir", ""), "src/test/scripts/segment-oracle");
        Path output = directory.resolve("said");
        int code = new ProcessBuilder(script.toString(), file.toString())
                .redirectOutput(output.toFile())
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start()
                .waitFor();
        List<String> said = Files.readAllLines(output);
        assertEquals(0, code, () -> String.join("\n", said));
        assertEquals(cases + " segments checked, 0 bad", said.getLast());
        assertEquals(5 * ROUNDS, cases);
    }

    private void toa(boolean inet6) throws Exception {
        harness.put(segment(inet6)
                .tcpOptions((byte) 1, (byte) 1, (byte) 1, (byte) 0)
                .build());
        boolean client6 = random.nextBoolean();
        long high = client6 ? random.nextLong() : 0;
        long low = client6 ? random.nextLong() : random.nextInt() & 0xffff_ffffL;
        int port = random.nextInt(65536);
        int kind = random.nextBoolean() ? Toa.KIND : Toa.KIND_INET6;
        ByteBuffer option = ByteBuffer.allocate(Toa.lengthBytes(client6))
                .put((byte) kind)
                .put((byte) Toa.lengthBytes(client6))
                .putShort((short) port);
        option.put((client6 ? IpAddress.ofInet6(high, low) : IpAddress.ofInet((int) low)).toBytes());
        ObjectNode node = node("toa").put("option", HexFormat.of().formatHex(option.array()));
        assertTrue(
                Toa.insert(harness.umem, harness.batch, 0, harness.packet, kind, client6, high, low, port, 1500) > 0);
        done(node);
    }

    private void proxy(boolean inet6) throws Exception {
        harness.put(segment(inet6).tcpOptions(options()).build());
        byte[] payload = harness.payload(0);
        IpAddress client = inet6 ? SegmentHarness.CLIENT6 : SegmentHarness.CLIENT4;
        IpAddress virtual = inet6 ? SegmentHarness.VIP6 : SegmentHarness.VIP4;
        ByteBuffer whole = ByteBuffer.allocate(ProxyHeader.lengthBytes(inet6) + payload.length)
                .put(HexFormat.of().parseHex("0d0a0d0a000d0a515549540a21"))
                .put((byte) (inet6 ? 0x21 : 0x11))
                .putShort((short) (inet6 ? 36 : 12))
                .put(client.toBytes())
                .put(virtual.toBytes())
                .putShort((short) 50_001)
                .putShort((short) 443)
                .put(payload);
        ObjectNode node = node("payload").put("payload", HexFormat.of().formatHex(whole.array()));
        assertTrue(ProxyHeader.insert(
                        harness.umem,
                        harness.batch,
                        0,
                        harness.packet,
                        inet6,
                        client.high(),
                        client.low(),
                        50_001,
                        virtual.high(),
                        virtual.low(),
                        443,
                        1500)
                > 0);
        done(node);
    }

    private void ftp(boolean inet6) throws Exception {
        String from = random.nextInt(256) + "," + random.nextInt(256) + ",0," + random.nextInt(256);
        String text = "227 Entering Passive Mode (" + from + ",19," + random.nextInt(256) + ").\r\n";
        harness.put(segment(inet6).payload(SegmentHarness.ascii(text)).build());
        FtpHelper helper = new FtpHelper(harness.umem);
        assertTrue(helper.announcesPassive(harness.batch, 0, harness.packet));
        int address = random.nextInt();
        int port = 1 + random.nextInt(65535);
        String to = IpAddress.ofInet(address).toString().replace('.', ',') + "," + (port >> 8) + "," + (port & 255);
        ObjectNode node = node("payload")
                .put(
                        "payload",
                        HexFormat.of().formatHex(SegmentHarness.ascii("227 Entering Passive Mode (" + to + ").\r\n")));
        helper.replace(harness.batch, 0, harness.packet, false, 0, address & 0xffff_ffffL, port, 1500);
        done(node);
    }

    private void numbers(boolean inet6) throws Exception {
        byte[] options = options();
        harness.put(segment(inet6).tcpOptions(options).build());
        SequenceTable table = new SequenceTable(1, Arena.ofAuto());
        SequenceCopy copy = new SequenceCopy();
        int slot = table.take(1);
        int toServer = random.nextInt(100) - 50;
        int toClient = random.nextInt(100) - 50;
        int sequence = harness.i32(Tcp.SEQUENCE);
        int acknowledgement = harness.i32(Tcp.ACKNOWLEDGEMENT);
        assertTrue(table.resizedToServer(slot, 1, sequence - 1000, toServer));
        // All that is acknowledged, whatever the blocks are, lies behind the change or before it.
        int change = acknowledgement - 1000;
        assertTrue(table.resizedToClient(slot, 1, change, toClient));
        assertTrue(table.read(slot, 1, copy));
        ObjectNode node = node("numbers")
                .put("seq", sequence + toServer & 0xffff_ffffL)
                .put("ack", acknowledgement - toClient & 0xffff_ffffL);
        var blocks = node.putArray("sack");
        long at = Tcp.findOption(harness.umem, harness.packet.l4Offset(), harness.header(), Tcp.SACK);
        for (int i = 0; at != Tcp.NONE && i < 4; i++) {
            int edge = Wire.i32(harness.umem, at + 2 + 4L * i);
            int behind = edge - toClient;
            int shifted = edge - change > 0 ? behind - change < 0 ? change : behind : edge;
            blocks.add(shifted & 0xffff_ffffL);
        }
        copy.shiftToServer(harness.umem, harness.packet.l4Offset(), harness.header());
        done(node);
    }

    private void synAck(boolean inet6) throws Exception {
        boolean ecn = random.nextBoolean();
        boolean sack = random.nextBoolean();
        boolean scale = random.nextBoolean();
        boolean stamped = random.nextBoolean();
        ByteBuffer options = ByteBuffer.allocate(20).putInt(0x020405b4);
        if (stamped) {
            options.putInt(sack ? 0x0402080a : 0x0101080a).putLong(random.nextLong());
        }
        if (scale) {
            options.putInt(0x01030308);
        }
        byte[] all = new byte[options.position()];
        options.flip().get(all);
        harness.put(SegmentHarness.segment(inet6)
                .tcpFlags(Transport.SYN | (ecn ? Tcp.ECE | Tcp.CWR : 0))
                .tcpNumbers(random.nextInt() & 0xffff_ffffL, 0)
                .tcpOptions(all)
                .build());
        SynCookie cookies = new SynCookie(new HashKey(3, 4));
        long nowMs = random.nextInt(Integer.MAX_VALUE);
        int cookie = cookies.make(harness.packet, harness.i32(Tcp.SEQUENCE), 1460, SynCookie.minute(nowMs));
        ObjectNode node = node("synack")
                .put("cookie", cookie & 0xffff_ffffL)
                .put("mss", inet6 ? 1440 : 1460)
                .put("sack", stamped && sack)
                .put("ecn", stamped && ecn);
        if (stamped) {
            int offered = (scale ? 8 : 15) | (sack ? SynCookie.SACK : 0) | (ecn ? SynCookie.ECN : 0);
            node.put("stamp", SynCookie.timestamp(nowMs, offered) & 0xffff_ffffL);
        } else {
            node.putNull("stamp");
        }
        if (stamped && scale) {
            node.put("scale", 7);
        } else {
            node.putNull("scale");
        }
        SynProxy proxy = new SynProxy(harness.umem, cookies, SynProxyPolicy.DEFAULT);
        assertTrue(proxy.answerSyn(harness.batch, 0, harness.packet, 1, 0, nowMs));
        done(node);
    }
}
