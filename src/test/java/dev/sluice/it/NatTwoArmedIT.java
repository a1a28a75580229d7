package dev.sluice.it;

/** NAT by a director with two interfaces, between the clients' network and that of the real servers. */
class NatTwoArmedIT extends NatScenario {
    NatTwoArmedIT() {
        super("nat-two-armed", 52, "director", "director-eth2");
    }
}
