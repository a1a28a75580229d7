package dev.sluice.control.config;

import dev.sluice.service.ForwardingMethod;
import dev.sluice.service.RealServer;
import dev.sluice.service.Tunnel;
import dev.sluice.service.TunnelType;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Reads how a {@code [[service.real]]} is encapsulated to, and in which VLAN, with the checks of ipvsadm. */
final class TunnelReader {
    private static final String PORT = "an integer 1-65535, the UDP port on which the real server decapsulates";
    private static final String VLAN = "\"keep\", \"none\", or an integer 1-" + RealServer.MAX_VLAN;

    private TunnelReader() {}

    /** The tunnel; null where the method has none. What does not fit together is reported. */
    static @Nullable Tunnel tunnel(TableReader table, ForwardingMethod method) {
        Optional<TunnelType> named = table.optionalChoice("tun_type", TunnelType.class, TunnelType::keyword);
        int port = table.integer("tun_port", 1, 65535, 0, PORT);
        Optional<Tunnel.Checksum> checksum =
                table.optionalChoice("tun_checksum", Tunnel.Checksum.class, Tunnel.Checksum::keyword);
        if (method != ForwardingMethod.TUN) {
            for (String key : List.of("tun_type", "tun_port", "tun_checksum")) {
                if (table.has(key) && table.sound(key, "method")) {
                    table.wrong(
                            key, "does not go with method \"" + method.keyword() + '"', "only with method = \"tun\"");
                }
            }
            return null;
        }
        TunnelType type = named.orElse(TunnelType.IPIP);
        if (!table.sound("tun_type", "tun_port", "tun_checksum") || !fits(table, type, checksum)) {
            return Tunnel.IPIP;
        }
        return new Tunnel(type, port, checksum.orElse(Tunnel.Checksum.NONE));
    }

    private static boolean fits(TableReader table, TunnelType type, Optional<Tunnel.Checksum> checksum) {
        String word = "tun_type \"" + type.keyword() + '"';
        if (type == TunnelType.GUE && !table.has("tun_port")) {
            table.missing("tun_port", "with " + word + ", " + PORT);
        } else if (type != TunnelType.GUE && table.has("tun_port")) {
            table.wrong("tun_port", "does not go with " + word, "only with tun_type = \"gue\"");
        }
        // As ipvsadm, which takes not even the word for none here.
        if (type == TunnelType.IPIP && checksum.isPresent()) {
            table.wrong(
                    "tun_checksum",
                    "does not go with " + word + ", which has no checksum",
                    "only with tun_type = \"gue\" or \"gre\"");
        } else if (type == TunnelType.GRE && checksum.equals(Optional.of(Tunnel.Checksum.REMCSUM))) {
            table.wrong("tun_checksum", "does not go with " + word, "\"nocsum\", \"csum\"");
        }
        return table.sound("tun_port", "tun_checksum");
    }

    /** The VLAN, as {@link RealServer#vlan} has it. */
    static int vlan(TableReader table) {
        Object value = table.value("vlan");
        if (value == null || value.equals("keep")) {
            return RealServer.VLAN_KEEP;
        }
        if (value.equals("none")) {
            return RealServer.VLAN_NONE;
        }
        return table.integer("vlan", 1, RealServer.MAX_VLAN, RealServer.VLAN_KEEP, VLAN);
    }
}
