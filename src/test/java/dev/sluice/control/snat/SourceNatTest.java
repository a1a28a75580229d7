package dev.sluice.control.snat;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import dev.sluice.control.config.SourceNatConfig;
import dev.sluice.packet.IpAddress;
import dev.sluice.packet.IpPrefix;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class SourceNatTest {
    @Test
    void bothFamiliesInOneTableAtOnce() {
        SourceNatConfig config = new SourceNatConfig(
                List.of(IpPrefix.parse("10.0.1.0/24"), IpPrefix.parse("10.0.9.0/24"), IpPrefix.parse("fd00:52::/64")),
                List.of(IpAddress.parse("203.0.113.5")),
                Optional.of("eth1"));
        assertEquals("""
                table inet sluice_snat_eth1
                delete table inet sluice_snat_eth1
                table inet sluice_snat_eth1 {
                  chain postrouting {
                    type nat hook postrouting priority srcnat; policy accept;
                    ip saddr { 10.0.1.0/24, 10.0.9.0/24 } ip daddr != { 10.0.1.0/24, 10.0.9.0/24 } oifname "eth1" counter snat ip to 203.0.113.5
                    ip6 saddr { fd00:52::/64 } ip6 daddr != { fd00:52::/64 } oifname "eth1" counter masquerade
                  }
                }
                """, SourceNat.script("eth1", config));
    }

    @Test
    void namesOfInterfacesMakeNamesOfTables() {
        assertEquals("sluice_snat_eth1", SourceNat.table("eth1"));
        assertEquals("sluice_snat_eth1_2e5", SourceNat.table("eth1.5"));
        assertNotEquals(SourceNat.table("a-b"), SourceNat.table("a_b"));
    }
}
