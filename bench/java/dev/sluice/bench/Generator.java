package dev.sluice.bench;

import java.time.Duration;

/** Something that sends frames of {@link OfferedTraffic}. Owned by one thread, but where it says otherwise. */
public interface Generator extends AutoCloseable {
    /**
     * Draws the flow of each frame from a table instead of taking flows in turn; the table is gone through again and again.
     * Throws {@link IllegalArgumentException} where the generator cannot.
     *
     * @param flows which flow is next, a power of two of them, 1048576 at most
     */
    void choose(int[] flows);

    /** Sends for so long, or until {@link #pause()} or {@link #stop()}. */
    LiveFrames.Report run(Duration duration, LiveFrames.Pace pace);

    /** Sends so many frames at once. */
    LiveFrames.Report send(int frames);

    /** Has the present run end soon, and no later one. Any thread. */
    void pause();

    /** Has a run end soon, and every later one at once. Any thread. */
    void stop();

    /** Frames sent since it was opened. Any thread, until it is closed. */
    long sent();

    /** How somebody else would run it, for the report. */
    String command();

    @Override
    void close();
}
