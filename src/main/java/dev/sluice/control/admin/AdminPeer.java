package dev.sluice.control.admin;

import dev.sluice.stats.LogField;

/**
 * Who is at the other end of a connection, by the credentials that the kernel took down when it was opened.
 *
 * @param user the user's name, or number where it has none
 * @param group its primary group, likewise
 * @param pid its process, {@link PeerId#UNKNOWN} where that is not known; by now another process may have the number
 * @param rights what it may ask for
 */
record AdminPeer(String user, String group, int pid, Rights rights) {
    /** What a peer may ask for. */
    enum Rights {
        /** Nothing. */
        NONE,
        /** What only tells. */
        READ,
        /** Everything. */
        CHANGE
    }

    /** Whether it may send a command. */
    boolean may(boolean readOnly) {
        return rights == Rights.CHANGE || (readOnly && rights == Rights.READ);
    }

    /** It, in a message. */
    LogField field() {
        return new LogField("user", this);
    }

    /** Its process by itself, for logs whose values have names. */
    LogField pidField() {
        return new LogField("pid", pid);
    }

    @Override
    public String toString() {
        return "user " + user + ", group " + group + (pid == PeerId.UNKNOWN ? "" : ", pid " + pid);
    }
}
