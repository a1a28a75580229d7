package dev.sluice.control.admin;

import java.util.List;

/** A request on the admin socket that cannot be answered; carries the code that goes over the wire. */
public final class AdminException extends Exception {
    private static final long serialVersionUID = 1;

    /** The code of a configuration file that cannot be read or is wrong. */
    public static final String CONFIG = "config";

    /** The code of a request by a user who may not send it. */
    static final String FORBIDDEN = "forbidden";

    /** The code of a request with a command that there is not. */
    public static final String UNKNOWN_COMMAND = "unknown_command";

    /** The code of a request that there is no room for at the moment. */
    public static final String BUSY = "busy";

    /** The code of a request that reached no director. */
    static final String UNREACHABLE = "unreachable";

    private final String code;
    private final transient List<String> problems;

    /**
     * @param code a word for programs; {@code docs/admin-protocol.md} has them all
     * @param message a sentence for people
     */
    public AdminException(String code, String message) {
        this(code, message, List.of());
    }

    /**
     * @param code a word for programs
     * @param message a sentence for people
     * @param problems all that is wrong, a line each, where that is more than a sentence
     */
    public AdminException(String code, String message, List<String> problems) {
        super(message);
        this.code = code;
        this.problems = List.copyOf(problems);
    }

    /** The same failure, of another thread. */
    public AdminException(AdminException cause) {
        super(cause.getMessage(), cause);
        this.code = cause.code;
        this.problems = cause.problems;
    }

    /** A request that reached no director. */
    public static AdminException unreachable(String message) {
        return new AdminException(UNREACHABLE, message);
    }

    /** All that is wrong, a line each; empty where the message says everything. */
    public List<String> problems() {
        return problems;
    }

    /** Whether no director was there to answer. */
    public boolean isUnreachable() {
        return code.equals(UNREACHABLE);
    }

    /** The word for programs. */
    public String code() {
        return code;
    }
}
