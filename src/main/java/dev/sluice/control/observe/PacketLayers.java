package dev.sluice.control.observe;

import dev.sluice.packet.Ethernet;
import dev.sluice.packet.IpAddress;
import dev.sluice.packet.Ipv6;
import dev.sluice.packet.Transport;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** The headers of a packet in words, as far as its octets were kept. */
final class PacketLayers {
    private static final int MAX_IP_HEADERS = 3;
    private static final int MAX_EXTENSIONS = 8;
    private static final String[] TCP_FLAGS = {"FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR"};

    private final byte[] bytes;
    private final int guePort;
    private final List<Layer> layers = new ArrayList<>();

    /**
     * A header.
     *
     * @param name {@code ethernet}, {@code ipv4}, {@code tcp} and so on
     * @param fields in their order on the wire
     */
    record Layer(String name, Map<String, String> fields) {
        private String get(String field) {
            return fields.getOrDefault(field, "?");
        }
    }

    private PacketLayers(byte[] bytes, int guePort) {
        this.bytes = bytes;
        this.guePort = guePort;
    }

    /**
     * Reads a frame.
     *
     * @param guePort UDP to this port carries GUE, 0 for none
     */
    static List<Layer> of(byte[] bytes, int guePort) {
        PacketLayers reader = new PacketLayers(bytes, guePort);
        reader.ethernet();
        return reader.layers;
    }

    /** {@code TCP 10.0.0.1:4711 > 10.0.0.100:80 [SYN], TTL 64}, of the innermost headers. */
    static String summary(List<Layer> layers) {
        Layer ip = null;
        Layer transport = null;
        for (Layer layer : layers) {
            if (layer.name().startsWith("ip")) {
                ip = layer;
                transport = null;
            } else if (ip != null) {
                transport = layer;
            }
        }
        if (ip == null) {
            return layers.isEmpty()
                    ? "no whole Ethernet header"
                    : "no IP: EtherType " + layers.getLast().get("type");
        }
        boolean inet6 = ip.name().equals("ipv6");
        String ttl = (inet6 ? ", hop limit " + ip.get("hop limit") : ", TTL " + ip.get("ttl"));
        String fragment =
                ip.fields().containsKey("fragment offset") ? ", fragment at " + ip.get("fragment offset") : "";
        if (transport == null) {
            return "protocol " + ip.get("protocol") + " " + ip.get("source") + " > " + ip.get("destination") + ttl
                    + fragment;
        }
        boolean ports = transport.fields().containsKey("source port");
        return transport.name().toUpperCase(Locale.ROOT) + " "
                + (ports ? endpoint(ip.get("source"), transport.get("source port")) : ip.get("source")) + " > "
                + (ports ? endpoint(ip.get("destination"), transport.get("destination port")) : ip.get("destination"))
                + (transport.fields().containsKey("flags") ? " [" + transport.get("flags") + "]" : "")
                + (transport.fields().containsKey("type") ? " type " + transport.get("type") : "")
                + ttl + fragment;
    }

    static String endpoint(String address, String port) {
        return (address.indexOf(':') >= 0 ? "[" + address + "]" : address) + ":" + port;
    }

    private Map<String, String> add(String name) {
        Map<String, String> fields = new LinkedHashMap<>();
        layers.add(new Layer(name, fields));
        return fields;
    }

    private boolean has(int at, int count) {
        return at + count <= bytes.length;
    }

    private int u8(int at) {
        return bytes[at] & 0xff;
    }

    private int u16(int at) {
        return u8(at) << 8 | u8(at + 1);
    }

    private long u32(int at) {
        return (long) u16(at) << 16 | u16(at + 2);
    }

    private String hex16(int at) {
        return "0x%04x".formatted(u16(at));
    }

    private String mac(int at) {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < 6; i++) {
            text.append(i == 0 ? "" : ":").append("%02x".formatted(u8(at + i)));
        }
        return text.toString();
    }

    private String address(int at, int length) {
        return IpAddress.ofBytes(Arrays.copyOfRange(bytes, at, at + length)).toString();
    }

    private void ethernet() {
        if (!has(0, Ethernet.HEADER_BYTES)) {
            return;
        }
        Map<String, String> fields = add("ethernet");
        fields.put("destination", mac(0));
        fields.put("source", mac(6));
        int at = Ethernet.ETHERTYPE_OFFSET;
        int type = u16(at);
        at += 2;
        while ((type == Ethernet.TYPE_VLAN || type == Ethernet.TYPE_SERVICE_VLAN) && has(at, 4)) {
            fields.merge("vlan", Integer.toString(u16(at) & 0xfff), (outer, inner) -> outer + "," + inner);
            type = u16(at + 2);
            at += Ethernet.VLAN_TAG_BYTES;
        }
        fields.put("type", "0x%04x".formatted(type));
        if (type == Ethernet.TYPE_IPV4) {
            ipv4(at, 1);
        } else if (type == Ethernet.TYPE_IPV6) {
            ipv6(at, 1);
        }
    }

    private void ipv4(int at, int depth) {
        if (!has(at, 20) || depth > MAX_IP_HEADERS) {
            return;
        }
        Map<String, String> fields = add("ipv4");
        int header = (u8(at) & 0xf) * 4;
        fields.put("tos", "0x%02x".formatted(u8(at + 1)));
        fields.put("length", Integer.toString(u16(at + 2)));
        fields.put("identification", hex16(at + 4));
        int fragment = u16(at + 6);
        fields.put("flags", (fragment & 0x4000) != 0 ? "DF" : (fragment & 0x2000) != 0 ? "MF" : "none");
        if ((fragment & 0x3fff) != 0) {
            fields.put("fragment offset", Integer.toString((fragment & 0x1fff) * 8));
        }
        fields.put("ttl", Integer.toString(u8(at + 8)));
        fields.put("protocol", Integer.toString(u8(at + 9)));
        fields.put("checksum", hex16(at + 10));
        fields.put("source", address(at + 12, 4));
        fields.put("destination", address(at + 16, 4));
        if (header > 20) {
            fields.put("options", header - 20 + " bytes");
        }
        if ((fragment & 0x1fff) == 0 && header >= 20) {
            transport(at + header, u8(at + 9), depth);
        }
    }

    private void ipv6(int at, int depth) {
        if (!has(at, Ipv6.HEADER_BYTES) || depth > MAX_IP_HEADERS) {
            return;
        }
        Map<String, String> fields = add("ipv6");
        fields.put("traffic class", "0x%02x".formatted(u16(at) >>> 4 & 0xff));
        fields.put("flow label", "0x%05x".formatted(u32(at) & 0xfffff));
        fields.put("payload length", Integer.toString(u16(at + Ipv6.PAYLOAD_LENGTH)));
        fields.put("hop limit", Integer.toString(u8(at + Ipv6.HOP_LIMIT)));
        fields.put("source", address(at + Ipv6.SOURCE, 16));
        fields.put("destination", address(at + Ipv6.DESTINATION, 16));
        int next = u8(at + Ipv6.NEXT_HEADER);
        int l4 = at + Ipv6.HEADER_BYTES;
        for (int i = 0; i < MAX_EXTENSIONS && Ipv6.isExtension(next) && has(l4, 8); i++) {
            if (next == Ipv6.FRAGMENT) {
                int offset = u16(l4 + 2) & Ipv6.OFFSET_MASK;
                fields.put("fragment offset", Integer.toString(offset));
                if (offset != 0) {
                    fields.put("protocol", Integer.toString(u8(l4)));
                    return;
                }
            }
            int header = next;
            next = u8(l4);
            l4 += Ipv6.extensionBytes(header, u8(l4 + 1));
        }
        fields.put("protocol", Integer.toString(next));
        transport(l4, next, depth);
    }

    private void transport(int at, int protocol, int depth) {
        switch (protocol) {
            case Transport.IPIP -> ipv4(at, depth + 1);
            case Transport.IPV6 -> ipv6(at, depth + 1);
            case Transport.GRE -> gre(at, depth);
            case Transport.TCP -> tcp(at);
            case Transport.UDP -> udp(at, depth);
            case Transport.SCTP -> {
                if (has(at, 12)) {
                    Map<String, String> fields = ports("sctp", at);
                    fields.put("verification tag", "0x%08x".formatted(u32(at + 4)));
                    fields.put("checksum", "0x%08x".formatted(u32(at + 8)));
                }
            }
            case Transport.ICMP, Transport.ICMPV6 -> {
                if (has(at, 4)) {
                    Map<String, String> fields = add(protocol == Transport.ICMP ? "icmp" : "icmpv6");
                    fields.put("type", Integer.toString(u8(at)));
                    fields.put("code", Integer.toString(u8(at + 1)));
                    fields.put("checksum", hex16(at + 2));
                }
            }
            case Transport.ESP, Transport.AH -> {
                int spi = protocol == Transport.ESP ? at : at + 4;
                if (has(spi, 4)) {
                    add(protocol == Transport.ESP ? "esp" : "ah").put("spi", "0x%08x".formatted(u32(spi)));
                }
            }
            default -> {
                // Its number stands in the IP header.
            }
        }
    }

    private Map<String, String> ports(String name, int at) {
        Map<String, String> fields = add(name);
        fields.put("source port", Integer.toString(u16(at)));
        fields.put("destination port", Integer.toString(u16(at + 2)));
        return fields;
    }

    private void tcp(int at) {
        if (!has(at, Transport.TCP_MIN_HEADER_BYTES)) {
            return;
        }
        Map<String, String> fields = ports("tcp", at);
        fields.put("sequence", Long.toString(u32(at + 4)));
        fields.put("acknowledgement", Long.toString(u32(at + 8)));
        List<String> flags = new ArrayList<>();
        for (int bit = 0; bit < TCP_FLAGS.length; bit++) {
            if ((u8(at + Transport.TCP_FLAGS) & 1 << bit) != 0) {
                flags.add(TCP_FLAGS[bit]);
            }
        }
        fields.put("flags", flags.isEmpty() ? "none" : String.join(" ", flags));
        fields.put("window", Integer.toString(u16(at + 14)));
        fields.put("checksum", hex16(at + Transport.TCP_CHECKSUM));
        fields.put("options", (u8(at + 12) >>> 4) * 4 - Transport.TCP_MIN_HEADER_BYTES + " bytes");
    }

    private void udp(int at, int depth) {
        if (!has(at, Transport.UDP_HEADER_BYTES)) {
            return;
        }
        Map<String, String> fields = ports("udp", at);
        fields.put("length", Integer.toString(u16(at + Transport.UDP_LENGTH)));
        fields.put("checksum", hex16(at + Transport.UDP_CHECKSUM));
        int gue = at + Transport.UDP_HEADER_BYTES;
        if (guePort != 0 && u16(at + 2) == guePort && has(gue, 4)) {
            // draft-ietf-intarea-gue section 3.1: length of the optional part in words, then the protocol.
            Map<String, String> gueFields = add("gue");
            gueFields.put("protocol", Integer.toString(u8(gue + 1)));
            transport(gue + 4 + (u8(gue) & 0x1f) * 4, u8(gue + 1), depth);
        }
    }

    private void gre(int at, int depth) {
        if (!has(at, 4)) {
            return;
        }
        Map<String, String> fields = add("gre");
        fields.put("protocol", hex16(at + 2));
        // RFC 2784: four octets more with a checksum.
        int inner = at + ((u8(at) & 0x80) != 0 ? 8 : 4);
        if (u16(at + 2) == Ethernet.TYPE_IPV4) {
            ipv4(inner, depth + 1);
        } else if (u16(at + 2) == Ethernet.TYPE_IPV6) {
            ipv6(inner, depth + 1);
        }
    }
}
