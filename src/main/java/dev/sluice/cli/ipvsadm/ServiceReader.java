package dev.sluice.cli.ipvsadm;

import dev.sluice.packet.AddressFamily;
import dev.sluice.packet.IpAddress;
import dev.sluice.service.AddressKey;
import dev.sluice.service.FwmarkKey;
import dev.sluice.service.Persistence;
import dev.sluice.service.Protocol;
import dev.sluice.service.ServiceKey;
import java.util.Objects;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/** Collects what a command line says of a virtual service, switch by switch. */
final class ServiceReader {
    private static final long MAX_MARK = 0xffff_ffffL;

    private final Names names;
    private @Nullable Protocol protocol;
    private IpAddress address = IpAddress.ofInet(0);
    private int port;
    private int mark;
    private AddressFamily family = AddressFamily.INET;
    private IpAddress netmask = whole(AddressFamily.INET);
    private String scheduler = "";
    private String flags = "";
    private String engine = "";
    private int persistenceSeconds;
    private boolean onePacket;

    ServiceReader(Names names) {
        this.names = names;
    }

    private static IpAddress whole(AddressFamily family) {
        return IpAddress.netmask(family, family.addressBits());
    }

    /** The protocol said so far, null if none; that of a mark's service names ports as TCP does. */
    @Nullable
    Protocol protocol() {
        return protocol;
    }

    /** The virtual port said so far, 0 if none. */
    int port() {
        return port;
    }

    AddressFamily family() {
        return family;
    }

    boolean isMark() {
        return mark != 0;
    }

    /** {@code -t}, {@code -u}, {@code --sctp-service}, {@code -f}. */
    void address(Switch kind, String text) throws IpvsadmException {
        if (kind == Switch.FWMARK_SERVICE) {
            OptionalLong number = Numbers.decimal(text, 1, MAX_MARK);
            if (number.isEmpty()) {
                throw IpvsadmException.usage("invalid fwmark value `" + text + "' specified");
            }
            mark = (int) number.getAsLong();
            protocol = Protocol.TCP;
            return;
        }
        Protocol named = switch (kind) {
            case UDP_SERVICE -> Protocol.UDP;
            case SCTP_SERVICE -> Protocol.SCTP;
            default -> Protocol.TCP;
        };
        protocol = named;
        ServiceAddress read = ServiceAddress.read(text, named, names)
                .orElseThrow(() -> IpvsadmException.usage("illegal virtual server address[:port] specified"));
        address = read.address();
        port = read.port().orElse(0);
        family = address.family();
        if (family == AddressFamily.INET6) {
            // A mask that was said before is forgotten, as it was read as one of IPv4.
            netmask = whole(family);
        }
    }

    /** {@code -6}, which only a mark before it can do with. */
    void inet6() throws IpvsadmException {
        if (mark == 0) {
            throw IpvsadmException.usage("-6 used before -f\n");
        }
        family = AddressFamily.INET6;
        netmask = whole(family);
    }

    void scheduler(String text) {
        scheduler = text;
    }

    void schedulerFlags(String text) {
        flags = text;
    }

    /** Checks the flags, whatever the command; the scheduler may be said behind them. */
    void checkSchedulerFlags() throws IpvsadmException {
        SchedulerFlags.read(flags, knownScheduler());
    }

    private String knownScheduler() {
        return scheduler.isEmpty() ? "wlc" : scheduler;
    }

    void engine(String text) {
        engine = text;
    }

    /**
     * {@code -p}.
     *
     * @param seconds null when it says none
     */
    void persistent(@Nullable Integer seconds) {
        persistenceSeconds = seconds == null ? Persistence.DEFAULT_TIMEOUT_SECONDS : seconds;
    }

    /** {@code -M}: of the family that is known by then. */
    void netmask(String text) throws IpvsadmException {
        if (family == AddressFamily.INET) {
            netmask = ServiceAddress.inet(text, names)
                    .orElseThrow(() -> IpvsadmException.usage("illegal virtual server persistent mask specified"));
            return;
        }
        int length = Numbers.leading(text);
        if (length < 1 || length > family.addressBits()) {
            throw IpvsadmException.usage("illegal ipv6 netmask specified");
        }
        netmask = IpAddress.netmask(family, length);
    }

    /** {@code -o}. */
    void onePacket() {
        onePacket = true;
    }

    /**
     * The service.
     *
     * @param settings whether the command is one that gives it settings
     * @throws IpvsadmException for settings that do not fit together
     */
    Request.Service read(boolean settings) throws IpvsadmException {
        Protocol named = Objects.requireNonNullElse(protocol, Protocol.TCP);
        ServiceKey key = mark == 0 ? new AddressKey(named, address, port) : new FwmarkKey(family, mark);
        String known = knownScheduler();
        if (settings && mark == 0) {
            if (port == 0 && persistenceSeconds == 0) {
                throw IpvsadmException.usage("Zero port specified for non-persistent service");
            }
            if (onePacket && named != Protocol.UDP) {
                throw IpvsadmException.usage("One-Packet Scheduling is only for UDP virtual services");
            }
        }
        return new Request.Service(
                key, known, SchedulerFlags.read(flags, known), engine, persistenceSeconds, netmask, onePacket);
    }
}
