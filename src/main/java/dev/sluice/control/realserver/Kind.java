package dev.sluice.control.realserver;

/** The kinds of things that a setup changes, each with its words. A value is text; {@link #ABSENT} is no thing at all. */
enum Kind {
    /** A file under {@code /proc/sys}: {@code net/ipv4/conf/eth1/arp_ignore}. */
    SYSCTL,
    /** {@code 10.0.0.100/32 lo}: {@link #PRESENT} or {@link #ABSENT}. */
    ADDRESS,
    /** A kernel module. */
    MODULE,
    /** A device's administrative state, {@code up} or {@code down}. */
    LINK,
    /** What an {@code ip6tnl} device takes: {@code ip6ip6} or {@code any}. */
    TUNNEL_MODE,
    /** {@code 6080 ipv4}: a UDP port on which the kernel takes GUE. */
    GUE_PORT,
    /** The decapsulation program on an interface, by the kernel's number. */
    XDP;

    static final String ABSENT = "absent";
    static final String PRESENT = "present";

    /** What making the value {@code to} of {@code from} means, as a command to someone. */
    String text(String target, String from, String to) {
        String[] words = target.split(" ", 2);
        boolean goes = to.equals(ABSENT);
        return switch (this) {
            case SYSCTL -> "set " + name(target) + " = " + to + (from.equals(ABSENT) ? "" : " (is " + from + ")");
            case ADDRESS ->
                goes
                        ? "delete address " + words[0] + " from " + words[1]
                        : "add address " + words[0] + " to " + words[1];
            case MODULE -> (goes ? "unload" : "load") + " kernel module " + target;
            case LINK -> "bring " + target + " " + to;
            case TUNNEL_MODE ->
                "set mode of " + target + " to " + to + (from.equals(ABSENT) ? "" : " (is " + from + ")");
            case GUE_PORT -> (goes ? "take no more" : "take") + " GUE on UDP port " + words[0] + ", " + words[1];
            case XDP ->
                goes
                        ? "detach XDP program sluice_decap (id " + from + ") from " + target
                        : "attach XDP program sluice_decap to " + target;
        };
    }

    /** The state as a sentence for {@code show}. */
    String stateText(String target, String value) {
        String[] words = target.split(" ", 2);
        return switch (this) {
            case SYSCTL -> name(target) + " = " + value;
            case ADDRESS -> "address " + words[0] + " on " + words[1] + ": " + value;
            case MODULE -> "kernel module " + target + ": " + value;
            case LINK -> target + " is " + value;
            case TUNNEL_MODE -> "mode of " + target + " is " + value;
            case GUE_PORT -> "GUE on UDP port " + words[0] + ", " + words[1] + ": " + value;
            case XDP -> "XDP program sluice_decap on " + target + ": " + (value.equals(ABSENT) ? value : "id " + value);
        };
    }

    /** As sysctl(8) has it: dots, but slashes where an interface has a dot in its name. */
    private static String name(String target) {
        return target.indexOf('.') < 0 ? target.replace('/', '.') : target;
    }
}
