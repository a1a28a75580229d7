package dev.sluice.control.doctor;

import java.util.List;

/**
 * What an examination came to. Immutable.
 *
 * @param source what was looked at
 * @param looked what was looked at and sent, a line each
 * @param notLooked what could not be looked at, and why
 * @param findings causes before their consequences, errors before warnings
 */
public record Report(String source, List<String> looked, List<String> notLooked, List<Finding> findings) {
    /** Copies the lists. */
    public Report {
        looked = List.copyOf(looked);
        notLooked = List.copyOf(notLooked);
        findings = List.copyOf(findings);
    }

    /** How many findings there are of a severity. */
    public long count(Severity severity) {
        return findings.stream()
                .filter(finding -> finding.severity() == severity)
                .count();
    }
}
