package dev.sluice.control.http;

import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Rates of the last minutes, a value for each second, so that a page has its graphs at once. Bounded: beyond {@link #MAX_SERIES}
 * services and real servers the further ones have a rate, but no graph. Once all are known a tick makes no garbage. Any thread.
 */
final class History {
    /** Ticks that are remembered. */
    static final int WINDOW = 180;

    static final long TICK_NS = 1_000_000_000L;

    /** Those with a graph: 1.5 KB each. */
    static final int MAX_SERIES = 8192;

    private static final float UNKNOWN = -1;
    private static final int PACKETS = 0;
    private static final int CONNECTIONS = 1;
    private static final int RECEIVED = 0;
    private static final int FORWARDED = 1;
    private static final int DROPPED = 2;
    private static final double[] NO_RATES = new double[Sample.COUNTS];

    private final long startNs;
    private final Series totals = new Series(3, 3);
    private List<String> names = List.of();
    private List<Series> series = List.of();
    private Map<String, Series> byName = Map.of();
    private long tick;
    private long lastNs;

    /** The rates of something, and what of them is drawn. */
    private static final class Series {
        final long[] last;
        final double[] rates;
        final float @Nullable [][] rings;
        boolean known;

        Series(int counts, int graphs) {
            last = new long[counts];
            rates = new double[counts];
            rings = graphs == 0 ? null : new float[graphs][WINDOW];
            if (rings != null) {
                for (float[] ring : rings) {
                    Arrays.fill(ring, UNKNOWN);
                }
            }
        }

        void rate(int number, long now, double seconds) {
            // Below 0 when somebody has set them to zero, as by ipvsadm -Z.
            rates[number] = known ? Math.max(0, (now - last[number]) / seconds) : 0;
            last[number] = now;
        }

        void draw(int graph, int place, double value) {
            if (rings != null) {
                rings[graph][place] = known ? (float) value : UNKNOWN;
            }
        }
    }

    /**
     * @param nowNs the time by a clock like {@link System#nanoTime}
     */
    History(long nowNs) {
        startNs = nowNs;
        lastNs = nowNs;
    }

    /** How long to wait for the middle of the next tick, in nanoseconds. */
    synchronized long untilNextNs(long nowNs) {
        return startNs + (tick + 1) * TICK_NS + TICK_NS / 2 - nowNs;
    }

    /** Takes in what has come since the last time; twice within a tick is once. */
    synchronized void tick(Sample sample, long nowNs) {
        long now = (nowNs - startNs) / TICK_NS;
        // A rate of a moment says nothing: after a tick that came late the next one is passed over.
        if (now <= tick || nowNs - lastNs < TICK_NS / 2) {
            return;
        }
        if (!sample.names().equals(names)) {
            take(sample.names());
        }
        double seconds = (nowNs - lastNs) / (double) TICK_NS;
        for (int i = 0; i < series.size(); i++) {
            Series one = series.get(i);
            for (int number = 0; number < Sample.COUNTS; number++) {
                one.rate(number, sample.count(i, number), seconds);
            }
        }
        totals.rate(RECEIVED, sample.received(), seconds);
        totals.rate(FORWARDED, sample.forwarded(), seconds);
        totals.rate(DROPPED, sample.dropped(), seconds);
        // Of ticks that were missed, as on a machine that has much to do, the mean is known as well.
        for (long at = Math.max(tick + 1, now - WINDOW + 1); at <= now; at++) {
            draw(place(at));
        }
        series.forEach(one -> one.known = true);
        totals.known = true;
        tick = now;
        lastNs = nowNs;
    }

    private void draw(int place) {
        for (int i = 0; i < series.size(); i++) {
            Series one = series.get(i);
            one.draw(PACKETS, place, one.rates[1] + one.rates[2]);
            one.draw(CONNECTIONS, place, one.rates[0]);
        }
        for (int i = 0; i < totals.rates.length; i++) {
            totals.draw(i, place, totals.rates[i]);
        }
    }

    private static int place(long tick) {
        return (int) (tick % WINDOW);
    }

    private void take(List<String> current) {
        Map<String, Series> map = new HashMap<>();
        List<Series> list = new ArrayList<>();
        for (String name : current) {
            Series before = byName.get(name);
            Series one = before != null ? before : new Series(Sample.COUNTS, list.size() < MAX_SERIES ? 2 : 0);
            map.put(name, one);
            list.add(one);
        }
        names = current;
        byName = map;
        series = list;
    }

    /** The number of the latest tick. */
    synchronized long tick() {
        return tick;
    }

    /** Of a service or a real server: connections, packets in and out, bytes in and out in a second. */
    synchronized double[] rates(String name) {
        Series one = byName.get(name);
        return one == null ? NO_RATES : one.rates.clone();
    }

    /** Packets received, forwarded and dropped in a second. */
    synchronized double[] totalRates() {
        return totals.rates.clone();
    }

    /** Writes what was received, forwarded and dropped, oldest first. */
    synchronized void writeTotals(JsonGenerator out) throws IOException {
        write(out, "received", totals, RECEIVED);
        write(out, "forwarded", totals, FORWARDED);
        write(out, "dropped", totals, DROPPED);
    }

    /** Writes the graphs of a service or a real server as two fields, none when it has none. */
    synchronized void write(JsonGenerator out, String name) throws IOException {
        Series one = byName.get(name);
        if (one != null && one.rings != null) {
            write(out, "packets", one, PACKETS);
            write(out, "connections", one, CONNECTIONS);
        }
    }

    private void write(JsonGenerator out, String field, Series one, int graph) throws IOException {
        out.writeArrayFieldStart(field);
        float[][] rings = one.rings;
        for (long at = Math.max(1, tick - WINDOW + 1); rings != null && at <= tick; at++) {
            float value = rings[graph][place(at)];
            if (value < 0) {
                out.writeNull();
            } else {
                out.writeNumber(Math.round((double) value));
            }
        }
        out.writeEndArray();
    }
}
