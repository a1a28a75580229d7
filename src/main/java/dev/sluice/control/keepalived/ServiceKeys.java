package dev.sluice.control.keepalived;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sluice.packet.AddressFamily;
import dev.sluice.packet.IpAddress;
import dev.sluice.packet.IpPrefix;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/** What a {@code virtual_server} stands for: an address, a mark, or all that a {@code virtual_server_group} lists. */
final class ServiceKeys {
    private static final int MAX_RANGE = 1024;

    private final Notes notes;
    private final ObjectNode top;
    private final Map<String, Statement> groups;

    /**
     * One service.
     *
     * @param address the VIP; null for a mark
     * @param port the port, 0 for all and for a mark
     * @param mark the mark as an unsigned number; 0 for an address
     * @param family what a group says of a mark's family; null when it says nothing
     */
    record Key(
            @Nullable IpAddress address,
            int port,
            int mark,
            @Nullable AddressFamily family) {}

    ServiceKeys(Notes notes, ObjectNode top, Map<String, Statement> groups) {
        this.notes = notes;
        this.top = top;
        this.groups = groups;
    }

    /** The services of a virtual server; what cannot be understood is noted. */
    List<Key> of(Statement server) {
        List<Key> keys = new ArrayList<>();
        List<String> words = server.arguments();
        if (server.argument().equals("group")) {
            Statement group = groups.get(words.size() < 2 ? "" : words.get(1));
            if (group == null) {
                notes.add(top, server, "there is no such virtual_server_group");
            } else {
                group.body().forEach(entry -> addEntry(keys, entry, entry.words()));
            }
        } else {
            addEntry(keys, server, words);
        }
        return keys;
    }

    private void addEntry(List<Key> keys, Statement entry, List<String> words) {
        if (!words.isEmpty() && words.getFirst().equals("fwmark")) {
            OptionalInt mark =
                    words.size() < 2 ? OptionalInt.empty() : Values.integer(words.get(1), 1, Integer.MAX_VALUE);
            if (mark.isEmpty()) {
                notes.add(top, entry, "is no mark of 1-" + Integer.MAX_VALUE);
                return;
            }
            String family = words.size() < 3 ? "" : words.get(2);
            keys.add(new Key(
                    null,
                    0,
                    mark.getAsInt(),
                    switch (family) {
                        case "inet" -> AddressFamily.INET;
                        case "inet6" -> AddressFamily.INET6;
                        default -> null;
                    }));
            return;
        }
        OptionalInt port = words.size() < 2 ? OptionalInt.of(0) : Values.integer(words.get(1), 0, 65535);
        if (words.isEmpty() || words.size() > 2 || port.isEmpty()) {
            notes.add(top, entry, "is no address with a port 0-65535");
            return;
        }
        try {
            for (IpAddress address : addresses(words.getFirst())) {
                keys.add(new Key(address, port.getAsInt(), 0, null));
            }
        } catch (IllegalArgumentException e) {
            notes.add(top, entry, "is no address or range of them (" + e.getMessage() + ")");
        }
    }

    /** {@code 10.0.0.1}, {@code 10.0.0.1-9}, {@code 10.0.0.1-10.0.1.9}, {@code 10.0.0.0/29}, and the same of IPv6. */
    static List<IpAddress> addresses(String text) {
        int slash = text.indexOf('/');
        int dash = text.indexOf('-');
        IpAddress first;
        long count;
        if (slash >= 0) {
            first = IpAddress.parse(text.substring(0, slash));
            OptionalInt length =
                    Values.integer(text.substring(slash + 1), 0, first.family().addressBits());
            if (length.isEmpty()) {
                throw new IllegalArgumentException("no prefix length");
            }
            first = new IpPrefix(first.and(IpAddress.netmask(first.family(), length.getAsInt())), length.getAsInt())
                    .address();
            int bits = first.family().addressBits() - length.getAsInt();
            count = bits > 30 ? Long.MAX_VALUE : 1L << bits;
        } else if (dash >= 0) {
            first = IpAddress.parse(text.substring(0, dash));
            IpAddress last = last(first, text.substring(dash + 1));
            if (first.family() != last.family() || first.high() != last.high()) {
                throw new IllegalArgumentException("too far from the first to the last");
            }
            count = Math.addExact(Math.subtractExact(last.low(), first.low()), 1);
        } else {
            first = IpAddress.parse(text);
            count = 1;
        }
        if (count < 1 || count > MAX_RANGE) {
            throw new IllegalArgumentException("a range has 1-" + MAX_RANGE + " addresses");
        }
        List<IpAddress> addresses = new ArrayList<>();
        for (long i = 0; i < count; i++) {
            addresses.add(new IpAddress(first.family(), first.high(), first.low() + i));
        }
        return addresses;
    }

    /** A whole address, or the last part of one: decimal for IPv4, hexadecimal for IPv6. */
    private static IpAddress last(IpAddress first, String text) {
        if (first.family() == AddressFamily.INET && text.matches("[0-9]{1,3}")) {
            return new IpAddress(first.family(), 0, (first.low() & ~0xffL) | bounded(text, 10, 0xff));
        }
        if (first.family() == AddressFamily.INET6 && text.matches("[0-9A-Fa-f]{1,4}")) {
            return new IpAddress(first.family(), first.high(), (first.low() & ~0xffffL) | bounded(text, 16, 0xffff));
        }
        return IpAddress.parse(text);
    }

    private static long bounded(String digits, int radix, int max) {
        int number = Integer.parseInt(digits, radix);
        if (number > max) {
            throw new IllegalArgumentException("\"" + digits + "\" is too large");
        }
        return number;
    }
}
