package dev.sluice.health;

import java.io.IOException;
import java.net.DatagramPacket;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.nio.channels.DatagramChannel;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import org.jspecify.annotations.Nullable;

/** {@link Probe.Udp}: sends one datagram, and listens to the end for an answer or an ICMP error. */
final class UdpCheck implements Check {
    /** What is behind it of an answer is not looked at. */
    private static final int MAX_DATAGRAM_BYTES = 8192;

    private final Probe.Udp probe;
    private final byte[] payload;
    private final @Nullable BoundedPattern reply;

    UdpCheck(Probe.Udp probe) {
        this.probe = probe;
        payload = HexFormat.of().parseHex(probe.payload());
        reply = probe.reply() == null ? null : new BoundedPattern(probe.reply());
    }

    @Override
    public CheckResult make(Destination destination, Deadline deadline) throws IOException {
        try (DatagramChannel channel = destination.datagrams()) {
            channel.write(ByteBuffer.wrap(payload));
            byte[] answer;
            try {
                answer = receive(channel, deadline);
            } catch (SocketTimeoutException e) {
                return probe.replyRequired() || reply != null
                        ? CheckResult.unhealthy(deadline.text())
                        : CheckResult.healthy("no ICMP error");
            }
            if (reply != null && !reply.isIn(new String(answer, StandardCharsets.ISO_8859_1), deadline)) {
                return CheckResult.unhealthy("answer does not have in it what it must have");
            }
            return CheckResult.healthy("answer of " + answer.length + " octets");
        }
    }

    /** The next datagram from the peer of a connected socket. */
    static byte[] receive(DatagramChannel channel, Deadline deadline) throws IOException {
        channel.socket().setSoTimeout(deadline.remainingMs());
        DatagramPacket packet = new DatagramPacket(new byte[MAX_DATAGRAM_BYTES], MAX_DATAGRAM_BYTES);
        channel.socket().receive(packet);
        byte[] octets = new byte[packet.getLength()];
        System.arraycopy(packet.getData(), 0, octets, 0, octets.length);
        return octets;
    }
}
