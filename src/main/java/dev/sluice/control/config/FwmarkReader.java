package dev.sluice.control.config;

import dev.sluice.packet.IpPrefix;
import dev.sluice.service.FwmarkRule;
import dev.sluice.service.Protocol;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Reads the tables {@code [[fwmark]]}. */
final class FwmarkReader {
    /** As many as the steering program looks through for a packet. */
    static final int MAX_RULES = 256;

    static final long MAX_MARK = 0xffff_ffffL;
    static final String MARK = "an integer 1-" + MAX_MARK;

    private static final String DESTINATION = "\"10.0.0.100\", \"10.0.1.0/24\", \"2001:db8::/64\"";
    private static final String PORTS = "\"80\" or \"8000-8999\", ports 0-65535";
    private static final Pattern PORT_RANGE = Pattern.compile("([0-9]{1,5})(?:-([0-9]{1,5}))?");

    private final Problems problems;

    FwmarkReader(Problems problems) {
        this.problems = problems;
    }

    List<FwmarkRule> read(List<TableReader> tables) {
        List<FwmarkRule> rules = new ArrayList<>();
        for (TableReader table : tables) {
            rule(table).ifPresent(rules::add);
        }
        if (tables.size() > MAX_RULES) {
            problems.value(
                    tables.get(MAX_RULES).position(),
                    "there are " + tables.size() + " [[fwmark]] rules; allowed: at most " + MAX_RULES);
        }
        return rules;
    }

    private static Optional<FwmarkRule> rule(TableReader table) {
        int mark = 0;
        if (table.has("mark")) {
            mark = (int) table.number("mark", 1, MAX_MARK, 0, MARK);
        } else {
            table.missing("mark", MARK);
        }
        Optional<Protocol> protocol =
                table.optionalChoice("protocol", Protocol.class, p -> p.name().toLowerCase(Locale.ROOT));
        IpPrefix destination = null;
        if (table.has("destination")) {
            destination = prefix(table, "destination", DESTINATION);
        } else {
            table.missing("destination", DESTINATION);
        }
        int[] ports = ports(table);
        IpPrefix source = prefix(table, "source", "\"198.51.100.0/24\", of the destination's family");
        table.finish();
        if (destination != null) {
            Optional<String> kind = AddressRules.notUnicast(destination);
            if (kind.isPresent()) {
                boolean single =
                        destination.length() == destination.address().family().addressBits();
                table.wrong(
                        "destination",
                        (single ? "is " : "contains ") + kind.get(),
                        "unicast addresses of the director");
            } else if (source != null
                    && source.address().family() != destination.address().family()) {
                table.wrong("source", "is of another family than destination " + destination, "one family");
            }
        }
        return mark == 0 || destination == null || ports == null || !table.sound("protocol", "destination", "source")
                ? Optional.empty()
                : Optional.of(new FwmarkRule(mark, protocol.orElse(null), destination, ports[0], ports[1], source));
    }

    private static @Nullable IpPrefix prefix(TableReader table, String key, String allowed) {
        String value = table.text(key, allowed);
        if (value == null) {
            return null;
        }
        try {
            return IpPrefix.parse(value);
        } catch (IllegalArgumentException e) {
            table.wrong(key, "is no address or prefix (" + e.getMessage() + ")", allowed);
            return null;
        }
    }

    /** First and last port, null when they are wrong. */
    private static int @Nullable [] ports(TableReader table) {
        String value = table.text("ports", PORTS);
        if (value == null) {
            return table.sound("ports") ? new int[] {0, 65535} : null;
        }
        Matcher range = PORT_RANGE.matcher(value);
        if (range.matches()) {
            int first = Integer.parseInt(range.group(1));
            int last = range.group(2) == null ? first : Integer.parseInt(range.group(2));
            if (first <= last && last <= 65535) {
                return new int[] {first, last};
            }
        }
        table.wrong("ports", "is no port or range of ports", PORTS);
        return null;
    }
}
