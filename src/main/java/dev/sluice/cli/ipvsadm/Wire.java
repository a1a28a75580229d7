package dev.sluice.cli.ipvsadm;

import dev.sluice.packet.AddressFamily;
import dev.sluice.packet.IpAddress;
import dev.sluice.service.AddressKey;
import dev.sluice.service.FwmarkKey;
import dev.sluice.service.ServiceKey;
import dev.sluice.service.Tunnel;
import dev.sluice.service.TunnelType;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;

/** Services and real servers in the words of the admin protocol. */
final class Wire {
    private Wire() {}

    /** What names a service. */
    static Map<String, Object> key(ServiceKey key) {
        Map<String, Object> json = new LinkedHashMap<>();
        switch (key) {
            case AddressKey address -> {
                String vip = address.address().toString();
                json.put("protocol", address.protocol().name().toLowerCase(Locale.ROOT));
                json.put(
                        "address",
                        (address.family() == AddressFamily.INET6 ? "[" + vip + "]" : vip) + ":" + address.port());
            }
            case FwmarkKey mark -> {
                json.put("fwmark", Integer.toUnsignedLong(mark.mark()));
                json.put("family", mark.family().name().toLowerCase(Locale.ROOT));
            }
        }
        return json;
    }

    /** A service with its settings; of its SYN proxy only what is said. */
    static Map<String, Object> service(Request.Service service, Request.Translation translation) {
        Map<String, Object> json = key(service.key());
        json.put("scheduler", service.scheduler());
        json.put("scheduler_flags", service.schedulerFlags());
        if (service.persistenceSeconds() != 0) {
            json.put("persistence", service.persistenceSeconds());
            IpAddress netmask = service.netmask();
            json.put(
                    "persistence_netmask",
                    netmask.family() == AddressFamily.INET
                            ? netmask.toString()
                            : Long.bitCount(netmask.high()) + Long.bitCount(netmask.low()));
        }
        json.put("one_packet", service.onePacket());
        Boolean synProxy = translation.synProxy();
        if (synProxy != null) {
            json.put("syn_proxy", synProxy);
        }
        return json;
    }

    /** What names a real server in its service. */
    static Map<String, Object> realKey(Request.Real real) {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("address", real.address().toString());
        json.put("port", real.port());
        return json;
    }

    /** A real server with its settings. */
    static Map<String, Object> real(Request.Real real) {
        Map<String, Object> json = realKey(real);
        json.put("method", real.method().keyword());
        json.put("weight", real.weight());
        json.put("upper_threshold", real.upperThreshold());
        json.put("lower_threshold", real.lowerThreshold());
        Tunnel tunnel = real.tunnel();
        if (tunnel != null) {
            json.put("tun_type", tunnel.type().keyword());
            if (tunnel.type() == TunnelType.GUE) {
                json.put("tun_port", tunnel.port());
            }
            if (tunnel.type() != TunnelType.IPIP) {
                json.put("tun_checksum", tunnel.checksum().keyword());
            }
        }
        return json;
    }
}
