package dev.sluice.cli.flows;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sluice.cli.ExitCode;
import dev.sluice.cli.socket.AdminSocketOption;
import dev.sluice.control.admin.AdminClient;
import dev.sluice.control.admin.AdminException;
import dev.sluice.control.flows.FlowField;
import dev.sluice.control.flows.FlowQuery;
import dev.sluice.stats.ConnectionGroup;
import dev.sluice.stats.ConnectionPage;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code sluice flows}. */
@Command(
        name = "flows",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        header = "List connections: filtered, sorted, counted.",
        description = {
            "",
            "What ipvsadm -Lnc lists, and how long each connection has been idle, the client's packets, and the bytes "
                    + "that the director forwarded for it (requests only with dr and tun, for replies go past the director). "
                    + "Connections only, unless persistence templates are asked for.",
            "",
            "The director looks for what was asked for while it forwards, and answers a part of its tables at a time: a "
                    + "connection that moves meanwhile may be shown twice or not at all.",
            "",
            "Columns never change their order or meaning, are never empty (\"-\") and have no blanks.",
        },
        optionListHeading = "%nOptions:%n",
        footerHeading = "%nExamples:%n",
        footer = {
            "  sluice flows --client 10.1.0.0/16 --state established",
            "  sluice flows --sort bytes --limit 10              who moves most",
            "  sluice flows --idle 10m --real 10.0.0.11          what would be lost with little harm",
            "  sluice flows --expires-within 5s                  what is about to be forgotten",
            "  sluice flows --count-by real,state",
            "  sluice flows --count-by client/24 --limit 20      from which networks they come",
            "  sluice flows --only-templates --service tcp/10.0.0.100:80",
            "  sluice flows --json | jq -r .client | sort -u",
            "",
            "Exit codes: 0 done, 1 the director answered with an error (as no such service), 2 usage, 5 no answer from a "
                    + "director.",
            "See also: docs/observing.md, docs/admin-protocol.md, ipvsadm(8)",
        })
public final class FlowsCommand implements Callable<Integer> {
    /** With a sort this process keeps so many at the most. */
    private static final int MAX_SORTED = 100_000;

    private static final Pattern DURATION = Pattern.compile("([0-9]{1,9})(ms|s|m|h|d|)");
    private static final String COUNT = "count";
    private @Nullable @Spec CommandSpec spec;

    @Mixin
    private final AdminSocketOption socket;

    @Option(
            names = "--client",
            paramLabel = "ADDR",
            description =
                    "From a client: 10.0.0.1, 10.0.0.0/8, 10.0.0.1:1024, [2001:db8::]/32, [2001:db8::1]:1024, :1024.")
    private @Nullable String client;

    @Option(
            names = {"--virtual", "--vip"},
            paramLabel = "ADDR",
            description = "To a VIP, a port, or both, in the same forms.")
    private @Nullable String virtual;

    @Option(names = "--real", paramLabel = "ADDR", description = "On a real server, in the same forms.")
    private @Nullable String real;

    @Option(
            names = "--service",
            paramLabel = "SERVICE",
            description = "Of a virtual service: tcp/10.0.0.100:80, udp/[2001:db8::1]:53, fwm/7, fwm/7/ipv6.")
    private @Nullable String service;

    @Option(
            names = "--protocol",
            paramLabel = "PROTO",
            split = ",",
            description = "tcp, udp, sctp, ah or esp; several with commas.")
    private List<String> protocols = new ArrayList<>();

    @Option(
            names = "--state",
            paramLabel = "STATE",
            split = ",",
            description = "In a state, by the name that is shown; several with commas.")
    private List<String> states = new ArrayList<>();

    @Option(
            names = "--method",
            paramLabel = "METHOD",
            split = ",",
            description = "By dr, tun, nat or fullnat; several with commas.")
    private List<String> methods = new ArrayList<>();

    @Option(names = "--queue", paramLabel = "N", description = "Of the worker of a queue.")
    private @Nullable Integer queue;

    @Option(
            names = "--idle",
            paramLabel = "TIME",
            description = "Without a packet for so long at least: 30s, 10m, 2h; seconds without a unit.")
    private @Nullable String idle;

    @Option(names = "--active-within", paramLabel = "TIME", description = "With a packet in the last so long.")
    private @Nullable String activeWithin;

    @Option(
            names = "--expires-within",
            paramLabel = "TIME",
            description = "Forgotten within so long, if nothing comes.")
    private @Nullable String expiresWithin;

    @Option(names = "--templates", description = "Persistence templates as well.")
    private boolean templates;

    @Option(names = "--only-templates", description = "Persistence templates and no connections.")
    private boolean onlyTemplates;

    @Option(
            names = "--sort",
            paramLabel = "COLUMN",
            description =
                    "Sort by a column: protocol, state, expires, idle, client, virtual, real, service, method, queue, "
                            + "packets, bytes; with --count-by by count, packets, bytes or what is counted by. The greatest come first "
                            + "by idle, packets, bytes and count, and last by all others. Without, connections come as they lie.")
    private @Nullable String sort;

    @Option(
            names = {"-r", "--reverse"},
            description = "Sort the other way round.")
    private boolean reverse;

    @Option(
            names = "--limit",
            paramLabel = "N",
            description = "No more lines than these. At most 100000 lines are sorted.")
    private @Nullable Long limit;

    @Option(
            names = "--count-by",
            paramLabel = "WHAT",
            split = ",",
            description =
                    "Count instead: by client, client/24 (IPv4 networks), client/24/64 (IPv6 networks as well), virtual, "
                            + "real, service, state, protocol, method, queue; several with commas.")
    private List<String> countBy = new ArrayList<>();

    @Option(
            names = "--columns",
            paramLabel = "COLUMN",
            split = ",",
            description =
                    "These columns in this order: those of --sort, and local (where FULLNAT speaks from); or all.")
    private List<String> columns = new ArrayList<>();

    @Option(names = "--no-header", description = "Without the line of column names.")
    private boolean noHeader;

    @Option(names = "--json", description = "A JSON object a line, with all there is.")
    private boolean json;

    /**
     * @param socketOfEnvironment the admin socket that the environment names
     */
    public FlowsCommand(@Nullable Path socketOfEnvironment) {
        socket = new AdminSocketOption(socketOfEnvironment);
    }

    @Override
    public Integer call() throws AdminException {
        CommandSpec own = Objects.requireNonNull(spec);
        Map<String, Object> request;
        List<FlowColumn> shown;
        try {
            request = request();
            shown = shown();
            // The director's own reading of it, so that what is wrong is said before anybody is asked.
            var _ = FlowQuery.parse(new ObjectMapper().<JsonNode>valueToTree(request));
        } catch (IllegalArgumentException e) {
            throw new ParameterException(own.commandLine(), String.valueOf(e.getMessage()), e);
        }
        AdminClient director = socket.client();
        PrintWriter out = own.commandLine().getOut();
        PrintWriter err = own.commandLine().getErr();
        if (countBy.isEmpty()) {
            list(director, request, shown, out, err);
        } else {
            count(director, request, out, err);
        }
        return ExitCode.OK.code();
    }

    private void list(
            AdminClient director, Map<String, Object> request, List<FlowColumn> shown, PrintWriter out, PrintWriter err)
            throws AdminException {
        FlowColumn by = sort == null ? null : FlowColumn.of(sort).orElseThrow();
        boolean descending = by != null && by.isGreatestFirst() != reverse;
        long most = limit != null ? limit : by == null ? Long.MAX_VALUE : MAX_SORTED;
        FlowListing listing = new FlowListing(out, shown, json, by, descending, most);
        ConnectionPage page = director.ask("connections", request, ConnectionPage.class);
        if (!noHeader) {
            listing.header();
        }
        while (listing.take(page) && page.next() != null) {
            page = next(director, request, page);
        }
        listing.finish();
        if (by != null && limit == null && listing.matched() > listing.printed()) {
            err.println("sluice: only the first " + listing.printed() + " of " + listing.matched()
                    + " connections are shown; --limit says how many, and without --sort all are");
            err.flush();
        }
    }

    private void count(AdminClient director, Map<String, Object> request, PrintWriter out, PrintWriter err)
            throws AdminException {
        FlowCounts counts = new FlowCounts(countBy);
        ConnectionPage page = director.ask("connections", request, ConnectionPage.class);
        counts.add(groups(page));
        while (page.next() != null) {
            page = next(director, request, page);
            counts.add(groups(page));
        }
        String by = sort == null ? COUNT : sort;
        boolean greatestFirst = !countBy.contains(by);
        counts.print(out, by, greatestFirst != reverse, limit == null ? Long.MAX_VALUE : limit, json, !noHeader);
        if (counts.isCut()) {
            err.println("sluice: of more than " + FlowCounts.MAX_GROUPS
                    + " different ones the rest is counted as (others); count by less, or filter");
            err.flush();
        }
    }

    private static List<ConnectionGroup> groups(ConnectionPage page) throws AdminException {
        if (page.groups() == null) {
            throw new AdminException("bad_answer", "this director cannot count connections; it is of another version");
        }
        return page.groups();
    }

    private static ConnectionPage next(AdminClient director, Map<String, Object> request, ConnectionPage page)
            throws AdminException {
        Map<String, Object> more = new HashMap<>(request);
        more.put("cursor", Objects.requireNonNull(page.next()));
        return director.ask("connections", more, ConnectionPage.class);
    }

    private Map<String, Object> request() {
        Map<String, Object> request = new HashMap<>();
        request.put("filter", filter());
        if (limit != null && limit < 1) {
            throw new IllegalArgumentException("--limit " + limit + ": at least 1");
        }
        if (!countBy.isEmpty()) {
            checkCounting();
            request.put("count_by", countBy);
        } else if (sort != null) {
            FlowColumn column = FlowColumn.of(sort)
                    .orElseThrow(() -> new IllegalArgumentException(
                            "--sort " + sort + ": there is no such column; there are: " + FlowColumn.keywords()));
            if (limit != null && limit > MAX_SORTED) {
                throw new IllegalArgumentException("--limit " + limit + ": at most " + MAX_SORTED + " are sorted");
            }
            if (limit != null
                    && limit <= FlowQuery.MAX_LIMIT
                    && FlowField.of(sort).isPresent()) {
                // The director sorts, a part of its tables at a time, and sends no more than can come first.
                request.put("order", sort);
                request.put("descending", column.isGreatestFirst() != reverse);
                request.put("limit", limit);
            } else {
                request.put("limit", FlowQuery.MAX_LIMIT);
            }
        } else {
            if (reverse) {
                throw new IllegalArgumentException("--reverse: it goes with --sort");
            }
            request.put("limit", limit == null ? FlowQuery.MAX_LIMIT : Math.min(limit, FlowQuery.MAX_LIMIT));
        }
        return request;
    }

    private void checkCounting() {
        if (sort != null && !List.of(COUNT, "packets", "bytes").contains(sort) && !countBy.contains(sort)) {
            throw new IllegalArgumentException("--sort " + sort + ": with --count-by " + String.join(",", countBy)
                    + " there are: count, packets, bytes, " + String.join(", ", countBy));
        }
        if (!columns.isEmpty()) {
            throw new IllegalArgumentException("--columns: with --count-by they are given");
        }
    }

    private ObjectNode filter() {
        if (templates && onlyTemplates) {
            throw new IllegalArgumentException("--templates and --only-templates exclude each other");
        }
        ObjectNode filter = new ObjectMapper().createObjectNode();
        filter.put("kind", onlyTemplates ? "templates" : templates ? "all" : "connections");
        put(filter, "client", client);
        put(filter, "virtual", virtual);
        put(filter, "real", real);
        put(filter, "service", service);
        put(filter, "protocol", protocols);
        put(filter, "state", states);
        put(filter, "method", methods);
        if (queue != null) {
            filter.put("queue", queue);
        }
        put(filter, "min_idle_ms", "--idle", idle);
        put(filter, "max_idle_ms", "--active-within", activeWithin);
        put(filter, "max_expires_ms", "--expires-within", expiresWithin);
        return filter;
    }

    private static void put(ObjectNode filter, String key, @Nullable String value) {
        if (value != null) {
            filter.put(key, value);
        }
    }

    private static void put(ObjectNode filter, String key, List<String> values) {
        if (!values.isEmpty()) {
            values.forEach(filter.putArray(key)::add);
        }
    }

    private static void put(ObjectNode filter, String key, String option, @Nullable String duration) {
        if (duration != null) {
            Matcher parts = DURATION.matcher(duration.toLowerCase(Locale.ROOT));
            if (!parts.matches()) {
                throw new IllegalArgumentException(
                        option + " " + duration + ": no time; allowed: 30s, 10m, 2h, 1d, 500ms, or seconds");
            }
            long unitMs = switch (parts.group(2)) {
                case "ms" -> 1;
                case "m" -> 60_000;
                case "h" -> 3_600_000;
                case "d" -> 86_400_000;
                default -> 1000;
            };
            filter.put(key, Long.parseLong(parts.group(1)) * unitMs);
        }
    }

    private List<FlowColumn> shown() {
        if (columns.isEmpty()) {
            return FlowColumn.DEFAULT;
        }
        if (columns.equals(List.of("all"))) {
            return List.of(FlowColumn.values());
        }
        return columns.stream()
                .map(word -> FlowColumn.of(word)
                        .orElseThrow(() -> new IllegalArgumentException("--columns " + word
                                + ": there is no such column; there are: all, " + FlowColumn.keywords())))
                .toList();
    }
}
