package dev.sluice.bench.vm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class VirtualMachineTest {
    private final VirtualMachine machine = new VirtualMachine(Path.of("/cache"));

    @TempDir
    private Path folder = Path.of("");

    private String command(VmCase which, boolean cards) {
        return String.join(" ", machine.command(which, "pktgen", cards, "bench.repeats=2", folder.resolve("console")));
    }

    @Test
    void theMachineCountsInstructions() {
        String command = command(VmCase.IPVS_DR_MH_NEW, false);
        assertTrue(command.contains("-icount shift=0,sleep=off"), command);
        assertTrue(command.contains("bench.case=ipvs-dr-mh "), command);
        assertTrue(command.contains("bench.flows=4194304 bench.repeats=2"), command);
        assertTrue(command.contains("-initrd /cache/initramfs "), command);
        assertFalse(command.contains("virtio-net"), command);
    }

    @Test
    void eachCableHasTwoCards() {
        String command = command(VmCase.SLUICE_DR, true);
        assertTrue(command.contains("-initrd /cache/initramfs-java "), command);
        for (String card :
                List.of("01,hubid=1", "02,hubid=1", "03,hubid=2", "04,hubid=2", "05,hubid=3", "06,hubid=3")) {
            assertTrue(command.contains("hubport,id=n" + card + " "), command);
            assertTrue(command.contains("mac=02:00:00:00:00:" + card.substring(0, 2) + ","), command);
        }
    }

    @Test
    void reportLinesAreTakenUntilNoMoreAreWanted() throws IOException, InterruptedException {
        List<String> taken = new ArrayList<>();
        List<String> command = List.of("sh", "-c", "echo boot; echo '{1}'; echo '{2}'; echo '{3}'; exec sleep 60");
        assertTrue(VirtualMachine.run(command, folder.resolve("errors"), Duration.ofMinutes(1), line -> {
            taken.add(line);
            return taken.size() < 2;
        }));
        assertEquals(List.of("{1}", "{2}"), taken);
    }

    @Test
    void lastWordsAreOfTheFilesThatThereAre() throws IOException {
        Path errors = Files.writeString(folder.resolve("errors"), "1\n2\n3\n4\n");
        assertEquals("2 / 3 / 4", VirtualMachine.lastWords(errors, folder.resolve("console")));
    }
}
