package dev.sluice.cli.observe;

import dev.sluice.packet.IpPrefix;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/**
 * {@code 10.0.0.1}, {@code 10.0.0.0/24}, {@code 10.0.0.1:80}, {@code 2001:db8::1}, {@code [2001:db8::1]:80} and {@code :80}.
 *
 * @param address null for any
 * @param port -1 for any
 */
record Endpoint(@Nullable IpPrefix address, int port) {
    private static final Pattern TEXT = Pattern.compile(
            "(?:\\[([^\\]]+)\\]|([0-9.]+(?:/[0-9]+)?)|([0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*:[0-9A-Fa-f:./]*))?(?::([0-9]{1,5}))?");

    /** Reads it off the command line. */
    static final class Converter implements ITypeConverter<Endpoint> {
        @Override
        public Endpoint convert(String text) {
            Matcher matcher = TEXT.matcher(text);
            if (text.isEmpty() || !matcher.matches()) {
                throw new TypeConversionException(
                        "\"" + text + "\" is no ADDRESS[:PORT]; IPv6 with a port is [ADDRESS]:PORT");
            }
            String address = null;
            for (int group = 1; group <= 3; group++) {
                address = matcher.group(group) == null ? address : matcher.group(group);
            }
            int port = matcher.group(4) == null ? -1 : Integer.parseInt(matcher.group(4));
            if (port > 65535) {
                throw new TypeConversionException("port " + port + " is outside 0-65535");
            }
            try {
                return new Endpoint(address == null ? null : IpPrefix.parse(address), port);
            } catch (IllegalArgumentException e) {
                throw new TypeConversionException(String.valueOf(e.getMessage()));
            }
        }
    }

    /** The address as the admin protocol has it, without the length of a single one. */
    @Nullable
    String addressText() {
        if (address == null) {
            return null;
        }
        boolean one = address.length() == address.address().family().addressBits();
        return one ? address.address().toString() : address.toString();
    }
}
