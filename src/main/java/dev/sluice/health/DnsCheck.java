package dev.sluice.health;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.DatagramChannel;
import java.util.concurrent.ThreadLocalRandom;

/** {@link Probe.Dns}: one query over UDP. */
final class DnsCheck implements Check {
    private final DnsQuestion question;

    DnsCheck(Probe.Dns probe) {
        question = new DnsQuestion(probe.name(), probe.type());
    }

    @Override
    public CheckResult make(Destination destination, Deadline deadline) throws IOException {
        int id = ThreadLocalRandom.current().nextInt(1 << 16);
        try (DatagramChannel channel = destination.datagrams()) {
            channel.write(ByteBuffer.wrap(question.query(id)));
            deadline.expect("DNS answer");
            while (true) {
                byte[] datagram = UdpCheck.receive(channel, deadline);
                // Late answers to other questions, and forged ones, do not end the wait for this one's.
                if (question.isAnswered(datagram, id)) {
                    return question.judge(datagram);
                }
                deadline.expect("DNS answer to this question (others came)");
            }
        }
    }
}
