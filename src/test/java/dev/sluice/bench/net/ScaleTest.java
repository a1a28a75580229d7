package dev.sluice.bench.net;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class ScaleTest {
    @Test
    void everyQueueHasAGeneratorWhereThereAreCpus() {
        assertEquals(List.of(0), QueueScale.generators(1, 2, 0));
        assertEquals(List.of(0, 1), QueueScale.generators(2, 2, 0));
        assertEquals(List.of(0, 1), QueueScale.generators(4, 2, 0));
        assertEquals(List.of(3, 4, 5, 6), QueueScale.generators(4, 8, 3));
    }

    @Test
    void theBusiestWorkersShareIsOfWhatCameMeanwhile() {
        assertEquals(0.75, QueueScale.busiest(List.of(100L, 100L), List.of(400L, 200L)));
        assertEquals(0, QueueScale.busiest(List.of(100L), List.of(100L)));
    }

    @Test
    void noRealServerIsThereTwice() {
        ManyServices services = new ManyServices(100, 30, "rr");
        Set<String> addresses =
                IntStream.range(0, 3000).mapToObj(ManyServices::realServer).collect(Collectors.toSet());
        assertEquals(3000, addresses.size());
        String config = services.config();
        assertEquals(100, config.split("\\[\\[service]]", -1).length - 1);
        assertEquals(3000, config.split("\\[\\[service.real]]", -1).length - 1);
        assertTrue(addresses.stream().allMatch(address -> config.contains('"' + address + '"')));
        assertThrows(IllegalArgumentException.class, () -> new ManyServices(1000, 100, "rr"));
    }

    @Test
    void memoryIsReadByWhatItIs() {
        ProcessMemory memory = ProcessMemory.of(
                List.of("Name:\tjava", "VmLck:\t    8192 kB", "VmRSS:\t  204800 kB", "Threads:\t12"),
                List.of("Rss:              204800 kB", "AnonHugePages:      2048 kB"));
        assertEquals(8, memory.parts().get("locked"));
        assertEquals(200, memory.parts().get("resident"));
        assertEquals(2, memory.parts().get("transparent huge pages"));
    }

    @Test
    void heapIsTheSumOfGenerations() {
        assertEquals(3, ProcessMemory.heapUsed("""
                        12345:
                         def new generation   total 19648K, used 1024K [0x1, 0x2, 0x3)
                          eden space 17472K,   5% used [0x1, 0x2, 0x3)
                         tenured generation   total 43712K, used 2048K [0x1, 0x2, 0x3)
                         Metaspace       used 5120K, committed 5376K, reserved 1114112K
                        """));
    }
}
