package dev.sluice.control.keepalived;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sluice.control.config.AddressRules;
import dev.sluice.control.config.LocalAddresses;
import dev.sluice.packet.IpAddress;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Turns {@code local_address_group}, which DPVS's keepalived has, into the local addresses of services. */
final class LocalAddressImport {
    private final Notes notes;
    private final ObjectNode top;
    private final Map<String, Statement> groups;
    private final Set<String> used = new HashSet<>();

    /**
     * @param top where notes go that belong to no service
     */
    LocalAddressImport(Notes notes, ObjectNode top, Map<String, Statement> groups) {
        this.notes = notes;
        this.top = top;
        this.groups = groups;
    }

    /** Puts the addresses of the group that a {@code laddr_group_name} names into a service's table. */
    void put(ObjectNode table, Statement statement) {
        Statement group = groups.get(statement.argument());
        if (group == null) {
            notes.add(table, statement, "there is no such local_address_group");
            return;
        }
        boolean first = used.add(statement.argument());
        Set<IpAddress> addresses = new LinkedHashSet<>();
        for (Statement entry : group.body()) {
            Optional<String> wrong = add(addresses, entry);
            if (first && wrong.isPresent()) {
                notes.add(top, entry, wrong.get());
            }
            if (first && !entry.arguments().isEmpty()) {
                notes.add(
                        top,
                        entry,
                        "the director adds it to no interface: ip address add does, see docs/configuration.md");
            }
        }
        ArrayNode written = table.putArray("local_addresses");
        LocalAddresses.texts(List.copyOf(addresses)).forEach(written::add);
        if (written.isEmpty()) {
            table.remove("local_addresses");
        }
    }

    private static Optional<String> add(Set<IpAddress> addresses, Statement entry) {
        List<IpAddress> more;
        try {
            more = ServiceKeys.addresses(entry.keyword());
        } catch (IllegalArgumentException | ArithmeticException e) {
            return Optional.of("is no address or range of them (" + e.getMessage() + ")");
        }
        for (IpAddress address : more) {
            Optional<String> kind = AddressRules.notUnicast(address);
            if (kind.isPresent()) {
                return Optional.of("is " + kind.get());
            }
        }
        addresses.addAll(more);
        return Optional.empty();
    }

    /** Notes the groups that no virtual server has named. */
    void noteUnused() {
        groups.forEach((name, group) -> {
            if (!used.contains(name)) {
                notes.add(top, group, "no virtual_server uses it");
            }
        });
    }
}
