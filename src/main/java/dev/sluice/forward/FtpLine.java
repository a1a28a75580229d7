package dev.sluice.forward;

import dev.sluice.packet.Wire;
import java.lang.foreign.MemorySegment;

/**
 * Reads the line of an FTP control connection that names a data connection: the replies 227 (RFC 959 section 4.2, RFC 1123 section 4.1.2.6)
 * and 229 (RFC 2428 section 3), the commands PORT (RFC 959 section 4.1.2) and EPRT (RFC 2428 section 2). Owned by: worker; made once and
 * filled again for every line.
 *
 * <p>The line must begin the segment, and all that is read of it must lie in the segment, with the octet that ends it. Case does not
 * matter. Anything that is not exactly of the form is none of these: numbers out of range, a delimiter missing, an address of
 * another family than it says.
 */
final class FtpLine {
    /** What {@link #readReply} and {@link #readCommand} found: no such line. */
    static final int NONE = 0;
    /** 227: the server listens on an IPv4 address and port, written as six numbers. */
    static final int PASV = 1;
    /** 229: the server listens on a port. */
    static final int EPSV = 2;
    /** The client listens on an IPv4 address and port, written as six numbers. */
    static final int PORT = 3;
    /** The client listens on an address of either family and a port. */
    static final int EPRT = 4;

    private static final int CODE_227 = 0x32323720; // "227 "
    private static final int CODE_229 = 0x32323920; // "229 "
    private static final int COMMAND_PORT = 0x504f5254;
    private static final int COMMAND_EPRT = 0x45505254;
    /** Clears the bit that makes ASCII letters small, in each octet. */
    private static final int UPPER_CASE = 0xdfdfdfdf;

    private static final int NUMBERS = 6;
    private static final int GROUPS = 8;

    private final MemorySegment umem;

    private long at;
    private long end;
    /** What was read: a number, when the method that reads one says so. */
    private int number;

    private long textBegin;
    private long textEnd;
    private int delimiter;
    private boolean hasAddress;
    private boolean inet6;
    private long high;
    private long low;
    private int port;

    FtpLine(MemorySegment umem) {
        this.umem = umem;
    }

    /**
     * Reads a server's reply.
     *
     * @param begin absolute offset of the payload
     * @param end absolute offset behind it
     * @return {@link #PASV}, {@link #EPSV} or {@link #NONE}
     */
    int readReply(long begin, long end) {
        if (end - begin < Integer.BYTES) {
            return NONE;
        }
        this.end = end;
        at = begin + Integer.BYTES;
        return switch (Wire.i32(umem, begin)) {
            case CODE_227 -> findNumbers() && readNumbers() && at < end && !isDigit(peek()) ? PASV : NONE;
            case CODE_229 -> find('(') && readExtended(false) && at < end && peek() == ')' ? EPSV : NONE;
            default -> NONE;
        };
    }

    /** As {@link #readReply}, of a client's command: {@link #PORT}, {@link #EPRT} or {@link #NONE}. */
    int readCommand(long begin, long end) {
        if (end - begin < Integer.BYTES) {
            return NONE;
        }
        this.end = end;
        at = begin + Integer.BYTES;
        return switch (Wire.i32(umem, begin) & UPPER_CASE) {
            case COMMAND_PORT -> skipSpaces() && readNumbers() && endsLine() ? PORT : NONE;
            case COMMAND_EPRT -> skipSpaces() && readExtended(true) && endsLine() ? EPRT : NONE;
            default -> NONE;
        };
    }

    /** Absolute offset of the text that names address and port. */
    long textBegin() {
        return textBegin;
    }

    /** Absolute offset behind it. */
    long textEnd() {
        return textEnd;
    }

    /** Of {@link #EPSV} and {@link #EPRT}: what stands between the fields. */
    int delimiter() {
        return delimiter;
    }

    /** Whether an address is named; false only for {@link #EPSV}, whose address is that of the control connection then. */
    boolean hasAddress() {
        return hasAddress;
    }

    /** The named address's family. */
    boolean inet6() {
        return inet6;
    }

    /** The named address's first eight octets, 0 for IPv4. */
    long high() {
        return high;
    }

    /** The named address's last eight octets, or the whole IPv4 address. */
    long low() {
        return low;
    }

    /** The named port, 1–65535. */
    int port() {
        return port;
    }

    private int peek() {
        return Wire.u8(umem, at);
    }

    private static boolean isDigit(int octet) {
        return octet >= '0' && octet <= '9';
    }

    /** At least one. */
    private boolean skipSpaces() {
        long begin = at;
        while (at < end && peek() == ' ') {
            at++;
        }
        return at > begin;
    }

    private boolean endsLine() {
        while (at < end && peek() == ' ') {
            at++;
        }
        return at < end && (peek() == '\r' || peek() == '\n');
    }

    /** Goes behind the next octet of a kind in the line. */
    private boolean find(int octet) {
        while (at < end && peek() != '\r' && peek() != '\n') {
            if (Wire.u8(umem, at++) == octet) {
                return true;
            }
        }
        return false;
    }

    /** Goes to the first digit in the line: as RFC 1123 says, nothing else tells where the numbers begin. */
    private boolean findNumbers() {
        while (at < end && peek() != '\r' && peek() != '\n') {
            if (isDigit(peek())) {
                return true;
            }
            at++;
        }
        return false;
    }

    /** Reads a decimal number of at least one digit. */
    private boolean readNumber(int max) {
        long begin = at;
        number = 0;
        while (at < end && isDigit(peek())) {
            number = number * 10 + peek() - '0';
            if (number > max) {
                return false;
            }
            at++;
        }
        return at > begin;
    }

    private boolean read(int octet) {
        if (at < end && peek() == octet) {
            at++;
            return true;
        }
        return false;
    }

    /** Address and port as six numbers between commas. */
    private boolean readNumbers() {
        textBegin = at;
        long value = 0;
        for (int i = 0; i < NUMBERS; i++) {
            if ((i > 0 && !read(',')) || !readNumber(255)) {
                return false;
            }
            value = value << 8 | number;
        }
        textEnd = at;
        hasAddress = true;
        inet6 = false;
        high = 0;
        low = value >>> 16;
        port = (int) value & 0xffff;
        return port != 0;
    }

    /** Family, address and port between delimiters; family and address may both be missing unless they are needed. */
    private boolean readExtended(boolean addressNeeded) {
        textBegin = at;
        if (at >= end) {
            return false;
        }
        delimiter = peek();
        if (delimiter < 33 || delimiter > 126 || isDigit(delimiter)) {
            return false;
        }
        at++;
        if (read(delimiter)) {
            hasAddress = false;
            if (addressNeeded || !read(delimiter)) {
                return false;
            }
        } else {
            hasAddress = true;
            if (!readNumber(2) || number == 0 || !read(delimiter)) {
                return false;
            }
            inet6 = number == 2;
            if (!(inet6 ? readInet6() : readInet()) || !read(delimiter)) {
                return false;
            }
        }
        if (!readNumber(65535) || number == 0 || !read(delimiter)) {
            return false;
        }
        port = number;
        textEnd = at;
        return true;
    }

    /** A dotted quad. */
    private boolean readInet() {
        long value = 0;
        for (int i = 0; i < 4; i++) {
            if ((i > 0 && !read('.')) || !readNumber(255)) {
                return false;
            }
            value = value << 8 | number;
        }
        high = 0;
        low = value;
        return true;
    }

    /** An IPv6 address (RFC 4291 section 2.2), the last two groups possibly as a dotted quad. */
    private boolean readInet6() {
        long upper = 0;
        long lower = 0;
        int groups = 0;
        // How many groups stood before "::", or -1.
        int gap = -1;
        if (at + 1 < end && peek() == ':') {
            at++;
            if (!read(':')) {
                return false;
            }
            gap = 0;
        }
        while (groups < GROUPS && at < end && hexValue(peek()) >= 0) {
            long begin = at;
            int value = 0;
            while (at < end && at - begin <= 4 && hexValue(peek()) >= 0) {
                value = value << 4 | hexValue(peek());
                at++;
            }
            if (at - begin > 4) {
                return false;
            }
            if (at < end && peek() == '.') {
                at = begin;
                if (groups > GROUPS - 2 || !readInet()) {
                    return false;
                }
                upper = upper << 32 | lower >>> 32;
                lower = lower << 32 | low;
                groups += 2;
                break;
            }
            upper = upper << 16 | lower >>> 48;
            lower = lower << 16 | value;
            groups++;
            if (groups == GROUPS || !read(':')) {
                break;
            }
            if (read(':')) {
                if (gap >= 0) {
                    return false;
                }
                gap = groups;
            } else if (at >= end || hexValue(peek()) < 0) {
                // One colon must be followed by a group.
                return false;
            }
        }
        return spread(upper, lower, groups, gap);
    }

    /** Puts the zeros where "::" stood. */
    private boolean spread(long upper, long lower, int groups, int gap) {
        if (gap < 0 ? groups != GROUPS : groups == GROUPS) {
            return false;
        }
        long a = upper;
        long b = lower;
        if (gap >= 0) {
            // The groups behind the gap stay where they are; those before it go to the left.
            int behind = groups - gap;
            long keepHigh = behind > 4 ? mask(behind - 4) : 0;
            long keepLow = mask(Math.min(behind, 4));
            long tailHigh = a & keepHigh;
            long tailLow = b & keepLow;
            long headHigh = a & ~keepHigh;
            long headLow = b & ~keepLow;
            for (int i = groups; i < GROUPS; i++) {
                headHigh = headHigh << 16 | headLow >>> 48;
                headLow <<= 16;
            }
            a = headHigh | tailHigh;
            b = headLow | tailLow;
        }
        high = a;
        low = b;
        return true;
    }

    /** So many groups from the right. */
    private static long mask(int groups) {
        return groups >= 4 ? -1L : (1L << (16 * groups)) - 1;
    }

    private static int hexValue(int octet) {
        if (isDigit(octet)) {
            return octet - '0';
        }
        int letter = octet | 0x20;
        return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
    }
}
