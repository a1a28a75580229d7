package dev.sluice.service;

import dev.sluice.packet.AddressFamily;
import dev.sluice.packet.IpAddress;

/**
 * A client's connections to a service go to one real server ({@code ipvsadm -p}).
 *
 * @param timeoutSeconds for how long after the client's latest connection began, 1 to {@link #MAX_TIMEOUT_SECONDS}
 * @param netmask clients whose addresses are equal under it count as one ({@code -M}); of the service's family
 */
public record Persistence(int timeoutSeconds, IpAddress netmask) {
    /** What {@code -p} without a number means. */
    public static final int DEFAULT_TIMEOUT_SECONDS = 360;
    /** 31 days, as ipvsadm has it. */
    public static final int MAX_TIMEOUT_SECONDS = 31 * 24 * 60 * 60;

    /** The netmask as {@code ipvsadm -M} takes it: {@code 255.255.255.0}, or the length of an IPv6 prefix. */
    public String netmaskText() {
        return netmask.family() == AddressFamily.INET
                ? netmask.toString()
                : Integer.toString(Long.bitCount(netmask.high()) + Long.bitCount(netmask.low()));
    }

    /** Throws {@link IllegalArgumentException} for a timeout out of range. */
    public Persistence {
        if (timeoutSeconds < 1 || timeoutSeconds > MAX_TIMEOUT_SECONDS) {
            throw new IllegalArgumentException(
                    "persistence timeout " + timeoutSeconds + " is outside 1-" + MAX_TIMEOUT_SECONDS);
        }
    }
}
