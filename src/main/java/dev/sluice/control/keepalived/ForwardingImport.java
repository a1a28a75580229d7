package dev.sluice.control.keepalived;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.Optional;

/** Reads {@code lvs_method}: {@code NAT}, {@code DR}, {@code TUN type gue port 6080 csum}, and DPVS's {@code FNAT}. */
final class ForwardingImport {
    private ForwardingImport() {}

    /**
     * Puts a method into a table of a real server.
     *
     * @param method what says it; empty for keepalived's default, NAT
     * @return why it cannot be, empty when it was done
     */
    static Optional<String> put(ObjectNode real, Optional<Statement> method) {
        List<String> words = method.map(Statement::arguments).orElse(List.of("NAT"));
        switch (words.isEmpty() ? "" : words.getFirst()) {
            case "DR" -> real.put("method", "dr");
            case "TUN" -> {
                real.put("method", "tun");
                return putTunnel(real, words.subList(1, words.size()));
            }
            case "NAT" -> real.put("method", "nat");
            case "FNAT" -> real.put("method", "fullnat");
            default -> {
                return Optional.of("is no forwarding method");
            }
        }
        return words.size() > 1 ? Optional.of(words.getFirst() + " has no options") : Optional.empty();
    }

    private static Optional<String> putTunnel(ObjectNode real, List<String> words) {
        for (int i = 0; i < words.size(); i++) {
            String next = i + 1 < words.size() ? words.get(i + 1) : "";
            switch (words.get(i)) {
                case "type" -> {
                    if (!List.of("ipip", "gue", "gre").contains(next)) {
                        return Optional.of("\"" + next + "\" is no type of tunnel");
                    }
                    real.put("tun_type", next);
                    i++;
                }
                case "port" -> {
                    if (Values.integer(next, 1, 65535).isEmpty()) {
                        return Optional.of("\"" + next + "\" is no port");
                    }
                    real.put("tun_port", Integer.parseInt(next));
                    i++;
                }
                case "nocsum", "csum", "remcsum" -> real.put("tun_checksum", words.get(i));
                default -> {
                    return Optional.of("\"" + words.get(i) + "\" is no option of a tunnel");
                }
            }
        }
        boolean gue = real.path("tun_type").asText().equals("gue");
        boolean gre = real.path("tun_type").asText().equals("gre");
        if (gue != real.has("tun_port")) {
            return Optional.of("a port goes with type gue, and only with that");
        }
        String checksum = real.path("tun_checksum").asText();
        if ((!checksum.isEmpty() && !gue && !gre) || (gre && checksum.equals("remcsum"))) {
            return Optional.of(checksum + " does not go with this type of tunnel");
        }
        return Optional.empty();
    }
}
