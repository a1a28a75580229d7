package dev.sluice.control.realserver;

import dev.sluice.bpf.DecapOutcome;
import dev.sluice.bpf.DecapProgram;
import dev.sluice.bpf.SteeringException;
import dev.sluice.bpf.SteeringProgram;
import dev.sluice.control.preflight.EnvironmentException;
import dev.sluice.ffi.NativeException;
import dev.sluice.packet.IpAddress;
import dev.sluice.service.TunnelType;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Makes a real server of the host, in the calling thread's network namespace, and undoes it. What is about to change is on
 * disk before it changes, so that a setup that was interrupted anywhere can be undone.
 *
 * <p>One thread at a time. Failures are {@link EnvironmentException}s with lines fit for users.
 */
public final class RealServerSetup {
    /** Where the state files are. */
    public static final Path DEFAULT_FOLDER = Path.of("/run/sluice");

    private final StateFiles files;
    private final Host host = new Host();

    /**
     * @param folder where state files are
     */
    public RealServerSetup(Path folder) throws EnvironmentException {
        files = new StateFiles(folder);
    }

    /**
     * What is set up at an interface.
     *
     * @param request what it was set up for
     * @param agrees whether all of it still holds
     * @param lines a line for each thing, with what differs
     */
    public record Status(RealServerRequest request, boolean agrees, List<String> lines) {}

    /**
     * Sets a real server up. Fails as a whole: what was changed before an error is changed back.
     *
     * @param dryRun says what would be changed, and changes nothing
     * @return what was changed, a line each; empty when it is set up so already
     */
    public List<String> setup(RealServerRequest request, boolean dryRun) throws EnvironmentException {
        try {
            return trySetup(request, dryRun);
        } catch (SteeringException | NativeException e) {
            throw new EnvironmentException(List.of(String.valueOf(e.getMessage())));
        }
    }

    private List<String> trySetup(RealServerRequest request, boolean dryRun) throws EnvironmentException {
        requireInterface(request.interfaceName());
        List<String> lines = new ArrayList<>();
        Optional<SetupState> earlier = files.load(request.interfaceName());
        if (earlier.isPresent() && earlier.get().complete()) {
            requireSame(request, earlier.get());
            return lines;
        }
        if (earlier.isPresent()) {
            lines.addAll(undo(request.interfaceName(), null, dryRun));
        }
        check(request, earlier.isPresent());
        List<Wanted> plan = Plan.of(request, host);
        if (dryRun) {
            for (Wanted wanted : plan) {
                Change change = change(wanted, wanted.value());
                if (change.changesSomething()) {
                    lines.add(change.text());
                }
            }
            return lines;
        }
        List<IpAddress> local = needsProgram(plan) ? local(request.vips()) : List.of();
        SetupState state = SetupState.begin(
                files.boot(),
                host.index(request.interfaceName()),
                request,
                local.stream().map(IpAddress::toString).toList());
        files.save(state);
        try {
            for (Wanted wanted : plan) {
                state = wanted.kind() == Kind.XDP
                        ? attach(state, wanted, request, local, lines)
                        : apply(state, change(wanted, wanted.value()), lines);
            }
            files.save(state.completed());
            return lines;
        } catch (EnvironmentException | SteeringException | NativeException e) {
            throw rolledBack(request.interfaceName(), e);
        }
    }

    private EnvironmentException rolledBack(String interfaceName, Exception failure) {
        List<String> problems = new ArrayList<>(List.of(String.valueOf(failure.getMessage())));
        try {
            undo(interfaceName, null, false);
        } catch (EnvironmentException e) {
            problems.addAll(e.problems());
            problems.add("what had been done before is not all undone; again: sluice real-server undo --interface "
                    + interfaceName);
        }
        return new EnvironmentException(problems);
    }

    private Change change(Wanted wanted, String value) throws EnvironmentException {
        String before = host.read(wanted.kind(), wanted.target());
        return new Change(
                wanted.kind(), wanted.target(), before, wanted.kind() == Kind.XDP ? value : wanted.after(before));
    }

    private SetupState apply(SetupState state, Change change, List<String> lines) throws EnvironmentException {
        SetupState next = state.with(change);
        files.save(next);
        if (change.changesSomething()) {
            host.write(change.kind(), change.target(), change.after());
            lines.add(change.text());
        }
        return next;
    }

    private SetupState attach(
            SetupState state, Wanted wanted, RealServerRequest request, List<IpAddress> local, List<String> lines)
            throws EnvironmentException {
        boolean gre = request.tunnelType() == TunnelType.GRE;
        boolean ipip = request.tunnelType() == TunnelType.IPIP;
        DecapProgram.Tunnels tunnels = new DecapProgram.Tunnels(ipip, gre, request.tunnelPort());
        try (DecapProgram program = DecapProgram.load(request.vips(), local, tunnels)) {
            Change change = new Change(Kind.XDP, wanted.target(), Kind.ABSENT, Integer.toString(program.id()));
            SetupState next = state.with(change);
            files.save(next);
            program.attach(wanted.target());
            lines.add(change.text());
            return next;
        }
    }

    private static boolean needsProgram(List<Wanted> plan) {
        return plan.stream().anyMatch(wanted -> wanted.kind() == Kind.XDP);
    }

    /** The host's own addresses: those that tunnels may end at. */
    private List<IpAddress> local(List<IpAddress> vips) throws EnvironmentException {
        return host.addresses().stream()
                .map(Host.Assigned::address)
                .filter(address -> !address.isLoopback() && !vips.contains(address))
                .sorted()
                .distinct()
                .toList();
    }

    private void requireInterface(String name) throws EnvironmentException {
        List<String> devices = host.devices();
        if (!devices.contains(name)) {
            throw new EnvironmentException(List.of("interface \"" + name
                    + "\" does not exist in this network namespace; there " + (devices.size() == 1 ? "is " : "are ")
                    + String.join(", ", devices)));
        }
    }

    private void requireSame(RealServerRequest request, SetupState state) throws EnvironmentException {
        String undo = "sluice real-server undo --interface " + request.interfaceName();
        if (!state.request().equals(request)) {
            throw new EnvironmentException(List.of(request.interfaceName() + " is set up for " + state.request()
                    + " already; before it can be for " + request + ": " + undo));
        }
        Status status = status(state);
        if (!status.agrees()) {
            throw new EnvironmentException(List.of(request.interfaceName()
                    + " is set up so, but the host was changed since (sluice real-server show tells); first: " + undo));
        }
    }

    /**
     * @param interrupted whether what an interrupted setup left is still there, as in a dry run
     */
    private void check(RealServerRequest request, boolean interrupted) throws EnvironmentException {
        List<String> problems = new ArrayList<>(request.problems());
        String name = request.interfaceName();
        if (!SteeringProgram.on(name).isEmpty()) {
            problems.add(
                    name + ": a director's XDP program is attached, and a director answers ARP for the VIPs that a real"
                            + " server is silent about; \"sluice release --interface " + name + "\" removes it");
        } else if (needsProgram(Plan.of(request, host)) && !interrupted) {
            for (String program : DecapProgram.programsOn(name)) {
                problems.add(name + ": XDP program " + program + " is attached already and there can be one only;"
                        + " \"ip link set dev " + name + " xdp off\" removes it");
            }
        }
        for (Host.Assigned assigned : host.addresses()) {
            boolean alone =
                    assigned.prefixLength() == assigned.address().family().addressBits();
            if (request.vips().contains(assigned.address())
                    && !(alone && assigned.device().equals("lo"))) {
                problems.add("VIP " + assigned.address() + " is an address of " + assigned.device() + " as /"
                        + assigned.prefixLength()
                        + ", where the host does not keep silent about it; first: ip address delete "
                        + assigned.address() + "/" + assigned.prefixLength() + " dev " + assigned.device());
            }
        }
        if (!problems.isEmpty()) {
            throw new EnvironmentException(problems);
        }
    }

    /**
     * Undoes a setup: what it changed has the value from before, as far as it still has the one that the setup gave it.
     *
     * @param request what the caller believes was set up, or null
     * @param dryRun says what would be changed, and changes nothing
     * @return what was changed, and what was left for being somebody else's by now, a line each; empty when nothing was set up
     */
    public List<String> undo(String interfaceName, @Nullable RealServerRequest request, boolean dryRun)
            throws EnvironmentException {
        Optional<SetupState> found = files.load(interfaceName);
        if (found.isEmpty()) {
            if (!dryRun) {
                files.delete(interfaceName);
            }
            return List.of();
        }
        SetupState state = found.get();
        if (request != null && !state.request().equals(request)) {
            throw new EnvironmentException(List.of(interfaceName + " is set up for " + state.request() + ", not for "
                    + request + "; to undo whatever it is: sluice real-server undo --interface " + interfaceName));
        }
        List<String> lines = new ArrayList<>();
        List<String> problems = new ArrayList<>();
        for (Change change : state.changes().reversed()) {
            try {
                revert(change, state, dryRun, lines);
            } catch (EnvironmentException | SteeringException | NativeException e) {
                problems.add(String.valueOf(e.getMessage()));
                continue;
            }
            state = state.without(change);
            if (!dryRun) {
                files.save(state);
            }
        }
        if (!problems.isEmpty()) {
            throw new EnvironmentException(problems);
        }
        if (!dryRun) {
            files.delete(interfaceName);
        }
        return lines;
    }

    private void revert(Change change, SetupState state, boolean dryRun, List<String> lines)
            throws EnvironmentException {
        if (!change.changesSomething() || change.before().equals(host.read(change.kind(), change.target()))) {
            return;
        }
        for (SetupState other : files.all()) {
            boolean needs = !other.interfaceName().equals(state.interfaceName())
                    && other.changes().stream().anyMatch(each -> each.isOf(change));
            if (needs) {
                lines.add("leave for " + other.interfaceName() + ": "
                        + change.kind().stateText(change.target(), change.after()));
                if (!dryRun) {
                    files.save(other.inheriting(change));
                }
                return;
            }
        }
        String now = host.read(change.kind(), change.target());
        boolean anew = host.index(state.interfaceName()) != state.interfaceIndex()
                && change.target().contains("/" + state.interfaceName() + "/");
        if (now.equals(Kind.ABSENT) || anew) {
            return;
        }
        if (!now.equals(change.after())) {
            lines.add("leave as somebody set it since: " + change.kind().stateText(change.target(), now));
            return;
        }
        lines.add(change.undoText());
        if (dryRun) {
            return;
        }
        if (change.kind() == Kind.XDP) {
            DecapProgram.detach(change.target(), Integer.parseInt(change.after()));
        } else {
            host.write(change.kind(), change.target(), change.before());
        }
    }

    /**
     * What is set up in this namespace.
     *
     * @param interfaceName at which interface, null for all
     */
    public List<Status> show(@Nullable String interfaceName) throws EnvironmentException {
        List<Status> all = new ArrayList<>();
        try {
            for (SetupState state : files.all()) {
                if (interfaceName == null || state.interfaceName().equals(interfaceName)) {
                    all.add(status(state));
                }
            }
        } catch (SteeringException | NativeException e) {
            throw new EnvironmentException(List.of(String.valueOf(e.getMessage())));
        }
        return all;
    }

    private Status status(SetupState state) throws EnvironmentException {
        List<String> lines = new ArrayList<>();
        boolean agrees = state.complete();
        if (!state.complete()) {
            lines.add("was interrupted; setup or undo puts an end to it");
        }
        for (Change change : state.changes()) {
            String now = host.read(change.kind(), change.target());
            String text = change.kind().stateText(change.target(), now);
            if (now.equals(change.after())) {
                lines.add("ok       " + text);
            } else {
                agrees = false;
                lines.add("differs  " + text + ", should be " + change.after());
            }
        }
        if (!state.local().isEmpty()) {
            agrees &= compareLocal(state, lines);
        }
        for (Change change : state.changes()) {
            if (change.kind() == Kind.XDP
                    && host.read(Kind.XDP, change.target()).equals(change.after())) {
                counters(change, lines);
            }
        }
        return new Status(state.request(), agrees, lines);
    }

    private boolean compareLocal(SetupState state, List<String> lines) throws EnvironmentException {
        List<String> now =
                local(state.request().vips()).stream().map(IpAddress::toString).toList();
        boolean same = state.local().containsAll(now);
        if (same) {
            lines.add("ok       tunnels end at " + String.join(", ", state.local()));
        }
        for (String address : now) {
            if (!state.local().contains(address)) {
                lines.add(
                        "differs  " + address + " is new on this host: tunnels to it do not end until undo and setup");
            }
        }
        return same;
    }

    private static void counters(Change change, List<String> lines) {
        for (Map.Entry<DecapOutcome, Long> entry :
                DecapProgram.counters(Integer.parseInt(change.after())).entrySet()) {
            if (entry.getValue() != 0) {
                lines.add("packets  " + entry.getKey().meaning() + ": " + entry.getValue());
            }
        }
    }
}
