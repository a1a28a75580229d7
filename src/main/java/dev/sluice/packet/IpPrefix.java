package dev.sluice.packet;

import org.jspecify.annotations.Nullable;

/**
 * All addresses that begin with the same bits.
 *
 * @param address the first of them: bits beyond the length are 0
 * @param length how many bits they have in common, 0–32 or 0–128
 */
public record IpPrefix(IpAddress address, int length) {
    /** Throws {@link IllegalArgumentException} for a length that the family does not have, or bits set beyond it. */
    public IpPrefix {
        if (length < 0 || length > address.family().addressBits()) {
            throw new IllegalArgumentException("prefix length " + length + " is outside 0-"
                    + address.family().addressBits() + " of " + address);
        }
        IpAddress first = address.and(IpAddress.netmask(address.family(), length));
        if (!first.equals(address)) {
            throw new IllegalArgumentException(
                    address + "/" + length + " has bits set beyond its length; the network is " + first + "/" + length);
        }
    }

    /**
     * Reads {@code 10.0.0.0/8}, {@code 2001:db8::/32}, or a single address.
     *
     * @throws IllegalArgumentException with a message fit for users, when {@code text} is no such literal
     */
    public static IpPrefix parse(String text) {
        int slash = text.indexOf('/');
        IpAddress address = IpAddress.parse(slash < 0 ? text : text.substring(0, slash));
        if (slash < 0) {
            return new IpPrefix(address, address.family().addressBits());
        }
        String length = text.substring(slash + 1);
        if (!length.matches("[0-9]{1,3}")) {
            throw new IllegalArgumentException("\"" + text + "\" has no prefix length 0-"
                    + address.family().addressBits() + " behind the slash");
        }
        return new IpPrefix(address, Integer.parseInt(length));
    }

    /** Whether an address is one of them. */
    public boolean contains(IpAddress other) {
        return other.family() == address.family()
                && other.and(IpAddress.netmask(address.family(), length)).equals(address);
    }

    // By hand, as with IpAddress.
    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof IpPrefix that && length == that.length && address.equals(that.address);
    }

    @Override
    public int hashCode() {
        return address.hashCode() * 31 + length;
    }

    /** {@code 10.0.0.0/8}. */
    @Override
    public String toString() {
        return address + "/" + length;
    }
}
