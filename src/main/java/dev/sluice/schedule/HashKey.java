package dev.sluice.schedule;

/**
 * The secret 128 bits under which flows and real servers are hashed. Directors that must agree on where a flow goes are
 * given the same key; clients that do not know it cannot choose ports that collide.
 *
 * @param high the first eight octets as SipHash reads them
 * @param low the last eight octets
 */
public record HashKey(long high, long low) {
    /** How many hexadecimal digits {@link #parse} wants. */
    public static final int HEX_DIGITS = 32;

    /**
     * Reads a key from 32 hexadecimal digits.
     *
     * @throws IllegalArgumentException with a message fit for users
     */
    public static HashKey parse(String hex) {
        if (!hex.matches("[0-9A-Fa-f]{32}")) {
            throw new IllegalArgumentException("a hash key is " + HEX_DIGITS + " hexadecimal digits");
        }
        return new HashKey(Long.parseUnsignedLong(hex, 0, 16, 16), Long.parseUnsignedLong(hex, 16, HEX_DIGITS, 16));
    }

    /** Not the key: logs and messages must not give it away. */
    @Override
    public String toString() {
        return "HashKey[secret]";
    }
}
