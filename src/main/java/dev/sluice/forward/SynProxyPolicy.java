package dev.sluice.forward;

import dev.sluice.packet.Tcp;

/**
 * What a SYN proxy offers clients on behalf of real servers that it has not asked yet. Real servers that offer less are translated for
 * as far as that can be done: see {@link SynProxy#acceptServer}.
 *
 * @param mssInetBytes announced to clients over IPv4
 * @param mssInet6Bytes announced to clients over IPv6
 * @param windowScale by how many bits windows towards the client are to be shifted, 0 to {@link Tcp#MAX_WINDOW_SCALE}, as Linux servers
 *     with a common receive buffer have it, so that nothing is lost by translation
 * @param sack whether SACK is permitted
 * @param timestamps whether timestamps are agreed to, without which window scale, SACK and ECN of a client are given up
 * @param ecn whether ECN is agreed to
 */
record SynProxyPolicy(
        int mssInetBytes, int mssInet6Bytes, int windowScale, boolean sack, boolean timestamps, boolean ecn) {
    /** For links with 1500 octets, and Linux servers. */
    static final SynProxyPolicy DEFAULT = new SynProxyPolicy(1460, 1440, 7, true, true, true);

    SynProxyPolicy {
        if (windowScale < 0 || windowScale > Tcp.MAX_WINDOW_SCALE) {
            throw new IllegalArgumentException(
                    "window scale " + windowScale + ": must be 0 to " + Tcp.MAX_WINDOW_SCALE);
        }
        if (mssInetBytes < Mss.DEFAULT_BYTES || mssInet6Bytes < Mss.DEFAULT_INET6_BYTES) {
            throw new IllegalArgumentException("MSS " + mssInetBytes + " and " + mssInet6Bytes + ": must be at least "
                    + Mss.DEFAULT_BYTES + " over IPv4 and " + Mss.DEFAULT_INET6_BYTES + " over IPv6");
        }
    }
}
