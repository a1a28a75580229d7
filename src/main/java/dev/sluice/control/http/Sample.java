package dev.sluice.control.http;

import java.util.List;

/**
 * What services and real servers have got so far, cheaper to read than a {@link Reading}: what the page's history is made of.
 * Owned by: the thread that reads it, until the next reading writes its numbers again.
 */
public final class Sample {
    /** Numbers of each service and real server. */
    public static final int COUNTS = 5;

    private final List<String> names;
    private final long[] counts;
    private final long received;
    private final long forwarded;
    private final long dropped;

    /**
     * @param names services as {@code TCP 10.0.0.100:80}, each followed by its real servers as {@link #real} names them; the
     *     same list as in the sample before when nothing has come or gone
     * @param counts for each of them connections, packets in, packets out, bytes in, bytes out; is not copied
     * @param received packets that workers took from RX rings
     * @param forwarded packets put into TX rings
     * @param dropped packets dropped, whatever the reason
     */
    public Sample(List<String> names, long[] counts, long received, long forwarded, long dropped) {
        this.names = names;
        this.counts = counts;
        this.received = received;
        this.forwarded = forwarded;
        this.dropped = dropped;
    }

    /** The name of a real server of a service. */
    public static String real(String service, String endpoint) {
        return service + " -> " + endpoint;
    }

    List<String> names() {
        return names;
    }

    /** One of the numbers of a name. */
    long count(int name, int number) {
        return counts[name * COUNTS + number];
    }

    long received() {
        return received;
    }

    long forwarded() {
        return forwarded;
    }

    long dropped() {
        return dropped;
    }
}
