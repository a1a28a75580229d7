package dev.sluice.control.snat;

import dev.sluice.control.command.Commands;
import dev.sluice.control.config.SourceNatConfig;
import dev.sluice.control.preflight.EnvironmentException;
import dev.sluice.packet.AddressFamily;
import dev.sluice.packet.IpPrefix;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/**
 * The kernel's source NAT for connections that real servers open themselves: a table of nftables, named after a director's first
 * interface. Like the XDP program it stays when the director goes, so that a restart interrupts nothing, and goes by {@code sluice release}.
 *
 * <p>Owned by: control thread.
 */
public final class SourceNat implements AutoCloseable {
    private static final Logger LOG = System.getLogger(SourceNat.class.getName());

    private static final String NFT = "nft";
    private static final Path FORWARDING_INET = Path.of("/proc/sys/net/ipv4/ip_forward");
    private static final Path FORWARDING_INET6 = Path.of("/proc/sys/net/ipv6/conf/all/forwarding");

    private final String directorInterface;
    private boolean remove = true;

    private SourceNat(String directorInterface) {
        this.directorInterface = directorInterface;
    }

    /**
     * Makes the kernel translate, in place of what an earlier director had it do.
     *
     * @param directorInterface the director's first
     * @throws EnvironmentException with a line that says what is missing, nothing having been changed
     */
    public static SourceNat install(String directorInterface, SourceNatConfig config) throws EnvironmentException {
        for (AddressFamily family : AddressFamily.values()) {
            if (!config.sources(family).isEmpty()) {
                checkForwarding(family);
            }
        }
        Commands.Result result = Commands.runWith(script(directorInterface, config), NFT, "-f", "-");
        if (result.exitCode() == Commands.NOT_FOUND) {
            throw new EnvironmentException(List.of(
                    "[director.snat] needs nft(8), which is not in PATH; Debian and Ubuntu: apt-get install nftables"));
        }
        if (!result.isOk()) {
            throw new EnvironmentException(
                    List.of("[director.snat]: nft: " + result.output().strip().replaceAll("\\s*\\R\\s*", " ")));
        }
        LOG.log(
                Level.INFO,
                "connections from {0} leave with {1}, by the kernel''s table {2}",
                config.sources().stream().map(IpPrefix::toString).collect(Collectors.joining(", ")),
                config.addresses().isEmpty()
                        ? "the address of the interface"
                        : "source "
                                + config.addresses().stream()
                                        .map(Object::toString)
                                        .collect(Collectors.joining(", ")),
                table(directorInterface));
        return new SourceNat(directorInterface);
    }

    private static void checkForwarding(AddressFamily family) throws EnvironmentException {
        Path setting = family == AddressFamily.INET ? FORWARDING_INET : FORWARDING_INET6;
        String name = family == AddressFamily.INET ? "net.ipv4.ip_forward" : "net.ipv6.conf.all.forwarding";
        String value;
        try {
            value = Files.readString(setting).strip();
        } catch (IOException e) {
            throw new EnvironmentException(List.of("[director.snat]: cannot read " + setting + ": " + e.getMessage()));
        }
        if (value.equals("0")) {
            throw new EnvironmentException(List.of(
                    "[director.snat]: the kernel forwards nothing, for " + name + " is 0; sysctl -w " + name + "=1"));
        }
    }

    /** What nft(8) is told: all of it at once, so that there is no moment without translation. */
    static String script(String directorInterface, SourceNatConfig config) {
        String table = table(directorInterface);
        List<String> rules = new ArrayList<>();
        for (AddressFamily family : AddressFamily.values()) {
            List<IpPrefix> sources = config.sources(family);
            if (sources.isEmpty()) {
                continue;
            }
            String ip = family == AddressFamily.INET ? "ip" : "ip6";
            String networks = sources.stream().map(IpPrefix::toString).collect(Collectors.joining(", ", "{ ", " }"));
            String outgoing =
                    config.outgoing().map(name -> " oifname \"" + name + "\"").orElse("");
            String translation = config.address(family)
                    .map(address -> "snat " + ip + " to " + address)
                    .orElse("masquerade");
            // Among themselves real servers keep their addresses.
            rules.add(ip + " saddr " + networks + " " + ip + " daddr != " + networks + outgoing + " counter "
                    + translation);
        }
        return """
                table inet %1$s
                delete table inet %1$s
                table inet %1$s {
                  chain postrouting {
                    type nat hook postrouting priority srcnat; policy accept;
                    %2$s
                  }
                }
                """.formatted(table, String.join("\n    ", rules));
    }

    /**
     * Takes away what a director has left.
     *
     * @param directorInterface its first
     * @return whether there was something
     */
    public static boolean remove(String directorInterface) {
        return Commands.run(NFT, "delete", "table", "inet", table(directorInterface))
                .isOk();
    }

    /** Names of tables consist of letters, digits and underscores; others are written by their number. */
    static String table(String directorInterface) {
        return "sluice_snat_"
                + directorInterface
                        .chars()
                        .mapToObj(c -> isPlain(c) ? Character.toString(c) : "_" + Integer.toHexString(c))
                        .collect(Collectors.joining());
    }

    private static boolean isPlain(int character) {
        return (character >= 'a' && character <= 'z')
                || (character >= 'A' && character <= 'Z')
                || (character >= '0' && character <= '9');
    }

    /** From now on {@link #close} is the end of a director, and not of a start that failed. */
    public void started() {
        remove = false;
    }

    /** Has {@link #close} end the translation. */
    public void release() {
        remove = true;
    }

    /** Leaves the table after a start, unless it is to be released. */
    @Override
    public void close() {
        if (remove) {
            remove(directorInterface);
        }
    }
}
