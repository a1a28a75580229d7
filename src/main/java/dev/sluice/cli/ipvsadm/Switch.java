package dev.sluice.cli.ipvsadm;

import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Every word that begins with a dash, in its long form, its short one, or both. */
enum Switch {
    ADD_SERVICE("add-service", 'A', Value.NONE),
    EDIT_SERVICE("edit-service", 'E', Value.NONE),
    DELETE_SERVICE("delete-service", 'D', Value.NONE),
    CLEAR("clear", 'C', Value.NONE),
    LIST("list", 'L', Value.NONE),
    LIST_TOO(null, 'l', Value.NONE),
    ZERO("zero", 'Z', Value.NONE),
    ADD_SERVER("add-server", 'a', Value.NONE),
    EDIT_SERVER("edit-server", 'e', Value.NONE),
    DELETE_SERVER("delete-server", 'd', Value.NONE),
    ADD_LOCAL("add-laddr", 'P', Value.NONE),
    DELETE_LOCAL("del-laddr", 'Q', Value.NONE),
    LIST_LOCAL("get-laddr", 'G', Value.NONE),
    SET("set", null, Value.NONE),
    RESTORE("restore", 'R', Value.NONE),
    SAVE("save", 'S', Value.NONE),
    START_DAEMON("start-daemon", null, Value.REQUIRED),
    STOP_DAEMON("stop-daemon", null, Value.REQUIRED),
    HELP("help", 'h', Value.NONE),
    VERSION("version", 'v', Value.NONE),
    TCP_SERVICE("tcp-service", 't', Value.REQUIRED),
    UDP_SERVICE("udp-service", 'u', Value.REQUIRED),
    SCTP_SERVICE("sctp-service", null, Value.REQUIRED),
    FWMARK_SERVICE("fwmark-service", 'f', Value.REQUIRED),
    IPV6("ipv6", '6', Value.NONE),
    SCHEDULER("scheduler", 's', Value.REQUIRED),
    SCHED_FLAGS("sched-flags", 'b', Value.REQUIRED),
    PE("pe", null, Value.REQUIRED),
    PERSISTENT("persistent", 'p', Value.OPTIONAL),
    NETMASK("netmask", 'M', Value.REQUIRED),
    OPS("ops", 'o', Value.NONE),
    REAL_SERVER("real-server", 'r', Value.REQUIRED),
    GATEWAYING("gatewaying", 'g', Value.NONE),
    IPIP("ipip", 'i', Value.NONE),
    MASQUERADING("masquerading", 'm', Value.NONE),
    /** {@code -b} beside a real server, as {@link SwitchScanner} knows. */
    FULLNAT("fullnat", null, Value.NONE),
    LOCAL_ADDRESS("laddr", 'z', Value.REQUIRED),
    INTERFACE("ifname", 'F', Value.REQUIRED),
    SYN_PROXY("synproxy", 'j', Value.REQUIRED),
    TUN_TYPE("tun-type", null, Value.REQUIRED),
    TUN_PORT("tun-port", null, Value.REQUIRED),
    TUN_NOCSUM("tun-nocsum", null, Value.NONE),
    TUN_CSUM("tun-csum", null, Value.NONE),
    TUN_REMCSUM("tun-remcsum", null, Value.NONE),
    WEIGHT("weight", 'w', Value.REQUIRED),
    UPPER_THRESHOLD("u-threshold", 'x', Value.REQUIRED),
    LOWER_THRESHOLD("l-threshold", 'y', Value.REQUIRED),
    CONNECTION("connection", 'c', Value.NONE),
    TIMEOUT("timeout", null, Value.NONE),
    DAEMON("daemon", null, Value.NONE),
    STATS("stats", null, Value.NONE),
    RATE("rate", null, Value.NONE),
    EXACT("exact", null, Value.NONE),
    THRESHOLDS("thresholds", null, Value.NONE),
    PERSISTENT_CONN("persistent-conn", null, Value.NONE),
    TUN_INFO("tun-info", null, Value.NONE),
    NOSORT("nosort", null, Value.NONE),
    SORT("sort", null, Value.NONE),
    NUMERIC("numeric", 'n', Value.NONE),
    SYNCID("syncid", null, Value.REQUIRED),
    SYNC_MAXLEN("sync-maxlen", null, Value.REQUIRED),
    MCAST_INTERFACE("mcast-interface", null, Value.REQUIRED),
    MCAST_GROUP("mcast-group", null, Value.REQUIRED),
    MCAST_PORT("mcast-port", null, Value.REQUIRED),
    MCAST_TTL("mcast-ttl", null, Value.REQUIRED);

    /** Whether something belongs behind it. */
    enum Value {
        NONE,
        REQUIRED,
        OPTIONAL
    }

    private static final Map<String, Switch> BY_LONG_NAME = new HashMap<>();
    private static final Map<Character, Switch> BY_SHORT_NAME = new HashMap<>();

    static {
        for (Switch each : values()) {
            if (each.longName != null) {
                BY_LONG_NAME.put(each.longName, each);
            }
            if (each.shortName != null) {
                BY_SHORT_NAME.put(each.shortName, each);
            }
        }
    }

    private final @Nullable String longName;
    private final @Nullable Character shortName;
    private final Value value;

    Switch(@Nullable String longName, @Nullable Character shortName, Value value) {
        this.longName = longName;
        this.shortName = shortName;
        this.value = value;
    }

    /** By the whole name: there are no abbreviations. */
    static @Nullable Switch ofLongName(String name) {
        return BY_LONG_NAME.get(name);
    }

    static @Nullable Switch ofShortName(char name) {
        return BY_SHORT_NAME.get(name);
    }

    Value value() {
        return value;
    }
}
