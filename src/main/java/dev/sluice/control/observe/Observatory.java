package dev.sluice.control.observe;

import dev.sluice.control.admin.AdminException;
import dev.sluice.ffi.PageMemory;
import dev.sluice.flow.FlowHasher;
import dev.sluice.forward.Counters;
import dev.sluice.forward.observe.Injection;
import dev.sluice.forward.observe.Observation;
import dev.sluice.forward.observe.ObservationOrder;
import dev.sluice.forward.observe.ObservedPacket;
import dev.sluice.forward.observe.Observer;
import dev.sluice.schedule.HashKey;
import dev.sluice.worker.Worker;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Who observes the workers at the moment. Tells the workers, and takes back what they had when they have acknowledged that they
 * have it no more. One who does not come to read for some seconds is gone, and so is what was made for him. Any thread but the
 * workers'.
 */
public final class Observatory implements AutoCloseable {
    /** How long one may stay away. */
    static final long IDLE_NS = TimeUnit.SECONDS.toNanos(5);

    private static final long ACKNOWLEDGE_NS = TimeUnit.SECONDS.toNanos(5);
    private static final long POLL_NS = 500_000;
    private static final long REAP_MS = 500;

    private static final Logger LOG = System.getLogger(Observatory.class.getName());

    private final List<Worker> workers;
    private final HashKey key;
    private final SecureRandom random = new SecureRandom();

    // Guarded by this.
    private final List<Session> sessions = new ArrayList<>();
    private @Nullable PageMemory scratch;
    private boolean reaping;
    private boolean closed;

    /**
     * Nobody observes yet.
     *
     * @param workers in the order of their queues
     * @param key the director's, for flows' hashes
     */
    public Observatory(List<Worker> workers, HashKey key) {
        this.workers = List.copyOf(workers);
        this.key = key;
    }

    List<Worker> workers() {
        return workers;
    }

    /** Begins to observe; the packets of now are seen when this returns. */
    synchronized Session open(ObservationRequest request) throws AdminException {
        if (closed) {
            throw new AdminException("not_ready", "the director is starting or stopping");
        }
        if (sessions.size() >= Observation.MAX_OBSERVERS) {
            throw new AdminException(
                    "full",
                    "there are " + sessions.size() + " captures and traces already; end one, or wait some seconds for "
                            + "those that nobody reads");
        }
        Session session = new Session(HexFormat.of().toHexDigits(random.nextLong()), request, workers);
        sessions.add(session);
        if (!publish(null, 0)) {
            close(session);
            throw new AdminException("timeout", "the workers have not begun to look in time");
        }
        if (!reaping) {
            reaping = true;
            Thread.ofVirtual().name("sluice-observatory").start(this::reap);
        }
        return session;
    }

    /** The session with an id. */
    synchronized Session find(String id) throws AdminException {
        for (Session session : sessions) {
            if (session.id().equals(id)) {
                return session;
            }
        }
        throw new AdminException(
                "session_not_found",
                "there is no such capture or trace, or it has ended: nobody had read it for "
                        + TimeUnit.NANOSECONDS.toSeconds(IDLE_NS) + " s");
    }

    /** Ends a session; nothing happens when it has ended. */
    synchronized void close(Session session) {
        if (sessions.remove(session)) {
            session.end();
            if (publish(null, 0)) {
                session.release();
            }
        }
    }

    /**
     * Has a worker make a packet: its images.
     *
     * @param send whether it is to be sent
     * @throws AdminException when a connection would have been changed, or the worker did not get to it
     */
    synchronized List<ObservedPacket> inject(
            byte[] packet, int ingressPort, int worker, boolean send, ObservationRequest request)
            throws AdminException {
        if (closed) {
            throw new AdminException("not_ready", "the director is starting or stopping");
        }
        Session session = new Session("", request, List.of(workers.get(worker)));
        Injection injection = new Injection(packet, ingressPort, session.observer(), send ? null : new Counters());
        publish(injection, worker);
        long startNs = System.nanoTime();
        while (injection.outcome() == Injection.Outcome.PENDING && System.nanoTime() - startNs < ACKNOWLEDGE_NS) {
            LockSupport.parkNanos(POLL_NS);
        }
        // Whatever came of it, the worker has it no more.
        boolean left = publish(null, 0);
        List<ObservedPacket> images = session.read(Integer.MAX_VALUE);
        session.end();
        if (left) {
            session.release();
        }
        switch (injection.outcome()) {
            case DONE -> {
                return images;
            }
            case FLOW_EXISTS -> throw flowExists();
            case NO_FRAME -> throw new AdminException(AdminException.BUSY, "the worker has no free frame for a packet");
            default ->
                throw new AdminException("timeout", "the worker did not get to it: fragments wait, or it stands still");
        }
    }

    static AdminException flowExists() {
        return new AdminException(
                "flow_exists",
                "there is a connection of this client, port and VIP, which a packet made would change: leave the client's"
                        + " port out, or wait for a real packet of it without --inject");
    }

    /** Under the director's key. */
    FlowHasher hasher() {
        return new FlowHasher(key);
    }

    /** Tells all workers who observes now; false when one has not acknowledged it in time. */
    private boolean publish(@Nullable Injection injection, int worker) {
        @Nullable PageMemory before = scratch;
        boolean any = injection != null || !sessions.isEmpty();
        PageMemory memory = any ? new PageMemory() : null;
        scratch = memory;
        List<ObservationOrder> orders = new ArrayList<>();
        for (int i = 0; i < workers.size(); i++) {
            ObservationOrder order = memory == null
                    ? ObservationOrder.NONE
                    : order(workers.get(i), i, i == worker ? injection : null, memory);
            orders.add(order);
            workers.get(i).observations().publish(order);
        }
        long startNs = System.nanoTime();
        for (int i = 0; i < workers.size(); i++) {
            Worker one = workers.get(i);
            while (!one.observations().isAcknowledged(orders.get(i)) && one.failure() == null) {
                if (System.nanoTime() - startNs > ACKNOWLEDGE_NS) {
                    LOG.log(Level.WARNING, "worker {0} stands still; what observed it is kept", one.queue());
                    return false;
                }
                LockSupport.parkNanos(POLL_NS);
            }
        }
        if (before != null) {
            before.close();
        }
        return true;
    }

    private ObservationOrder order(Worker worker, int index, @Nullable Injection injection, PageMemory memory) {
        List<Observer> observers = new ArrayList<>();
        for (Session session : sessions) {
            Observer observer = session.observerOf(index);
            if (observer != null) {
                observers.add(observer);
            }
        }
        if (observers.isEmpty() && injection == null) {
            return ObservationOrder.NONE;
        }
        return new ObservationOrder(new Observation(
                observers,
                injection,
                worker.frames(),
                worker.flows(),
                hasher(),
                worker.counters(),
                worker.queue(),
                memory));
    }

    private void reap() {
        while (true) {
            try {
                Thread.sleep(REAP_MS);
            } catch (InterruptedException e) {
                return;
            }
            synchronized (this) {
                for (Session session : List.copyOf(sessions)) {
                    if (session.isIdle(IDLE_NS)) {
                        LOG.log(Level.INFO, "a capture or trace has ended: nobody reads it");
                        close(session);
                    }
                }
                if (sessions.isEmpty()) {
                    reaping = false;
                    return;
                }
            }
        }
    }

    /** Ends all sessions, before the workers stop. */
    @Override
    public synchronized void close() {
        closed = true;
        for (Session session : List.copyOf(sessions)) {
            close(session);
        }
    }
}
