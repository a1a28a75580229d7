package dev.sluice.control.doctor;

import static dev.sluice.control.doctor.FindingId.DR_NOT_ON_LINK;
import static dev.sluice.control.doctor.FindingId.INTERFACE_DOWN;
import static dev.sluice.control.doctor.FindingId.INTERFACE_MISSING;
import static dev.sluice.control.doctor.FindingId.INTERFACE_NO_CARRIER;
import static dev.sluice.control.doctor.FindingId.MTU_MISMATCH;
import static dev.sluice.control.doctor.FindingId.NAT_GATEWAY_NOT_DIRECTOR;
import static dev.sluice.control.doctor.FindingId.NAT_NO_REPLIES;
import static dev.sluice.control.doctor.FindingId.NEIGHBOUR_MISSING;
import static dev.sluice.control.doctor.FindingId.OFFLOAD_CHECKSUM;
import static dev.sluice.control.doctor.FindingId.OFFLOAD_MERGES_PACKETS;
import static dev.sluice.control.doctor.FindingId.QUEUES_WITHOUT_WORKER;
import static dev.sluice.control.doctor.FindingId.REAL_SERVER_DOWN;
import static dev.sluice.control.doctor.FindingId.REAL_SERVER_PORT_CLOSED;
import static dev.sluice.control.doctor.FindingId.REAL_SERVER_PORT_SILENT;
import static dev.sluice.control.doctor.FindingId.REAL_SERVER_SILENT;
import static dev.sluice.control.doctor.FindingId.RIP_IS_LOCAL;
import static dev.sluice.control.doctor.FindingId.RIP_NO_ROUTE;
import static dev.sluice.control.doctor.FindingId.RIP_ROUTE_DISCARDS;
import static dev.sluice.control.doctor.FindingId.RIP_ROUTE_ELSEWHERE;
import static dev.sluice.control.doctor.FindingId.RP_FILTER_DROPS_REPLIES;
import static dev.sluice.control.doctor.FindingId.SERVICE_ALL_DOWN;
import static dev.sluice.control.doctor.FindingId.SERVICE_ALL_QUIESCED;
import static dev.sluice.control.doctor.FindingId.SERVICE_WITHOUT_QUORUM;
import static dev.sluice.control.doctor.FindingId.SERVICE_WITHOUT_REAL_SERVERS;
import static dev.sluice.control.doctor.FindingId.TUNNEL_ENDPOINT_MISSING;
import static dev.sluice.control.doctor.FindingId.TUNNEL_NO_SOURCE;
import static dev.sluice.control.doctor.FindingId.VIP_MISSING_ON_DIRECTOR;
import static dev.sluice.control.doctor.FindingId.VIP_MISSING_ON_REAL_SERVER;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Tells causes from what follows of them: a real server without neighbour fails its health checks as well. */
final class Consequences {
    private static final Set<FindingId> LINK = Set.of(INTERFACE_MISSING, INTERFACE_DOWN, INTERFACE_NO_CARRIER);
    private static final Set<FindingId> WAY = Set.of(
            RIP_NO_ROUTE,
            RIP_ROUTE_DISCARDS,
            RIP_ROUTE_ELSEWHERE,
            RIP_IS_LOCAL,
            DR_NOT_ON_LINK,
            TUNNEL_NO_SOURCE,
            NEIGHBOUR_MISSING);
    private static final Set<FindingId> HOST = Set.of(
            VIP_MISSING_ON_REAL_SERVER,
            TUNNEL_ENDPOINT_MISSING,
            REAL_SERVER_PORT_CLOSED,
            REAL_SERVER_PORT_SILENT,
            REAL_SERVER_SILENT,
            NAT_GATEWAY_NOT_DIRECTOR,
            RP_FILTER_DROPS_REPLIES,
            MTU_MISMATCH);
    private static final Set<FindingId> SERVICE =
            Set.of(SERVICE_WITHOUT_REAL_SERVERS, SERVICE_ALL_QUIESCED, SERVICE_ALL_DOWN);

    /**
     * What a finding may be a consequence of.
     *
     * @param causes in the order of preference by set
     * @param sameSubject whether they have to be about an address that the finding speaks of
     */
    private record Rule(List<Set<FindingId>> causes, boolean sameSubject) {}

    private static final Map<String, List<Rule>> RULES = rules();

    private Consequences() {}

    private static Map<String, List<Rule>> rules() {
        Map<String, List<Rule>> rules = new LinkedHashMap<>();
        for (FindingId way : WAY) {
            rules.put(way.id(), List.of(new Rule(List.of(LINK), false)));
        }
        rules.put(VIP_MISSING_ON_DIRECTOR.id(), List.of(new Rule(List.of(LINK), false)));
        List<Rule> ofHost = List.of(new Rule(List.of(WAY, HOST), true), new Rule(List.of(LINK), false));
        rules.put(REAL_SERVER_DOWN.id(), ofHost);
        rules.put(SERVICE_ALL_DOWN.id(), ofHost);
        rules.put(SERVICE_WITHOUT_QUORUM.id(), List.of(new Rule(List.of(Set.of(REAL_SERVER_DOWN)), false)));
        rules.put(NAT_NO_REPLIES.id(), ofHost);
        rules.put("drop-no-neighbour", List.of(new Rule(List.of(WAY, LINK), false)));
        rules.put("drop-no-real-server", List.of(new Rule(List.of(SERVICE, WAY), false)));
        rules.put(
                "drop-packet-too-big", List.of(new Rule(List.of(Set.of(MTU_MISMATCH, OFFLOAD_MERGES_PACKETS)), false)));
        rules.put("drop-too-many-frames", List.of(new Rule(List.of(Set.of(OFFLOAD_MERGES_PACKETS)), false)));
        rules.put("xsk-rx-dropped", List.of(new Rule(List.of(Set.of(OFFLOAD_MERGES_PACKETS)), false)));
        rules.put("drop-tcp-without-flow", List.of(new Rule(List.of(Set.of(QUEUES_WITHOUT_WORKER)), false)));
        rules.put(
                "drop-rst-without-flow",
                List.of(new Rule(List.of(Set.of(QUEUES_WITHOUT_WORKER, OFFLOAD_CHECKSUM)), false)));
        rules.put("steering-pass-no-socket", List.of(new Rule(List.of(Set.of(QUEUES_WITHOUT_WORKER)), false)));
        return rules;
    }

    /** The findings with what they follow from, causes first, each severity by itself, otherwise in their order. */
    static List<Finding> sort(List<Finding> findings) {
        List<Finding> sorted = new ArrayList<>();
        for (Finding finding : findings) {
            sorted.add(cause(finding, findings).map(finding::following).orElse(finding));
        }
        sorted.sort(Comparator.<Finding, Boolean>comparing(
                        finding -> finding.follows().isPresent())
                .thenComparing(Finding::severity));
        return sorted;
    }

    private static Optional<String> cause(Finding finding, List<Finding> all) {
        for (Rule rule : RULES.getOrDefault(finding.id(), List.of())) {
            for (Set<FindingId> causes : rule.causes()) {
                for (Finding other : all) {
                    boolean causing = causes.stream().anyMatch(id -> id.id().equals(other.id()));
                    if (causing && !other.equals(finding) && (!rule.sameSubject() || concerns(other, finding))) {
                        return Optional.of(other.id());
                    }
                }
            }
        }
        return Optional.empty();
    }

    /** Whether the address that a cause is about is one that the finding speaks of. */
    private static boolean concerns(Finding cause, Finding finding) {
        for (String word : cause.subject().split("[ ,]+", -1)) {
            boolean address = word.indexOf('.') >= 0 || word.indexOf(':') >= 0;
            if (address
                    && (hasWord(finding.subject(), word)
                            || finding.evidence().stream().anyMatch(line -> hasWord(line, word)))) {
                return true;
            }
        }
        return false;
    }

    private static boolean hasWord(String text, String word) {
        int at = text.indexOf(word);
        while (at >= 0) {
            int end = at + word.length();
            boolean begins = at == 0 || !isOfAddress(text.charAt(at - 1));
            boolean ends = end == text.length()
                    || !isOfAddress(text.charAt(end))
                    || (text.charAt(end) == ':' && (end + 1 == text.length() || text.charAt(end + 1) == ' '));
            if (begins && ends) {
                return true;
            }
            at = text.indexOf(word, at + 1);
        }
        return false;
    }

    private static boolean isOfAddress(char character) {
        return Character.digit(character, 16) >= 0 || character == '.' || character == ':';
    }
}
