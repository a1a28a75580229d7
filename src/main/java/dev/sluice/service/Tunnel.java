package dev.sluice.service;

/**
 * How packets are encapsulated on their way to a real server, as {@code ipvsadm --tun-type} and its companions say it.
 *
 * @param type the kind of encapsulation
 * @param port the UDP port on which the real server decapsulates, for {@link Type#GUE}; 0 for the others
 * @param checksum what the encapsulation's own checksum field gets; {@link Checksum#NONE} for {@link Type#IPIP}, which has none
 */
public record Tunnel(Type type, int port, Checksum checksum) {
    /** IP in IP, what {@code ipvsadm -i} means without further options. */
    public static final Tunnel IPIP = new Tunnel(Type.IPIP, 0, Checksum.NONE);

    /** Throws {@link IllegalArgumentException} for a port or checksum that the type does not have. */
    public Tunnel {
        if (type == Type.GUE ? port < 1 || port > 65535 : port != 0) {
            throw new IllegalArgumentException("tunnel port " + port + " of type " + type.keyword()
                    + (type == Type.GUE ? " is outside 1-65535" : ", which has none"));
        }
        if (type == Type.IPIP && checksum != Checksum.NONE) {
            throw new IllegalArgumentException("a checksum of type ipip, which has none");
        }
        if (type == Type.GRE && checksum == Checksum.REMCSUM) {
            throw new IllegalArgumentException("a remote checksum of type gre, which has none");
        }
    }

    /** Kinds of encapsulation. */
    public enum Type {
        /** RFC 2003, RFC 2473, RFC 4213. */
        IPIP("ipip"),
        /** Generic UDP encapsulation, draft-ietf-intarea-gue. */
        GUE("gue"),
        /** RFC 2784. */
        GRE("gre");

        private final String keyword;

        Type(String keyword) {
            this.keyword = keyword;
        }

        /** The word for it in configuration files and ipvsadm's options. */
        public String keyword() {
            return keyword;
        }
    }

    /** What the encapsulation's own checksum field gets. */
    public enum Checksum {
        /** Nothing. */
        NONE("nocsum"),
        /** The checksum over all that it covers. */
        CSUM("csum"),
        /**
         * Remote checksum offload, where the sender's network card would compute the checksum: IPVS uses it for packets of
         * which the checksum is still to be computed, and sends all others, so everything that came from a wire, as with
         * {@link #NONE}.
         */
        REMCSUM("remcsum");

        private final String keyword;

        Checksum(String keyword) {
            this.keyword = keyword;
        }

        /** The word for it in configuration files and, after {@code --tun-}, in ipvsadm's options. */
        public String keyword() {
            return keyword;
        }
    }
}
