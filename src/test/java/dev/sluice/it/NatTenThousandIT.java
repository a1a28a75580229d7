package dev.sluice.it;

import dev.sluice.testing.LabFixture;
import java.util.List;
import java.util.Map;

/** By NAT, with two interfaces. */
class NatTenThousandIT extends TenThousandTranslations {
    NatTenThousandIT() {
        super(
                "nat-two-armed",
                Map.of(
                        Topology.VIP4, List.of("10.0.1.11", "10.0.1.12", "10.0.9.13"),
                        Topology.VIP6, List.of("fd00:52::11", "fd00:52::12", "fd00:59::13")));
    }

    @Override
    ConfigText begin(LabFixture lab) {
        return new ConfigText(lab, "eth1", "eth2").nat(8080);
    }
}
