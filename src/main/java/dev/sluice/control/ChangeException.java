package dev.sluice.control;

import java.util.Locale;

/** A change of the services that cannot be made; nothing has changed. */
final class ChangeException extends Exception {
    private static final long serialVersionUID = 1;

    private final Code code;

    /** What is wrong, for programs: each is what IPVS has an error number of its own for. */
    enum Code {
        /** A service with this key is there already ({@code EEXIST}). */
        SERVICE_EXISTS,
        /** There is no such service ({@code ESRCH}). */
        SERVICE_NOT_FOUND,
        /** The service has this real server already ({@code EEXIST}). */
        REAL_EXISTS,
        /** The service has no such real server ({@code ENOENT}). */
        REAL_NOT_FOUND,
        /** The service has this local address already ({@code EEXIST}). */
        LOCAL_EXISTS,
        /** The service has no such local address ({@code ENOENT}). */
        LOCAL_NOT_FOUND,
        /** A number is out of its range, or above another that bounds it ({@code ERANGE}). */
        OUT_OF_RANGE,
        /** What was asked for makes no sense ({@code EINVAL}). */
        INVALID,
        /** The real server's address is one that no packet can be sent to ({@code EINVAL}). */
        NOT_UNICAST,
        /** The forwarding method can never reach this real server. */
        NOT_FORWARDABLE,
        /** There is no room for more. */
        FULL,
        /** The kernel refused to take the change. */
        REFUSED;

        /** The word for it in the admin protocol. */
        String word() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /**
     * @param code what is wrong, for programs
     * @param message one sentence for people
     */
    ChangeException(Code code, String message) {
        super(message);
        this.code = code;
    }

    Code code() {
        return code;
    }
}
