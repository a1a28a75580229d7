package dev.sluice.health;

import java.io.IOException;

/** {@link Probe.Smtp}: greeting, HELO and QUIT of RFC 5321. */
final class SmtpCheck implements Check {
    private static final int MAX_LINE_BYTES = 4096;
    private static final int MAX_LINES = 100;
    private static final long MAX_ANSWER_BYTES = 1 << 18;

    private final Probe.Smtp probe;

    SmtpCheck(Probe.Smtp probe) {
        this.probe = probe;
    }

    @Override
    public CheckResult make(Destination destination, Deadline deadline) throws IOException {
        try (ByteStream stream = ByteStream.open(destination, null, deadline)) {
            AnswerReader reader = new AnswerReader(stream, "SMTP answer", MAX_ANSWER_BYTES);
            deadline.expect("SMTP greeting");
            String greeting = readReply(reader);
            if (!greeting.startsWith("220")) {
                return CheckResult.unhealthy("SMTP greeting \"" + greeting + "\", not 220");
            }
            stream.write(AnswerReader.ascii("HELO " + probe.heloName() + "\r\n"));
            deadline.expect("SMTP answer to HELO");
            String reply = readReply(reader);
            quit(stream, reader);
            return reply.startsWith("250")
                    ? CheckResult.healthy("SMTP greeting \"" + greeting + "\"")
                    : CheckResult.unhealthy("SMTP answer to HELO \"" + reply + "\", not 250");
        }
    }

    /** The last line of a reply; those before it have a hyphen behind the code (RFC 5321 section 4.2.1). */
    private static String readReply(AnswerReader reader) throws IOException {
        for (int i = 0; i < MAX_LINES; i++) {
            String line = reader.line(MAX_LINE_BYTES);
            if (!line.matches("[2-5][0-9]{2}([ -].*)?")) {
                throw new UnhealthyException("answer is not of SMTP: \"" + AnswerReader.printable(line) + "\"");
            }
            if (line.length() == 3 || line.charAt(3) == ' ') {
                return AnswerReader.printable(line);
            }
        }
        throw new UnhealthyException("SMTP answer has more than " + MAX_LINES + " lines");
    }

    /** Polite, so that the server logs no lost connection; what it says does not matter any more. */
    private static void quit(ByteStream stream, AnswerReader reader) {
        try {
            stream.write(AnswerReader.ascii("QUIT\r\n"));
            readReply(reader);
        } catch (IOException e) {
            // It has answered what was asked.
        }
    }
}
