package dev.sluice.control.doctor;

import dev.sluice.ffi.Ethtool;
import dev.sluice.stats.InterfaceStats;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/** Whether every queue that gets packets has a worker. */
final class QueueChecks {
    private QueueChecks() {}

    static List<Finding> check(Facts facts) {
        List<Finding> findings = new ArrayList<>();
        if (facts.machine().workers().isEmpty()) {
            return findings;
        }
        int workers = facts.machine().workers().getAsInt();
        facts.interfaces().forEach((name, nic) -> {
            Set<Integer> unserved = new TreeSet<>(nic.indirection());
            if (nic.indirection().isEmpty()) {
                for (int queue = 0; queue < nic.queues(); queue++) {
                    unserved.add(queue);
                }
            }
            unserved.removeIf(queue -> queue < workers);
            if (!unserved.isEmpty()) {
                findings.add(withoutWorker(facts, name, nic, unserved, workers));
            }
            for (Ethtool.FlowRule rule : nic.flowRules()) {
                if (rule.queue() >= workers) {
                    findings.add(FindingId.FLOW_RULE_WITHOUT_WORKER.about(
                            name,
                            "a rule of " + name + " sends packets to queue " + rule.queue()
                                    + ", which no worker serves",
                            List.of("ethtool -n " + name + ": filter " + rule.location() + " to queue " + rule.queue()),
                            List.of("ethtool -N " + name + " delete " + rule.location())));
                }
            }
        });
        return findings;
    }

    private static Finding withoutWorker(Facts facts, String name, Facts.Nic nic, Set<Integer> unserved, int workers) {
        List<String> evidence = new ArrayList<>();
        evidence.add("ethtool -l " + name + ": " + nic.queues() + " receive queues in use");
        evidence.add(
                nic.indirection().isEmpty()
                        ? "ethtool -x " + name + ": no table; the device spreads packets over all of them"
                        : "ethtool -x " + name + ": packets go to queues " + new TreeSet<>(nic.indirection()));
        evidence.add("workers: " + workers + " (queue " + (workers == 1 ? "0" : "0 to " + (workers - 1)) + ")");
        facts.subject()
                .after()
                .ifPresent(stats -> stats.interfaces().stream()
                        .filter(one -> one.name().equals(name))
                        .map(InterfaceStats::steering)
                        .forEach(steering -> evidence.add(
                                "sluice stats: pass_no_socket " + steering.getOrDefault("pass_no_socket", 0L))));
        String channels = nic.driver().orElse("").equals("veth")
                ? "ethtool -L " + name + " rx " + workers + " tx " + workers
                : "ethtool -L " + name + " combined " + workers;
        return FindingId.QUEUES_WITHOUT_WORKER.about(
                name,
                "packets of clients arrive on queues " + unserved + " of " + name
                        + ", which no worker serves: the kernel" + " gets them and resets their connections",
                evidence,
                List.of(
                        "a worker for each queue: director.queues = " + nic.queues()
                                + " (every interface needs as many), then restart",
                        "or fewer queues: " + channels,
                        "or packets to the served queues alone: ethtool -X " + name + " equal " + workers));
    }
}
