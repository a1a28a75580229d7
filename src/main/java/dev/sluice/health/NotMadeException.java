package dev.sluice.health;

import java.io.IOException;

/** A check cannot be made, for a reason that is not the real server's; the message is the result's text. */
final class NotMadeException extends IOException {
    NotMadeException(String text) {
        super(text);
    }

    /** Costs no stack trace: it is a result, and the only place that catches it wants the message. */
    @Override
    public synchronized Throwable fillInStackTrace() {
        return this;
    }
}
