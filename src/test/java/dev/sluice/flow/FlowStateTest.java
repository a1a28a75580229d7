package dev.sluice.flow;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.packet.Sctp;
import dev.sluice.packet.Transport;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** The states against rules written down from IPVS's input-only tables, all of SCTP's states included. */
class FlowStateTest {
    /** IPVS's states of SCTP, in its own order, with what {@code ipvsadm -Lc} calls them. */
    private enum Ipvs {
        NONE("NONE", 2),
        INIT1("INIT1", 4),
        INIT("INIT", 61),
        COOKIE_SENT("C-SENT", 61),
        COOKIE_REPLIED("C-REPLIED", 61),
        COOKIE_WAIT("C-WAIT", 61),
        COOKIE("COOKIE", 61),
        COOKIE_ECHOED("C-ECHOED", 61),
        ESTABLISHED("ESTABLISHED", 900),
        SHUTDOWN_SENT("S-SENT", 61),
        SHUTDOWN_RECEIVED("S-RECEIVED", 61),
        SHUTDOWN_ACK_SENT("S-ACK-SENT", 61),
        REJECTED("REJECTED", 4),
        CLOSED("CLOSED", 61);

        final String shown;
        final int seconds;

        Ipvs(String shown, int seconds) {
            this.shown = shown;
            this.seconds = seconds;
        }

        /** Nothing is agreed upon yet. */
        boolean isOpening() {
            return compareTo(COOKIE_WAIT) <= 0;
        }
    }

    private static final Map<Ipvs, FlowState> OURS = new EnumMap<>(Map.of(
            Ipvs.NONE, FlowState.NONE,
            Ipvs.INIT1, FlowState.SCTP_INIT1,
            Ipvs.INIT, FlowState.SCTP_INIT,
            Ipvs.COOKIE_ECHOED, FlowState.SCTP_COOKIE_ECHOED,
            Ipvs.ESTABLISHED, FlowState.SCTP_ESTABLISHED,
            Ipvs.SHUTDOWN_RECEIVED, FlowState.SCTP_SHUTDOWN_RECEIVED,
            Ipvs.CLOSED, FlowState.SCTP_CLOSED));

    /** The input-only third of sctp_states, as rules: where an entry goes when the client sends a chunk. */
    private static Ipvs oracle(Ipvs before, int chunk) {
        return switch (chunk) {
            case Sctp.INIT ->
                switch (before) {
                    case NONE -> Ipvs.INIT1;
                    case INIT1, INIT, COOKIE_SENT, COOKIE_REPLIED, COOKIE_WAIT, REJECTED, CLOSED -> Ipvs.INIT;
                    default -> before;
                };
            case Sctp.INIT_ACK -> before.isOpening() ? Ipvs.COOKIE_ECHOED : before;
            case Sctp.COOKIE_ECHO -> before.isOpening() ? Ipvs.ESTABLISHED : before;
            case Sctp.COOKIE_ACK ->
                switch (before) {
                    case NONE, COOKIE_SENT, COOKIE_REPLIED, COOKIE, COOKIE_ECHOED -> Ipvs.ESTABLISHED;
                    default -> before;
                };
            case Sctp.SHUTDOWN -> before == Ipvs.NONE || before == Ipvs.ESTABLISHED ? Ipvs.SHUTDOWN_RECEIVED : before;
            case Sctp.SHUTDOWN_ACK ->
                switch (before) {
                    case NONE, ESTABLISHED, SHUTDOWN_SENT, SHUTDOWN_ACK_SENT -> Ipvs.CLOSED;
                    case INIT1 -> Ipvs.INIT;
                    default -> before;
                };
            case Sctp.SHUTDOWN_COMPLETE ->
                switch (before) {
                    case NONE, INIT1, INIT, COOKIE_SENT, COOKIE_REPLIED, SHUTDOWN_RECEIVED, SHUTDOWN_ACK_SENT ->
                        Ipvs.CLOSED;
                    default -> before;
                };
            case Sctp.ERROR -> before == Ipvs.NONE ? Ipvs.CLOSED : before;
            case Sctp.ABORT -> before == Ipvs.COOKIE_WAIT ? Ipvs.REJECTED : Ipvs.CLOSED;
            default -> before == Ipvs.NONE || before == Ipvs.COOKIE_WAIT ? Ipvs.ESTABLISHED : before;
        };
    }

    @Test
    void sctpGoesThroughTheStatesOfIpvs() {
        Deque<Ipvs> open = new ArrayDeque<>(Set.of(Ipvs.NONE));
        Set<Ipvs> reached = EnumSet.of(Ipvs.NONE);
        while (!open.isEmpty()) {
            Ipvs before = open.remove();
            FlowState ours = OURS.get(before);
            assertNotNull(ours, () -> before + " can be reached by the client's packets alone");
            for (int chunk = 0; chunk < 256; chunk++) {
                Ipvs after = oracle(before, chunk);
                String what = before + " on chunk " + chunk;
                FlowState state = FlowState.ofCode(
                        FlowTransitions.after(FlowTransitions.CLIENT_ALONE, ours.code(), FlowEvent.ofSctp(chunk)));
                assertEquals(after.shown, state.ipvsName(), what);
                assertEquals(OURS.get(after), state, what);
                if (reached.add(after)) {
                    open.add(after);
                }
            }
            assertEquals(
                    ours.code(),
                    FlowTransitions.after(FlowTransitions.CLIENT_ALONE, ours.code(), FlowEvent.ofSctp(Sctp.NO_CHUNK)));
        }
        assertEquals(OURS.keySet(), reached);
    }

    @Test
    void sctpStatesAreActiveAndEndAsInIpvs() {
        OURS.forEach((ipvs, state) -> {
            if (ipvs != Ipvs.NONE) {
                assertEquals(ipvs.seconds * 1000, state.defaultTimeoutMs(), state.name());
                assertEquals(ipvs == Ipvs.ESTABLISHED, state.isActive(), state.name());
            }
        });
    }

    @Test
    void everyProtocolKeepsToStatesOfItsOwn() {
        assertEquals(
                EnumSet.range(FlowState.SYN_RECV, FlowState.CLOSE), reachable(FlowEvent.TCP_SYN, FlowEvent.TCP_OTHER));
        assertEquals(EnumSet.of(FlowState.UDP), reachable(FlowEvent.DATAGRAM, FlowEvent.DATAGRAM));
        assertEquals(
                EnumSet.range(FlowState.SCTP_INIT1, FlowState.SCTP_CLOSED),
                reachable(FlowEvent.SCTP_DATA, FlowEvent.SCTP_ABORT));
    }

    private static Set<FlowState> reachable(int firstEvent, int lastEvent) {
        Set<FlowState> reached = EnumSet.noneOf(FlowState.class);
        Deque<FlowState> open = new ArrayDeque<>(Set.of(FlowState.NONE));
        while (!open.isEmpty()) {
            FlowState before = open.remove();
            for (int event = firstEvent; event <= lastEvent; event++) {
                FlowState after =
                        FlowState.ofCode(FlowTransitions.after(FlowTransitions.CLIENT_ALONE, before.code(), event));
                if (reached.add(after)) {
                    open.add(after);
                }
            }
        }
        return reached;
    }

    @Test
    void theFirstTcpFlagThatIpvsAsksForDecides() {
        for (int flags = 0; flags < 256; flags++) {
            int event = FlowEvent.ofTcp(flags);
            if ((flags & Transport.RST) != 0) {
                assertEquals(FlowEvent.TCP_RST, event);
            } else if ((flags & Transport.SYN) != 0) {
                assertEquals(FlowEvent.TCP_SYN, event);
            } else if ((flags & Transport.FIN) != 0) {
                assertEquals(FlowEvent.TCP_FIN, event);
            } else {
                assertEquals((flags & Transport.ACK) != 0 ? FlowEvent.TCP_ACK : FlowEvent.TCP_OTHER, event);
            }
        }
    }

    @Test
    void codesAreDenseAndFitABitSet() {
        FlowState[] states = FlowState.values();
        for (int code = 0; code < states.length; code++) {
            assertEquals(code, FlowState.ofCode(code).code());
        }
        assertTrue(states.length <= Integer.SIZE);
        assertEquals(
                EnumSet.of(FlowState.SYN_RECV, FlowState.SCTP_INIT1, FlowState.SCTP_INIT, FlowState.SCTP_COOKIE_SENT),
                Arrays.stream(states).filter(FlowState::isHalfOpen).collect(Collectors.toSet()));
    }
}
