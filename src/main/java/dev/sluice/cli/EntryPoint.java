package dev.sluice.cli;

import dev.sluice.cli.ipvsadm.Ipvsadm;
import dev.sluice.cli.log.LogHandler;
import dev.sluice.ffi.Prelink;
import java.io.PrintWriter;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;

/**
 * Where the JVM begins. What has to be quick gets by without {@link Main} and picocli, which take a third of a director's start:
 * {@code sluice run} as services and scripts write it, and {@code ipvsadm}.
 */
public final class EntryPoint {
    private EntryPoint() {}

    /** Runs one command and ends the JVM with its exit code. */
    public static void main(String[] args) throws Exception {
        if (args.length > 0 && args[0].equals(IpvsadmCommand.NAME)) {
            Ipvsadm.main(Arrays.copyOfRange(args, 1, args.length));
        }
        if (args.length > 0 && args[0].equals(Training.NAME)) {
            Training.main();
            return;
        }
        Optional<RunArguments> run = RunArguments.parse(args, System.getenv());
        if (run.isPresent()) {
            System.exit(run(run.get(), System.getenv()));
        }
        Main.main(args);
    }

    private static int run(RunArguments arguments, Map<String, String> environment) {
        Prelink.begin();
        Thread.ofPlatform().name("sluice-logging").daemon().start(LogHandler::prepare);
        try {
            return DirectorStart.start(arguments, new ForegroundDirector(ownVersion()));
        } catch (Exception e) {
            return ErrorOutput.of(environment).failed(e, new PrintWriter(System.err, true, System.err.charset()));
        }
    }

    /** This build's version, as its jar tells it. */
    static String ownVersion() {
        String version = EntryPoint.class.getPackage().getImplementationVersion();
        return version == null ? "(not from its jar)" : version;
    }
}
