package dev.sluice.ffi;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.ffi.generated.Native;
import java.io.IOException;
import java.lang.foreign.GroupLayout;
import java.lang.foreign.MemoryLayout;
import java.lang.reflect.Method;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The layouts and constants that jextract wrote down against what the C compiler of this machine says about the same
 * headers: every struct and constant of native/includes.txt.
 */
final class StructLayoutTest {
    private static final Path NATIVE = Path.of("native").toAbsolutePath();

    @Test
    void everyStructIsLaidOutAsInC(@TempDir Path temp) throws Exception {
        Map<String, Long> expected = new LinkedHashMap<>();
        StringBuilder prints = new StringBuilder();
        List<String> structs = included("struct");
        List<String> typedefs = included("typedef");
        for (String name : structs) {
            describe("struct " + name, name, expected, prints);
        }
        for (String name : typedefs) {
            describe(name, name, expected, prints);
        }
        assertTrue(structs.size() + typedefs.size() >= 30, "found " + structs + typedefs);
        assertTrue(expected.size() > 300, expected.size() + " sizes and offsets");
        assertEquals(expected, compileAndRun(temp, prints), "Java (expected) against C (actual)");
    }

    @Test
    void everyConstantIsAsInC(@TempDir Path temp) throws Exception {
        Map<String, Long> expected = new LinkedHashMap<>();
        StringBuilder prints = new StringBuilder();
        for (String name : included("constant")) {
            Object value = Native.class.getMethod(name).invoke(null);
            // MAP_FAILED is a pointer, which jextract gives as a segment.
            if (value instanceof Number number) {
                expected.put(name, number.longValue());
                String type = value instanceof Integer ? "int" : "long long";
                prints.append(
                        "  printf(\"%s %lld\\n\", \"" + name + "\", (long long) (" + type + ") (" + name + "));\n");
            }
        }
        assertTrue(expected.size() > 300, expected.size() + " constants");
        assertEquals(expected, compileAndRun(temp, prints), "Java (expected) against C (actual)");
    }

    private static List<String> included(String kind) throws IOException {
        String prefix = "--include-" + kind + " ";
        return Files.readAllLines(NATIVE.resolve("includes.txt")).stream()
                .filter(line -> line.startsWith(prefix))
                .map(line -> line.substring(prefix.length()).trim())
                .toList();
    }

    private static void describe(String cType, String className, Map<String, Long> expected, StringBuilder prints)
            throws ReflectiveOperationException {
        Class<?> type = Class.forName("dev.sluice.ffi.generated." + className);
        Method layout = type.getMethod("layout");
        GroupLayout group = (GroupLayout) layout.invoke(null);
        expected.put(cType, group.byteSize());
        prints.append("  printf(\"%s %lld\\n\", \"" + cType + "\", (long long) sizeof(" + cType + "));\n");
        describeMembers(cType, "", group, 0, expected, prints);
    }

    /** Named members by their path; those of anonymous unions and structs count as the enclosing type's own. */
    private static void describeMembers(
            String cType,
            String path,
            GroupLayout group,
            long baseOffset,
            Map<String, Long> expected,
            StringBuilder prints) {
        for (MemoryLayout member : group.memberLayouts()) {
            if (member.name().isEmpty()) {
                continue;
            }
            String name = member.name().get();
            long offset = baseOffset + group.byteOffset(MemoryLayout.PathElement.groupElement(name));
            boolean anonymous = name.startsWith("$anon$");
            String field = path + name;
            if (!anonymous) {
                String access = "((" + cType + " *) 0)->" + field;
                expected.put(cType + "." + field + "@", offset);
                expected.put(cType + "." + field + "#", member.byteSize());
                prints.append("  printf(\"%s %lld\\n\", \"" + cType + "." + field + "@\", (long long) offsetof(" + cType
                        + ", " + field + "));\n");
                prints.append("  printf(\"%s %lld\\n\", \"" + cType + "." + field + "#\", (long long) sizeof(" + access
                        + "));\n");
            }
            if (member instanceof GroupLayout nested) {
                describeMembers(cType, anonymous ? path : field + ".", nested, offset, expected, prints);
            }
        }
    }

    private static Map<String, Long> compileAndRun(Path temp, CharSequence prints)
            throws IOException, InterruptedException {
        Path source = temp.resolve("layout.c");
        Path program = temp.resolve("layout");
        Files.writeString(
                source,
                "#include \"sluice.h\"\n#include <stddef.h>\n#include <stdio.h>\nint main(void) {\n" + prints
                        + "  return 0;\n}\n");
        // clang is there wherever Sluice is built, for the XDP programs.
        run("clang", "-w", "-I", NATIVE.toString(), "-o", program.toString(), source.toString());
        Map<String, Long> values = new LinkedHashMap<>();
        for (String line : run(program.toString()).lines().toList()) {
            int space = line.lastIndexOf(' ');
            values.put(line.substring(0, space), Long.valueOf(line.substring(space + 1)));
        }
        return values;
    }

    private static String run(String... command) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), java.nio.charset.StandardCharsets.UTF_8);
        assertTrue(process.waitFor(60, TimeUnit.SECONDS), "timed out: " + String.join(" ", command));
        assertEquals(0, process.exitValue(), () -> String.join(" ", command) + "\n" + output);
        return output;
    }
}
