package dev.sluice.control;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class ResourcesTest {
    @Test
    void releasesInReverseOrderOnceAndWhateverFails() {
        List<String> released = new ArrayList<>();
        Resources resources = new Resources();
        resources.onClose("first", () -> released.add("first"));
        resources.onClose("second", () -> {
            released.add("second");
            throw new IOException("on purpose");
        });
        AutoCloseable third = () -> released.add("third");
        assertEquals(third, resources.add("third", third));
        resources.close();
        resources.close();
        assertEquals(List.of("third", "second", "first"), released);
    }
}
