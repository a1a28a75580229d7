package dev.sluice.cli;

import dev.sluice.cli.log.LogHandler;
import dev.sluice.control.Director;
import dev.sluice.control.config.ConfigSource;
import dev.sluice.control.config.SluiceConfig;
import dev.sluice.control.preflight.EnvironmentException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** Runs a director on the calling thread until SIGTERM or SIGINT, and lets the process end with its exit code. */
final class ForegroundDirector implements DirectorLauncher {
    /** A director that cannot stop in this time is left to the kernel, which takes back all but the XDP program. */
    private static final int STOP_TIMEOUT_S = 10;

    private final String version;
    private final CountDownLatch ended = new CountDownLatch(1);
    private volatile @Nullable Director running;
    private volatile boolean signalled;
    private volatile int exitCode = ExitCode.FAILURE.code();

    ForegroundDirector(String version) {
        this.version = version;
    }

    @Override
    public int run(SluiceConfig config, ConfigSource source, boolean release)
            throws EnvironmentException, InterruptedException {
        // Before the start, so that a signal during it leaves nothing behind either.
        Thread hook = new Thread(this::onSignal, "sluice-signal");
        Runtime.getRuntime().addShutdownHook(hook);
        try (Director director = Director.start(config, source, version)) {
            running = director;
            HangUp.handle(director::reload);
            if (signalled) {
                director.requestStop();
            }
            boolean asTold = director.run();
            if (asTold && release) {
                director.release();
            }
            exitCode = (asTold ? ExitCode.OK : ExitCode.FAILURE).code();
        } catch (EnvironmentException e) {
            exitCode = ExitCode.ENVIRONMENT.code();
            throw e;
        } finally {
            LogHandler.flushAll();
            ended.countDown();
        }
        return exitCode;
    }

    /**
     * Runs when the process is told to end, and when it ends by itself. The JVM would report a signal in its exit code;
     * a director that has stopped as it was told to has succeeded.
     */
    private void onSignal() {
        signalled = true;
        Director director = running;
        if (director != null) {
            director.requestStop();
        }
        boolean clean = false;
        try {
            clean = ended.await(STOP_TIMEOUT_S, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        if (clean) {
            Runtime.getRuntime().halt(exitCode);
        }
    }
}
