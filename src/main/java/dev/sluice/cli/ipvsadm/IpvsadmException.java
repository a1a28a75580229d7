package dev.sluice.cli.ipvsadm;

/** What ends a command line: the text for standard error and the exit code of ipvsadm. */
final class IpvsadmException extends Exception {
    private static final long serialVersionUID = 1;

    /** Of a command line that makes no sense. */
    static final int USAGE = 2;
    /** What a shell shows of a program that exits with -1. */
    static final int REFUSED = 255;

    private final int exitCode;
    private final boolean refusal;

    private IpvsadmException(String message, int exitCode, boolean refusal) {
        super(message);
        this.exitCode = exitCode;
        this.refusal = refusal;
    }

    /** A command line that cannot be carried out as it stands. */
    static IpvsadmException usage(String message) {
        return new IpvsadmException(message, USAGE, false);
    }

    /** A command line whose end the text explains, with an exit code of its own. */
    static IpvsadmException fatal(String message, int exitCode) {
        return new IpvsadmException(message, exitCode, false);
    }

    /** A command that the director refuses, as the kernel refuses it in IPVS: {@code -R} goes on behind it. */
    static IpvsadmException refused(String message) {
        return new IpvsadmException(message, REFUSED, true);
    }

    /** Whether {@code -R} goes on with the next line. */
    boolean isRefusal() {
        return refusal;
    }

    int exitCode() {
        return exitCode;
    }

    /** The text for standard error, without the end of the line. */
    String text() {
        return String.valueOf(getMessage());
    }
}
