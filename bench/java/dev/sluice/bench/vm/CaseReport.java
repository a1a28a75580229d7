package dev.sluice.bench.vm;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.ArrayList;
import java.util.List;

/**
 * What a virtual machine reports about one case, line by line: windows of the generator alone, then of the generator with the
 * forwarder. Owned by one thread.
 */
final class CaseReport {
    /** So many successive windows must agree; they are the samples. */
    static final int STEADY_WINDOWS = 3;

    /** How far apart they may be, as a share of their mean. */
    static final double STEADY_SPREAD = 0.01;

    private static final ObjectMapper MAPPER = new ObjectMapper();

    private final List<Window> generator = new ArrayList<>();
    private final List<Window> forwarder = new ArrayList<>();
    private List<Window> current = generator;
    private boolean done;

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
            current = "forwarder".equals(json.path("phase").asText()) ? forwarder : generator;
        } else {
            current.add(Window.of(json));
        }
        return !(done || isSteady());
    }

    /** Whether the forwarder's last windows agree, none of which lost frames. */
    boolean isSteady() {
        if (forwarder.size() < STEADY_WINDOWS) {
            return false;
        }
        List<Double> last = last(forwarder);
        double min = last.stream().mapToDouble(Double::doubleValue).min().orElseThrow();
        double max = last.stream().mapToDouble(Double::doubleValue).max().orElseThrow();
        return lastOf(forwarder).stream().allMatch(Window::isWhole) && max - min <= STEADY_SPREAD * (max + min) / 2;
    }

    /** How many windows the forwarder took to become steady, or had at all. */
    int windows() {
        return forwarder.size();
    }

    /**
     * Instructions a packet of the forwarder alone in its last windows: what a frame costs less what the generator spends on it.
     * Throws {@link IllegalStateException} when the machine reported too little, or frames were lost in the last windows.
     */
    List<Double> costs() {
        if (generator.size() < STEADY_WINDOWS || forwarder.size() < STEADY_WINDOWS) {
            throw new IllegalStateException("the virtual machine reported " + forwarder.size() + " windows, not "
                    + STEADY_WINDOWS + "; its console says why");
        }
        for (Window window : lastOf(forwarder)) {
            if (!window.isWhole()) {
                throw new IllegalStateException(
                        "of " + window.sent() + " frames sent " + window.arrived() + " arrived");
            }
        }
        // The middle one: now and then the kernel does something else after a boot.
        List<Double> alone = last(generator).stream().sorted().toList();
        return last(forwarder).stream()
                .map(each -> each - alone.get(STEADY_WINDOWS / 2))
                .toList();
    }

    private static List<Window> lastOf(List<Window> windows) {
        return windows.subList(windows.size() - STEADY_WINDOWS, windows.size());
    }

    private static List<Double> last(List<Window> windows) {
        return lastOf(windows).stream().map(Window::perFrame).toList();
    }
}
