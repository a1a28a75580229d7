package dev.sluice.cli.observe;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.PrintWriter;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

/** Writes what a director has captured as pcapng, and keeps count. */
final class Recording {
    private final PcapngWriter writer;
    private final List<String> interfaces;
    private long lastId = -1;
    private long packets;
    private long images;
    private boolean readerGone;

    Recording(PcapngWriter writer, List<String> interfaces) {
        this.writer = writer;
        this.interfaces = interfaces;
    }

    void begin(int snapBytes) throws IOException {
        writer.begin("sluice capture", interfaces, snapBytes);
        writer.flush();
    }

    long packets() {
        return packets;
    }

    long bytes() {
        return writer.writtenBytes();
    }

    /** Whether whoever read standard output has gone: no error, it had enough. */
    boolean isReaderGone() {
        return readerGone;
    }

    /**
     * Writes packets.
     *
     * @param limit how many there may be in all
     */
    void write(JsonNode captured, long limit) throws IOException {
        try {
            for (JsonNode image : captured) {
                long id = image.path("id").asLong();
                if (id != lastId && packets >= limit) {
                    break;
                }
                packets += id == lastId ? 0 : 1;
                lastId = id;
                images++;
                boolean outbound = image.path("image").asText().equals("after");
                writer.packet(
                        image.path(outbound ? "out" : "in").asInt(),
                        image.path("timeNs").asLong(),
                        outbound,
                        id,
                        image.path("queue").asInt(),
                        image.path("bytes").binaryValue(),
                        image.path("length").asInt(),
                        comment(image, outbound));
            }
            writer.flush();
        } catch (IOException e) {
            goneOrThrow(e);
        }
    }

    private void goneOrThrow(IOException e) throws IOException {
        if (!String.valueOf(e.getMessage()).contains("Broken pipe")) {
            throw e;
        }
        readerGone = true;
    }

    /** {@code queue 0 in drop no_service}, {@code queue 0 out forwarded flow_new}. */
    static String comment(JsonNode image, boolean outbound) {
        String verdict = image.path("verdict").asText();
        List<String> drops = new ArrayList<>();
        image.path("drops").forEach(name -> drops.add(name.asText()));
        StringBuilder text =
                new StringBuilder("queue ").append(image.path("queue").asInt()).append(outbound ? " out " : " in ");
        if (verdict.equals("dropped") || verdict.equals("refused")) {
            // Of several packets that went together, it was one of these.
            text.append("drop ").append(String.join(image.path("shared").asBoolean() ? " or " : " ", drops));
            if (verdict.equals("refused")) {
                text.append(" icmp_error_sent");
            }
        } else {
            text.append(verdict);
        }
        for (JsonNode event : image.path("events")) {
            if (!text.toString().endsWith(" " + event.asText())) {
                text.append(' ').append(event.asText());
            }
        }
        return text.toString();
    }

    void end(Reading reading) throws IOException {
        if (readerGone) {
            return;
        }
        try {
            Instant now = Instant.now();
            writer.statistics(now.getEpochSecond() * 1_000_000_000 + now.getNano(), packets, reading.lost());
            writer.flush();
        } catch (IOException e) {
            goneOrThrow(e);
        }
    }

    void report(Reading reading, PrintWriter err) {
        err.println(packets + " packets captured in " + images + " images, " + reading.lost() + " lost, "
                + reading.suppressed() + " suppressed");
        err.flush();
    }
}
