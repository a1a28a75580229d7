package dev.sluice.health;

import java.io.IOException;

/** The asking of one kind of question. Made once for a check that is followed, then used by one thread at a time. */
@FunctionalInterface
interface Check {
    /**
     * Asks once, on a virtual thread, and never beyond the deadline.
     *
     * @throws IOException for a failure, which {@link FailureText} words
     * @throws InterruptedException when the check is not wanted any more
     */
    CheckResult make(Destination destination, Deadline deadline) throws IOException, InterruptedException;

    /** Asks once, and words what came of it whatever that was. */
    default CheckResult result(Destination destination, Deadline deadline) throws InterruptedException {
        try {
            destination.verify();
            return make(destination, deadline);
        } catch (IOException e) {
            return FailureText.result(e, deadline);
        }
    }
}
