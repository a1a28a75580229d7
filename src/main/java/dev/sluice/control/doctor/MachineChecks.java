package dev.sluice.control.doctor;

import dev.sluice.control.config.IdleMode;
import dev.sluice.control.preflight.Preflight;
import dev.sluice.control.preflight.Preflight.Lack;
import dev.sluice.stats.WorkerStats;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/** Privileges, memory, processors. */
final class MachineChecks {
    private MachineChecks() {}

    /** What stands in the way of a start; of a director that runs, nothing does. */
    static List<Finding> preflight(Facts facts) {
        return preflight(facts.machine().problems());
    }

    static List<Finding> preflight(List<Preflight.Problem> problems) {
        List<Finding> findings = new ArrayList<>();
        for (Preflight.Problem problem : problems) {
            // A missing interface is told by those who look at interfaces.
            if (problem.lack() != Lack.INTERFACE) {
                int end = problem.text().lastIndexOf("; ");
                String what = end < 0 ? problem.text() : problem.text().substring(0, end);
                String advice =
                        end < 0 ? "see docs/operations.md" : problem.text().substring(end + 2);
                findings.add(id(problem.lack())
                        .about(
                                "this machine",
                                "sluice run would refuse to start: " + what,
                                List.of(),
                                List.of(advice)));
            }
        }
        return findings;
    }

    private static FindingId id(Lack lack) {
        return switch (lack) {
            case KERNEL -> FindingId.KERNEL_TOO_OLD;
            case CAPABILITY -> FindingId.CAPABILITY_MISSING;
            case LIBRARY -> FindingId.LIBRARY_MISSING;
            case INTERFACE -> FindingId.INTERFACE_MISSING;
            case QUEUES -> FindingId.QUEUES_TOO_FEW;
            case MTU -> FindingId.MTU_TOO_LARGE;
            case CPUS -> FindingId.CPUS_WRONG;
            case MEMLOCK -> FindingId.MEMLOCK_TOO_LOW;
            case HUGE_PAGES -> FindingId.HUGE_PAGES_TOO_FEW;
        };
    }

    static List<Finding> processors(Facts facts) {
        List<Finding> findings = new ArrayList<>();
        Map<Integer, List<Integer>> queuesOf = new HashMap<>();
        List<WorkerStats> workers =
                facts.subject().after().map(stats -> stats.workers()).orElse(List.of());
        workers.stream()
                .filter(worker -> worker.cpu() >= 0)
                .forEach(worker -> queuesOf.computeIfAbsent(worker.cpu(), _ -> new ArrayList<>())
                        .add(worker.queue()));
        boolean busy = facts.subject().config().director().idle() == IdleMode.BUSY;
        queuesOf.forEach((cpu, queues) -> {
            if (queues.size() > 1) {
                findings.add(FindingId.WORKERS_SHARE_CPU.about(
                        "CPU " + cpu,
                        "the workers of queues " + queues + " are pinned to one CPU: each waits while another runs",
                        List.of(
                                "workers: " + workers.size(),
                                "CPUs: " + facts.machine().cpus()),
                        List.of(
                                "director.queues = " + queuesOf.size()
                                        + ", and as many queues on the interfaces (ethtool -L)",
                                "or director.cpus with a CPU for each worker")));
            }
        });
        if (busy && queuesOf.isEmpty() && workers.size() > facts.machine().cpus()) {
            findings.add(FindingId.WORKERS_SHARE_CPU.about(
                    "all CPUs",
                    workers.size() + " workers spin (idle = \"busy\") on "
                            + facts.machine().cpus() + " CPUs",
                    List.of(
                            "workers: " + workers.size(),
                            "CPUs: " + facts.machine().cpus()),
                    List.of("fewer workers (director.queues), or idle = \"adaptive\"")));
        }
        if (busy) {
            hyperthreads(facts, queuesOf.keySet(), findings);
        }
        return findings;
    }

    private static void hyperthreads(Facts facts, Set<Integer> cpus, List<Finding> findings) {
        Set<Set<Integer>> told = new HashSet<>();
        for (int cpu : cpus) {
            Set<Integer> shared = new TreeSet<>(facts.machine().siblings().getOrDefault(cpu, Set.of()));
            shared.retainAll(cpus);
            if (shared.size() > 1 && told.add(shared)) {
                findings.add(FindingId.WORKERS_SHARE_CORE.about(
                        "CPUs " + shared,
                        "busy workers run on hyperthreads of one core, and share what it can do",
                        List.of("/sys/devices/system/cpu/cpu" + cpu + "/topology/thread_siblings_list = " + shared),
                        List.of("director.cpus with one CPU of each core")));
            }
        }
    }
}
