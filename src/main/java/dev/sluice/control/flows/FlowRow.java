package dev.sluice.control.flows;

import dev.sluice.control.flows.FlowNames.Real;
import dev.sluice.flow.FlowCopy;
import dev.sluice.flow.FlowState;
import dev.sluice.flow.TemplateCopy;
import dev.sluice.flow.Translation;
import dev.sluice.packet.AddressFamily;
import dev.sluice.packet.IpAddress;
import dev.sluice.packet.Transport;
import dev.sluice.service.AddressKey;
import dev.sluice.service.FwmarkKey;
import dev.sluice.service.ServiceKey;
import dev.sluice.stats.ConnectionStats;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A connection, or a persistence template, as the tables have it: numbers, so that millions can be looked at without an object
 * for each. Owned by: whoever made it, who fills it again and again.
 */
public final class FlowRow {
    /** The state that templates show: IPVS says so from the first established connection on, to spare them under drop_entry. */
    static final String TEMPLATE_STATE = "ASSURED";

    /** The queue of what belongs to no worker. */
    static final int NO_QUEUE = -1;

    private static final int[] STATE_RANKS = stateRanks();

    boolean template;
    /** IP protocol number; 0 for a template of a firewall mark. */
    int protocol;

    int stateCode;
    boolean inet6;
    long clientHigh;
    long clientLow;
    int clientPort;
    long virtualHigh;
    long virtualLow;
    int virtualPort;
    int realServer;
    int realPort;
    int serviceRank;
    private @Nullable ServiceKey service;

    @Nullable
    Real real;

    private boolean fullnat;
    private boolean localInet6;
    private long localHigh;
    private long localLow;
    private int localPort;
    long expiresMs;
    long idleMs;
    long packets;
    long bytes;
    int queue;

    /** The first code that has the name. */
    private static int[] stateRanks() {
        Map<String, Integer> first = new HashMap<>();
        return Arrays.stream(FlowState.values())
                .mapToInt(state -> first.computeIfAbsent(state.ipvsName(), _ -> state.code()))
                .toArray();
    }

    /** Nothing read yet. */
    public FlowRow() {}

    /**
     * Becomes a connection.
     *
     * @param flowQueue the queue of the worker that has it
     * @param remainingMs how long it lives on if nothing comes
     */
    public void set(FlowCopy flow, FlowNames names, int flowQueue, long remainingMs, long nowMs) {
        template = false;
        protocol = flow.protocol();
        stateCode = flow.stateCode();
        inet6 = flow.inet6();
        clientHigh = flow.clientHigh();
        clientLow = flow.clientLow();
        clientPort = flow.clientPort();
        virtualHigh = flow.virtualHigh();
        virtualLow = flow.virtualLow();
        virtualPort = flow.virtualPort();
        setReal(flow.realServer(), names);
        expiresMs = remainingMs;
        idleMs = Integer.toUnsignedLong((int) nowMs - flow.lastSeenMs());
        packets = flow.packets();
        bytes = flow.bytes();
        queue = flowQueue;
        fullnat = false;
        if (isTranslationKnown(flow)) {
            setTranslation(flow.translation());
        }
    }

    /** Gives a connection to a port its real server, and its service with it. */
    void setReal(int id, FlowNames names) {
        realServer = id;
        real = names.real(id);
        service = real == null ? null : real.service();
        serviceRank = names.rankOfServiceOf(id);
        // Direct routing and tunneling keep the port; a service of every port, or of a mark, has no other.
        realPort = real == null || real.port() == 0 ? virtualPort : real.port();
    }

    /** Whether what was read beside a flow is its own; else it is being entered or taken out. */
    private boolean isTranslationKnown(FlowCopy flow) {
        Translation translation = flow.translation();
        return flow.isTranslated()
                && translation.realServer() == realServer
                && translation.clientPort() == clientPort
                && translation.clientLow() == clientLow
                && translation.clientHigh() == clientHigh;
    }

    private void setTranslation(Translation translation) {
        realPort = translation.realPort();
        localInet6 = translation.realInet6();
        localHigh = translation.localHigh();
        localLow = translation.localLow();
        localPort = translation.localPort();
        // Whether the real server sees another address than the client's.
        fullnat = localInet6 != inet6 || localPort != clientPort || localLow != clientLow || localHigh != clientHigh;
    }

    /**
     * Becomes a persistence template.
     *
     * @param key its service
     */
    public void set(TemplateCopy copy, ServiceKey key, FlowNames names) {
        template = true;
        stateCode = FlowState.NONE.code();
        inet6 = key.family() == AddressFamily.INET6;
        clientHigh = copy.clientHigh();
        clientLow = copy.clientLow();
        clientPort = 0;
        switch (key) {
            case AddressKey address -> {
                protocol = address.protocol().number();
                virtualHigh = address.address().high();
                virtualLow = address.address().low();
                virtualPort = address.port();
            }
            case FwmarkKey mark -> {
                // The mark as the first four octets of an address, as ipvsadm shows it.
                protocol = 0;
                virtualHigh = inet6 ? (long) mark.mark() << 32 : 0;
                virtualLow = inet6 ? 0 : Integer.toUnsignedLong(mark.mark());
                virtualPort = 0;
            }
        }
        realServer = copy.realServer();
        real = names.real(realServer);
        realPort = real == null ? 0 : real.port();
        service = key;
        serviceRank = names.rankOfService(copy.service());
        fullnat = false;
        expiresMs = copy.remainingMs();
        idleMs = 0;
        packets = 0;
        bytes = 0;
        queue = NO_QUEUE;
    }

    /** Its service; null when that is not known any more. */
    @Nullable
    ServiceKey service() {
        return service;
    }

    /** A number of its state, equal for states of one name. */
    int stateRank() {
        return template ? -1 : STATE_RANKS[stateCode];
    }

    /** The name of its state. */
    String state() {
        return template ? TEMPLATE_STATE : FlowState.ofCode(stateCode).ipvsName();
    }

    /** {@code TCP}, {@code UDP}, {@code SCTP}, {@code AH}, {@code ESP}; {@code IP} for a template of a firewall mark. */
    String protocolName() {
        return switch (protocol) {
            case 0 -> "IP";
            case Transport.TCP -> "TCP";
            case Transport.UDP -> "UDP";
            case Transport.SCTP -> "SCTP";
            case Transport.ESP -> "ESP";
            case Transport.AH -> "AH";
            default -> Integer.toString(protocol);
        };
    }

    /** The word for its forwarding method; null when its real server is gone. */
    @Nullable
    String method() {
        return real == null || real.method() == null
                ? null
                : Objects.requireNonNull(real.method()).keyword();
    }

    /** Its service's name; null when that is not known any more. */
    @Nullable
    String serviceName() {
        return service == null ? null : service.toString();
    }

    /** The form in which it is sent. */
    ConnectionStats toStats() {
        AddressFamily family = inet6 ? AddressFamily.INET6 : AddressFamily.INET;
        AddressFamily localFamily = localInet6 ? AddressFamily.INET6 : AddressFamily.INET;
        return new ConnectionStats(
                protocolName(),
                state(),
                expiresMs,
                inet6 ? "inet6" : "inet",
                new IpAddress(family, clientHigh, clientLow).toString(),
                clientPort,
                new IpAddress(family, virtualHigh, virtualLow).toString(),
                virtualPort,
                real == null ? null : real.address().toString(),
                realPort,
                fullnat ? new IpAddress(localFamily, localHigh, localLow).toString() : null,
                fullnat ? localPort : 0,
                template,
                serviceName(),
                method(),
                queue,
                idleMs,
                packets,
                bytes);
    }
}
