package dev.sluice.cli;

/** What {@code sluice} returns to the shell; documented for users in its help and in docs/configuration.md. */
public enum ExitCode {
    /** Done, or a director that was asked to stop. */
    OK(0, "done; for run: stopped by SIGTERM or SIGINT"),
    /** A director failed while it ran, or a command for a reason none of the others names. */
    FAILURE(1, "failed while running"),
    /** The command line makes no sense. */
    USAGE(2, "command line not understood"),
    /** The configuration file cannot be read or is wrong. */
    CONFIG(3, "configuration file unreadable or invalid"),
    /** The machine does not allow it. */
    ENVIRONMENT(4, "refused by the machine: privilege, kernel, library, interface, XDP, queue, CPU or memory limit"),
    /** No director listens on the admin socket. */
    NO_DIRECTOR(5, "no answer from a running director"),
    /** Real servers are not as they should be. */
    UNHEALTHY(6, "health --exit-code: a real server is down or a service without quorum"),
    /** What was asked for is done in part; what is missing was named. */
    PARTIAL(7, "for import: not all of it was carried over; for trace: fewer packets came than asked for"),
    /** Traffic flows, but something is not as it should be. */
    WARNINGS(8, "doctor: warnings, and no errors"),
    /** Something keeps traffic from flowing. */
    ERRORS(9, "doctor: something keeps traffic from flowing");

    private final int code;
    private final String meaning;

    ExitCode(int code, String meaning) {
        this.code = code;
        this.meaning = meaning;
    }

    /** The number. */
    public int code() {
        return code;
    }

    /** What it says to users, half a line. */
    public String meaning() {
        return meaning;
    }
}
