package dev.sluice.cli.ipvsadm;

import dev.sluice.control.admin.AdminException;
import dev.sluice.service.SchedulerKind;
import dev.sluice.service.ServiceKey;
import java.io.PrintStream;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** Carries out a request by asking the director. */
final class Execution {
    /** What ipvsadm exits with when the service to list is not there. */
    private static final int NOT_LISTED = 1;

    private static final String NO_SUCH_SERVICE = "No such service";
    private static final String NO_SUCH_SCHEDULER = "Scheduler or persistence engine not found";

    /** What to say of the sync daemon. */
    static final String NO_SYNC_DAEMON = "No sync daemon here: directors agree on connections by scheduler maglev,"
            + " and one that restarts keeps them with flow_table_memory = \"shared\"";

    /** What to say of SIP. */
    static final String NO_SIP = NO_SUCH_SCHEDULER + ": there is no persistence engine sip here";

    private final Director director;
    private final Names names;
    private final PrintStream out;

    Execution(Director director, Names names, PrintStream out) {
        this.director = director;
        this.names = names;
        this.out = out;
    }

    /**
     * Carries out every request but those that need no director, and {@code -R}.
     *
     * @throws IpvsadmException when the director refuses, or there is none
     */
    void run(Request request) throws IpvsadmException {
        try {
            switch (request.command()) {
                case LIST -> list(request);
                case SAVE -> new RulePrinter(out, names(request)).all(Entries.read(director.ask("table", Map.of())));
                case LIST_LOCAL -> listLocalAddresses(request);
                case SET -> setTimeouts(request.timeoutsSeconds());
                case START_DAEMON -> throw IpvsadmException.refused(NO_SYNC_DAEMON);
                case STOP_DAEMON -> throw IpvsadmException.refused("No daemon is running");
                default -> change(request);
            }
        } catch (AdminException e) {
            throw failure(request.command(), e);
        }
    }

    private EntryNames names(Request request) {
        return new EntryNames(request.has(IpvsOption.NUMERIC), names);
    }

    private void list(Request request) throws AdminException, IpvsadmException {
        if (request.has(IpvsOption.CONNECTION)) {
            listConnections(request);
        } else if (request.has(IpvsOption.TIMEOUT)) {
            Json timeouts = director.ask("timeouts", Map.of());
            out.print("Timeout (tcp tcpfin udp): " + timeouts.path("tcp").number() + " "
                    + timeouts.path("tcpfin").number() + " "
                    + timeouts.path("udp").number() + "\n");
        } else if (!request.has(IpvsOption.DAEMON)) {
            Json table = director.ask("table", Map.of());
            List<Entries.Service> services = Entries.read(table);
            TablePrinter printer = new TablePrinter(out, names(request), request);
            if (request.service() == null) {
                printer.all(services, table.path("size").number());
            } else {
                printer.one(find(services, request.service().key()));
            }
        }
    }

    private static Entries.Service find(List<Entries.Service> services, ServiceKey key) throws IpvsadmException {
        return services.stream()
                .filter(service -> service.key().equals(key))
                .findFirst()
                .orElseThrow(() -> IpvsadmException.fatal(NO_SUCH_SERVICE, NOT_LISTED));
    }

    private void listLocalAddresses(Request request) throws AdminException, IpvsadmException {
        Request.Service asked = Objects.requireNonNull(request.service(), "the command needs it");
        Entries.Service service = find(Entries.read(director.ask("table", Map.of())), asked.key());
        new LocalAddressPrinter(out, names(request)).service(service);
    }

    private void listConnections(Request request) throws AdminException {
        ConnectionPrinter printer = new ConnectionPrinter(out, names(request));
        Json page = director.ask("connections", Map.of());
        printer.header(request.has(IpvsOption.PERSISTENT_CONN));
        while (true) {
            page.path("connections").elements().forEach(printer::connection);
            String next = page.path("next").string();
            if (next == null) {
                return;
            }
            page = director.ask("connections", Map.of("cursor", next));
        }
    }

    private void setTimeouts(List<Integer> seconds) throws AdminException {
        director.ask("set-timeouts", Map.of("tcp", seconds.get(0), "tcpfin", seconds.get(1), "udp", seconds.get(2)));
    }

    private void change(Request request) throws AdminException, IpvsadmException {
        Map<String, Object> arguments = new LinkedHashMap<>();
        Request.Service service = request.service();
        if (service != null) {
            boolean settings =
                    request.command() == IpvsCommand.ADD_SERVICE || request.command() == IpvsCommand.EDIT_SERVICE;
            if (settings) {
                checkSupported(request.command(), service);
            }
            arguments.put("service", settings ? Wire.service(service, request.translation()) : Wire.key(service.key()));
        }
        Request.Real real = request.real();
        if (real != null) {
            arguments.put(
                    "real", request.command() == IpvsCommand.DELETE_SERVER ? Wire.realKey(real) : Wire.real(real));
        }
        if (request.has(IpvsOption.LOCAL_ADDRESS)) {
            arguments.put("local_addresses", request.translation().localAddresses());
        }
        String interfaceName = request.translation().interfaceName();
        if (interfaceName != null) {
            arguments.put("interface", interfaceName);
        }
        director.ask(word(request.command()), arguments);
    }

    /** Refuses what the kernel would not find, but only where it would have come to look for it. */
    private void checkSupported(IpvsCommand command, Request.Service service) throws AdminException, IpvsadmException {
        boolean scheduler = Arrays.stream(SchedulerKind.values())
                .anyMatch(kind -> kind.keyword().equals(service.scheduler()));
        if (scheduler && service.engine().isEmpty()) {
            return;
        }
        boolean present = Entries.read(director.ask("table", Map.of())).stream()
                .anyMatch(entry -> entry.key().equals(service.key()));
        if (present && command == IpvsCommand.ADD_SERVICE) {
            throw IpvsadmException.refused("Service already exists");
        }
        if (!present && command == IpvsCommand.EDIT_SERVICE) {
            throw IpvsadmException.refused(NO_SUCH_SERVICE);
        }
        throw IpvsadmException.refused(scheduler && service.engine().equals("sip") ? NO_SIP : NO_SUCH_SCHEDULER);
    }

    private static String word(IpvsCommand command) {
        return switch (command) {
            case ADD_SERVICE -> "service-add";
            case EDIT_SERVICE -> "service-edit";
            case DELETE_SERVICE -> "service-delete";
            case ADD_SERVER -> "real-add";
            case EDIT_SERVER -> "real-edit";
            case DELETE_SERVER -> "real-delete";
            case ADD_LOCAL -> "local-add";
            case DELETE_LOCAL -> "local-delete";
            case FLUSH -> "flush";
            case ZERO -> "zero";
            default -> throw new IllegalArgumentException(command.name());
        };
    }

    /** An error of the admin protocol in the words of ipvsadm. */
    private static IpvsadmException failure(IpvsCommand command, AdminException error) {
        if (error.isUnreachable()) {
            return IpvsadmException.fatal("Can't initialize ipvs: " + error.getMessage(), IpvsadmException.USAGE);
        }
        boolean server = command == IpvsCommand.ADD_SERVER
                || command == IpvsCommand.EDIT_SERVER
                || command == IpvsCommand.DELETE_SERVER;
        return IpvsadmException.refused(
                switch (error.code()) {
                    case "service_exists" -> "Service already exists";
                    case "service_not_found" -> server ? "Service not defined" : NO_SUCH_SERVICE;
                    case "real_exists" -> "Destination already exists";
                    case "real_not_found" -> "No such destination";
                    case "out_of_range" -> "Numerical result out of range";
                    case "not_unicast" -> "Invalid operation.  Possibly wrong module version, address not unicast, ...";
                    default -> Objects.requireNonNullElse(error.getMessage(), error.code());
                });
    }
}
