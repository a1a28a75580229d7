package dev.sluice.health;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Makes the checks, each on a virtual thread of its own that sleeps between two of them. They run on the JDK's carrier threads,
 * never on a worker or the control thread, and hold a carrier only while they compute.
 *
 * <p>At most {@link #MAX_AT_ONCE} checks, and among them {@link #MAX_SCRIPTS_AT_ONCE} scripts, are made at once; others wait for
 * their turn, which shows as lateness. A check that waits for an answer has one file descriptor open, a script three.
 *
 * <p>The first checks of targets that come together are spread over their interval, and keep their distance from then on.
 *
 * <p>Any thread.
 */
public final class HealthMonitor implements HealthChecks {
    /** How many checks are made at once, at most; fewer where half the limit of open files is less. */
    public static final int MAX_AT_ONCE = 4096;
    /** How many scripts run at once, at most: they are processes. */
    public static final int MAX_SCRIPTS_AT_ONCE = 32;

    private static final Logger LOG = System.getLogger(HealthMonitor.class.getName());
    private static final Duration CLOSE_TIMEOUT = Duration.ofSeconds(5);

    /** A check that is followed, and the thread that makes it. */
    private record Running(CheckLoop loop, Thread thread) {
        void stop() {
            loop.stop();
            thread.interrupt();
        }
    }

    private final HealthListener listener;
    private final Sockets sockets;
    private final InstantSource clock = InstantSource.system();
    private final CheckFactory factory = new CheckFactory();
    private final CheckCounts counts = new CheckCounts();
    private final Semaphore atOnce = new Semaphore(Math.min(MAX_AT_ONCE, OpenFiles.limit() / 2), true);
    private final Semaphore scriptsAtOnce = new Semaphore(MAX_SCRIPTS_AT_ONCE, true);
    private final Map<Target, FollowedTarget> followed = new ConcurrentHashMap<>();
    private final ReentrantLock lock = new ReentrantLock();
    /** Under the lock. */
    private final Map<Target, List<Running>> running = new HashMap<>();
    /** Under the lock. */
    private boolean closed;
    /** Written under the lock. */
    private volatile int checks;

    /**
     * Follows nothing yet.
     *
     * @param listener told of every change; may take its time, and may call this
     * @param sockets opens what checks ask through
     */
    public HealthMonitor(HealthListener listener, Sockets sockets) {
        this.listener = listener;
        this.sockets = sockets;
    }

    /**
     * {@inheritDoc}
     *
     * <p>A new target is known by {@link #of} when this returns, in its initial state, of which the listener is not told. Nothing is
     * told any more of a target that is left out.
     */
    @Override
    public void follow(Map<Target, List<CheckSpec>> wanted) {
        lock.lock();
        try {
            if (closed) {
                throw new IllegalStateException("closed");
            }
            followUnderLock(wanted);
        } finally {
            lock.unlock();
        }
    }

    private void followUnderLock(Map<Target, List<CheckSpec>> wanted) {
        Map<Integer, Phases> phases = new HashMap<>();
        wanted.forEach((target, specs) -> unmatched(running.getOrDefault(target, List.of()), specs)
                .forEach(spec -> phases.computeIfAbsent(spec.timing().intervalMs(), Phases::new).number++));
        for (Target target : List.copyOf(running.keySet())) {
            if (wanted.getOrDefault(target, List.of()).isEmpty()) {
                forget(target);
            }
        }
        wanted.forEach((target, specs) -> {
            if (!specs.isEmpty()) {
                followOne(target, specs, phases);
            }
        });
        checks = running.values().stream().mapToInt(List::size).sum();
    }

    private void forget(Target target) {
        FollowedTarget gone = followed.remove(target);
        if (gone != null) {
            gone.remove();
        }
        List<Running> stopped = running.remove(target);
        if (stopped != null) {
            stopped.forEach(Running::stop);
        }
    }

    /** The specs that no check of these has. */
    private static List<CheckSpec> unmatched(List<Running> present, List<CheckSpec> specs) {
        List<CheckSpec> left = new ArrayList<>(specs);
        present.forEach(one -> left.remove(one.loop().state().spec()));
        return left;
    }

    private void followOne(Target target, List<CheckSpec> specs, Map<Integer, Phases> phases) {
        List<Running> before = running.getOrDefault(target, List.of());
        if (before.stream().map(one -> one.loop().state().spec()).toList().equals(specs)) {
            return;
        }
        List<Running> left = new ArrayList<>(before);
        List<Optional<Running>> kept = new ArrayList<>();
        List<CheckState> states = new ArrayList<>();
        for (CheckSpec spec : specs) {
            Optional<Running> same = left.stream()
                    .filter(one -> one.loop().state().spec().equals(spec))
                    .findFirst();
            same.ifPresent(left::remove);
            kept.add(same);
            states.add(same.map(one -> one.loop().state()).orElseGet(() -> new CheckState(spec)));
        }
        left.forEach(Running::stop);
        FollowedTarget known = followed.get(target);
        FollowedTarget now = known == null ? new FollowedTarget(target, states, listener, clock) : known;
        if (known == null) {
            followed.put(target, now);
        } else {
            known.replaceChecks(states);
        }
        List<Running> after = new ArrayList<>();
        for (int i = 0; i < specs.size(); i++) {
            CheckState state = states.get(i);
            after.add(kept.get(i).orElseGet(() -> start(now, state, phases)));
        }
        running.put(target, after);
    }

    private Running start(FollowedTarget target, CheckState state, Map<Integer, Phases> phases) {
        CheckSpec spec = state.spec();
        Phases ofInterval = phases.computeIfAbsent(spec.timing().intervalMs(), Phases::new);
        CheckSchedule schedule =
                new CheckSchedule(System.nanoTime() + ofInterval.nextNs(), spec.timing(), new SplittableRandom());
        CheckLoop loop = new CheckLoop(
                target,
                state,
                factory.of(spec.probe()),
                Destination.of(target.target(), spec, sockets),
                schedule,
                spec.probe() instanceof Probe.Script ? scriptsAtOnce : atOnce,
                counts);
        return new Running(
                loop,
                Thread.ofVirtual()
                        .name("check-" + spec.probe().keyword() + "-" + target.target())
                        .start(loop));
    }

    /** Places in an interval for the checks that begin together: far from each other, in turn. */
    private static final class Phases {
        private final long intervalNs;
        private int number;
        private int taken;

        Phases(int intervalMs) {
            intervalNs = TimeUnit.MILLISECONDS.toNanos(intervalMs);
        }

        long nextNs() {
            return (long) ((double) intervalNs * taken++ / Math.max(1, number));
        }
    }

    @Override
    public Optional<TargetHealth> of(Target target) {
        return Optional.ofNullable(followed.get(target)).map(FollowedTarget::health);
    }

    @Override
    public Progress progress() {
        return counts.progress(followed.size(), checks);
    }

    @Override
    public void close() {
        List<Running> stopped = new ArrayList<>();
        lock.lock();
        try {
            closed = true;
            running.values().forEach(stopped::addAll);
            List.copyOf(running.keySet()).forEach(this::forget);
            checks = 0;
        } finally {
            lock.unlock();
        }
        long endNs = System.nanoTime() + CLOSE_TIMEOUT.toNanos();
        boolean interrupted = false;
        int alive = 0;
        for (Running one : stopped) {
            try {
                one.thread().join(Duration.ofNanos(Math.max(1, interrupted ? 1 : endNs - System.nanoTime())));
            } catch (InterruptedException e) {
                interrupted = true;
            }
            alive += one.thread().isAlive() ? 1 : 0;
        }
        factory.close();
        if (alive > 0) {
            LOG.log(Level.WARNING, alive + " checks are still being made");
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
