package dev.sluice.control.warmup;

import dev.sluice.packet.AddressFamily;
import dev.sluice.packet.IpAddress;
import dev.sluice.service.AddressKey;
import dev.sluice.service.Protocol;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * Frames of clients that do not exist (RFC 2544 and RFC 5180 keep their addresses for such use) to virtual services, made once: of
 * each connection a first packet and a later one. Owned by one thread.
 */
final class MadeUpFrames {
    /** Connections to each service. */
    private static final int CONNECTIONS = 64;

    private static final int ETHERNET_BYTES = 14;
    private static final int PAYLOAD_BYTES = 18;
    private static final int TCP_BYTES = 20;
    private static final int UDP_BYTES = 8;
    private static final int PROTOCOL_TCP = 6;
    private static final int PROTOCOL_UDP = 17;
    private static final byte FLAG_FIN_ACK = 0x11;
    private static final byte FLAG_SYN = 0x02;
    private static final byte FLAG_ACK = 0x10;
    /** Of each connection's packets: one opens it and the last one closes it. */
    private static final int PACKETS_A_CONNECTION = 32;

    private final List<byte[]> opening = new ArrayList<>();
    private final List<byte[]> later = new ArrayList<>();
    private final List<byte[]> closing = new ArrayList<>();
    private int next;
    private int round;

    /** Frames to services of TCP and UDP; there must be one. */
    MadeUpFrames(List<AddressKey> services) {
        for (int connection = 0; connection < CONNECTIONS; connection++) {
            for (AddressKey service : services) {
                opening.add(frame(service, connection, FLAG_SYN));
                later.add(frame(service, connection, FLAG_ACK));
                closing.add(frame(service, connection, FLAG_FIN_ACK));
            }
        }
    }

    /** Whether frames to a service can be made up. */
    static boolean canReach(AddressKey service) {
        return service.protocol() == Protocol.TCP || service.protocol() == Protocol.UDP;
    }

    /** The next frame, of another connection than the one before. */
    byte[] next() {
        if (next == opening.size()) {
            next = 0;
            round = (round + 1) % PACKETS_A_CONNECTION;
        }
        int index = next++;
        return (switch (round) {
                    case 0 -> opening;
                    case PACKETS_A_CONNECTION - 1 -> closing;
                    default -> later;
                })
                .get(index);
    }

    private static byte[] frame(AddressKey service, int connection, byte tcpFlags) {
        boolean inet = service.address().family() == AddressFamily.INET;
        boolean tcp = service.protocol() == Protocol.TCP;
        int transportBytes = (tcp ? TCP_BYTES : UDP_BYTES) + PAYLOAD_BYTES;
        ByteBuffer frame = ByteBuffer.allocate(ETHERNET_BYTES + (inet ? 20 : 40) + transportBytes);
        // Locally administered addresses of nobody.
        frame.putShort((short) 0x0200).putInt(1).putShort((short) 0x0200).putInt(2);
        frame.putShort((short) (inet ? 0x0800 : 0x86dd));
        int protocol = tcp ? PROTOCOL_TCP : PROTOCOL_UDP;
        if (inet) {
            frame.put((byte) 0x45).put((byte) 0).putShort((short) (20 + transportBytes));
            frame.putShort((short) connection).putShort((short) 0x4000);
            frame.put((byte) 64).put((byte) protocol).putShort((short) 0);
            frame.put(IpAddress.ofInet(0xc612_0000 + connection).toBytes());
        } else {
            frame.putInt(0x6000_0000).putShort((short) transportBytes);
            frame.put((byte) protocol).put((byte) 64);
            frame.put(IpAddress.ofInet6(0x2001_0002_0000_0000L, connection + 1L).toBytes());
        }
        frame.put(service.address().toBytes());
        frame.putShort((short) (40_000 + connection)).putShort((short) (service.port() == 0 ? 80 : service.port()));
        if (tcp) {
            frame.putInt(1).putInt(1).put((byte) 0x50).put(tcpFlags).putShort((short) 0xffff);
        } else {
            frame.putShort((short) transportBytes);
        }
        if (inet) {
            frame.putShort(ETHERNET_BYTES + 10, headerChecksum(frame));
        }
        return frame.array();
    }

    /** RFC 1071, by itself: the datapath's is to meet no other memory than it will. */
    private static short headerChecksum(ByteBuffer frame) {
        int sum = 0;
        for (int i = 0; i < 20; i += 2) {
            sum += frame.getShort(ETHERNET_BYTES + i) & 0xffff;
        }
        sum = (sum & 0xffff) + (sum >> 16);
        return (short) ~((sum & 0xffff) + (sum >> 16));
    }
}
