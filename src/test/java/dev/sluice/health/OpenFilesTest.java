package dev.sluice.health;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;

final class OpenFilesTest {
    @Test
    void readsTheSoftLimit() {
        String head = "Limit                     Soft Limit           Hard Limit           Units     ";
        assertEquals(
                1024, OpenFiles.parse(List.of(head, "Max open files            1024                 524288    files")));
        assertEquals(
                Integer.MAX_VALUE,
                OpenFiles.parse(List.of(head, "Max open files            unlimited            unlimited files")));
        assertTrue(OpenFiles.limit() > 0);
    }
}
