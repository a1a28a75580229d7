package dev.sluice.control.doctor;

import dev.sluice.control.admin.AdminException;
import dev.sluice.control.doctor.probe.ProbeAnswer;
import dev.sluice.control.doctor.probe.ProbeKey;
import dev.sluice.control.doctor.probe.Prober;
import dev.sluice.control.preflight.EnvironmentException;
import dev.sluice.control.preflight.MachineFacts;
import dev.sluice.control.preflight.Preflight;
import dev.sluice.ffi.NativeException;
import dev.sluice.ffi.NativeLibraries;
import dev.sluice.neighbour.KernelView;
import dev.sluice.neighbour.KernelView.OwnAddress;
import dev.sluice.neighbour.KernelView.Way;
import dev.sluice.neighbour.Link;
import dev.sluice.packet.IpAddress;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** Examines a director, or what one would meet, in the network namespace of the calling thread. One thread. */
public final class Doctor {
    /** However many real servers there are: no more is asked after this. */
    private static final long ASKING_NS = TimeUnit.SECONDS.toNanos(10);

    private final boolean probe;
    private final int seconds;
    private final List<String> looked = new ArrayList<>();
    private final List<String> notLooked = new ArrayList<>();

    /**
     * A doctor.
     *
     * @param probe whether packets may be sent
     * @param seconds how far the two readings of counters are apart at least
     */
    public Doctor(boolean probe, int seconds) {
        this.probe = probe;
        this.seconds = seconds;
    }

    /**
     * Reads all facts and checks them. Takes as long as the readings are apart, and at most about ten seconds more.
     *
     * @throws AdminException when the director stops answering
     * @throws EnvironmentException when the director runs in another network namespace
     * @throws NativeException when the kernel tells nothing
     */
    public Report examine(Patient patient) throws AdminException, EnvironmentException, InterruptedException {
        long startNs = System.nanoTime();
        Subject first = patient.first();
        if (first.after().isPresent()) {
            HostReader.sameNamespace(first.after().get().pid());
        }
        if (!NativeLibraries.SONAMES.stream().allMatch(NativeLibraries::loads)) {
            return withoutLibraries(patient, first);
        }
        long dropsBefore = HostReader.reversePathDrops();
        HostReader host = new HostReader(first, notLooked);
        Facts facts;
        try (KernelView kernel = KernelView.open()) {
            Map<String, Facts.Nic> interfaces = host.interfaces(kernel);
            List<OwnAddress> addresses = kernel.addresses();
            Map<IpAddress, Way> ways = new LinkedHashMap<>();
            first.rips().forEach(rip -> ways.put(rip, kernel.way(rip)));
            Map<ProbeKey, List<ProbeAnswer>> answers =
                    probe ? ask(first, kernel.links(), interfaces, addresses, ways) : Map.of();
            if (!probe) {
                notLooked.add(
                        "the network: nothing was sent (--no-probe), so nobody was asked who has the VIPs and whether real"
                                + " servers answer");
            }
            if (first.isRunning()) {
                long leftNs = startNs + TimeUnit.SECONDS.toNanos(seconds) - System.nanoTime();
                TimeUnit.NANOSECONDS.sleep(Math.max(0, leftNs));
            }
            Subject subject = patient.later(first);
            facts = new Facts(
                    subject,
                    new HostReader(subject, notLooked).machine(interfaces),
                    HostReader.since(interfaces),
                    kernel.links(),
                    addresses,
                    ways,
                    HostReader.sysctls(kernel.links()),
                    answers,
                    HostReader.reversePathDrops() - dropsBefore,
                    HostReader.xdpSockets());
        }
        describe(facts, startNs);
        return new Report(patient.describe(facts.subject()), looked, notLooked, Consequences.sort(Checks.all(facts)));
    }

    /** All that asks the kernel goes through them. */
    private Report withoutLibraries(Patient patient, Subject subject) {
        looked.add("what a start needs");
        notLooked.add("all else: it takes the libraries that are missing");
        List<Preflight.Problem> problems =
                Preflight.problems(subject.config().director(), MachineFacts.ofThisMachine());
        return new Report(patient.describe(subject), looked, notLooked, MachineChecks.preflight(problems));
    }

    private Map<ProbeKey, List<ProbeAnswer>> ask(
            Subject subject,
            List<Link> links,
            Map<String, Facts.Nic> interfaces,
            List<OwnAddress> addresses,
            Map<IpAddress, Way> ways) {
        Map<String, Link> own = new LinkedHashMap<>();
        interfaces.forEach((name, nic) -> own.put(name, nic.link()));
        try (Prober prober = new Prober(links)) {
            boolean all = new Questions(subject, own, addresses, ways, prober).ask(System.nanoTime() + ASKING_NS);
            if (!all) {
                notLooked.add("some real servers: there are too many to ask all of them");
            }
            looked.add(
                    "sent " + prober.framesSent() + " packets for "
                            + prober.answers().size()
                            + " questions: ARP requests and neighbour solicitations, ICMP echo requests, TCP SYNs taken back by RST");
            return prober.answers();
        } catch (NativeException e) {
            notLooked.add("the network: " + e.getMessage() + "; root, or CAP_NET_RAW, can ask it");
            return Map.of();
        }
    }

    private void describe(Facts facts, long startNs) {
        Subject subject = facts.subject();
        looked.addFirst("interfaces " + String.join(", ", subject.interfaces()) + ", "
                + counted(subject.config().services().size(), "service") + ", "
                + counted(subject.vips().size(), "VIP") + ", "
                + counted(subject.rips().size(), "real server address", "real server addresses"));
        if (subject.isRunning()) {
            looked.add("read counters twice in " + TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - startNs) + " ms");
        }
    }

    private static String counted(int count, String noun) {
        return counted(count, noun, noun + "s");
    }

    private static String counted(int count, String noun, String plural) {
        return count + " " + (count == 1 ? noun : plural);
    }
}
