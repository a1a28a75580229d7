package dev.sluice.health;

/**
 * What came of one check.
 *
 * @param verdict what it says of the real server
 * @param text why, in words for an operator
 */
record CheckResult(Verdict verdict, String text) {
    /** What a check says of the real server. */
    enum Verdict {
        HEALTHY,
        UNHEALTHY,
        /** Nothing: it could not be made, for a reason on this side. The state stays as it is. */
        NOT_MADE
    }

    static CheckResult healthy(String text) {
        return new CheckResult(Verdict.HEALTHY, text);
    }

    static CheckResult unhealthy(String text) {
        return new CheckResult(Verdict.UNHEALTHY, text);
    }

    static CheckResult notMade(String text) {
        return new CheckResult(Verdict.NOT_MADE, text);
    }
}
