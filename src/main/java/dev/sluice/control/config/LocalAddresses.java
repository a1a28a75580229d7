package dev.sluice.control.config;

import dev.sluice.packet.IpAddress;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Local addresses of FULLNAT as users write them: single ones, and ranges {@code 10.0.1.6-10.0.1.9}. Any thread. */
public final class LocalAddresses {
    /** How many there may be, over all pools: each has some 64,000 ports. */
    public static final int MAX = 4096;

    /** What is allowed, for messages. */
    public static final String ALLOWED =
            "addresses and ranges, [\"10.0.1.5\", \"10.0.1.6-10.0.1.9\", \"fd00::5\"], at most " + MAX + " in all";

    /** A run of at least so many is written as a range. */
    private static final int RANGE = 3;

    private LocalAddresses() {}

    /**
     * Reads an address or a range.
     *
     * @throws IllegalArgumentException with what is wrong with it, {@code is ...}
     */
    public static List<IpAddress> parse(String text) {
        int dash = text.indexOf('-');
        IpAddress first = address(dash < 0 ? text : text.substring(0, dash));
        IpAddress last = dash < 0 ? first : address(text.substring(dash + 1));
        if (first.family() != last.family()) {
            throw new IllegalArgumentException("is a range from one family into the other");
        }
        if (first.compareTo(last) > 0) {
            throw new IllegalArgumentException("is a range that ends before it begins");
        }
        if (first.high() != last.high() || last.low() - first.low() < 0 || last.low() - first.low() >= MAX) {
            throw new IllegalArgumentException("is a range of more than " + MAX + " addresses");
        }
        List<IpAddress> addresses = new ArrayList<>();
        for (long low = first.low(); low != last.low() + 1; low++) {
            IpAddress address = new IpAddress(first.family(), first.high(), low);
            Optional<String> kind = AddressRules.notUnicast(address);
            if (kind.isPresent()) {
                throw new IllegalArgumentException((dash < 0 ? "is " : "contains " + address + ", ") + kind.get());
            }
            addresses.add(address);
        }
        return addresses;
    }

    private static IpAddress address(String text) {
        try {
            return IpAddress.parse(text.strip());
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException("is no IPv4 or IPv6 address", e);
        }
    }

    /** As {@link #parse} reads them, in their order; runs of consecutive ones as ranges. */
    public static List<String> texts(List<IpAddress> addresses) {
        List<String> texts = new ArrayList<>();
        int from = 0;
        while (from < addresses.size()) {
            int to = from + 1;
            while (to < addresses.size() && to - from < MAX && follows(addresses.get(to - 1), addresses.get(to))) {
                to++;
            }
            if (to - from >= RANGE) {
                texts.add(addresses.get(from) + "-" + addresses.get(to - 1));
                from = to;
            } else {
                texts.add(addresses.get(from).toString());
                from++;
            }
        }
        return texts;
    }

    private static boolean follows(IpAddress before, IpAddress after) {
        return before.family() == after.family()
                && before.high() == after.high()
                && before.low() != -1
                && after.low() == before.low() + 1;
    }

    /** A key's list of them; what is wrong is reported and left out. */
    static List<IpAddress> read(TableReader table, String key) {
        Set<IpAddress> seen = new HashSet<>();
        List<IpAddress> addresses = new ArrayList<>();
        for (TableReader.Element<String> element : table.list(key, String.class, ALLOWED)) {
            Collection<IpAddress> more;
            try {
                more = parse(element.value());
            } catch (IllegalArgumentException e) {
                table.wrongElement(key, element, String.valueOf(e.getMessage()), ALLOWED);
                continue;
            }
            Optional<IpAddress> twice =
                    more.stream().filter(address -> !seen.add(address)).findFirst();
            if (twice.isPresent()) {
                table.wrongElement(key, element, "holds " + twice.get() + ", which is listed already", "each once");
                continue;
            }
            addresses.addAll(more);
            if (addresses.size() > MAX) {
                table.wrongElement(key, element, "brings them to " + addresses.size() + " addresses", ALLOWED);
                return List.of();
            }
        }
        return addresses;
    }
}
