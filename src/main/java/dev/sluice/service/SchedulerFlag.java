package dev.sluice.service;

import org.jspecify.annotations.Nullable;

/** What ipvsadm's {@code -b} takes: variations of one scheduler each, and three that mean nothing to any. */
public enum SchedulerFlag {
    /** A flow whose slot names a quiesced real server looks on along the table. */
    SH_FALLBACK("sh-fallback", SchedulerKind.SH),
    /** CPORT is hashed besides CIP. */
    SH_PORT("sh-port", SchedulerKind.SH),
    /** A flow whose slot names a quiesced real server tries further hashes. */
    MH_FALLBACK("mh-fallback", SchedulerKind.MH),
    /** CPORT is hashed besides CIP. */
    MH_PORT("mh-port", SchedulerKind.MH),
    /** IPVS's first flag, under a scheduler that has no name for it. */
    FLAG_1("flag-1", null),
    /** IPVS's second flag, under a scheduler that has no name for it. */
    FLAG_2("flag-2", null),
    /** IPVS's third flag, for which no scheduler has a name. */
    FLAG_3("flag-3", null);

    private final String keyword;
    private final @Nullable SchedulerKind scheduler;

    SchedulerFlag(String keyword, @Nullable SchedulerKind scheduler) {
        this.keyword = keyword;
        this.scheduler = scheduler;
    }

    /** The word for it in configuration files and on command lines. */
    public String keyword() {
        return keyword;
    }

    /** Whether a scheduler has a name and a use for it. */
    public boolean isNamed() {
        return scheduler != null;
    }

    /** Whether a scheduler may be given the flag. */
    public boolean belongsTo(SchedulerKind kind) {
        boolean kindNamesItsFirstTwo = kind == SchedulerKind.SH || kind == SchedulerKind.MH;
        return scheduler == null ? this == FLAG_3 || !kindNamesItsFirstTwo : scheduler == kind;
    }
}
