package dev.sluice.packet;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * An IPv4 or IPv6 address as two numbers, the form in which the datapath compares them.
 *
 * <p>{@code high} and {@code low} are the address's 16 bytes read in network byte order; an IPv4 address stands in the
 * low 32 bits of {@code low} with everything above zero, so the family belongs to the value.
 *
 * @param family which family; equal numbers of two families are different addresses
 * @param high the first eight bytes of an IPv6 address, 0 for IPv4
 * @param low the last eight bytes of an IPv6 address, or the IPv4 address as an unsigned number
 */
public record IpAddress(AddressFamily family, long high, long low) implements Comparable<IpAddress> {
    /** Throws {@link IllegalArgumentException} for numbers that are no address of the family. */
    public IpAddress {
        if (family == AddressFamily.INET && (high != 0 || low >>> 32 != 0)) {
            throw new IllegalArgumentException("not an IPv4 address: " + Long.toHexString(high) + ":" + low);
        }
    }

    /** The IPv4 address whose four bytes, in network order, are this number. */
    public static IpAddress ofInet(int addressBe) {
        return new IpAddress(AddressFamily.INET, 0, Integer.toUnsignedLong(addressBe));
    }

    /** The IPv6 address whose sixteen bytes, in network order, are these two numbers. */
    public static IpAddress ofInet6(long high, long low) {
        return new IpAddress(AddressFamily.INET6, high, low);
    }

    /**
     * Reads an address from its 4 or 16 bytes in network order.
     *
     * @throws IllegalArgumentException for any other length
     */
    public static IpAddress ofBytes(byte[] bytes) {
        ByteBuffer buffer = ByteBuffer.wrap(bytes);
        return switch (bytes.length) {
            case 4 -> ofInet(buffer.getInt());
            case 16 -> ofInet6(buffer.getLong(), buffer.getLong());
            default -> throw new IllegalArgumentException("an IP address has 4 or 16 bytes, not " + bytes.length);
        };
    }

    /**
     * Reads a literal: dotted quad, or IPv6 text (RFC 4291 section 2.2) without brackets and zone. Names are never
     * resolved.
     *
     * @throws IllegalArgumentException with a message fit for users, when {@code text} is no such literal
     */
    public static IpAddress parse(String text) {
        IpAddress address = text.indexOf(':') >= 0 ? parseInet6(text) : parseInet(text);
        if (address == null) {
            throw new IllegalArgumentException("\"" + text + "\" is not an IPv4 or IPv6 address");
        }
        return address;
    }

    private static @Nullable IpAddress parseInet(String text) {
        String[] parts = text.split("\\.", -1);
        if (parts.length != 4) {
            return null;
        }
        int address = 0;
        for (String part : parts) {
            // A leading zero would be octal to some readers and decimal to others.
            if (part.isEmpty() || part.length() > 3 || (part.length() > 1 && part.charAt(0) == '0')) {
                return null;
            }
            int value = 0;
            for (int i = 0; i < part.length(); i++) {
                char digit = part.charAt(i);
                if (digit < '0' || digit > '9') {
                    return null;
                }
                value = value * 10 + digit - '0';
            }
            if (value > 255) {
                return null;
            }
            address = address << 8 | value;
        }
        return ofInet(address);
    }

    private static @Nullable IpAddress parseInet6(String text) {
        if (!text.matches("[0-9A-Fa-f:.]+")) {
            return null;
        }
        try {
            // Only literals get here, so this never asks a resolver.
            byte[] bytes = InetAddress.getByName("[" + text + "]").getAddress();
            // The JDK folds IPv4-mapped addresses into IPv4 ones; they are IPv6 on the wire.
            return bytes.length == 16
                    ? ofBytes(bytes)
                    : ofInet6(
                            0,
                            0xffff_0000_0000L
                                    | Integer.toUnsignedLong(
                                            ByteBuffer.wrap(bytes).getInt()));
        } catch (UnknownHostException e) {
            return null;
        }
    }

    /** The address whose first {@code length} bits are 1 and the others 0: a prefix length as a netmask. */
    public static IpAddress netmask(AddressFamily family, int length) {
        if (family == AddressFamily.INET) {
            return new IpAddress(family, 0, length == 0 ? 0 : (0xffff_ffffL << (32 - length)) & 0xffff_ffffL);
        }
        return ofInet6(ones(Math.min(length, 64)), ones(Math.max(length - 64, 0)));
    }

    private static long ones(int count) {
        return count == 0 ? 0 : -1L << (64 - count);
    }

    /** The bits that this address and another of its family, a netmask say, have in common. */
    public IpAddress and(IpAddress mask) {
        return new IpAddress(family, high & mask.high, low & mask.low);
    }

    /** The 4 or 16 bytes in network order. */
    public byte[] toBytes() {
        return family == AddressFamily.INET
                ? ByteBuffer.allocate(4).putInt((int) low).array()
                : ByteBuffer.allocate(16).putLong(high).putLong(low).array();
    }

    /** 0.0.0.0 or ::. */
    public boolean isUnspecified() {
        return high == 0 && low == 0;
    }

    /** 224.0.0.0/4 or ff00::/8. */
    public boolean isMulticast() {
        return family == AddressFamily.INET ? low >>> 28 == 0xe : high >>> 56 == 0xff;
    }

    /** 127.0.0.0/8 or ::1. */
    public boolean isLoopback() {
        return family == AddressFamily.INET ? low >>> 24 == 127 : high == 0 && low == 1;
    }

    // By hand, as hashCode is: what the compiler has records do is linked at the first use, and a start pays for it.
    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof IpAddress that && low == that.low && high == that.high && family == that.family;
    }

    @Override
    public int hashCode() {
        return (Long.hashCode(high) * 31 + Long.hashCode(low)) * 31 + family.addressBits();
    }

    /** Dotted quad, or IPv6 text in the canonical form of RFC 5952. */
    @Override
    public String toString() {
        return family == AddressFamily.INET
                ? (low >>> 24) + "." + (low >>> 16 & 255) + "." + (low >>> 8 & 255) + "." + (low & 255)
                : inet6Text();
    }

    private String inet6Text() {
        int[] groups = new int[8];
        for (int i = 0; i < 8; i++) {
            groups[i] = (int) ((i < 4 ? high : low) >>> (48 - 16 * (i % 4)) & 0xffff);
        }
        if (high == 0 && low >>> 32 == 0xffff) {
            return "::ffff:" + ofInet((int) low);
        }
        // RFC 5952 section 4.2: the longest run of two or more zero groups becomes "::", the first one of equals.
        int bestStart = -1;
        int bestLength = 1;
        for (int i = 0; i < 8; i++) {
            int length = 0;
            while (i + length < 8 && groups[i + length] == 0) {
                length++;
            }
            if (length > bestLength) {
                bestStart = i;
                bestLength = length;
            }
            i += Math.max(0, length - 1);
        }
        StringBuilder text = new StringBuilder(39);
        for (int i = 0; i < 8; i++) {
            if (i == bestStart) {
                text.append("::");
                i += bestLength - 1;
            } else {
                if (i > 0 && text.charAt(text.length() - 1) != ':') {
                    text.append(':');
                }
                text.append(Integer.toHexString(groups[i]));
            }
        }
        return text.toString();
    }

    /** IPv4 before IPv6, then by number. */
    @Override
    public int compareTo(IpAddress other) {
        int byFamily = family.compareTo(other.family);
        if (byFamily != 0) {
            return byFamily;
        }
        int byHigh = Long.compareUnsigned(high, other.high);
        return byHigh != 0 ? byHigh : Long.compareUnsigned(low, other.low);
    }
}
