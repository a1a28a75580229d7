package dev.sluice.service;

import dev.sluice.packet.AddressFamily;

/** What makes a virtual service unique: protocol, VIP and port, or a firewall mark. */
public sealed interface ServiceKey permits AddressKey, FwmarkKey {
    /** The family of the packets that the service takes. */
    AddressFamily family();
}
