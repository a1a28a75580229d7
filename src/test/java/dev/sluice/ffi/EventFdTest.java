package dev.sluice.ffi;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.sluice.ffi.generated.Native;
import dev.sluice.ffi.generated.pollfd;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.Test;

final class EventFdTest {
    @Test
    void isReadableFromASignalUntilItIsCleared() {
        try (EventFd event = EventFd.open()) {
            assertEquals(0, readable(event));
            event.signal();
            event.signal();
            assertEquals(1, readable(event));
            event.clear();
            assertEquals(0, readable(event));
            event.signal();
            assertEquals(1, readable(event));
        }
    }

    @Test
    void clearingNothingDoesNotWait() {
        try (EventFd event = EventFd.open()) {
            event.clear();
            assertEquals(0, readable(event));
        }
    }

    @Test
    void aSignalAfterTheEndGoesNowhere() {
        EventFd event = EventFd.open();
        event.close();
        event.signal();
        event.close();
    }

    private static int readable(EventFd event) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment entry = pollfd.allocate(arena);
            pollfd.fd(entry, event.fd());
            pollfd.events(entry, (short) Native.POLLIN());
            return LibC.poll(CallState.current(), entry, 1, 0);
        }
    }
}
