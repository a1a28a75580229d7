package dev.sluice.control.observe;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sluice.control.admin.AdminException;
import dev.sluice.packet.IpAddress;
import dev.sluice.packet.IpPrefix;
import dev.sluice.packet.Transport;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Reads what stands in a request beside its command, and refuses what is no such thing. */
final class Fields {
    private static final Map<String, Integer> PROTOCOLS = Map.of(
            "tcp", Transport.TCP,
            "udp", Transport.UDP,
            "sctp", Transport.SCTP,
            "icmp", Transport.ICMP,
            "icmpv6", Transport.ICMPV6,
            "esp", Transport.ESP,
            "ah", Transport.AH);

    private final JsonNode request;

    /**
     * @param known all that may stand there
     */
    Fields(JsonNode request, Set<String> known) throws AdminException {
        this.request = request;
        for (Iterator<String> names = request.fieldNames(); names.hasNext(); ) {
            String name = names.next();
            if (!known.contains(name) && !name.equals("v") && !name.equals("command")) {
                throw bad("\"" + name + "\" is not known to this command");
            }
        }
    }

    static AdminException bad(String what) {
        return new AdminException("bad_request", what);
    }

    boolean flag(String name) throws AdminException {
        JsonNode value = request.path(name);
        if (!value.isMissingNode() && !value.isBoolean()) {
            throw bad("\"" + name + "\" is neither true nor false");
        }
        return value.asBoolean(false);
    }

    int number(String name, int absent, int least, int most) throws AdminException {
        JsonNode value = request.path(name);
        if (value.isMissingNode()) {
            return absent;
        }
        if (!value.isIntegralNumber()
                || !value.canConvertToInt()
                || value.intValue() < least
                || value.intValue() > most) {
            throw bad("\"" + name + "\" is not a number from " + least + " to " + most);
        }
        return value.intValue();
    }

    @Nullable
    String text(String name) throws AdminException {
        JsonNode value = request.path(name);
        if (value.isMissingNode()) {
            return null;
        }
        if (!value.isTextual()) {
            throw bad("\"" + name + "\" is no string");
        }
        return value.textValue();
    }

    String neededText(String name) throws AdminException {
        String text = text(name);
        if (text == null) {
            throw bad("\"" + name + "\" is missing");
        }
        return text;
    }

    List<String> texts(String name) throws AdminException {
        JsonNode value = request.path(name);
        if (!value.isMissingNode() && !value.isArray()) {
            throw bad("\"" + name + "\" is no array of strings");
        }
        List<String> texts = new ArrayList<>();
        for (JsonNode one : value) {
            if (!one.isTextual()) {
                throw bad("\"" + name + "\" is no array of strings");
            }
            texts.add(one.textValue());
        }
        return texts;
    }

    @Nullable
    IpPrefix prefix(String name) throws AdminException {
        String text = text(name);
        try {
            return text == null ? null : IpPrefix.parse(text);
        } catch (IllegalArgumentException e) {
            throw bad("\"" + name + "\": " + e.getMessage());
        }
    }

    IpAddress address(String name) throws AdminException {
        try {
            return IpAddress.parse(neededText(name));
        } catch (IllegalArgumentException e) {
            throw bad("\"" + name + "\": " + e.getMessage());
        }
    }

    /** The number of a protocol, -1 without one. */
    int protocol(String name) throws AdminException {
        String text = text(name);
        if (text == null) {
            return -1;
        }
        Integer number = PROTOCOLS.get(text);
        if (number == null) {
            throw bad("\"" + name + "\": there is no protocol " + text
                    + "; there are tcp, udp, sctp, icmp, icmpv6, esp, ah");
        }
        return number;
    }

    /** Where an interface stands among the director's, -1 without one. */
    int interfaceOf(String name, List<String> interfaces) throws AdminException {
        String text = text(name);
        if (text == null) {
            return -1;
        }
        int index = interfaces.indexOf(text);
        if (index < 0) {
            throw bad("\"" + name + "\": " + text + " is none of the director's interfaces: "
                    + String.join(", ", interfaces));
        }
        return index;
    }
}
