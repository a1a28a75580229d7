package dev.sluice.cli.flows;

import dev.sluice.packet.IpAddress;
import dev.sluice.stats.ConnectionStats;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** A column of {@code sluice flows}. Never empty, never with a blank, so that scripts can split lines at blanks. */
enum FlowColumn {
    PROTOCOL("PRO", -4),
    EXPIRES("EXPIRES", 7),
    STATE("STATE", -11),
    CLIENT("CLIENT", -21),
    VIRTUAL("VIRTUAL", -21),
    REAL("REAL", -21),
    METHOD("METHOD", -7),
    QUEUE("QUEUE", 5),
    IDLE("IDLE", 6),
    PACKETS("PACKETS", 8),
    BYTES("BYTES", 10),
    SERVICE("SERVICE", -25),
    LOCAL("LOCAL", -21);

    /** The columns when none are named. */
    static final List<FlowColumn> DEFAULT =
            List.of(PROTOCOL, EXPIRES, STATE, CLIENT, VIRTUAL, REAL, METHOD, QUEUE, IDLE, PACKETS, BYTES);

    private static final List<String> PROTOCOLS = List.of("IP", "TCP", "UDP", "ESP", "AH", "SCTP");
    private static final List<String> METHODS = List.of("dr", "tun", "nat", "fullnat");
    private static final String NONE = "-";

    private final String header;
    private final int width;

    FlowColumn(String header, int width) {
        this.header = header;
        this.width = width;
    }

    /**
     * What connections are sorted by, in the order in which the director sorts them.
     *
     * @param address compared first; null before all
     */
    record Key(@Nullable IpAddress address, String text, long number) implements Comparable<Key> {
        @Override
        public int compareTo(Key other) {
            if (address == null || other.address == null) {
                int byPresence = Boolean.compare(address != null, other.address != null);
                if (byPresence != 0) {
                    return byPresence;
                }
            } else {
                int byAddress = address.compareTo(other.address);
                if (byAddress != 0) {
                    return byAddress;
                }
            }
            int byText = text.compareTo(other.text);
            return byText != 0 ? byText : Long.compare(number, other.number);
        }
    }

    /** The word for it. */
    String keyword() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** The column of a word. */
    static Optional<FlowColumn> of(String keyword) {
        return Arrays.stream(values())
                .filter(column -> column.keyword().equals(keyword))
                .findFirst();
    }

    /** All words, separated by commas. */
    static String keywords() {
        return Arrays.stream(values()).map(FlowColumn::keyword).collect(Collectors.joining(", "));
    }

    /** Whether the greatest are asked for first: the most bytes, the longest idle. */
    boolean isGreatestFirst() {
        return this == IDLE || this == PACKETS || this == BYTES;
    }

    /** What stands above it. */
    String header() {
        return header;
    }

    /** A cell of it, padded but never cut. */
    String pad(String text) {
        int missing = Math.abs(width) - text.length();
        if (missing <= 0) {
            return text;
        }
        return width < 0 ? text + " ".repeat(missing) : " ".repeat(missing) + text;
    }

    /** What it says of a connection. */
    String text(ConnectionStats flow) {
        return switch (this) {
            case PROTOCOL -> flow.protocol();
            case EXPIRES -> minutes(flow.expiresMs());
            case STATE -> flow.state();
            case CLIENT -> endpoint(flow.client(), flow.clientPort());
            case VIRTUAL -> endpoint(flow.virtual(), flow.virtualPort());
            case REAL -> endpoint(flow.destination(), flow.destinationPort());
            case METHOD -> Objects.requireNonNullElse(flow.method(), NONE);
            case QUEUE -> flow.template() ? NONE : Integer.toString(flow.queue());
            case IDLE -> flow.template() ? NONE : minutes(flow.idleMs());
            case PACKETS -> flow.template() ? NONE : Long.toString(flow.packets());
            case BYTES -> flow.template() ? NONE : Long.toString(flow.bytes());
            case SERVICE -> Objects.requireNonNullElse(flow.service(), NONE).replace(' ', '/');
            case LOCAL -> endpoint(flow.local(), flow.localPort());
        };
    }

    /** What to sort connections by. */
    Key key(ConnectionStats flow) {
        return switch (this) {
            case PROTOCOL -> number(PROTOCOLS.indexOf(flow.protocol()));
            case EXPIRES -> number(flow.expiresMs());
            case STATE -> new Key(null, flow.state(), 0);
            case CLIENT -> address(flow.client(), flow.clientPort());
            case VIRTUAL -> address(flow.virtual(), flow.virtualPort());
            case REAL -> address(flow.destination(), flow.destinationPort());
            case METHOD -> number(METHODS.indexOf(flow.method() == null ? "" : flow.method()));
            case QUEUE -> number(flow.queue());
            case IDLE -> number(flow.idleMs());
            case PACKETS -> number(flow.packets());
            case BYTES -> number(flow.bytes());
            case SERVICE -> new Key(null, Objects.requireNonNullElse(flow.service(), ""), 0);
            case LOCAL -> address(flow.local(), flow.localPort());
        };
    }

    private static Key number(long number) {
        return new Key(null, "", number);
    }

    private static Key address(@Nullable String address, int port) {
        return new Key(address == null ? null : IpAddress.parse(address), "", port);
    }

    private static String endpoint(@Nullable String address, int port) {
        if (address == null) {
            return NONE;
        }
        return (address.indexOf(':') >= 0 ? "[" + address + "]:" : address + ":") + port;
    }

    /** Minutes and seconds, as ipvsadm shows them: {@code 14:58}. */
    private static String minutes(long ms) {
        return String.format(Locale.ROOT, "%02d:%02d", ms / 60_000, ms / 1000 % 60);
    }
}
