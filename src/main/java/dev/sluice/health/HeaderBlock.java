package dev.sluice.health;

import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Reads a header block of HTTP/2 (HPACK, RFC 7541). The client allows its server no dynamic table, so that every field is in the
 * static one or spelt out. Owned by the check's thread.
 */
final class HeaderBlock {
    /** RFC 7541 appendix A, from index 1 on. */
    private static final String[] STATIC_TABLE = {
        ":authority",
        ":method: GET",
        ":method: POST",
        ":path: /",
        ":path: /index.html",
        ":scheme: http",
        ":scheme: https",
        ":status: 200",
        ":status: 204",
        ":status: 206",
        ":status: 304",
        ":status: 400",
        ":status: 404",
        ":status: 500",
        "accept-charset",
        "accept-encoding: gzip, deflate",
        "accept-language",
        "accept-ranges",
        "accept",
        "access-control-allow-origin",
        "age",
        "allow",
        "authorization",
        "cache-control",
        "content-disposition",
        "content-encoding",
        "content-language",
        "content-length",
        "content-location",
        "content-range",
        "content-type",
        "cookie",
        "date",
        "etag",
        "expect",
        "expires",
        "from",
        "host",
        "if-match",
        "if-modified-since",
        "if-none-match",
        "if-range",
        "if-unmodified-since",
        "last-modified",
        "link",
        "location",
        "max-forwards",
        "proxy-authenticate",
        "proxy-authorization",
        "range",
        "referer",
        "refresh",
        "retry-after",
        "server",
        "set-cookie",
        "strict-transport-security",
        "transfer-encoding",
        "user-agent",
        "vary",
        "via",
        "www-authenticate"
    };

    private static final int INDEXED = 0x80;
    private static final int INDEXED_BITS = 7;
    private static final int INCREMENTAL = 0x40;
    private static final int INCREMENTAL_BITS = 6;
    private static final int TABLE_SIZE = 0x20;
    private static final int TABLE_SIZE_BITS = 5;
    private static final int LITERAL_BITS = 4;
    private static final int HUFFMAN = 0x80;
    private static final int STRING_BITS = 7;
    /** Behind so many continuation octets an integer is larger than anything here. */
    private static final int MAX_SHIFT = 21;

    private final byte[] octets;
    private int position;

    private HeaderBlock(byte[] octets) {
        this.octets = octets;
    }

    /**
     * The fields in their order; of those with one name the last.
     *
     * @throws UnhealthyException for a block that does not follow the RFC
     */
    static Map<String, String> decode(byte[] octets) throws UnhealthyException {
        HeaderBlock block = new HeaderBlock(octets);
        Map<String, String> fields = new LinkedHashMap<>();
        while (block.position < octets.length) {
            block.readField(fields);
        }
        return fields;
    }

    private void readField(Map<String, String> fields) throws UnhealthyException {
        int first = octets[position] & 0xff;
        if ((first & INDEXED) != 0) {
            String field = entry(integer(INDEXED_BITS));
            fields.put(name(field), value(field));
        } else if ((first & (INCREMENTAL | TABLE_SIZE)) == TABLE_SIZE) {
            if (integer(TABLE_SIZE_BITS) != 0) {
                throw malformed();
            }
        } else {
            // An entry for the dynamic table is larger than that table, and thus leaves it empty (section 4.4).
            int index = integer((first & INCREMENTAL) != 0 ? INCREMENTAL_BITS : LITERAL_BITS);
            String name = index == 0 ? string() : name(entry(index));
            fields.put(name, string());
        }
    }

    private static String entry(int index) throws UnhealthyException {
        if (index < 1 || index > STATIC_TABLE.length) {
            throw malformed();
        }
        return STATIC_TABLE[index - 1];
    }

    private static String name(String entry) {
        int colon = entry.indexOf(": ");
        return colon < 0 ? entry : entry.substring(0, colon);
    }

    private static String value(String entry) {
        int colon = entry.indexOf(": ");
        return colon < 0 ? "" : entry.substring(colon + 2);
    }

    /** Section 5.1. */
    private int integer(int prefixBits) throws UnhealthyException {
        int prefix = (1 << prefixBits) - 1;
        int value = next() & prefix;
        if (value < prefix) {
            return value;
        }
        for (int shift = 0; shift <= MAX_SHIFT; shift += 7) {
            int octet = next();
            value += (octet & 0x7f) << shift;
            if ((octet & 0x80) == 0) {
                return value;
            }
        }
        throw malformed();
    }

    /** Section 5.2. */
    private String string() throws UnhealthyException {
        boolean huffman = position < octets.length && (octets[position] & HUFFMAN) != 0;
        int length = integer(STRING_BITS);
        if (length > octets.length - position) {
            throw malformed();
        }
        int start = position;
        position += length;
        return huffman
                ? HuffmanCode.decode(octets, start, length)
                : new String(octets, start, length, StandardCharsets.ISO_8859_1);
    }

    private int next() throws UnhealthyException {
        if (position == octets.length) {
            throw malformed();
        }
        return octets[position++] & 0xff;
    }

    private static UnhealthyException malformed() {
        return new UnhealthyException("HTTP/2 header is malformed");
    }
}
