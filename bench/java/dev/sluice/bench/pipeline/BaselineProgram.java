package dev.sluice.bench.pipeline;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/** The same datapath in C: {@code bench/baseline}, built when it is first needed. */
final class BaselineProgram {
    private static final int BUILD_SECONDS = 120;
    /** Beyond what it was asked to measure, and more for many flows, with which it fills a table first. */
    private static final int SETUP_SECONDS = 180;

    private static final int FLOWS_A_SECOND = 25_000;

    private static final ObjectMapper JSON = new ObjectMapper();

    private final Path program;
    private final int cpu;

    private BaselineProgram(Path program, int cpu) {
        this.program = program;
        this.cpu = cpu;
    }

    /**
     * Builds the program; empty, and {@code why} told in a sentence, when that is not possible here.
     *
     * @param cpu processor to run on, -1 for any
     */
    static Optional<BaselineProgram> build(int cpu, Consumer<String> why) throws IOException, InterruptedException {
        Path base = Path.of(System.getProperty("sluice.basedir", "."))
                .toAbsolutePath()
                .normalize();
        Path folder = base.resolve("target/baseline");
        Path build = base.resolve("bench/baseline/build");
        if (!Files.isExecutable(build)) {
            why.accept("without the C baseline: " + build + " is not there");
            return Optional.empty();
        }
        String failure;
        try {
            failure = output(List.of(build.toString(), folder.toString(), "pipeline"), BUILD_SECONDS)
                    .failure();
        } catch (IOException e) {
            failure = String.valueOf(e.getMessage());
        }
        if (!failure.isEmpty()) {
            why.accept("without the C baseline, for it cannot be built here (bench/run setup installs what it takes): "
                    + failure);
            return Optional.empty();
        }
        return Optional.of(new BaselineProgram(folder.resolve("pipeline"), cpu));
    }

    /** Measures a case; throws {@link IOException} with what the program said when it fails. */
    Cost run(PipelineCase what, double seconds) throws IOException, InterruptedException {
        List<String> command = command(what, seconds);
        Output output = output(command, SETUP_SECONDS + what.flows() / FLOWS_A_SECOND + (int) (2 * seconds));
        if (!output.failure().isEmpty()) {
            throw new IOException(String.join(" ", command) + ": " + output.failure());
        }
        JsonNode answer = JSON.readTree(output.text());
        if (!answer.path("nsPerPacket").isNumber()
                || !answer.path("cpuNsPerPacket").isNumber()
                || answer.path("packets").asLong() <= 0) {
            throw new IOException(
                    String.join(" ", command) + " answered " + output.text().strip());
        }
        return new Cost(
                answer.path("cpuNsPerPacket").asDouble(),
                answer.path("nsPerPacket").asDouble());
    }

    /** The command of a case. */
    List<String> command(PipelineCase what, double seconds) {
        List<String> command = new ArrayList<>();
        if (cpu >= 0) {
            command.addAll(List.of("taskset", "-c", Integer.toString(cpu)));
        }
        command.add(program.toString());
        command.addAll(what.baselineArguments());
        command.addAll(List.of("--seconds", String.format(Locale.ROOT, "%s", seconds)));
        return command;
    }

    private record Output(String text, String failure) {}

    private static Output output(List<String> command, int timeoutSeconds) throws IOException, InterruptedException {
        Path out = Files.createTempFile("sluice-baseline-", ".out");
        Path err = Files.createTempFile("sluice-baseline-", ".err");
        Process process = new ProcessBuilder(command)
                .redirectOutput(out.toFile())
                .redirectError(err.toFile())
                .start();
        Thread onInterrupt = new Thread(process::destroy);
        Runtime.getRuntime().addShutdownHook(onInterrupt);
        try {
            if (!process.waitFor(timeoutSeconds, TimeUnit.SECONDS)) {
                return new Output("", "not done after " + timeoutSeconds + " s");
            }
            String text = Files.readString(out, StandardCharsets.UTF_8);
            if (process.exitValue() == 0) {
                return new Output(text, "");
            }
            String errors = Files.readString(err, StandardCharsets.UTF_8).strip();
            String last = errors.lines().reduce((_, line) -> line).orElse("no message");
            return new Output(text, last + " (exit code " + process.exitValue() + ")");
        } finally {
            process.destroyForcibly();
            Runtime.getRuntime().removeShutdownHook(onInterrupt);
            Files.deleteIfExists(out);
            Files.deleteIfExists(err);
        }
    }
}
