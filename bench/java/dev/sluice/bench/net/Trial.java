package dev.sluice.bench.net;

import dev.sluice.bench.LiveFrames;

/**
 * Packets sent for a while at a rate, and what came of them.
 *
 * @param offeredPerSecond the rate asked for, 0 for as fast as the generator goes
 * @param sent frames that the generator handed to its interface
 * @param received packets that the sink counted, those included that were still under way at the end
 * @param seconds how long it sent
 * @param receivedPerSecond packets at the sink while it sent
 * @param busy what the CPUs did meanwhile
 */
record Trial(
        long offeredPerSecond, long sent, long received, double seconds, double receivedPerSecond, CpuTimes.Use busy) {
    /** Share of sent packets that did not arrive. */
    double lost() {
        return sent == 0 ? 0 : Math.max(0, (double) (sent - received) / sent);
    }

    /** Whether the generator kept the rate; otherwise the trial says nothing about the subject at that rate. */
    boolean wasOffered() {
        return offeredPerSecond == 0 || sent >= offeredPerSecond * seconds * 0.99;
    }

    /** One trial. Waits for what is under way until nothing more comes. */
    static Trial run(Flood flood, Sink sink, java.time.Duration duration, LiveFrames.Pace pace) {
        long before = sink.counts().packets();
        CpuTimes cpus = CpuTimes.now();
        LiveFrames.Report report = flood.run(duration, pace);
        long atEnd = sink.counts().packets() - before;
        CpuTimes.Use busy = cpus.untilNow();
        long received = settled(sink) - before;
        double seconds = report.elapsed().toNanos() / 1e9;
        return new Trial(pace.framesPerSecond(), report.frames(), received, seconds, atEnd / seconds, busy);
    }

    private static long settled(Sink sink) {
        long count = sink.counts().packets();
        for (int quiet = 0; quiet < 3; ) {
            Pause.ms(30);
            long now = sink.counts().packets();
            quiet = now == count ? quiet + 1 : 0;
            count = now;
        }
        return count;
    }
}
