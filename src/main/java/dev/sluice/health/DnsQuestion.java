package dev.sluice.health;

import java.io.ByteArrayOutputStream;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.Map;

/** A question to a DNS server (RFC 1035 section 4) and what its answer says. Immutable; any thread. */
final class DnsQuestion {
    /** Record types by their mnemonics. */
    static final Map<String, Integer> TYPES = Map.ofEntries(
            Map.entry("A", 1),
            Map.entry("NS", 2),
            Map.entry("CNAME", 5),
            Map.entry("SOA", 6),
            Map.entry("PTR", 12),
            Map.entry("MX", 15),
            Map.entry("TXT", 16),
            Map.entry("AAAA", 28),
            Map.entry("SRV", 33),
            Map.entry("NAPTR", 35),
            Map.entry("DS", 43),
            Map.entry("RRSIG", 46),
            Map.entry("DNSKEY", 48),
            Map.entry("HTTPS", 65),
            Map.entry("CAA", 257),
            Map.entry("ANY", 255));

    private static final int CNAME = 5;
    private static final int ANY = 255;
    private static final int CLASS_IN = 1;
    private static final int HEADER_BYTES = 12;
    private static final int MAX_NAME_BYTES = 255;
    private static final int MAX_LABEL_BYTES = 63;
    private static final int FLAG_RESPONSE = 0x8000;
    private static final int FLAG_TRUNCATED = 0x0200;
    private static final int FLAG_RECURSION_DESIRED = 0x0100;
    private static final int RCODE = 0x000f;
    /** The two bits that mark a pointer to a name, RFC 1035 section 4.1.4. */
    private static final int POINTER = 0xc0;
    /** RFC 1035 section 4.1.1, RFC 2136 section 2.2. */
    private static final String[] RCODES = {
        "NOERROR",
        "FORMERR",
        "SERVFAIL",
        "NXDOMAIN",
        "NOTIMP",
        "REFUSED",
        "YXDOMAIN",
        "YXRRSET",
        "NXRRSET",
        "NOTAUTH",
        "NOTZONE"
    };

    private final String text;
    private final int type;
    /** Name, type and class as they go over the wire. */
    private final byte[] wire;

    /**
     * Asks for the records of a type that a name has.
     *
     * @throws IllegalArgumentException with a message for users, for a name or a type that does not exist
     */
    DnsQuestion(String name, String typeName) {
        Integer number = TYPES.get(typeName.toUpperCase(Locale.ROOT));
        if (number == null) {
            throw new IllegalArgumentException("\"" + typeName + "\" is not a DNS record type that can be asked for: "
                    + String.join(" ", TYPES.keySet().stream().sorted().toList()));
        }
        type = number;
        text = typeName.toUpperCase(Locale.ROOT) + " record of " + name;
        byte[] encoded = encode(name);
        wire = ByteBuffer.allocate(encoded.length + 4)
                .put(encoded)
                .putShort((short) type)
                .putShort((short) CLASS_IN)
                .array();
    }

    /** Throws {@link IllegalArgumentException}, with a message for users, for a question that cannot be asked. */
    static void verify(String name, String typeName) {
        new DnsQuestion(name, typeName).query(0);
    }

    private static byte[] encode(String name) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        String relative = name.endsWith(".") ? name.substring(0, name.length() - 1) : name;
        for (String label : relative.isEmpty() ? new String[0] : relative.split("\\.", -1)) {
            byte[] octets = label.getBytes(StandardCharsets.ISO_8859_1);
            boolean ascii = label.chars().allMatch(c -> c > ' ' && c < 127);
            if (octets.length == 0 || octets.length > MAX_LABEL_BYTES || !ascii) {
                throw new IllegalArgumentException("\"" + name + "\" is not a DNS name");
            }
            out.write(octets.length);
            out.writeBytes(octets);
        }
        out.write(0);
        if (out.size() > MAX_NAME_BYTES || name.isEmpty()) {
            throw new IllegalArgumentException("\"" + name + "\" is not a DNS name");
        }
        return out.toByteArray();
    }

    /** The query with this identifier, which wishes for recursion. */
    byte[] query(int id) {
        return ByteBuffer.allocate(HEADER_BYTES + wire.length)
                .putShort((short) id)
                .putShort((short) FLAG_RECURSION_DESIRED)
                .putShort((short) 1)
                .position(HEADER_BYTES)
                .put(wire)
                .array();
    }

    /** Whether a datagram is an answer to the query with this identifier. */
    boolean isAnswered(byte[] datagram, int id) {
        if (datagram.length < HEADER_BYTES) {
            return false;
        }
        ByteBuffer message = ByteBuffer.wrap(datagram);
        if (u16(message) != id || (u16(message) & FLAG_RESPONSE) == 0) {
            return false;
        }
        // A server that cannot read the question may answer FORMERR without it.
        return u16(message) == 0 || echoes(datagram);
    }

    private boolean echoes(byte[] datagram) {
        if (datagram.length < HEADER_BYTES + wire.length) {
            return false;
        }
        for (int i = 0; i < wire.length; i++) {
            if (lower(datagram[HEADER_BYTES + i]) != lower(wire[i])) {
                return false;
            }
        }
        return true;
    }

    private static int lower(byte octet) {
        return octet >= 'A' && octet <= 'Z' ? octet + ('a' - 'A') : octet;
    }

    /** What an answer to this question says of the server. */
    CheckResult judge(byte[] answer) {
        ByteBuffer message = ByteBuffer.wrap(answer).position(2);
        int flags = u16(message);
        int questions = u16(message);
        int answers = u16(message);
        int rcode = flags & RCODE;
        if (rcode != 0) {
            String name = rcode < RCODES.length ? RCODES[rcode] : "unknown";
            return CheckResult.unhealthy("DNS error " + rcode + " (" + name + ")");
        }
        if ((flags & FLAG_TRUNCATED) != 0) {
            return CheckResult.healthy("DNS answer, too long for a datagram");
        }
        try {
            message.position(HEADER_BYTES);
            for (int i = 0; i < questions; i++) {
                skipName(message);
                skip(message, 4);
            }
            boolean found = false;
            for (int i = 0; i < answers; i++) {
                skipName(message);
                int recordType = u16(message);
                skip(message, 6);
                skip(message, u16(message));
                found |= recordType == type || recordType == CNAME || type == ANY;
            }
            return found
                    ? CheckResult.healthy("DNS answer with " + answers + (answers == 1 ? " record" : " records"))
                    : CheckResult.unhealthy("DNS answer without a " + text);
        } catch (BufferUnderflowException e) {
            return CheckResult.unhealthy("DNS answer is malformed");
        }
    }

    /** A name ends at its root label or at the first pointer, which is not followed: no loop can be built of them. */
    private static void skipName(ByteBuffer message) {
        while (true) {
            int length = message.get() & 0xff;
            if (length == 0) {
                return;
            }
            if ((length & POINTER) == POINTER) {
                message.get();
                return;
            }
            if ((length & POINTER) != 0) {
                throw new BufferUnderflowException();
            }
            skip(message, length);
        }
    }

    private static void skip(ByteBuffer message, int count) {
        if (count > message.remaining()) {
            throw new BufferUnderflowException();
        }
        message.position(message.position() + count);
    }

    private static int u16(ByteBuffer message) {
        return Short.toUnsignedInt(message.getShort());
    }
}
