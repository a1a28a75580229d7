package dev.sluice.bench.net;

import dev.sluice.bench.LiveFrames;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.Map;
import java.util.concurrent.Future;

/**
 * One start of a director under load, from exec to its stop.
 *
 * @param readyMs until it said that it was ready
 * @param firstPacketMs until the first packet of the flood came to the sink, within a millisecond
 * @param lostAfterReady packets lost since the reading that followed "ready", by cause
 * @param lostSinceAttach packets handed to sockets that never came to the sink
 * @param residentKib its memory at the end, {@code VmRSS}
 */
record StartTrial(
        double readyMs,
        double firstPacketMs,
        Map<String, Long> lostAfterReady,
        long lostSinceAttach,
        long residentKib) {
    /** Of any start, and for each real server that it has to read and to find; one takes about half a millisecond. */
    private static final long PATIENCE_MS = 30_000;

    private static final long PATIENCE_PER_REAL_SERVER_MS = 6;

    /** How long a start may take on a machine that does other things as well. */
    static Duration patience(int realServers) {
        return Duration.ofMillis(PATIENCE_MS + realServers * PATIENCE_PER_REAL_SERVER_MS);
    }

    /**
     * Starts it into a flood that has begun already, and keeps it for so long after it was ready.
     *
     * @param perSecond frames offered
     * @param patience for its start
     */
    static StartTrial run(TestBed bed, SluiceSubject subject, long perSecond, Duration patience, Duration after)
            throws IOException {
        Future<LiveFrames.Report> flooding = bed.flood().start(patience.plus(after), LiveFrames.Pace.of(perSecond));
        Pause.ms(200);
        long before = bed.sink().counts().packets();
        Instant execWall = Instant.now();
        long execNs = System.nanoTime();
        SubjectProcess process = bed.keep(subject.begin(bed.topology(), bed.scenario()));
        try {
            while (bed.sink().counts().packets() == before) {
                process.check();
                if (System.nanoTime() - execNs > patience.toNanos()) {
                    throw new IllegalStateException("no packet in " + patience.toSeconds() + " s: " + process.output());
                }
                Pause.ms(1);
            }
            double firstPacketMs = (System.nanoTime() - execNs) / 1e6;
            process.await(SluiceSubject.READY, patience);
            double readyMs =
                    Duration.between(execWall, readyAt(process.output())).toNanos() / 1e6;
            Path socket = subject.socket(bed.scenario());
            Losses ready = Losses.now(socket, bed.topology());
            Pause.ms(after.toMillis());
            bed.flood().pause();
            var _ = Flood.await(flooding);
            Pause.ms(200);
            Losses end = Losses.now(socket, bed.topology());
            long arrived = bed.sink().counts().packets() - before;
            return new StartTrial(
                    readyMs, firstPacketMs, end.since(ready), end.steered() - arrived, residentKib(process.pid()));
        } finally {
            bed.close(process);
            bed.flood().pause();
            var _ = Flood.await(flooding);
        }
    }

    private static Instant readyAt(String log) {
        String line = log.lines()
                .filter(text -> text.contains(SluiceSubject.READY))
                .findFirst()
                .orElseThrow();
        return OffsetDateTime.parse(line.substring(0, line.indexOf(' '))).toInstant();
    }

    private static long residentKib(long pid) throws IOException {
        return Files.readAllLines(Path.of("/proc/" + pid + "/status")).stream()
                .filter(line -> line.startsWith("VmRSS:"))
                .mapToLong(line -> Long.parseLong(line.replaceAll("[^0-9]", "")))
                .findFirst()
                .orElse(0);
    }
}
