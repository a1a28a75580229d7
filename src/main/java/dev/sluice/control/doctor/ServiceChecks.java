package dev.sluice.control.doctor;

import dev.sluice.control.config.RealServerConfig;
import dev.sluice.control.config.ServiceConfig;
import dev.sluice.stats.HealthStats;
import dev.sluice.stats.RealServerStats;
import dev.sluice.stats.ServiceStats;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Whether each service has somebody to send new connections to. */
final class ServiceChecks {
    private ServiceChecks() {}

    static List<Finding> configured(Facts facts) {
        List<Finding> findings = new ArrayList<>();
        List<ServiceConfig> services = facts.subject().config().services();
        if (services.isEmpty()) {
            findings.add(FindingId.NO_SERVICES.about(
                    "the configuration",
                    "there is no virtual service, so nothing is steered",
                    List.of("services: 0"),
                    List.of("add a [[service]] and sluice reload, or ipvsadm -A")));
        }
        Map<String, List<String>> quiesced = new LinkedHashMap<>();
        for (ServiceConfig service : services) {
            String name = service.key().toString();
            List<RealServerConfig> reals = service.realServers();
            boolean sorry = service.health().sorry() != null;
            if (reals.isEmpty()) {
                findings.add(FindingId.SERVICE_WITHOUT_REAL_SERVERS.as(
                        sorry ? Severity.WARNING : Severity.ERROR,
                        name,
                        "the service " + name + " has no real server: "
                                + (sorry ? "its sorry server gets everything" : "every packet for it is dropped"),
                        List.of("ipvsadm -L -n: no RemoteAddress below " + name),
                        List.of("a [[service.real]] and sluice reload, or ipvsadm -a")));
            } else if (reals.stream().allMatch(real -> real.weight() == 0)) {
                findings.add(FindingId.SERVICE_ALL_QUIESCED.about(
                        name,
                        "all real servers of the service " + name + " have weight 0: new connections are dropped",
                        reals.stream()
                                .map(real -> "ipvsadm -L -n: " + real.address() + " weight 0")
                                .toList(),
                        List.of("give one a weight: ipvsadm -e … -w 1, or weight in the file and sluice reload")));
            } else {
                reals.stream()
                        .filter(real -> real.weight() == 0)
                        .forEach(real -> quiesced.computeIfAbsent(real.address().toString(), _ -> new ArrayList<>())
                                .add(name + ": weight 0"));
            }
        }
        quiesced.forEach((rip, lines) -> findings.add(FindingId.REAL_SERVER_QUIESCED.about(
                rip,
                "the real server " + rip + " gets no new connections: somebody has quiesced it",
                lines,
                List.of("nothing, if that is meant; else ipvsadm -e … -w 1"))));
        return findings;
    }

    static List<Finding> health(Facts facts) {
        List<Finding> findings = new ArrayList<>();
        Map<String, List<String>> down = new LinkedHashMap<>();
        List<HealthStats.Service> services =
                facts.subject().after().map(stats -> stats.health().services()).orElse(List.of());
        for (HealthStats.Service service : services) {
            String name = name(service);
            List<HealthStats.RealServer> failed = service.realServers().stream()
                    .filter(real -> real.state().equals("down"))
                    .toList();
            failed.forEach(real -> down.computeIfAbsent(real.address(), _ -> new ArrayList<>())
                    .add("sluice health: " + name + ": " + real.address() + " port " + real.port() + " down since "
                            + real.since() + ": " + real.reason()));
            HealthStats.Sorry sorry = service.sorry();
            if (!failed.isEmpty() && failed.size() == service.realServers().size()) {
                boolean sorryServes = sorry != null && sorry.inUse();
                findings.add(FindingId.SERVICE_ALL_DOWN.as(
                        sorryServes ? Severity.WARNING : Severity.ERROR,
                        name,
                        "no real server of the service " + name + " is healthy"
                                + (sorryServes ? ": its sorry server gets everything" : ""),
                        failed.stream()
                                .map(real -> real.address() + ": " + real.reason())
                                .toList(),
                        List.of("sluice health --history tells since when; then what is said of each real server")));
            } else if (!service.quorum().reached()) {
                findings.add(FindingId.SERVICE_WITHOUT_QUORUM.about(
                        name,
                        "the service " + name + " is below its quorum",
                        List.of("sluice health: weight " + service.quorum().weight() + " of quorum "
                                + service.quorum().quorum() + ", hysteresis "
                                + service.quorum().hysteresis()),
                        List.of("bring real servers back, or lower quorum")));
            }
        }
        down.forEach((rip, lines) -> findings.add(FindingId.REAL_SERVER_DOWN.about(
                rip,
                "the real server " + rip + " fails its health checks",
                lines,
                List.of("repair what the reason says; sluice health --history " + "shows when it began"))));
        return findings;
    }

    private static String name(HealthStats.Service service) {
        if (service.protocol().equals("FWM")) {
            return "FWM " + service.address();
        }
        boolean inet6 = service.family().equals("inet6");
        return service.protocol() + " " + (inet6 ? "[" + service.address() + "]" : service.address()) + ":"
                + service.port();
    }

    static List<Finding> overload(Facts facts) {
        Map<String, List<String>> overloaded = new LinkedHashMap<>();
        List<ServiceStats> services =
                facts.subject().after().map(stats -> stats.services()).orElse(List.of());
        for (ServiceStats service : services) {
            for (RealServerStats real : service.realServers()) {
                if (real.overloaded()) {
                    overloaded
                            .computeIfAbsent(real.address(), _ -> new ArrayList<>())
                            .add("sluice stats: " + service.protocol() + " " + service.address() + ":" + service.port()
                                    + ": "
                                    + (real.active() + real.inactive()) + " connections, upper threshold "
                                    + real.upperThreshold() + ", lower " + real.lowerThreshold());
                }
            }
        }
        List<Finding> findings = new ArrayList<>();
        overloaded.forEach((rip, lines) -> findings.add(FindingId.REAL_SERVER_OVERLOADED.about(
                rip,
                "the real server " + rip + " has reached its upper threshold and gets no new connections",
                lines,
                List.of("raise the threshold (ipvsadm -e … -x N -y M), or add real servers"))));
        return findings;
    }
}
