package dev.sluice.bench.pipeline;

import dev.sluice.forward.ForwardingSnapshot;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/**
 * What one measurement of the pipeline is of.
 *
 * @param direction of known flows' packets: {@link Direction#IN} unless the method is NAT
 * @param flows how many the table holds
 * @param realServers of each service
 */
record PipelineCase(
        Method method,
        Direction direction,
        Family family,
        int flows,
        Distribution distribution,
        int services,
        int realServers,
        Scenario scenario) {
    /** Images and tables of more would not fit into the memory of common machines. */
    static final int MAX_FLOWS = 16_000_000;

    /** Throws {@link IllegalArgumentException}, with a message fit for users, for a case that cannot be. */
    PipelineCase {
        if (method == Method.NAT && scenario == Scenario.SYNFLOOD) {
            throw new IllegalArgumentException(
                    "nat drops the SYNs of synflood, for no reply could come back: dr, tun, gre, gue or gue-csum");
        }
        if (direction != Direction.IN && !hasDirections(method, scenario)) {
            throw new IllegalArgumentException(keyword(method) + " " + keyword(scenario) + " has no direction \""
                    + keyword(direction) + "\": only nat, in hit and copy");
        }
        if (flows < 64 || flows > MAX_FLOWS) {
            throw new IllegalArgumentException(flows + " flows: 64 to " + MAX_FLOWS + " can be measured");
        }
        int kinds = family == Family.MIXED ? 2 : 1;
        if (services < 1 || services * kinds > ForwardingSnapshot.MAX_SERVICES || realServers < 1) {
            throw new IllegalArgumentException(services + " services with " + realServers
                    + " real servers each: at least one of either, and no more than "
                    + ForwardingSnapshot.MAX_SERVICES / kinds + " services");
        }
        if ((long) services * kinds * realServers > ForwardingSnapshot.MAX_REAL_SERVERS) {
            throw new IllegalArgumentException(services + " services with " + realServers
                    + " real servers each are more than the " + ForwardingSnapshot.MAX_REAL_SERVERS
                    + " real servers of a director" + (kinds == 2 ? ", for there are services of both families" : ""));
        }
    }

    /** A case with packets of both directions where there are any. */
    PipelineCase(
            Method method,
            Family family,
            int flows,
            Distribution distribution,
            int services,
            int realServers,
            Scenario scenario) {
        this(
                method,
                hasDirections(method, scenario) ? Direction.BOTH : Direction.IN,
                family,
                flows,
                distribution,
                services,
                realServers,
                scenario);
    }

    /** Whether known flows have packets of both directions, which may be chosen. */
    static boolean hasDirections(Method method, Scenario scenario) {
        return method == Method.NAT && (scenario == Scenario.HIT || scenario == Scenario.COPY);
    }

    /** The same packets with nothing done to them: what is taken off. */
    PipelineCase copying() {
        return direction == Direction.IN
                ? new PipelineCase(Method.DR, family, flows, distribution, 1, 1, Scenario.COPY)
                : new PipelineCase(Method.NAT, direction, family, flows, distribution, 1, 1, Scenario.COPY);
    }

    /** As JMH is given them and results name them. */
    Map<String, String> parameters() {
        Map<String, String> parameters = new TreeMap<>();
        parameters.put("method", keyword(method));
        if (hasDirections(method, scenario)) {
            parameters.put("direction", keyword(direction));
        }
        parameters.put("family", family.keyword());
        parameters.put("flows", Integer.toString(flows));
        parameters.put("distribution", keyword(distribution));
        parameters.put("services", Integer.toString(services));
        parameters.put("realServers", Integer.toString(realServers));
        parameters.put("scenario", keyword(scenario));
        return parameters;
    }

    /** As the C baseline is given them. */
    List<String> baselineArguments() {
        return List.of(
                "--method",
                keyword(method),
                "--direction",
                keyword(direction),
                "--family",
                family.keyword(),
                "--flows",
                Integer.toString(flows),
                "--distribution",
                keyword(distribution),
                "--services",
                Integer.toString(services),
                "--real-servers",
                Integer.toString(realServers),
                "--scenario",
                keyword(scenario));
    }

    /** In a few words for a terminal. */
    String title() {
        return "%s %s%s, IPv%s, %,d flows %s, %d x %d real servers"
                .formatted(
                        keyword(method),
                        keyword(scenario),
                        hasDirections(method, scenario) ? " " + keyword(direction) : "",
                        family.keyword(),
                        flows,
                        keyword(distribution),
                        services,
                        realServers);
    }

    static String keyword(Enum<?> value) {
        return value.name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    /** Reads a {@link #keyword}; throws {@link IllegalArgumentException} that names those there are. */
    static <E extends Enum<E>> E of(Class<E> type, String keyword) {
        for (E value : type.getEnumConstants()) {
            if (keyword(value).equals(keyword.toLowerCase(Locale.ROOT))) {
                return value;
            }
        }
        throw new IllegalArgumentException("\"" + keyword + "\" is no "
                + type.getSimpleName().toLowerCase(Locale.ROOT) + ": "
                + String.join(
                        ", ",
                        List.of(type.getEnumConstants()).stream()
                                .map(PipelineCase::keyword)
                                .toList()));
    }
}
