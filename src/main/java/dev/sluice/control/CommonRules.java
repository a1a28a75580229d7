package dev.sluice.control;

import dev.sluice.packet.IpPrefix;
import dev.sluice.service.AddressKey;
import dev.sluice.service.FwmarkKey;
import dev.sluice.service.FwmarkRule;
import dev.sluice.service.Protocol;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Rules that steer exactly what two lists of rules both steer, for the time between them: every rule of the one cut with every
 * rule of the other, in the order of both, so that the first that matches a packet is made of the two that matched it first.
 */
final class CommonRules {
    private static final int STEERED = 1;
    private static final int LEFT = 2;

    private CommonRules() {}

    /**
     * A rule, and what becomes of a packet that it is the first to match.
     *
     * @param steered whether its mark has a service
     */
    record Verdict(FwmarkRule rule, boolean steered) {
        /** A rule of a list, by the marks that have a service. */
        static Verdict of(FwmarkRule rule, Predicate<FwmarkKey> served) {
            return new Verdict(rule, served.test(rule.key()));
        }

        /** What a service of an address takes; port 0 stands for all. */
        static Verdict of(AddressKey key) {
            return new Verdict(
                    new FwmarkRule(
                            STEERED,
                            key.protocol(),
                            new IpPrefix(key.address(), key.family().addressBits()),
                            key.port(),
                            key.port() == 0 ? 65535 : key.port(),
                            null),
                    true);
        }
    }

    /** Whether a mark in {@link #of}'s rules is that of packets to steer. */
    static boolean isSteered(FwmarkKey key) {
        return key.mark() == STEERED;
    }

    /**
     * The rules; their marks tell only {@link #isSteered}. When they are more than {@code max} the last are missing, and so
     * leave to the kernel what they match.
     */
    static List<FwmarkRule> of(List<Verdict> before, List<Verdict> after, int max) {
        List<FwmarkRule> common = new ArrayList<>();
        for (Verdict one : before) {
            for (Verdict other : after) {
                boolean steered = one.steered() && other.steered();
                intersection(one.rule(), other.rule(), steered ? STEERED : LEFT)
                        .filter(rule -> common.stream().noneMatch(earlier -> covers(earlier, rule)))
                        .ifPresent(common::add);
                if (common.size() == max) {
                    return common;
                }
            }
        }
        return common;
    }

    /** Whether some packet matches both. */
    static boolean overlap(FwmarkRule one, FwmarkRule other) {
        return intersection(one, other, STEERED).isPresent();
    }

    private static Optional<FwmarkRule> intersection(FwmarkRule one, FwmarkRule other, int mark) {
        int firstPort = Math.max(one.firstPort(), other.firstPort());
        int lastPort = Math.min(one.lastPort(), other.lastPort());
        Protocol protocol = one.protocol() == null ? other.protocol() : one.protocol();
        IpPrefix destination = narrower(one.destination(), other.destination());
        boolean anySource = one.source() == null && other.source() == null;
        IpPrefix source = one.source() == null
                ? other.source()
                : other.source() == null ? one.source() : narrower(one.source(), other.source());
        if (firstPort > lastPort
                || (other.protocol() != null && protocol != other.protocol())
                || destination == null
                || (source == null && !anySource)) {
            return Optional.empty();
        }
        return Optional.of(new FwmarkRule(mark, protocol, destination, firstPort, lastPort, source));
    }

    /** The addresses that two prefixes share: those of one of them, or none. */
    private static @Nullable IpPrefix narrower(IpPrefix one, IpPrefix other) {
        if (contains(one, other)) {
            return other;
        }
        return contains(other, one) ? one : null;
    }

    private static boolean covers(FwmarkRule wide, FwmarkRule narrow) {
        return (wide.protocol() == null || wide.protocol() == narrow.protocol())
                && contains(wide.destination(), narrow.destination())
                && wide.firstPort() <= narrow.firstPort()
                && wide.lastPort() >= narrow.lastPort()
                && (wide.source() == null || (narrow.source() != null && contains(wide.source(), narrow.source())));
    }

    private static boolean contains(IpPrefix wide, IpPrefix narrow) {
        return wide.length() <= narrow.length() && wide.contains(narrow.address());
    }
}
