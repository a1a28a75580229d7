package dev.sluice.cli.ipvsadm;

import dev.sluice.packet.AddressFamily;
import dev.sluice.packet.IpAddress;
import dev.sluice.service.AddressKey;
import dev.sluice.service.FwmarkKey;
import dev.sluice.service.ServiceKey;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * The order of listings: services by mark, family, protocol, address and port, real servers by address and port.
 *
 * <p>ipvsadm takes the difference of two unsigned 32-bit numbers for a signed one, so 192.0.2.1 stands before 10.0.0.9, and a mark
 * of 4294967295 before services without one. Such an order is not transitive: what a list looks like depends on how it is sorted,
 * which is by merging here as in the C library, from the order in which the kernel lists entries.
 */
final class EntryOrder {
    private EntryOrder() {}

    /** The services in the order of listings. */
    static List<Entries.Service> services(List<Entries.Service> services) {
        return sorted(services, (a, b) -> compare(a.key(), b.key()));
    }

    /** The real servers in the order of listings. */
    static List<Entries.Real> realServers(List<Entries.Real> newestFirst) {
        return sorted(newestFirst, (a, b) -> {
            int byAddress = compare(a.address(), b.address());
            return byAddress != 0 ? byAddress : a.port() - b.port();
        });
    }

    private static int compare(ServiceKey a, ServiceKey b) {
        int byMark = mark(a) - mark(b);
        if (byMark != 0) {
            return byMark;
        }
        int byFamily = a.family().compareTo(b.family());
        if (byFamily != 0 || !(a instanceof AddressKey one) || !(b instanceof AddressKey other)) {
            return byFamily;
        }
        int byProtocol = one.protocol().number() - other.protocol().number();
        if (byProtocol != 0) {
            return byProtocol;
        }
        int byAddress = compare(one.address(), other.address());
        return byAddress != 0 ? byAddress : one.port() - other.port();
    }

    private static int mark(ServiceKey key) {
        return key instanceof FwmarkKey mark ? mark.mark() : 0;
    }

    /** By the words of the first one's family; an IPv4 address has one, of which an IPv6 address has the counterpart in front. */
    private static int compare(IpAddress a, IpAddress b) {
        int words = a.family() == AddressFamily.INET ? 1 : 4;
        for (int i = 0; i < words; i++) {
            int difference = word(a, i) - word(b, i);
            if (difference != 0) {
                return difference;
            }
        }
        return 0;
    }

    private static int word(IpAddress address, int index) {
        if (address.family() == AddressFamily.INET) {
            return index == 0 ? (int) address.low() : 0;
        }
        long half = index < 2 ? address.high() : address.low();
        return (int) (index % 2 == 0 ? half >>> 32 : half);
    }

    /** A merge sort that asks the same questions as glibc's qsort(3); Java's own would refuse a comparison like these. */
    private static <T> List<T> sorted(List<T> list, Comparator<T> order) {
        if (list.size() < 2) {
            return list;
        }
        int half = list.size() / 2;
        List<T> left = sorted(list.subList(0, half), order);
        List<T> right = sorted(list.subList(half, list.size()), order);
        List<T> merged = new ArrayList<>(list.size());
        int l = 0;
        int r = 0;
        while (l < left.size() && r < right.size()) {
            merged.add(order.compare(left.get(l), right.get(r)) <= 0 ? left.get(l++) : right.get(r++));
        }
        merged.addAll(left.subList(l, left.size()));
        merged.addAll(right.subList(r, right.size()));
        return merged;
    }
}
