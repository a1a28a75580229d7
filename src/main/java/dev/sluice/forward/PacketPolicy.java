package dev.sluice.forward;

/**
 * What is done to packets on their way through, where IPVS leaves the choice to sysctls or standards leave it to operators.
 *
 * @param keepTtl whether TTL and hop limit stay as they are, as at a switch; else they are lowered by one, as at a router
 * @param answerEcho whether echo requests to a VIP are answered here; the steering program leaves them to the kernel otherwise
 * @param icmpErrorsPerSecond the most ICMP errors that a worker sends in a second; 0 for none at all
 * @param tunnelTtl TTL or hop limit of outer headers, 1–255, or {@link #INHERIT} for the inner packet's
 * @param pmtuDisc whether the outer IPv4 header takes over the inner packet's DF, and a packet that does not fit is answered
 *     ({@code pmtu_disc}); otherwise outer headers are without DF and what does not fit is fragmented
 * @param fragmentInner whether IPv4 packets that may be fragmented are fragmented before they are encapsulated, and not after
 * @param toaInet6Kind the kind of the TCP option that tells real servers an IPv6 client's address: 253 as in alibaba's LVS, 254 as
 *     in DPVS
 */
public record PacketPolicy(
        boolean keepTtl,
        boolean answerEcho,
        int icmpErrorsPerSecond,
        int tunnelTtl,
        boolean pmtuDisc,
        boolean fragmentInner,
        int toaInet6Kind) {
    /** The outer TTL is the inner one. */
    public static final int INHERIT = -1;

    /** The kind of that option for IPv4 clients everywhere, and for IPv6 clients without another wish. */
    public static final int TOA_KIND = 254;

    /** As IPVS and Linux do by default. */
    public static final PacketPolicy DEFAULT = new PacketPolicy(false, false, 1000, INHERIT, true, false);

    /** A policy of which nothing is said about TOA. */
    public PacketPolicy(
            boolean keepTtl,
            boolean answerEcho,
            int icmpErrorsPerSecond,
            int tunnelTtl,
            boolean pmtuDisc,
            boolean fragmentInner) {
        this(keepTtl, answerEcho, icmpErrorsPerSecond, tunnelTtl, pmtuDisc, fragmentInner, TOA_KIND);
    }
}
