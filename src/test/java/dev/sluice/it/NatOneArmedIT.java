package dev.sluice.it;

/** NAT by a director with one interface. */
class NatOneArmedIT extends NatScenario {
    NatOneArmedIT() {
        super("nat-one-armed", 51, "director");
    }
}
