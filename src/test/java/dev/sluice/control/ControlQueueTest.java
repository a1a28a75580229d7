package dev.sluice.control;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.control.admin.AdminException;
import dev.sluice.ffi.CallState;
import dev.sluice.ffi.LibC;
import dev.sluice.ffi.generated.Native;
import dev.sluice.ffi.generated.pollfd;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The control thread is the test's own. */
@Timeout(20)
class ControlQueueTest {
    private final ControlQueue queue = new ControlQueue();

    @AfterEach
    void close() {
        queue.close();
    }

    private boolean isReadable(int timeoutMs) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment entry = arena.allocate(pollfd.layout());
            pollfd.fd(entry, queue.fd());
            pollfd.events(entry, (short) Native.POLLIN());
            return LibC.poll(CallState.current(), entry, 1, timeoutMs) == 1;
        }
    }

    private <T> CompletableFuture<T> ask(ControlQueue.Action<T> action) {
        CompletableFuture<T> outcome = new CompletableFuture<>();
        Thread.ofVirtual().start(() -> {
            try {
                outcome.complete(queue.call(action));
            } catch (AdminException | RuntimeException e) {
                outcome.completeExceptionally(e);
            }
        });
        return outcome;
    }

    private static String codeOf(CompletableFuture<?> outcome) {
        CompletionException e = assertThrows(CompletionException.class, outcome::join);
        return assertInstanceOf(AdminException.class, e.getCause()).code();
    }

    @Test
    void aRequestWakesTheControlThreadWhichAlonePerformsIt() {
        assertFalse(isReadable(0));
        CompletableFuture<Thread> outcome = ask(Thread::currentThread);
        assertTrue(isReadable(5_000));
        assertFalse(outcome.isDone());
        queue.run();
        assertSame(Thread.currentThread(), outcome.join());
        assertFalse(isReadable(0), "nothing is left");
    }

    @Test
    void oneAtATimeAndNoneIsForgotten() throws InterruptedException {
        List<Integer> seen = Collections.synchronizedList(new ArrayList<>());
        List<CompletableFuture<Integer>> outcomes = new ArrayList<>();
        for (int i = 0; i < ControlQueue.MAX_WAITING; i++) {
            int number = i;
            outcomes.add(ask(() -> {
                seen.add(number);
                return number;
            }));
        }
        Thread.sleep(200);
        for (int done = 0; done < ControlQueue.MAX_WAITING; done++) {
            assertEquals(done, seen.size());
            assertTrue(isReadable(5_000), "the rest is still announced");
            queue.run();
        }
        for (int i = 0; i < ControlQueue.MAX_WAITING; i++) {
            assertEquals(i, outcomes.get(i).join());
        }
        assertFalse(isReadable(0));
    }

    @Test
    void whoCannotWaitIsToldAtOnceAndNothingHappens() throws InterruptedException {
        List<CompletableFuture<Integer>> outcomes = new ArrayList<>();
        for (int i = 0; i < ControlQueue.MAX_WAITING; i++) {
            outcomes.add(ask(() -> 1));
        }
        Thread.sleep(200);
        CompletableFuture<Integer> oneTooMany = ask(() -> {
            throw new AssertionError("it was refused");
        });
        assertEquals("busy", codeOf(oneTooMany));
        for (int i = 0; i < ControlQueue.MAX_WAITING; i++) {
            queue.run();
        }
        outcomes.forEach(outcome -> assertEquals(1, outcome.join()));
        assertFalse(isReadable(0));
    }

    @Test
    void aFailureIsTheAskersAndNobodyElses() {
        CompletableFuture<Object> refused = ask(() -> {
            throw new AdminException("full", "no room", List.of("one", "two"));
        });
        assertTrue(isReadable(5_000));
        queue.run();
        assertEquals("full", codeOf(refused));
        CompletableFuture<Object> broken = ask(() -> {
            throw new IllegalArgumentException("a bug");
        });
        assertTrue(isReadable(5_000));
        queue.run();
        assertThrows(CompletionException.class, broken::join);
        CompletableFuture<Integer> next = ask(() -> 1);
        assertTrue(isReadable(5_000));
        queue.run();
        assertEquals(1, next.join());
    }

    @Test
    void whoWaitsWhenTheDirectorStopsIsTurnedAway() {
        CompletableFuture<Integer> waiting = ask(() -> 1);
        assertTrue(isReadable(5_000));
        queue.close();
        assertEquals("not_ready", codeOf(waiting));
        assertEquals("not_ready", codeOf(ask(() -> 1)));
    }
}
