package dev.sluice.packet;

/** The two address families a virtual service can be of. */
public enum AddressFamily {
    /** IPv4. */
    INET(32),
    /** IPv6. */
    INET6(128);

    private final int addressBits;

    AddressFamily(int addressBits) {
        this.addressBits = addressBits;
    }

    /** How many bits an address has: the longest prefix. */
    public int addressBits() {
        return addressBits;
    }
}
