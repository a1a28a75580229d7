package dev.sluice.health;

import java.io.IOException;

/** An answer that no healthy server gives; the message says what is wrong with it, as the check's result will. */
final class UnhealthyException extends IOException {
    UnhealthyException(String text) {
        super(text);
    }

    /** Costs no stack trace: it is a result, and the only place that catches it wants the message. */
    @Override
    public synchronized Throwable fillInStackTrace() {
        return this;
    }
}
