package dev.sluice.it;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** The addresses of {@code vagrant/topology.conf} that tests name. */
final class Topology {
    static final String VIP4 = "10.0.0.100";
    static final String VIP6 = "fd00:51::100";
    static final List<String> VIPS = List.of(VIP4, VIP6);
    static final String DIRECTOR4 = "10.0.0.2";
    static final String DIRECTOR6 = "fd00:51::2";
    static final String DIRECTOR_MAC = "02:51:00:00:00:02";
    static final String RS1_MAC = "02:51:00:00:00:11";
    static final List<String> REAL_SERVERS = List.of("rs1", "rs2", "rs3");

    private Topology() {}

    /** The RIP of {@code rs1}, {@code rs2} or {@code rs3} in the family of a VIP. */
    static String rip(String realServer, String vip) {
        return (isInet6(vip) ? "fd00:51::1" : "10.0.0.1") + realServer.charAt(2);
    }

    static boolean isInet6(String address) {
        return address.indexOf(':') >= 0;
    }

    /** As it stands before a port. */
    static String host(String address) {
        return isInet6(address) ? "[" + address + "]" : address;
    }

    /** How often each real server occurs, those that do not occur left out. */
    static Map<String, Integer> count(List<String> realServers) {
        Map<String, Integer> counts = new TreeMap<>();
        realServers.forEach(name -> counts.merge(name, 1, Integer::sum));
        return counts;
    }
}
