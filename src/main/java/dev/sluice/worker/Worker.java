package dev.sluice.worker;

import com.sun.management.ThreadMXBean;
import dev.sluice.ffi.CallState;
import dev.sluice.ffi.LibC;
import dev.sluice.flow.FlowTable;
import dev.sluice.forward.Batch;
import dev.sluice.forward.Counters;
import dev.sluice.forward.ForwardingSnapshot;
import dev.sluice.forward.Pipeline;
import dev.sluice.forward.observe.Injection;
import dev.sluice.forward.observe.Observation;
import dev.sluice.forward.observe.ObservationOrder;
import dev.sluice.stats.LogField;
import dev.sluice.xsk.FramePool;
import dev.sluice.xsk.XskSocket;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;

/**
 * The thread that owns one queue index on every interface: its UMEM, rings, frames, connection table, scheduler state
 * and counters. It runs duty cycles until it is told to stop; a cycle takes back what was sent, gives the kernel frames
 * to receive into, moves one batch of every interface through the pipeline, and hands the result to the kernel.
 *
 * <p>{@link #start}, {@link #stop} and the readers of counters are for the control thread. Everything else runs on the
 * worker's own thread and neither allocates, locks nor throws.
 */
public final class Worker {
    private static final Logger LOG = System.getLogger(Worker.class.getName());

    /** Connections looked at for expiry in one duty cycle. */
    private static final int EXPIRY_SLICE = 64;

    /**
     * Room left before the data of frames that the worker fills itself, for what goes before them: as much as the kernel leaves
     * (XDP_PACKET_HEADROOM).
     */
    private static final int HEADROOM_BYTES = 256;

    /** How often gauges are set; they cost a few native calls. */
    private static final long GAUGE_INTERVAL_NS = 10_000_000;

    /** Null on a JVM that does not count what threads allocate. */
    private static final @Nullable ThreadMXBean THREADS =
            ManagementFactory.getThreadMXBean() instanceof ThreadMXBean counting ? counting : null;

    private final int queue;
    private final int cpu;
    private final Port[] ports;
    private final FramePool pool;
    private final Pipeline pipeline;
    private final FlowTable flows;
    private final Counters counters;
    private final WorkerCounters own = new WorkerCounters();
    private final BatchSizes batchSizes = new BatchSizes();
    private final SnapshotSlot<ForwardingSnapshot> snapshots;
    private final SnapshotSlot<ObservationOrder> observations = new SnapshotSlot<>(ObservationOrder.NONE);
    private final IdleStrategy idle;
    private final StallTracker stalls = new StallTracker();
    private final int batchSize;
    private final Batch batch;
    private final CountDownLatch started = new CountDownLatch(1);
    private final Thread thread;

    private long nextGaugeNs;
    private long allocatedAtStart;

    // Read with opaque mode would do; a volatile read of a boolean is the same instruction on the machines in question.
    private volatile boolean running = true;
    private volatile @Nullable Throwable failure;

    /**
     * Puts a worker together; nothing runs before {@link #start}.
     *
     * @param queue the queue index
     * @param cpu the processor to pin the thread to, -1 for none
     * @param sockets its sockets, one an interface in the order of the configuration, over one UMEM
     * @param pool the frames of that UMEM
     * @param pipeline what is done to packets
     * @param flows the pipeline's connection table
     * @param counters the pipeline's counters
     * @param snapshots where the configuration comes from
     * @param busyIdle never to sleep
     * @param batchSize packets taken from an interface at a time
     */
    public Worker(
            int queue,
            int cpu,
            List<XskSocket> sockets,
            FramePool pool,
            Pipeline pipeline,
            FlowTable flows,
            Counters counters,
            SnapshotSlot<ForwardingSnapshot> snapshots,
            boolean busyIdle,
            int batchSize) {
        this.queue = queue;
        this.cpu = cpu;
        this.pool = pool;
        this.pipeline = pipeline;
        this.flows = flows;
        this.counters = counters;
        this.snapshots = snapshots;
        this.batchSize = batchSize;
        ports = sockets.stream().map(socket -> new Port(socket, pool)).toArray(Port[]::new);
        batch = new Batch(pool.frameSizeBytes() - HEADROOM_BYTES);
        idle = busyIdle
                ? new BusyIdleStrategy()
                : new AdaptiveIdleStrategy(
                        sockets.stream().mapToInt(XskSocket::fd).toArray());
        own.set(WorkerCounter.FRAMES_TOTAL, pool.capacity());
        thread = Thread.ofPlatform().name("sluice-worker-" + queue).unstarted(this::run);
    }

    /** Starts the thread and waits until it runs on its processor with its fill rings filled. */
    public void start() throws InterruptedException {
        thread.start();
        started.await();
    }

    /** Tells the worker to end after the current duty cycle, and waits for that. */
    public void stop() throws InterruptedException {
        running = false;
        thread.join();
    }

    /** What ended the worker other than {@link #stop}, which can only be a bug; null while all is well. */
    public @Nullable Throwable failure() {
        return failure;
    }

    /** The queue index it owns on every interface. */
    public int queue() {
        return queue;
    }

    /** The processor it is pinned to, -1 for none. */
    public int cpu() {
        return cpu;
    }

    /** The fates of its packets. */
    public Counters counters() {
        return counters;
    }

    /** Its counters of itself. */
    public WorkerCounters workerCounters() {
        return own;
    }

    /** How large the batches were that it took from its interfaces. */
    public BatchSizes batchSizes() {
        return batchSizes;
    }

    /** Its connections; other threads may read what {@link FlowTable} says any thread may. */
    public FlowTable flows() {
        return flows;
    }

    /** Where its configuration comes from. */
    public SnapshotSlot<ForwardingSnapshot> snapshots() {
        return snapshots;
    }

    /** What it is to observe. */
    public SnapshotSlot<ObservationOrder> observations() {
        return observations;
    }

    /** The frames of its UMEM. Memory that only the worker touches. */
    public MemorySegment frames() {
        return pipeline.frames();
    }

    private void run() {
        try {
            if (cpu >= 0) {
                int result = LibC.pinCurrentThread(new CallState(), cpu);
                if (result < 0) {
                    LOG.log(
                            Level.WARNING,
                            "worker {0} stays unpinned: processor {1} is not available",
                            LogField.queue(queue),
                            cpu);
                }
            }
            for (Port port : ports) {
                port.refill();
            }
            allocatedAtStart = threadAllocatedBytes();
            started.countDown();
            while (running) {
                long startNs = System.nanoTime();
                int work = doWork(startNs);
                long endNs = System.nanoTime();
                stalls.onCycle(endNs - startNs);
                if (work > 0) {
                    own.add(WorkerCounter.BUSY_NS, endNs - startNs);
                }
                if (endNs - nextGaugeNs >= 0) {
                    updateGauges();
                    nextGaugeNs = endNs + GAUGE_INTERVAL_NS;
                }
                idle.idle(work);
            }
            updateGauges();
        } catch (Throwable t) {
            failure = t;
            LOG.log(Level.ERROR, "worker " + queue + " died", t);
        } finally {
            started.countDown();
        }
    }

    /** One duty cycle: how many packets, completions and timers it handled. */
    private int doWork(long nowNs) {
        ForwardingSnapshot snapshot = snapshots.acquire();
        ObservationOrder order = observations.acquire();
        Observation observation = order.observation();
        long nowMs = nowNs / 1_000_000;
        int work = 0;
        for (int i = 0; i < ports.length; i++) {
            work += ports[i].reapCompletions(batchSize * 2);
            ports[i].refill();
        }
        for (int i = 0; i < ports.length; i++) {
            work += forward(snapshot, i, observation, nowNs);
        }
        if (observation != null) {
            inject(snapshot, observation, nowNs);
        }
        for (int i = 0; i < ports.length; i++) {
            if (ports[i].transmit() < 0) {
                own.add(WorkerCounter.TX_KICK_ERRORS, 1);
            }
        }
        work += pipeline.expire(snapshot, EXPIRY_SLICE, nowMs);
        snapshots.acknowledge(snapshot);
        observations.acknowledge(order);
        own.add(WorkerCounter.DUTY_CYCLES, 1);
        if (work > 0) {
            own.add(WorkerCounter.BUSY_CYCLES, 1);
        }
        return work;
    }

    private int forward(ForwardingSnapshot snapshot, int ingress, @Nullable Observation observation, long nowNs) {
        batch.clear();
        Port port = ports[ingress];
        port.receive(batch, batchSize);
        int tooLong = port.takeTooLong();
        if (tooLong > 0) {
            pipeline.inTooManyFrames(tooLong);
            own.add(WorkerCounter.RX_PACKETS, tooLong);
        }
        int received = batch.count();
        if (received == 0 && pipeline.held() == 0) {
            return tooLong;
        }
        long nowMs = nowNs / 1_000_000;
        if (observation != null && observation.begin(snapshot, batch, ingress, pipeline.held() > 0, nowNs)) {
            while (observation.next(batch)) {
                putSpares();
                pipeline.process(snapshot, batch, ingress, nowMs);
                send(observation);
                observation.completed(batch);
            }
        } else {
            putSpares();
            pipeline.process(snapshot, batch, ingress, nowMs);
            send(null);
        }
        own.add(WorkerCounter.RX_PACKETS, received);
        batchSizes.onBatch(received);
        return received;
    }

    /** Never more than half of what is free: receiving needs frames as well. */
    private void putSpares() {
        while (batch.spares() < Batch.MAX_SPARES && pool.available() > batch.spares()) {
            batch.putSpare(pool.alloc() + HEADROOM_BYTES);
        }
    }

    /** Queues what goes on of the batch, and frees what does not. */
    private void send(@Nullable Observation observation) {
        int sent = 0;
        int refused = 0;
        for (int i = 0; i < batch.count(); i++) {
            int egress = batch.egress(i);
            if (egress == Batch.DROPPED) {
                free(i);
            } else if (egress != Batch.HELD) {
                if (ports[egress].send(batch, i)) {
                    sent++;
                } else {
                    refused++;
                    free(i);
                    if (observation != null) {
                        observation.refused(i);
                    }
                }
            }
        }
        for (int i = 0; i < batch.cutFrames(); i++) {
            pool.free(batch.cutFrame(i));
        }
        pipeline.transmitted(sent, refused);
        own.add(WorkerCounter.TX_PACKETS, sent);
    }

    /** Makes the packet that is asked for, if there is one; what earlier batches left waiting has had its turn in this cycle. */
    private void inject(ForwardingSnapshot snapshot, Observation observation, long nowNs) {
        Injection injection = observation.injection();
        // Fragments that wait would go with it, and be freed with it.
        if (injection == null || injection.outcome() != Injection.Outcome.PENDING || pipeline.held() > 0) {
            return;
        }
        batch.clear();
        putSpares();
        if (batch.spares() == 0) {
            injection.finish(Injection.Outcome.NO_FRAME);
            return;
        }
        long frame = batch.takeSpare();
        if (!observation.beginInjection(injection, snapshot, batch, frame, nowNs)) {
            pool.free(frame);
            injection.finish(Injection.Outcome.FLOW_EXISTS);
            return;
        }
        Counters apart = injection.apart();
        if (apart == null) {
            pipeline.processMade(snapshot, batch, injection.ingressPort(), nowNs / 1_000_000);
            send(observation);
            observation.injected(injection, batch);
        } else {
            counters.countApart(apart);
            pipeline.processMade(snapshot, batch, injection.ingressPort(), nowNs / 1_000_000);
            counters.countHere();
            observation.injected(injection, batch);
            for (int i = 0; i < batch.count(); i++) {
                free(i);
            }
            for (int i = 0; i < batch.cutFrames(); i++) {
                pool.free(batch.cutFrame(i));
            }
        }
    }

    private void free(int packet) {
        pool.free(batch.address(packet));
        for (int tail = 0; tail < batch.tails(packet); tail++) {
            pool.free(batch.tailAddress(packet, tail));
        }
    }

    private void updateGauges() {
        int receiving = 0;
        int sending = 0;
        for (Port port : ports) {
            receiving += port.receiving();
            sending += port.sending();
        }
        own.set(WorkerCounter.FRAMES_FREE, pool.available() + batch.spares());
        own.set(WorkerCounter.PACKETS_HELD, pipeline.heldPackets());
        own.set(WorkerCounter.FRAMES_HELD, pipeline.held());
        own.set(WorkerCounter.FRAMES_RECEIVING, receiving);
        own.set(WorkerCounter.FRAMES_SENDING, sending);
        own.set(WorkerCounter.CONNECTIONS, flows.size());
        own.set(WorkerCounter.CONNECTIONS_HALF_OPEN, flows.halfOpen());
        own.set(WorkerCounter.STALLS, stalls.stalls());
        own.set(WorkerCounter.LONGEST_CYCLE_NS, stalls.longestNs());
        own.set(WorkerCounter.ALLOCATED_BYTES, threadAllocatedBytes() - allocatedAtStart);
        if (idle instanceof AdaptiveIdleStrategy adaptive) {
            own.set(WorkerCounter.SLEEPS, adaptive.polls());
        }
    }

    private static long threadAllocatedBytes() {
        return THREADS == null ? 0 : THREADS.getCurrentThreadAllocatedBytes();
    }
}
