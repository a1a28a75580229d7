package dev.sluice.bench.vm;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * What a virtual machine reports about one case, line by line: windows of what is subtracted, then of the forwarder between
 * generator and sink. Owned by one thread.
 */
final class CaseReport {
    /** So many successive windows must agree; they are the samples. */
    static final int STEADY_WINDOWS = 3;

    /** How far apart they may be, as a share of their mean. */
    static final double STEADY_SPREAD = 0.01;

    /** What a machine measures, in this order. */
    private enum Phase {
        /** skbs made and thrown away. */
        NOWHERE,
        /** skbs made, sent over a veth and dropped by the stack behind it. */
        CROSSING,
        /** Frames of the generator, sent over a veth and dropped. */
        GENERATOR,
        /** The same frames through the forwarder, which sends them over another veth to a stack that drops them. */
        FORWARDER
    }

    private static final ObjectMapper MAPPER = new ObjectMapper();

    private final Map<Phase, List<Window>> phases = new EnumMap<>(Phase.class);
    private List<Window> current = phase(Phase.NOWHERE);
    private boolean done;

    private List<Window> phase(Phase which) {
        return phases.computeIfAbsent(which, _ -> new ArrayList<>());
    }

    /**
     * Takes a line of the machine's. Throws {@link IllegalArgumentException} when it is none of a machine of this kind.
     *
     * @return whether more lines are of interest: false once the forwarder's windows agree, or the machine has ended
     */
    boolean take(String line) {
        JsonNode json;
        try {
            json = MAPPER.readTree(line);
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException("the virtual machine said: " + line, e);
        }
        if (json.path("done").booleanValue()) {
            done = true;
        } else if (json.has("phase")) {
            current = phase(Phase.valueOf(json.path("phase").asText().toUpperCase(Locale.ROOT)));
        } else {
            current.add(Window.of(json));
        }
        return !(done || isSteady());
    }

    /** Whether the forwarder's last windows agree; none of them lost frames, and in none a JVM compiled anything. */
    boolean isSteady() {
        List<Window> windows = phase(Phase.FORWARDER);
        if (windows.size() < STEADY_WINDOWS) {
            return false;
        }
        List<Double> last = perFrame(last(windows));
        double min = last.stream().mapToDouble(Double::doubleValue).min().orElseThrow();
        double max = last.stream().mapToDouble(Double::doubleValue).max().orElseThrow();
        return last(windows).stream().allMatch(each -> each.isWhole() && each.isCompiled())
                && max - min <= STEADY_SPREAD * (max + min) / 2;
    }

    /** How many windows the forwarder took to become steady, or had at all. */
    int windows() {
        return phase(Phase.FORWARDER).size();
    }

    /** The forwarder's last window, if it has had one. */
    Optional<Window> latest() {
        List<Window> windows = phase(Phase.FORWARDER);
        return windows.isEmpty() ? Optional.empty() : Optional.of(windows.getLast());
    }

    /** Compilations that the forwarder's JVM began in all windows before the last ones; 0 when it is not in Java. */
    long compiledBefore() {
        List<Window> windows = phase(Phase.FORWARDER);
        return windows.subList(0, Math.max(0, windows.size() - STEADY_WINDOWS)).stream()
                .mapToLong(Window::compiled)
                .sum();
    }

    /** Compilations that it began in the last windows. */
    long compiledInLast() {
        return lastOf(Phase.FORWARDER).stream().mapToLong(Window::compiled).sum();
    }

    /** Instructions of its compilers' threads in the last windows. */
    long compilingInLast() {
        return lastOf(Phase.FORWARDER).stream().mapToLong(Window::compiling).sum();
    }

    /**
     * Instructions a packet of the forwarder alone in its last windows: what a frame costs, less {@link #subtracted}. Throws {@link IllegalStateException}
     * when the machine reported too little, or frames were lost in the last windows.
     */
    List<Double> costs() {
        double subtracted = subtracted();
        return perFrame(lastOf(Phase.FORWARDER)).stream()
                .map(each -> each - subtracted)
                .toList();
    }

    /**
     * Instructions a packet of what is not the forwarder: the generator and the veth before it, and the veth behind it with the stack that drops;
     * the latter is what an skb costs more when it is sent over a veth than when it is thrown away. Throws as {@link #costs}.
     */
    double subtracted() {
        return middle(Phase.GENERATOR) + middle(Phase.CROSSING) - middle(Phase.NOWHERE);
    }

    /** The middle one of the last windows: now and then the kernel does something else after a boot. */
    private double middle(Phase which) {
        List<Double> sorted = perFrame(lastOf(which)).stream().sorted().toList();
        return sorted.get(STEADY_WINDOWS / 2);
    }

    private List<Window> lastOf(Phase which) {
        List<Window> windows = phase(which);
        if (windows.size() < STEADY_WINDOWS) {
            throw new IllegalStateException("the virtual machine reported " + windows.size() + " windows of the "
                    + which.name().toLowerCase(Locale.ROOT) + ", not " + STEADY_WINDOWS + "; its console says why");
        }
        for (Window window : last(windows)) {
            if (!window.isWhole()) {
                throw new IllegalStateException(
                        "of " + window.sent() + " frames sent " + window.arrived() + " arrived");
            }
        }
        return last(windows);
    }

    private static List<Window> last(List<Window> windows) {
        return windows.subList(windows.size() - STEADY_WINDOWS, windows.size());
    }

    private static List<Double> perFrame(List<Window> windows) {
        return windows.stream().map(Window::perFrame).toList();
    }
}
