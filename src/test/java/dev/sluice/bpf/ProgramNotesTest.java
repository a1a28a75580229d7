package dev.sluice.bpf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ProgramNotesTest {
    private static final String BOOT = "5c2e5ae5-3d7a-4d0e-9a3e-0b3f6c7d8e9f";

    @TempDir
    private Path folder;

    private Path file() {
        return folder.resolve("sluice.sock.xdp");
    }

    @Test
    void whatIsNotedIsKnownToTheNextOne() {
        ProgramNotes first = ProgramNotes.in(file(), BOOT);
        assertFalse(first.holds(17));
        first.add(17);
        first.add(4711);
        assertTrue(first.holds(17));
        ProgramNotes next = ProgramNotes.in(file(), BOOT);
        assertTrue(next.holds(17) && next.holds(4711));
        assertFalse(next.holds(18));
    }

    @Test
    void numbersOfAnotherBootAreOtherPrograms() {
        ProgramNotes.in(file(), BOOT).add(17);
        ProgramNotes after = ProgramNotes.in(file(), "0" + BOOT.substring(1));
        assertFalse(after.holds(17));
        after.add(18);
        assertFalse(ProgramNotes.in(file(), BOOT).holds(17), "what was noted before is gone");
    }

    @Test
    void onlyTheOwnerReadsAndWritesIt() throws IOException {
        ProgramNotes.in(file(), BOOT).add(17);
        assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(file())));
        try (var files = Files.list(folder)) {
            assertEquals(List.of(file()), files.toList(), "something is left beside it");
        }
    }

    @Test
    void whatOthersCouldHaveWrittenCountsForNothing() throws IOException {
        ProgramNotes.in(file(), BOOT).add(17);
        Files.setPosixFilePermissions(file(), PosixFilePermissions.fromString("rw-rw----"));
        assertFalse(ProgramNotes.in(file(), BOOT).holds(17));
        Files.setPosixFilePermissions(file(), PosixFilePermissions.fromString("rw----r--"));
        assertTrue(ProgramNotes.in(file(), BOOT).holds(17));

        Path link = Files.createSymbolicLink(folder.resolve("link"), file());
        assertFalse(ProgramNotes.in(link, BOOT).holds(17), "a link leads where somebody else wants");
    }

    @Test
    void whatBelongsToSomebodyElseCountsForNothing() throws IOException {
        assumeTrue("root".equals(System.getProperty("user.name")), "only root gives files away");
        ProgramNotes.in(file(), BOOT).add(17);
        Files.setOwner(
                file(), folder.getFileSystem().getUserPrincipalLookupService().lookupPrincipalByName("nobody"));
        assertFalse(ProgramNotes.in(file(), BOOT).holds(17));
    }

    @Test
    void whatMakesNoSenseCountsForNothing() throws IOException {
        Files.write(file(), List.of(BOOT, "17", "eighteen"));
        assertFalse(ProgramNotes.in(file(), BOOT).holds(17));
        Files.write(file(), List.of());
        assertFalse(ProgramNotes.in(file(), BOOT).holds(17));
    }

    @Test
    void theOldestAreForgotten() {
        ProgramNotes notes = ProgramNotes.in(file(), BOOT);
        for (int id = 1; id <= 1025; id++) {
            notes.add(id);
        }
        ProgramNotes next = ProgramNotes.in(file(), BOOT);
        assertFalse(next.holds(1));
        assertTrue(next.holds(2) && next.holds(1025));
    }

    @Test
    void aFolderThatIsNotThereIsNamed() {
        Path nowhere = folder.resolve("nowhere").resolve("notes");
        ProgramNotes notes = ProgramNotes.in(nowhere, BOOT);
        SteeringException failure = assertThrows(SteeringException.class, () -> notes.add(17));
        assertTrue(String.valueOf(failure.getMessage()).contains(nowhere.toString()), failure::toString);
    }
}
