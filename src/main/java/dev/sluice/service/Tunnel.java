package dev.sluice.service;

/**
 * How packets are encapsulated on their way to a real server, as {@code ipvsadm --tun-type} and its companions say it.
 *
 * @param type the kind of encapsulation
 * @param port the UDP port on which the real server decapsulates, for {@link TunnelType#GUE}; 0 for the others
 * @param checksum what the encapsulation's own checksum field gets; {@link Checksum#NONE} for {@link TunnelType#IPIP}, which has none
 */
public record Tunnel(TunnelType type, int port, Checksum checksum) {
    /** IP in IP, what {@code ipvsadm -i} means without further options. */
    public static final Tunnel IPIP = new Tunnel(TunnelType.IPIP, 0, Checksum.NONE);

    /** Throws {@link IllegalArgumentException} for a port or checksum that the type does not have. */
    public Tunnel {
        if (type == TunnelType.GUE ? port < 1 || port > 65535 : port != 0) {
            throw new IllegalArgumentException("tunnel port " + port + " of type " + type.keyword()
                    + (type == TunnelType.GUE ? " is outside 1-65535" : ", which has none"));
        }
        if (type == TunnelType.IPIP && checksum != Checksum.NONE) {
            throw new IllegalArgumentException("a checksum of type ipip, which has none");
        }
        if (type == TunnelType.GRE && checksum == Checksum.REMCSUM) {
            throw new IllegalArgumentException("a remote checksum of type gre, which has none");
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
