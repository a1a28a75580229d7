package dev.sluice.control.config;

import dev.sluice.control.config.TableReader.Element;
import dev.sluice.packet.AddressFamily;
import dev.sluice.packet.IpAddress;
import dev.sluice.packet.IpPrefix;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Reads {@code [director.snat]}. */
final class SourceNatReader {
    private static final String SOURCES = "a list of networks, [\"10.0.1.0/24\", \"fd00:1::/64\"]";
    private static final String ADDRESSES = "a list of no more than one address of each family, [\"203.0.113.5\"]";
    private static final String INTERFACE = "the name of an interface, \"eth0\"";

    private SourceNatReader() {}

    static SourceNatConfig read(TableReader director) {
        TableReader table = director.table("snat", "[director.snat]").orElse(null);
        if (table == null) {
            return SourceNatConfig.NONE;
        }
        List<IpPrefix> sources = sources(table);
        if (!table.has("sources")) {
            table.missing("sources", SOURCES);
        }
        Map<AddressFamily, IpAddress> addresses = addresses(table, sources);
        Optional<String> outgoing = Optional.ofNullable(table.text("interface", INTERFACE));
        if (outgoing.isPresent() && !InterfaceNames.isSound(outgoing.get())) {
            table.wrong("interface", "is no interface name", InterfaceNames.ALLOWED);
        }
        table.finish();
        return new SourceNatConfig(sources, List.copyOf(addresses.values()), outgoing);
    }

    private static List<IpPrefix> sources(TableReader table) {
        List<IpPrefix> sources = new ArrayList<>();
        List<Element<String>> elements = table.list("sources", String.class, SOURCES);
        if (elements.isEmpty() && table.has("sources") && table.sound("sources")) {
            table.wrong("sources", "names no network", SOURCES);
        }
        for (Element<String> element : elements) {
            try {
                IpPrefix source = IpPrefix.parse(element.value());
                Optional<String> kind = AddressRules.notUnicast(source);
                Optional<IpPrefix> same =
                        sources.stream().filter(known -> overlap(known, source)).findFirst();
                if (kind.isPresent()) {
                    table.wrongElement("sources", element, "is " + kind.get(), "networks of real servers");
                } else if (same.isPresent()) {
                    table.wrongElement("sources", element, "overlaps " + same.get(), "networks that do not overlap");
                } else {
                    sources.add(source);
                }
            } catch (IllegalArgumentException e) {
                table.wrongElement("sources", element, "is no network: " + e.getMessage(), SOURCES);
            }
        }
        return sources;
    }

    private static boolean overlap(IpPrefix one, IpPrefix other) {
        if (one.address().family() != other.address().family()) {
            return false;
        }
        IpAddress mask = IpAddress.netmask(one.address().family(), Math.min(one.length(), other.length()));
        return one.address().and(mask).equals(other.address().and(mask));
    }

    private static Map<AddressFamily, IpAddress> addresses(TableReader table, List<IpPrefix> sources) {
        Map<AddressFamily, IpAddress> addresses = new EnumMap<>(AddressFamily.class);
        for (Element<String> element : table.list("addresses", String.class, ADDRESSES)) {
            try {
                IpAddress address = IpAddress.parse(element.value());
                Optional<String> kind = AddressRules.notUnicast(address);
                boolean needed =
                        sources.stream().anyMatch(source -> source.address().family() == address.family());
                if (kind.isPresent()) {
                    table.wrongElement("addresses", element, "is " + kind.get(), ADDRESSES);
                } else if (!needed) {
                    table.wrongElement(
                            "addresses", element, "is of another family than every one of sources", ADDRESSES);
                } else if (addresses.putIfAbsent(address.family(), address) != null) {
                    table.wrongElement("addresses", element, "is the second of its family", ADDRESSES);
                }
            } catch (IllegalArgumentException e) {
                table.wrongElement("addresses", element, "is no IPv4 or IPv6 address", ADDRESSES);
            }
        }
        return addresses;
    }
}
