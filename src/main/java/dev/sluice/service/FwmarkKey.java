package dev.sluice.service;

import dev.sluice.packet.AddressFamily;

/**
 * The key of a service of all packets of one family with one mark, which {@link FwmarkRule}s give them.
 *
 * @param family the packets'; one mark may have a service of each
 * @param mark as an unsigned number, never 0
 */
public record FwmarkKey(AddressFamily family, int mark) implements ServiceKey {
    /** Throws {@link IllegalArgumentException} for mark 0, which stands for no mark. */
    public FwmarkKey {
        if (mark == 0) {
            throw new IllegalArgumentException("mark 0 is no mark");
        }
    }

    /** {@code FWM 1}, {@code FWM 1 IPv6}: as ipvsadm names them. */
    @Override
    public String toString() {
        return "FWM " + Integer.toUnsignedString(mark) + (family == AddressFamily.INET6 ? " IPv6" : "");
    }
}
