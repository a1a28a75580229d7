package dev.sluice.control.admin;

/**
 * Who is at the other end of a connection, by the credentials that the kernel took down when it was opened.
 *
 * @param user the user's name, or number where it has none
 * @param group its primary group, likewise
 * @param rights what it may ask for
 */
record AdminPeer(String user, String group, Rights rights) {
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

    @Override
    public String toString() {
        return "user " + user + ", group " + group;
    }
}
