package dev.sluice.cli.ipvsadm;

/**
 * What a command line can give beside its command, by the names that error messages have. Checks go through them in this order,
 * so it decides which of several errors is reported.
 */
enum IpvsOption {
    NUMERIC("numeric"),
    CONNECTION("connection"),
    SERVICE("service-address"),
    SCHEDULER("scheduler"),
    PERSISTENT("persistent"),
    NETMASK("netmask"),
    REAL_SERVER("real-server"),
    FORWARDING("forwarding-method"),
    WEIGHT("weight"),
    UPPER_THRESHOLD("u-threshold"),
    LOWER_THRESHOLD("l-threshold"),
    MCAST_INTERFACE("mcast-interface"),
    TIMEOUT("timeout"),
    DAEMON("daemon"),
    STATS("stats"),
    RATE("rate"),
    THRESHOLDS("thresholds"),
    PERSISTENT_CONN("persistent-conn"),
    NOSORT("nosort"),
    SYNCID("syncid"),
    EXACT("exact"),
    OPS("ops"),
    PE("pe"),
    SCHED_FLAGS("sched-flags"),
    MCAST_GROUP("mcast-group"),
    MCAST_PORT("mcast-port"),
    MCAST_TTL("mcast-ttl"),
    SYNC_MAXLEN("sync-maxlen"),
    TUN_INFO("tun-info"),
    TUN_TYPE("tun-type"),
    TUN_PORT("tun-port"),
    TUN_NOCSUM("tun-nocsum"),
    TUN_CSUM("tun-csum"),
    TUN_REMCSUM("tun-remcsum"),
    LOCAL_ADDRESS("laddr"),
    INTERFACE("ifname"),
    SYN_PROXY("synproxy");

    private final String keyword;

    IpvsOption(String keyword) {
        this.keyword = keyword;
    }

    /** The name in messages. */
    String keyword() {
        return keyword;
    }
}
