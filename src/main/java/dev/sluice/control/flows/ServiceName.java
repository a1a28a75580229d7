package dev.sluice.control.flows;

import dev.sluice.packet.AddressFamily;
import dev.sluice.packet.IpAddress;
import dev.sluice.service.AddressKey;
import dev.sluice.service.FwmarkKey;
import dev.sluice.service.Protocol;
import dev.sluice.service.ServiceKey;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The names of services that users write: {@code tcp/10.0.0.100:80}, {@code udp/[2001:db8::1]:53}, {@code fwm/7}, {@code fwm/7/ipv6}. */
public final class ServiceName {
    private static final Pattern ADDRESS = Pattern.compile("(tcp|udp|sctp)[/ ](?:\\[(.*)\\]|([^:]*)):([0-9]{1,5})");
    private static final Pattern MARK = Pattern.compile("fwm(?:ark)?[/ ]([0-9]{1,10})(?:[/ ]ipv([46]))?");

    private ServiceName() {}

    /**
     * Reads a name, in any case, with a slash or, as the director prints them, with blanks.
     *
     * @throws IllegalArgumentException with a message fit for users
     */
    public static ServiceKey parse(String text) {
        String lower = text.toLowerCase(Locale.ROOT);
        Matcher address = ADDRESS.matcher(lower);
        if (address.matches()) {
            boolean brackets = address.group(2) != null;
            IpAddress vip = IpAddress.parse(brackets ? address.group(2) : address.group(3));
            if (brackets == (vip.family() == AddressFamily.INET6)) {
                return new AddressKey(
                        Protocol.valueOf(address.group(1).toUpperCase(Locale.ROOT)),
                        vip,
                        Integer.parseInt(address.group(4)));
            }
        }
        Matcher mark = MARK.matcher(lower);
        if (mark.matches()) {
            long number = Long.parseLong(mark.group(1));
            if (number >= 1 && number <= 0xffff_ffffL) {
                return new FwmarkKey(
                        "6".equals(mark.group(2)) ? AddressFamily.INET6 : AddressFamily.INET, (int) number);
            }
        }
        throw new IllegalArgumentException("\"" + text
                + "\" names no service; allowed: tcp/10.0.0.100:80, udp/[2001:db8::1]:53, fwm/7, fwm/7/ipv6");
    }
}
