package dev.sluice.cli.ipvsadm;

import dev.sluice.cli.ipvsadm.Recording.Outcome;
import java.util.Optional;
import java.util.regex.Pattern;

/** What differs from the recordings on purpose within one case; {@code docs/ipvs-differences.md} has the reasons. */
final class Deviations {
    /** Stands for any one line on standard error. */
    static final String ANY_LINE = "(a line)\n";

    private static final Pattern LOCAL = Pattern.compile("-r (10\\.9\\.0\\.1|\\[2001:db8:9::1]|localhost)[: ]?");

    private final boolean datapath;
    private boolean dependent;
    private boolean any;

    /**
     * Those of one case.
     *
     * @param datapath whether there is a director that would have to forward, and cannot do so to itself
     */
    Deviations(boolean datapath) {
        this.datapath = datapath;
    }

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
            return refused(command, Execution.NO_SYNC_DAEMON + "\n");
        }
        if (command.contains("--stop-daemon") && done) {
            return refused(command, "No daemon is running\n");
        }
        if (command.contains("--daemon") && done) {
            any |= !recorded.out().isEmpty();
            return Optional.of(new Outcome(command, "", "", 0));
        }
        if (done && (command.contains("--pe sip") || command.contains("--pe=sip") || in.contains("--pe sip"))) {
            dependent = true;
            return refused(command, Execution.NO_SIP + "\n");
        }
        if (datapath && !dependent && done && LOCAL.matcher(command).find()) {
            dependent = true;
            return refused(command, ANY_LINE);
        }
        return dependent ? Optional.empty() : Optional.of(recorded);
    }

    private Optional<Outcome> refused(String command, String err) {
        any = true;
        return Optional.of(new Outcome(command, "", err, 255));
    }
}
