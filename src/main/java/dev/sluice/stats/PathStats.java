package dev.sluice.stats;

import org.jspecify.annotations.Nullable;

/**
 * One of the paths that packets for a real server take now.
 *
 * @param nic the egress interface
 * @param mac the MAC address that they are sent to
 * @param gateway the router, null when the real server is on-link
 * @param mtuBytes the largest packet that fits, an outer header included
 * @param vlan the VLAN of the route, 0 without one
 * @param weight its share among paths of equal cost
 */
public record PathStats(String nic, String mac, @Nullable String gateway, int mtuBytes, int vlan, int weight) {}
