package dev.sluice.neighbour;

/**
 * How packets leave the director by an interface, whoever they go to.
 *
 * @param interfaceName the director's interface; below a VLAN device when the route leads out of one
 * @param sourceMac the MAC address that frames leave with, first octet most significant
 * @param mtuBytes the largest layer-3 packet that fits
 * @param vlan the VLAN device's identifier, {@link NextHop.Path#NO_VLAN} without one
 */
record Egress(String interfaceName, long sourceMac, int mtuBytes, int vlan) {}
