package dev.sluice.cli.ipvsadm;

import dev.sluice.cli.ipvsadm.Recording.Outcome;
import java.util.Optional;

/** What differs from the recordings on purpose within one case; {@code docs/ipvs-differences.md} has the reasons. */
final class Deviations {
    private static final String NO_DAEMON = "No daemon is running\n";

    private boolean sip;
    private boolean any;

    /** Whether anything was expected otherwise than recorded so far. */
    boolean any() {
        return any;
    }

    /**
     * What is expected instead of what was recorded.
     *
     * @param in standard input
     * @return empty where nothing can be expected, since it depends on what is refused
     */
    Optional<Outcome> expected(Outcome recorded, String in) {
        String command = recorded.command();
        boolean done = recorded.exitCode() == 0;
        if (command.contains("--start-daemon") && (done || recorded.err().equals("No such device\n"))) {
            any = true;
            return Optional.of(new Outcome(command, "", Execution.NO_SYNC_DAEMON + "\n", 255));
        }
        if (command.contains("--stop-daemon") && done) {
            any = true;
            return Optional.of(new Outcome(command, "", NO_DAEMON, 255));
        }
        if (command.contains("--daemon") && done) {
            any |= !recorded.out().isEmpty();
            return Optional.of(new Outcome(command, "", "", 0));
        }
        if (done && (command.contains("--pe sip") || command.contains("--pe=sip") || in.contains("--pe sip"))) {
            any = true;
            sip = true;
            return Optional.of(new Outcome(command, "", Execution.NO_SIP + "\n", 255));
        }
        return sip ? Optional.empty() : Optional.of(recorded);
    }
}
