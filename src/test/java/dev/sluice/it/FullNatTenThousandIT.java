package dev.sluice.it;

import dev.sluice.testing.LabFixture;
import java.util.List;
import java.util.Map;

/** By FULLNAT, from one local address of each family, with real servers of the VIP's family and of the other. */
class FullNatTenThousandIT extends TenThousandTranslations {
    FullNatTenThousandIT() {
        super(
                "fullnat",
                Map.of(
                        Topology.VIP4, List.of("10.0.2.11", "fd00:53::12", "10.0.9.13"),
                        Topology.VIP6, List.of("fd00:53::11", "10.0.2.12", "fd00:59::13")));
    }

    @Override
    ConfigText begin(LabFixture lab) {
        return new ConfigText(lab, "eth1", "eth2")
                .director("[director.fullnat]", "local_addresses = [\"10.0.1.201\", \"fd00:52::c9\"]")
                .fullnat(8080);
    }
}
