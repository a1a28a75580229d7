package dev.sluice.control.doctor;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/** All checks, what lies deeper first. */
final class Checks {
    private static final List<Function<Facts, List<Finding>>> ALL = List.of(
            MachineChecks::preflight,
            LinkChecks::state,
            XdpChecks::programs,
            ServiceChecks::configured,
            QueueChecks::check,
            OffloadChecks::check,
            AddressChecks::check,
            RouteChecks::check,
            RealServerChecks::check,
            MtuChecks::check,
            KernelChecks::reversePath,
            KernelChecks::redirects,
            KernelChecks::forwarding,
            ServiceChecks::health,
            ServiceChecks::overload,
            XdpChecks::modes,
            MachineChecks::processors,
            LinkChecks::missed,
            CounterChecks::check);

    private Checks() {}

    static List<Finding> all(Facts facts) {
        List<Finding> findings = new ArrayList<>();
        ALL.forEach(check -> findings.addAll(check.apply(facts)));
        return findings;
    }
}
