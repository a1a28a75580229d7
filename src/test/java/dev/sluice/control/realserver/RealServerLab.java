package dev.sluice.control.realserver;

import dev.sluice.testing.NetnsFixture;
import dev.sluice.testing.NetworkNamespace;

/**
 * Two namespaces joined by {@code eth1} and {@code eth2} at both, and the calling thread inside of the one that is to be a real
 * server.
 */
final class RealServerLab implements AutoCloseable {
    private final NetnsFixture fixture = new NetnsFixture();
    final NetworkNamespace director = fixture.add("setup-d");
    final NetworkNamespace real = fixture.add("setup-r");
    private final NetworkNamespace.Entered entered;

    RealServerLab() {
        fixture.veth(director, "eth1", real, "eth1");
        fixture.veth(director, "eth2", real, "eth2");
        real.run("ip", "address", "add", "10.0.0.11/24", "dev", "eth1");
        real.run("ip", "address", "add", "2001:db8::11/64", "dev", "eth1", "nodad");
        settle();
        entered = real.enter();
    }

    /** Links come up, and get their link-local addresses, a moment after they are told to. */
    private void settle() {
        String text = "";
        for (int i = 0; i < 100; i++) {
            text = real.run("ip", "address", "show");
            boolean linkLocal = text.split("inet6 fe80:", -1).length == 3;
            if (linkLocal && !text.contains("tentative") && !text.contains("state DOWN")) {
                return;
            }
            real.run("sleep", "0.05");
        }
        throw new AssertionError("the links do not come up: " + text);
    }

    /**
     * Everything that a setup may touch, as text. Not the name of the peer's namespace: {@code ip} looks for it among all of the
     * machine's, and complains while another test adds or removes one.
     */
    String snapshot() {
        return (real.run("ip", "address", "show") + real.run("ip", "-details", "link", "show"))
                        .replaceAll("link-netns(id)? [\\w-]+|Error: Peer netns reference is invalid\\.\n", "")
                + real.run("sh", "-c", "sysctl -a -r '^net\\.ipv[46]\\.conf' 2>/dev/null")
                + real.run("bpftool", "net");
    }

    @Override
    public void close() {
        entered.close();
        fixture.close();
    }
}
