package dev.sluice.forward;

import dev.sluice.packet.AddressFamily;
import dev.sluice.packet.IpAddress;
import java.util.Comparator;
import java.util.stream.Stream;

/** Some addresses, to look packets' up in. Immutable. */
final class AddressSet {
    private final long[] high;
    private final long[] low;
    private final boolean[] inet6;

    AddressSet(Stream<IpAddress> addresses) {
        IpAddress[] sorted = addresses
                .distinct()
                .sorted(Comparator.comparingLong(IpAddress::high)
                        .thenComparingLong(IpAddress::low)
                        .thenComparing(IpAddress::family))
                .toArray(IpAddress[]::new);
        high = new long[sorted.length];
        low = new long[sorted.length];
        inet6 = new boolean[sorted.length];
        for (int i = 0; i < sorted.length; i++) {
            high[i] = sorted[i].high();
            low[i] = sorted[i].low();
            inet6[i] = sorted[i].family() == AddressFamily.INET6;
        }
    }

    /** Whether there is none. */
    boolean isEmpty() {
        return low.length == 0;
    }

    /** Whether an address is among them. */
    boolean contains(boolean ofInet6, long addressHigh, long addressLow) {
        int from = 0;
        int to = low.length;
        while (from < to) {
            int middle = (from + to) >>> 1;
            int order = Long.compare(high[middle], addressHigh);
            order = order == 0 ? Long.compare(low[middle], addressLow) : order;
            order = order == 0 ? Boolean.compare(inet6[middle], ofInet6) : order;
            if (order == 0) {
                return true;
            }
            if (order < 0) {
                from = middle + 1;
            } else {
                to = middle;
            }
        }
        return false;
    }
}
