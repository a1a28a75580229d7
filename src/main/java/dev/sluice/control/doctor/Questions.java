package dev.sluice.control.doctor;

import dev.sluice.control.doctor.Subject.Real;
import dev.sluice.control.doctor.probe.ProbeAnswer;
import dev.sluice.control.doctor.probe.ProbeKey;
import dev.sluice.control.doctor.probe.ProbeKey.Question;
import dev.sluice.control.doctor.probe.Prober;
import dev.sluice.control.doctor.probe.Prober.Hop;
import dev.sluice.control.doctor.probe.Prober.Outer;
import dev.sluice.neighbour.KernelView.Leg;
import dev.sluice.neighbour.KernelView.OwnAddress;
import dev.sluice.neighbour.KernelView.Way;
import dev.sluice.neighbour.Link;
import dev.sluice.packet.AddressFamily;
import dev.sluice.packet.IpAddress;
import dev.sluice.packet.IpPrefix;
import dev.sluice.service.ForwardingMethod;
import dev.sluice.service.RealServer;
import dev.sluice.service.Tunnel;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Decides what is asked of the network: first who has which address, then whether real servers answer, directly and on the way of
 * clients' packets, then whether packets as large as the way is said to take arrive. One thread.
 */
final class Questions {
    /** More real servers than this are not asked: what is sent stays small. */
    static final int MAX_QUESTIONS = 4096;

    private static final int SMALL_BYTES = 64;
    private static final int TTL = 64;
    /** Who does not have the VIP must not forward the packet, which may come back to the director as a client's. */
    private static final int TTL_OF_VIP = 1;

    private final Subject subject;
    private final Map<String, Link> links;
    private final List<OwnAddress> addresses;
    private final Map<IpAddress, Way> ways;
    private final Prober prober;
    private final Set<IpAddress> lent = new HashSet<>();

    /**
     * Questions about a subject.
     *
     * @param links the director's interfaces, by name
     * @param ways to each RIP
     */
    Questions(
            Subject subject,
            Map<String, Link> links,
            List<OwnAddress> addresses,
            Map<IpAddress, Way> ways,
            Prober prober) {
        this.subject = subject;
        this.links = links;
        this.addresses = addresses;
        this.ways = ways;
        this.prober = prober;
        lent.addAll(subject.vips());
        lent.addAll(subject.localAddresses());
    }

    /** Asks everything; returns whether there was too much to ask all of it. */
    boolean ask(long deadlineNs) {
        for (Link link : links.values()) {
            for (IpAddress address : lent) {
                if (isOnLink(address, link)) {
                    whoHas(link, address);
                }
            }
        }
        for (Way way : ways.values()) {
            for (Leg leg : way.legs()) {
                whoHas(leg.link(), leg.next(way.destination()));
            }
        }
        prober.run(true, deadlineNs);
        boolean all = true;
        for (Real real : subject.realServers()) {
            if (prober.asked() > MAX_QUESTIONS) {
                all = false;
                break;
            }
            Way way = ways.get(real.rip());
            if (way != null) {
                askRealServer(real, way);
            }
        }
        prober.run(false, deadlineNs);
        for (Way way : ways.values()) {
            boolean answers = !prober.answers()
                    .getOrDefault(ProbeKey.direct(Question.ECHO, way.destination(), 0), List.of())
                    .isEmpty();
            hop(way).ifPresent(hop -> {
                IpAddress source = source(way, hop.link(), way.destination().family());
                int mtu = way.legs().getFirst().mtuBytes();
                if (answers && source != null) {
                    prober.echo(
                            ProbeKey.direct(Question.ECHO_LARGE, way.destination(), mtu),
                            hop,
                            source,
                            way.destination(),
                            mtu,
                            TTL,
                            null);
                }
            });
        }
        prober.run(false, deadlineNs);
        return all;
    }

    /** Whether somebody on an interface's network may be asked for an address by ARP or neighbour discovery. */
    private boolean isOnLink(IpAddress address, Link link) {
        return addresses.stream().anyMatch(own -> own.interfaceName().equals(link.name()) && own.covers(address));
    }

    private void whoHas(Link link, IpAddress target) {
        IpAddress source = sourceOn(link, target.family());
        if (source == null && target.family() == AddressFamily.INET) {
            // RFC 5227: who has no address there yet asks from this one.
            source = IpAddress.ofInet(0);
        }
        if (source != null && link.usable() && link.mac() != 0) {
            prober.whoHas(link, source, target);
        }
    }

    private void askRealServer(Real real, Way way) {
        Optional<Hop> next = hop(way);
        boolean direct = real.config().method() == ForwardingMethod.DR;
        if (next.isEmpty() || (direct && way.legs().getFirst().gateway() != null)) {
            return;
        }
        Hop hop = next.get();
        IpAddress rip = real.rip();
        IpAddress source = source(way, hop.link(), rip.family());
        if (source == null) {
            return;
        }
        prober.echo(ProbeKey.direct(Question.ECHO, rip, 0), hop, source, rip, SMALL_BYTES, TTL, null);
        if (real.tcpPort() != 0) {
            prober.syn(ProbeKey.direct(Question.SYN, rip, real.tcpPort()), hop, source, rip, real.tcpPort(), TTL, null);
        }
        for (IpAddress vip : real.vips()) {
            if (real.config().method() == ForwardingMethod.NAT) {
                askFromVip(hop, rip, vip);
            } else if (real.config().method() != ForwardingMethod.FULLNAT) {
                askOnPath(real, hop, source, vip);
            }
        }
    }

    private void askOnPath(Real real, Hop hop, IpAddress outerSource, IpAddress vip) {
        IpAddress source = vip.family() == real.rip().family() ? outerSource : sourceOn(hop.link(), vip.family());
        if (source == null || real.config().vlan() != RealServer.VLAN_KEEP) {
            return;
        }
        Tunnel tunnel = real.config().tunnel();
        Outer outer = tunnel == null ? null : new Outer(tunnel, outerSource(outerSource), real.rip());
        prober.echo(
                ProbeKey.ofVip(Question.ECHO_ON_PATH, real.rip(), vip, 0),
                hop,
                source,
                vip,
                SMALL_BYTES,
                TTL_OF_VIP,
                outer);
        if (real.tcpPort() != 0) {
            prober.syn(
                    ProbeKey.ofVip(Question.SYN_ON_PATH, real.rip(), vip, real.tcpPort()),
                    hop,
                    source,
                    vip,
                    real.tcpPort(),
                    TTL_OF_VIP,
                    outer);
        }
    }

    /** As the datapath has it: the configured one, the first of several. */
    private IpAddress outerSource(IpAddress ofRoute) {
        return subject.config()
                .director()
                .tunnel()
                .source(ofRoute.family())
                .map(IpPrefix::address)
                .orElse(ofRoute);
    }

    /** Where the real server is on the VIP's own network it answers there, whatever its routes are: nothing would be learned. */
    private void askFromVip(Hop hop, IpAddress rip, IpAddress vip) {
        boolean own = addresses.stream().anyMatch(address -> address.address().equals(vip));
        if (own && vip.family() == rip.family() && !isOnLink(vip, hop.link())) {
            prober.echo(ProbeKey.ofVip(Question.ECHO_FROM_VIP, rip, vip, 0), hop, vip, rip, SMALL_BYTES, TTL, null);
        }
    }

    /** The first leg, and the MAC address that answers for it; empty while nobody does. */
    private Optional<Hop> hop(Way way) {
        if (way.legs().isEmpty()) {
            return Optional.empty();
        }
        Leg leg = way.legs().getFirst();
        long answered = prober
                .answers()
                .getOrDefault(
                        ProbeKey.whoHas(leg.next(way.destination()), leg.link().name()), List.of())
                .stream()
                .mapToLong(ProbeAnswer::mac)
                .findFirst()
                .orElse(leg.state().equals("PERMANENT") ? leg.mac() : 0);
        return answered == 0 ? Optional.empty() : Optional.of(new Hop(leg.link(), answered));
    }

    /** The address that this host would send from, but none that packets of clients or for FULLNAT are steered to. */
    private @Nullable IpAddress source(Way way, Link link, AddressFamily family) {
        IpAddress ofRoute = way.source();
        return ofRoute != null && ofRoute.family() == family && !lent.contains(ofRoute)
                ? ofRoute
                : sourceOn(link, family);
    }

    private @Nullable IpAddress sourceOn(Link link, AddressFamily family) {
        return addresses.stream()
                .filter(own ->
                        own.interfaceName().equals(link.name()) && own.address().family() == family)
                .map(OwnAddress::address)
                .filter(address -> !lent.contains(address) && !isLinkLocal(address))
                .findFirst()
                .orElse(null);
    }

    private static boolean isLinkLocal(IpAddress address) {
        return address.family() == AddressFamily.INET6
                ? address.high() >>> 54 == 0xfe80 >>> 6
                : address.low() >>> 16 == 0xa9fe;
    }
}
