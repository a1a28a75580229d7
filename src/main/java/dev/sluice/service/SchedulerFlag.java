package dev.sluice.service;

/** What ipvsadm's {@code -b} takes: variations of one scheduler each. */
public enum SchedulerFlag {
    /** A flow whose slot names a quiesced real server looks on along the table. */
    SH_FALLBACK("sh-fallback", SchedulerKind.SH),
    /** CPORT is hashed besides CIP. */
    SH_PORT("sh-port", SchedulerKind.SH),
    /** A flow whose slot names a quiesced real server tries further hashes. */
    MH_FALLBACK("mh-fallback", SchedulerKind.MH),
    /** CPORT is hashed besides CIP. */
    MH_PORT("mh-port", SchedulerKind.MH);

    private final String keyword;
    private final SchedulerKind scheduler;

    SchedulerFlag(String keyword, SchedulerKind scheduler) {
        this.keyword = keyword;
        this.scheduler = scheduler;
    }

    /** The word for it in configuration files and on command lines. */
    public String keyword() {
        return keyword;
    }

    /** The only scheduler that knows the flag. */
    public SchedulerKind scheduler() {
        return scheduler;
    }
}
