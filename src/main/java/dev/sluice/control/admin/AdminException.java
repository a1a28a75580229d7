package dev.sluice.control.admin;

/** A request on the admin socket that cannot be answered; carries the code that goes over the wire. */
public final class AdminException extends Exception {
    private static final long serialVersionUID = 1;

    /** The code of a request that reached no director. */
    static final String UNREACHABLE = "unreachable";

    private final String code;

    /**
     * @param code a word for programs: {@code bad_request}, {@code unknown_command}, {@code unsupported_version},
     *     {@code unreachable}
     * @param message a sentence for people
     */
    public AdminException(String code, String message) {
        super(message);
        this.code = code;
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
