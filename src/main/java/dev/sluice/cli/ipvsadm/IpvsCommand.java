package dev.sluice.cli.ipvsadm;

import java.util.EnumSet;
import java.util.Set;

/** What a command line can ask for, with the options that go with it. */
enum IpvsCommand {
    ADD_SERVICE("add-service"),
    EDIT_SERVICE("edit-service"),
    DELETE_SERVICE("delete-service"),
    FLUSH("flush"),
    LIST("list"),
    ADD_SERVER("add-server"),
    EDIT_SERVER("edit-server"),
    DELETE_SERVER("delete-server"),
    ADD_LOCAL("add-laddr"),
    DELETE_LOCAL("del-laddr"),
    LIST_LOCAL("get-laddr"),
    SET("set"),
    START_DAEMON("start-daemon"),
    STOP_DAEMON("stop-daemon"),
    RESTORE("restore"),
    SAVE("save"),
    ZERO("zero"),
    HELP("help"),
    VERSION("version");

    /** Of these a listing takes one. */
    private static final Set<IpvsOption> LISTED =
            EnumSet.of(IpvsOption.CONNECTION, IpvsOption.SERVICE, IpvsOption.TIMEOUT, IpvsOption.DAEMON);

    private final String keyword;

    IpvsCommand(String keyword) {
        this.keyword = keyword;
    }

    /** Whether only DPVS's ipvsadm knows it. */
    boolean isBeyondIpvs() {
        return this == ADD_LOCAL || this == DELETE_LOCAL || this == LIST_LOCAL;
    }

    /** The options without which the command makes no sense. */
    private Set<IpvsOption> required() {
        return switch (this) {
            case ADD_SERVICE, EDIT_SERVICE, DELETE_SERVICE, LIST_LOCAL -> EnumSet.of(IpvsOption.SERVICE);
            case ADD_LOCAL, DELETE_LOCAL -> EnumSet.of(IpvsOption.SERVICE, IpvsOption.LOCAL_ADDRESS);
            case ADD_SERVER, EDIT_SERVER, DELETE_SERVER -> EnumSet.of(IpvsOption.SERVICE, IpvsOption.REAL_SERVER);
            default -> EnumSet.noneOf(IpvsOption.class);
        };
    }

    /** The options that the command takes, or lets pass. */
    private Set<IpvsOption> allowed() {
        return switch (this) {
            case ADD_SERVICE, EDIT_SERVICE ->
                EnumSet.of(
                        IpvsOption.SERVICE,
                        IpvsOption.SCHEDULER,
                        IpvsOption.PERSISTENT,
                        IpvsOption.NETMASK,
                        IpvsOption.OPS,
                        IpvsOption.PE,
                        IpvsOption.SCHED_FLAGS,
                        IpvsOption.SYN_PROXY);
            case ADD_SERVER, EDIT_SERVER ->
                EnumSet.of(
                        IpvsOption.SERVICE,
                        IpvsOption.REAL_SERVER,
                        IpvsOption.FORWARDING,
                        IpvsOption.WEIGHT,
                        IpvsOption.UPPER_THRESHOLD,
                        IpvsOption.LOWER_THRESHOLD,
                        IpvsOption.TUN_TYPE,
                        IpvsOption.TUN_PORT,
                        IpvsOption.TUN_NOCSUM,
                        IpvsOption.TUN_CSUM,
                        IpvsOption.TUN_REMCSUM);
            case DELETE_SERVICE, ZERO -> EnumSet.of(IpvsOption.SERVICE);
            case ADD_LOCAL, DELETE_LOCAL ->
                EnumSet.of(IpvsOption.SERVICE, IpvsOption.LOCAL_ADDRESS, IpvsOption.INTERFACE);
            case LIST_LOCAL -> EnumSet.of(IpvsOption.SERVICE, IpvsOption.NUMERIC);
            case DELETE_SERVER -> EnumSet.of(IpvsOption.SERVICE, IpvsOption.REAL_SERVER);
            case SAVE -> EnumSet.of(IpvsOption.NUMERIC);
            case LIST ->
                EnumSet.of(
                        IpvsOption.NUMERIC,
                        IpvsOption.CONNECTION,
                        IpvsOption.SERVICE,
                        IpvsOption.TIMEOUT,
                        IpvsOption.DAEMON,
                        IpvsOption.STATS,
                        IpvsOption.RATE,
                        IpvsOption.THRESHOLDS,
                        IpvsOption.PERSISTENT_CONN,
                        IpvsOption.NOSORT,
                        IpvsOption.SYNCID,
                        IpvsOption.EXACT,
                        IpvsOption.TUN_INFO);
            case START_DAEMON ->
                EnumSet.of(
                        IpvsOption.MCAST_INTERFACE,
                        IpvsOption.SYNCID,
                        IpvsOption.SYNC_MAXLEN,
                        IpvsOption.MCAST_GROUP,
                        IpvsOption.MCAST_PORT,
                        IpvsOption.MCAST_TTL);
            case STOP_DAEMON -> EnumSet.of(IpvsOption.SYNCID);
            case FLUSH, SET, RESTORE, HELP, VERSION -> EnumSet.noneOf(IpvsOption.class);
        };
    }

    /**
     * Checks the options of a command line against the command.
     *
     * @throws IpvsadmException for one that is missing, does not belong to the command, or excludes another
     */
    void check(Set<IpvsOption> given) throws IpvsadmException {
        Set<IpvsOption> required = required();
        Set<IpvsOption> allowed = allowed();
        IpvsOption listed = null;
        for (IpvsOption option : IpvsOption.values()) {
            if (!given.contains(option)) {
                if (required.contains(option)) {
                    throw IpvsadmException.usage("You need to supply the '" + option.keyword() + "' option for the '"
                            + keyword + "' command");
                }
            } else if (!allowed.contains(option)) {
                throw IpvsadmException.usage(
                        "Illegal '" + option.keyword() + "' option with the '" + keyword + "' command");
            } else if (this == LIST && LISTED.contains(option)) {
                if (listed != null) {
                    throw IpvsadmException.usage("The option '" + option.keyword() + "' conflicts with the '"
                            + listed.keyword() + "' option in the '" + keyword + "' command");
                }
                listed = option;
            }
        }
    }
}
