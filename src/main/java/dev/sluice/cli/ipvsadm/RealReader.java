package dev.sluice.cli.ipvsadm;

import dev.sluice.packet.IpAddress;
import dev.sluice.service.ForwardingMethod;
import dev.sluice.service.Tunnel;
import dev.sluice.service.TunnelType;
import java.util.EnumSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Collects what a command line says of a real server, switch by switch. */
final class RealReader {
    private static final Set<IpvsOption> TUNNEL = EnumSet.range(IpvsOption.TUN_TYPE, IpvsOption.TUN_REMCSUM);
    private static final Set<IpvsOption> CHECKSUMS = EnumSet.range(IpvsOption.TUN_NOCSUM, IpvsOption.TUN_REMCSUM);

    private final Names names;
    private final ServiceReader service;
    private IpAddress address = IpAddress.ofInet(0);
    private int port;
    private ForwardingMethod method = ForwardingMethod.DR;
    private int weight = 1;
    private int upperThreshold;
    private int lowerThreshold;
    private TunnelType tunnelType = TunnelType.IPIP;
    private int tunnelPort;

    /**
     * @param service what is said of the virtual service, from which some things follow
     */
    RealReader(Names names, ServiceReader service) {
        this.names = names;
        this.service = service;
    }

    /** {@code -r}; the port defaults to the virtual one said so far. */
    void address(String text) throws IpvsadmException {
        ServiceAddress read = ServiceAddress.read(text, service.protocol(), names)
                .orElseThrow(() -> IpvsadmException.usage("illegal real server address[:port] specified"));
        address = read.address();
        port = read.port().orElse(service.port());
    }

    /** {@code -g}, {@code -i}, {@code -m}, {@code -b}. */
    void method(Switch kind) {
        method = switch (kind) {
            case IPIP -> ForwardingMethod.TUN;
            case MASQUERADING -> ForwardingMethod.NAT;
            case FULLNAT -> ForwardingMethod.FULLNAT;
            default -> ForwardingMethod.DR;
        };
    }

    void weight(int number) {
        weight = number;
    }

    void upperThreshold(int number) {
        upperThreshold = number;
    }

    void lowerThreshold(int number) {
        lowerThreshold = number;
    }

    /** {@code --tun-type}. */
    void tunnelType(String text) throws IpvsadmException {
        for (TunnelType type : TunnelType.values()) {
            if (type.keyword().equals(text)) {
                tunnelType = type;
                return;
            }
        }
        throw IpvsadmException.usage("illegal tunnel type specified");
    }

    void tunnelPort(int number) {
        tunnelPort = number;
    }

    /**
     * The real server.
     *
     * @param settings whether the command is one that gives it settings
     * @param options all that the command line gave
     * @throws IpvsadmException for settings that do not fit together
     */
    Request.Real read(boolean settings, Set<IpvsOption> options) throws IpvsadmException {
        Tunnel tunnel = null;
        if (settings) {
            if (!method.translatesPort() && !service.isMark()) {
                port = service.port();
            }
            if (address.family() != service.family() && !method.crossesFamilies()) {
                throw IpvsadmException.usage("Different address family is allowed only for tunneling servers");
            }
            tunnel = tunnel(options);
        }
        return new Request.Real(address, port, method, weight, upperThreshold, lowerThreshold, tunnel);
    }

    private @Nullable Tunnel tunnel(Set<IpvsOption> options) throws IpvsadmException {
        if (method != ForwardingMethod.TUN) {
            if (options.stream().anyMatch(TUNNEL::contains)) {
                throw IpvsadmException.usage("Tunnel options conflict with forward method");
            }
            return null;
        }
        IpvsOption checksum = null;
        for (IpvsOption option : EnumSet.range(IpvsOption.TUN_PORT, IpvsOption.TUN_REMCSUM)) {
            boolean given = options.contains(option);
            if (!given && option == IpvsOption.TUN_PORT && tunnelType == TunnelType.GUE) {
                throw IpvsadmException.usage("You need to supply the '" + option.keyword() + "' option for the '"
                        + tunnelType.keyword() + "' tunnel type");
            }
            if (given && !belongs(option)) {
                throw IpvsadmException.usage("Illegal '" + option.keyword() + "' option with the '"
                        + tunnelType.keyword() + "' tunnel type");
            }
            if (given && CHECKSUMS.contains(option)) {
                if (checksum != null) {
                    throw IpvsadmException.usage("The option '" + option.keyword() + "' conflicts with the '"
                            + checksum.keyword() + "' option in the '" + tunnelType.keyword() + "' tunnel type");
                }
                checksum = option;
            }
        }
        return new Tunnel(tunnelType, tunnelPort, checksum(checksum));
    }

    private boolean belongs(IpvsOption option) {
        return switch (tunnelType) {
            case IPIP -> false;
            case GUE -> true;
            case GRE -> option == IpvsOption.TUN_NOCSUM || option == IpvsOption.TUN_CSUM;
        };
    }

    private static Tunnel.Checksum checksum(@Nullable IpvsOption option) {
        if (option == IpvsOption.TUN_CSUM) {
            return Tunnel.Checksum.CSUM;
        }
        return option == IpvsOption.TUN_REMCSUM ? Tunnel.Checksum.REMCSUM : Tunnel.Checksum.NONE;
    }
}
