package dev.sluice.control.flows;

import dev.sluice.service.ForwardingMethod;
import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;

/** What there is to say about a connection, and so to sort by. */
public enum FlowField {
    /** The IP protocol. */
    PROTOCOL,
    /** Its state, by name. */
    STATE,
    /** How long it lives on if nothing comes. */
    EXPIRES,
    /** How long ago its last packet came. */
    IDLE,
    /** CIP and CPORT. */
    CLIENT,
    /** VIP and VPORT. */
    VIRTUAL,
    /** RIP and RPORT. */
    REAL,
    /** The virtual service. */
    SERVICE,
    /** The forwarding method. */
    METHOD,
    /** The queue of its worker. */
    QUEUE,
    /** The client's packets, modulo 2³². */
    PACKETS,
    /** Bytes of IP packets that the director forwarded, in both directions. */
    BYTES;

    /** The word for it. */
    public String keyword() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** The field of a word. */
    public static Optional<FlowField> of(String keyword) {
        return Arrays.stream(values())
                .filter(field -> field.keyword().equals(keyword))
                .findFirst();
    }

    /** All words, separated by commas. */
    public static String keywords() {
        return Arrays.stream(values()).map(FlowField::keyword).collect(Collectors.joining(", "));
    }

    /** Compares two connections in this respect: numbers as numbers, addresses by family and number, then port. */
    int compare(FlowRow a, FlowRow b, FlowNames names) {
        return switch (this) {
            case PROTOCOL -> Integer.compare(a.protocol, b.protocol);
            case STATE -> a.state().compareTo(b.state());
            case EXPIRES -> Long.compare(a.expiresMs, b.expiresMs);
            case IDLE -> Long.compare(a.idleMs, b.idleMs);
            case CLIENT ->
                compare(
                        a.inet6,
                        a.clientHigh,
                        a.clientLow,
                        a.clientPort,
                        b.inet6,
                        b.clientHigh,
                        b.clientLow,
                        b.clientPort);
            case VIRTUAL ->
                compare(
                        a.inet6,
                        a.virtualHigh,
                        a.virtualLow,
                        a.virtualPort,
                        b.inet6,
                        b.virtualHigh,
                        b.virtualLow,
                        b.virtualPort);
            case REAL -> {
                int byAddress = Integer.compare(names.rankOfAddress(a.realServer), names.rankOfAddress(b.realServer));
                yield byAddress != 0 ? byAddress : Integer.compare(a.realPort, b.realPort);
            }
            case SERVICE -> Integer.compare(a.serviceRank, b.serviceRank);
            case METHOD -> Integer.compare(rankOfMethod(a), rankOfMethod(b));
            case QUEUE -> Integer.compare(a.queue, b.queue);
            case PACKETS -> Long.compare(a.packets, b.packets);
            case BYTES -> Long.compare(a.bytes, b.bytes);
        };
    }

    /** The method's number, in the order in which they are documented; -1 for none. */
    static int rankOfMethod(FlowRow row) {
        ForwardingMethod method = row.real == null ? null : row.real.method();
        return switch (method) {
            case null -> -1;
            case DR -> 0;
            case TUN -> 1;
            case NAT -> 2;
            case FULLNAT -> 3;
        };
    }

    private static int compare(
            boolean aInet6, long aHigh, long aLow, int aPort, boolean bInet6, long bHigh, long bLow, int bPort) {
        if (aInet6 != bInet6) {
            return aInet6 ? 1 : -1;
        }
        if (aHigh != bHigh) {
            return Long.compareUnsigned(aHigh, bHigh);
        }
        return aLow != bLow ? Long.compareUnsigned(aLow, bLow) : Integer.compare(aPort, bPort);
    }
}
