package dev.sluice.control.admin;

/** A request on the admin socket that cannot be answered; carries the code that goes over the wire. */
public final class AdminException extends Exception {
    private static final long serialVersionUID = 1;

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

    /** The word for programs. */
    public String code() {
        return code;
    }
}
