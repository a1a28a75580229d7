package dev.sluice.bpf;

import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** The steering program or its maps cannot be had; the message is one line fit for users. */
public final class SteeringException extends RuntimeException {
    private static final long serialVersionUID = 1;

    SteeringException(String message) {
        super(message);
    }

    SteeringException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }

    @Override
    public String getMessage() {
        return Objects.requireNonNull(super.getMessage());
    }
}
