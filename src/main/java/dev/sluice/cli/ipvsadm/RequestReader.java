package dev.sluice.cli.ipvsadm;

import dev.sluice.cli.ipvsadm.SwitchScanner.Scanned;
import dev.sluice.control.config.LocalAddresses;
import dev.sluice.packet.IpAddress;
import java.util.ArrayList;
import java.util.Deque;
import java.util.EnumSet;
import java.util.List;
import java.util.OptionalLong;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Makes a {@link Request} of a command line, or says what is wrong with it in the words of ipvsadm. Touches nothing but
 * {@link Names}, and that only for what is no number.
 */
final class RequestReader {
    /** 31 days. */
    static final int MAX_TIMEOUT_SECONDS = 31 * 24 * 60 * 60;

    private final SwitchScanner scanner;
    private final String tryHelp;
    private final Set<IpvsOption> options = EnumSet.noneOf(IpvsOption.class);
    private final ServiceReader service;
    private final RealReader real;
    private List<String> localAddresses = List.of();
    private @Nullable String interfaceName;
    private @Nullable Boolean synProxy;

    private RequestReader(List<String> words, String name, Names names) {
        scanner = new SwitchScanner(words);
        tryHelp = "Try `" + name + " -h' or '" + name + " --help' for more information.";
        service = new ServiceReader(names);
        real = new RealReader(names, service);
    }

    /**
     * Reads a command line.
     *
     * @param words the command line without the command's own name
     * @param name the command's own name, for hints
     * @param restoring whether it is a line of {@code -R}, which knows no {@code -R} itself
     * @throws IpvsadmException when it makes no sense
     */
    static Request read(List<String> words, String name, boolean restoring, Names names) throws IpvsadmException {
        if (words.isEmpty()) {
            RequestReader nothing = new RequestReader(words, name, names);
            return nothing.request(IpvsCommand.LIST, List.of(), "");
        }
        return new RequestReader(words, name, names).read(restoring);
    }

    private Request read(boolean restoring) throws IpvsadmException {
        Scanned first = first();
        IpvsCommand command = first == null ? null : command(first.name());
        boolean alone = command != null && command.isBeyondIpvs() && !scanner.hasMore();
        if (first == null || command == null || alone || (restoring && command == IpvsCommand.RESTORE)) {
            throw IpvsadmException.fatal(tryHelp, IpvsadmException.REFUSED);
        }
        if (command == IpvsCommand.HELP || command == IpvsCommand.VERSION) {
            return request(command, List.of(), "");
        }
        String daemon = first.value() == null ? "" : first.value();
        checkDaemon(command, daemon);
        for (Scanned scanned = scanner.next(); scanned != null; scanned = scanner.next()) {
            take(scanned);
        }
        List<Integer> timeouts = command == IpvsCommand.SET ? timeouts(scanner.leftOver()) : List.of();
        String tooMuch = scanner.leftOver().peek();
        if (tooMuch != null) {
            throw IpvsadmException.usage("unexpected argument " + tooMuch);
        }
        service.checkSchedulerFlags();
        command.check(options);
        return request(command, timeouts, daemon);
    }

    private @Nullable Scanned first() {
        try {
            return scanner.next();
        } catch (IpvsadmException e) {
            return null;
        }
    }

    private static @Nullable IpvsCommand command(Switch name) {
        return switch (name) {
            case ADD_SERVICE -> IpvsCommand.ADD_SERVICE;
            case EDIT_SERVICE -> IpvsCommand.EDIT_SERVICE;
            case DELETE_SERVICE -> IpvsCommand.DELETE_SERVICE;
            case CLEAR -> IpvsCommand.FLUSH;
            case LIST, LIST_TOO -> IpvsCommand.LIST;
            case ZERO -> IpvsCommand.ZERO;
            case ADD_SERVER -> IpvsCommand.ADD_SERVER;
            case EDIT_SERVER -> IpvsCommand.EDIT_SERVER;
            case DELETE_SERVER -> IpvsCommand.DELETE_SERVER;
            case ADD_LOCAL -> IpvsCommand.ADD_LOCAL;
            case DELETE_LOCAL -> IpvsCommand.DELETE_LOCAL;
            case LIST_LOCAL -> IpvsCommand.LIST_LOCAL;
            case SET -> IpvsCommand.SET;
            case RESTORE -> IpvsCommand.RESTORE;
            case SAVE -> IpvsCommand.SAVE;
            case START_DAEMON -> IpvsCommand.START_DAEMON;
            case STOP_DAEMON -> IpvsCommand.STOP_DAEMON;
            case HELP -> IpvsCommand.HELP;
            case VERSION -> IpvsCommand.VERSION;
            default -> null;
        };
    }

    private static void checkDaemon(IpvsCommand command, String daemon) throws IpvsadmException {
        if (daemon.equals("master") || daemon.equals("backup")) {
            return;
        }
        if (command == IpvsCommand.START_DAEMON) {
            throw IpvsadmException.usage("illegal start-daemon parameter specified");
        }
        if (command == IpvsCommand.STOP_DAEMON) {
            throw IpvsadmException.usage("illegal start_daemon specified");
        }
    }

    private void take(Scanned scanned) throws IpvsadmException {
        String value = scanned.value() == null ? "" : scanned.value();
        switch (scanned.name()) {
            case TCP_SERVICE, UDP_SERVICE, SCTP_SERVICE, FWMARK_SERVICE -> {
                set(IpvsOption.SERVICE);
                service.address(scanned.name(), value);
            }
            case IPV6 -> service.inet6();
            case SCHEDULER -> {
                set(IpvsOption.SCHEDULER);
                service.scheduler(value);
            }
            case SCHED_FLAGS -> {
                set(IpvsOption.SCHED_FLAGS);
                service.schedulerFlags(value);
            }
            case PE -> {
                set(IpvsOption.PE);
                service.engine(value);
            }
            case PERSISTENT -> {
                set(IpvsOption.PERSISTENT);
                service.persistent(scanned.value() == null ? null : timeout(value, 1));
            }
            case NETMASK -> {
                set(IpvsOption.NETMASK);
                service.netmask(value);
            }
            case OPS -> {
                set(IpvsOption.OPS);
                service.onePacket();
            }
            case REAL_SERVER -> {
                set(IpvsOption.REAL_SERVER);
                real.address(value);
            }
            case GATEWAYING, IPIP, MASQUERADING, FULLNAT -> {
                set(IpvsOption.FORWARDING);
                real.method(scanned.name());
            }
            case WEIGHT -> {
                set(IpvsOption.WEIGHT);
                real.weight(number(value, 0, Integer.MAX_VALUE, "weight"));
            }
            case UPPER_THRESHOLD -> {
                set(IpvsOption.UPPER_THRESHOLD);
                real.upperThreshold(number(value, 0, Integer.MAX_VALUE, "u_threshold"));
            }
            case LOWER_THRESHOLD -> {
                set(IpvsOption.LOWER_THRESHOLD);
                real.lowerThreshold(number(value, 0, Integer.MAX_VALUE, "l_threshold"));
            }
            case TUN_TYPE -> {
                set(IpvsOption.TUN_TYPE);
                real.tunnelType(value);
            }
            case TUN_PORT -> {
                set(IpvsOption.TUN_PORT);
                real.tunnelPort(number(value, 1, 65535, "tunnel port"));
            }
            case TUN_NOCSUM -> set(IpvsOption.TUN_NOCSUM);
            case TUN_CSUM -> set(IpvsOption.TUN_CSUM);
            case TUN_REMCSUM -> set(IpvsOption.TUN_REMCSUM);
            case LOCAL_ADDRESS, INTERFACE, SYN_PROXY -> takeTranslation(scanned.name(), value);
            case SORT -> {
                // Listings are sorted without it.
            }
            default -> takeListing(scanned.name(), value);
        }
    }

    /** What DPVS has and ipvsadm does not. */
    private void takeTranslation(Switch name, String value) throws IpvsadmException {
        switch (name) {
            case LOCAL_ADDRESS -> {
                set(IpvsOption.LOCAL_ADDRESS);
                try {
                    LocalAddresses.parse(value);
                } catch (IllegalArgumentException e) {
                    throw IpvsadmException.usage("illegal local address specified: " + value + " " + e.getMessage());
                }
                localAddresses = List.of(value);
            }
            case INTERFACE -> {
                set(IpvsOption.INTERFACE);
                interfaceName = value;
            }
            default -> {
                set(IpvsOption.SYN_PROXY);
                if (!value.equals("enable") && !value.equals("disable")) {
                    throw IpvsadmException.usage("illegal synproxy specified: enable or disable");
                }
                synProxy = value.equals("enable");
            }
        }
    }

    private void takeListing(Switch name, String value) throws IpvsadmException {
        switch (name) {
            case CONNECTION -> set(IpvsOption.CONNECTION);
            case TIMEOUT -> set(IpvsOption.TIMEOUT);
            case DAEMON -> set(IpvsOption.DAEMON);
            case STATS -> set(IpvsOption.STATS);
            case RATE -> set(IpvsOption.RATE);
            case EXACT -> set(IpvsOption.EXACT);
            case THRESHOLDS -> set(IpvsOption.THRESHOLDS);
            case PERSISTENT_CONN -> set(IpvsOption.PERSISTENT_CONN);
            case TUN_INFO -> set(IpvsOption.TUN_INFO);
            case NOSORT -> set(IpvsOption.NOSORT);
            case NUMERIC -> set(IpvsOption.NUMERIC);
            case MCAST_INTERFACE -> set(IpvsOption.MCAST_INTERFACE);
            case SYNCID -> {
                set(IpvsOption.SYNCID);
                number(value, 0, 255, "syncid");
            }
            case SYNC_MAXLEN -> {
                set(IpvsOption.SYNC_MAXLEN);
                number(value, 1, 65535 - 20 - 8, "sync-maxlen");
            }
            case MCAST_GROUP -> {
                set(IpvsOption.MCAST_GROUP);
                checkGroup(value);
            }
            case MCAST_PORT -> {
                set(IpvsOption.MCAST_PORT);
                number(value, 1, 65535, "mcast-port");
            }
            case MCAST_TTL -> {
                set(IpvsOption.MCAST_TTL);
                number(value, 1, 255, "mcast-ttl");
            }
            // A second command.
            default -> throw IpvsadmException.usage("invalid option `" + scanner.lastWord() + "'");
        }
    }

    private void set(IpvsOption option) throws IpvsadmException {
        if (!options.add(option)) {
            throw IpvsadmException.usage("multiple '" + option.keyword() + "' options specified");
        }
    }

    private static int number(String text, int min, int max, String what) throws IpvsadmException {
        OptionalLong number = Numbers.decimal(text, min, max);
        if (number.isEmpty()) {
            throw IpvsadmException.usage("illegal " + what + " specified");
        }
        return (int) number.getAsLong();
    }

    private static int timeout(String text, int min) throws IpvsadmException {
        OptionalLong seconds = Numbers.decimal(text, min, MAX_TIMEOUT_SECONDS);
        if (seconds.isEmpty()) {
            throw IpvsadmException.usage("invalid timeout value `" + text + "' specified");
        }
        return (int) seconds.getAsLong();
    }

    private static List<Integer> timeouts(Deque<String> words) throws IpvsadmException {
        if (words.size() < 3) {
            throw IpvsadmException.usage("--set option requires 3 timeout values");
        }
        List<Integer> timeouts = new ArrayList<>();
        while (timeouts.size() < 3) {
            timeouts.add(timeout(words.remove(), 0));
        }
        return timeouts;
    }

    private static void checkGroup(String text) throws IpvsadmException {
        boolean inet6 = text.indexOf(':') >= 0;
        try {
            if (IpAddress.parse(text).isMulticast()) {
                return;
            }
        } catch (IllegalArgumentException e) {
            // No better than another address.
        }
        throw IpvsadmException.usage("invalid IPv" + (inet6 ? 6 : 4) + " mcast-group `" + text + "'");
    }

    private Request request(IpvsCommand command, List<Integer> timeouts, String daemon) throws IpvsadmException {
        boolean servers = command == IpvsCommand.ADD_SERVER || command == IpvsCommand.EDIT_SERVER;
        boolean settings = command == IpvsCommand.ADD_SERVICE || command == IpvsCommand.EDIT_SERVICE;
        if (command == IpvsCommand.LIST) {
            checkListing();
        }
        return new Request(
                command,
                options,
                options.contains(IpvsOption.SERVICE) ? service.read(settings) : null,
                options.contains(IpvsOption.REAL_SERVER) ? real.read(servers, options) : null,
                timeouts,
                daemon,
                new Request.Translation(localAddresses, interfaceName, synProxy));
    }

    private void checkListing() throws IpvsadmException {
        boolean table = options.contains(IpvsOption.STATS)
                || options.contains(IpvsOption.RATE)
                || options.contains(IpvsOption.THRESHOLDS);
        boolean line = options.contains(IpvsOption.TIMEOUT) || options.contains(IpvsOption.DAEMON);
        if ((table && (line || options.contains(IpvsOption.CONNECTION)))
                || (line && options.contains(IpvsOption.PERSISTENT_CONN))) {
            throw IpvsadmException.usage("options conflicts in the list command");
        }
    }
}
