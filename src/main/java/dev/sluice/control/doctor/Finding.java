package dev.sluice.control.doctor;

import java.util.List;
import java.util.Optional;

/**
 * One thing that is not as it should be. Immutable.
 *
 * @param id what it is, for scripts; never changes its meaning
 * @param severity how much it matters
 * @param subject what it is about: an interface, an address, a service
 * @param what is wrong, in a sentence
 * @param evidence the values that say so, as the commands have them that show them
 * @param advice what to do, commands among it in the form in which they can be pasted
 * @param follows the id of the finding of which it is a consequence
 */
public record Finding(
        String id,
        Severity severity,
        String subject,
        String what,
        List<String> evidence,
        List<String> advice,
        Optional<String> follows) {
    /** Copies the lists. */
    public Finding {
        evidence = List.copyOf(evidence);
        advice = List.copyOf(advice);
    }

    /** The same as a consequence of another. */
    Finding following(String cause) {
        return new Finding(id, severity, subject, what, evidence, advice, Optional.of(cause));
    }
}
