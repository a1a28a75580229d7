package dev.sluice.bench.net;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/**
 * Which CPUs generate and which forward.
 *
 * @param generator one for each stream; a veth puts what a CPU sends into the queue of its number modulo the queues, so that streams
 *     fill all queues
 * @param subject one for each queue
 */
record Pinning(List<Integer> generator, List<Integer> subject) {
    /** Copies its lists. */
    Pinning {
        generator = List.copyOf(generator);
        subject = List.copyOf(subject);
    }

    /**
     * What was asked for, or CPUs from the first on: streams first, then queues, beginning anew where there are no more. Throws
     * {@link IllegalArgumentException} for what cannot be, with fewer than two CPUs too.
     *
     * @param generator empty for no wish, like {@code subject}
     * @param online how many CPUs there are
     */
    static Pinning of(int queues, int streams, List<Integer> generator, List<Integer> subject, int online) {
        if (online < 2) {
            throw new IllegalArgumentException(
                    "two CPUs are needed, generator and subject one each; there is " + online);
        }
        List<Integer> senders = generator.isEmpty() ? from(0, streams, online) : generator;
        List<Integer> workers = subject.isEmpty() ? from(senders.getLast() + 1, queues, online) : subject;
        for (int cpu : senders) {
            checkOnline("--generator-cpus", cpu, online);
        }
        for (int cpu : workers) {
            checkOnline("--subject-cpus", cpu, online);
        }
        if (senders.size() != streams || workers.size() != queues) {
            throw new IllegalArgumentException("--generator-cpus has " + streams + " and --subject-cpus " + queues
                    + " with --queues " + queues + "; not " + senders.size() + " and " + workers.size());
        }
        if (streams > 1 && senders.stream().map(cpu -> cpu % queues).distinct().count() < streams) {
            throw new IllegalArgumentException(
                    "what a CPU sends comes to the queue of its number modulo the queues, so "
                            + queues + " queues need --generator-cpus that differ modulo " + queues + "; "
                            + text(senders) + " do not" + (generator.isEmpty() ? ", and there are no others" : ""));
        }
        if (queues == 1 && senders.equals(workers)) {
            throw new IllegalArgumentException(
                    "--generator-cpu and --subject-cpu must differ; both are " + text(workers));
        }
        return new Pinning(senders, workers);
    }

    private static List<Integer> from(int first, int count, int online) {
        List<Integer> cpus = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            cpus.add((first + i) % online);
        }
        return cpus;
    }

    private static void checkOnline(String option, int cpu, int online) {
        if (cpu < 0 || cpu >= online) {
            throw new IllegalArgumentException(option + " must be CPUs from 0 to " + (online - 1) + ", not " + cpu);
        }
    }

    /** How many CPUs the machine has, whatever this process itself may run on. */
    static int online() {
        try {
            return (int) Files.readAllLines(Path.of("/proc/stat")).stream()
                    .filter(line -> line.matches("cpu[0-9]+ .*"))
                    .count();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Whether a CPU has more than one thing to do. */
    boolean isShared() {
        List<Integer> all = new ArrayList<>(generator);
        all.addAll(subject);
        return all.stream().distinct().count() < all.size();
    }

    static String text(List<Integer> cpus) {
        return cpus.stream().map(String::valueOf).collect(Collectors.joining(","));
    }
}
