package dev.sluice.bench;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * How long frames are, one after another: a cycle in which every size has its share, spread evenly. Sizes are of whole frames
 * without the four octets of frame check sequence.
 */
public final class FrameSizes {
    /**
     * The simple IMIX: of twelve frames seven have 64, four 594 and one 1518 octets on the wire, frame check sequence included, so
     * 60, 590 and 1514 here.
     */
    public static final String IMIX = "imix";

    private static final String IMIX_SIZES = "60:7,590:4,1514:1";
    private static final int LONGEST_CYCLE = 64;
    private static final int DISTINCT = 8;
    private static final String WANTED =
            "must be imix, a number of octets, or such numbers with weights: 60:7,590:4,1514:1";

    private final String text;
    private final List<Integer> distinct;
    private final List<Integer> weights;
    private final int[] cycle;

    private FrameSizes(String text, List<Integer> distinct, List<Integer> weights) {
        this.text = text;
        this.distinct = List.copyOf(distinct);
        this.weights = List.copyOf(weights);
        this.cycle = cycle(this.weights);
    }

    /** One size for all. */
    public static FrameSizes of(int bytes) {
        return parse(Integer.toString(bytes));
    }

    /** {@code imix}, {@code 60}, or {@code 60:7,590:4,1514:1}. Throws {@link IllegalArgumentException} for anything else. */
    public static FrameSizes parse(String text) {
        List<Integer> sizes = new ArrayList<>();
        List<Integer> weights = new ArrayList<>();
        for (String part : (text.equals(IMIX) ? IMIX_SIZES : text).split(",", -1)) {
            if (!part.matches("[0-9]{1,5}(:[0-9]{1,2})?")) {
                throw new IllegalArgumentException("frame sizes " + WANTED + "; not \"" + text + "\"");
            }
            int colon = part.indexOf(':');
            int size = Integer.parseInt(colon < 0 ? part : part.substring(0, colon));
            int weight = colon < 0 ? 1 : Integer.parseInt(part.substring(colon + 1));
            if (size < 14 || size > ProgramRun.MAX_FRAME_BYTES || weight < 1 || sizes.contains(size)) {
                throw new IllegalArgumentException("\"" + part + "\": a frame has 14 to " + ProgramRun.MAX_FRAME_BYTES
                        + " octets, a weight is 1 or more, and every size is named once");
            }
            sizes.add(size);
            weights.add(weight);
        }
        int length = weights.stream().mapToInt(Integer::intValue).sum();
        if (sizes.size() > DISTINCT || length > LONGEST_CYCLE) {
            throw new IllegalArgumentException("at most " + DISTINCT + " frame sizes whose weights add up to "
                    + LONGEST_CYCLE + "; not \"" + text + "\"");
        }
        return new FrameSizes(text, sizes, weights);
    }

    /** At every place the size that lags most behind its share. */
    private static int[] cycle(List<Integer> weights) {
        int length = weights.stream().mapToInt(Integer::intValue).sum();
        int[] given = new int[weights.size()];
        int[] cycle = new int[length];
        for (int place = 0; place < length; place++) {
            int next = 0;
            for (int size = 1; size < given.length; size++) {
                if (weights.get(size) * (place + 1) - given[size] * length
                        > weights.get(next) * (place + 1) - given[next] * length) {
                    next = size;
                }
            }
            given[next]++;
            cycle[place] = next;
        }
        return cycle;
    }

    /** The sizes, each once, in the order in which they were named. */
    public List<Integer> distinct() {
        return distinct;
    }

    /** Which of {@link #distinct} comes when; then it begins anew. */
    public int[] cycle() {
        return cycle.clone();
    }

    /** Which of {@link #distinct} a frame has that is the so-manieth of all, when so many flows take turns. */
    int indexOf(long number, int flows) {
        // Shifted by one with every round of the flows: otherwise a flow could have one size for ever.
        return cycle[(int) ((number + number / flows) % cycle.length)];
    }

    /** The longest. */
    public int longest() {
        return distinct.stream().mapToInt(Integer::intValue).max().orElseThrow();
    }

    /** Whether all frames are equally long. */
    public boolean isOne() {
        return distinct.size() == 1;
    }

    /** As pktgen's {@code imix_weights} wants them: {@code 60,7 590,4 1514,1}. */
    public String pairs() {
        return IntStream.range(0, distinct.size())
                .mapToObj(index -> distinct.get(index) + "," + weights.get(index))
                .collect(Collectors.joining(" "));
    }

    /** The mean over a cycle. */
    public double mean() {
        return Arrays.stream(cycle).map(distinct::get).average().orElseThrow();
    }

    /** As it was given. */
    @Override
    public String toString() {
        return text;
    }
}
