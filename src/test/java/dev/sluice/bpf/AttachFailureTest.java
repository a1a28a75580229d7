package dev.sluice.bpf;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.sluice.ffi.generated.Native;
import org.junit.jupiter.api.Test;

class AttachFailureTest {
    @Test
    void anMtuThatADriverWithoutSeveralBuffersRefusesIsNamed() {
        assertEquals(
                "MTU 9000 is too large for its driver's native XDP, which without packets of several buffers takes 3506 bytes at"
                        + " most (on a veth, the peer's MTU too): lower it with \"ip link set dev eth1 mtu 3506\" or use"
                        + " generic mode (the kernel says: Peer MTU is too large to set XDP)",
                AttachFailure.text(
                        "eth1", AttachMode.NATIVE, Native.EINVAL(), 9000, "Peer MTU is too large to set XDP"));
    }

    @Test
    void aDriverWithoutXdpIsNotBlamedForItsMtu() {
        assertEquals(
                "its driver has no native XDP: use mode auto or generic",
                AttachFailure.text("eth1", AttachMode.NATIVE, Native.EOPNOTSUPP(), 1500, ""));
        String kernel = "Underlying driver does not support XDP in native mode";
        assertEquals(
                "its driver has no native XDP: use mode auto or generic (the kernel says: " + kernel + ")",
                AttachFailure.text("lo", AttachMode.NATIVE, Native.EOPNOTSUPP(), 65536, kernel));
    }
}
