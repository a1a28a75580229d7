package dev.sluice.control;

import dev.sluice.control.checkpath.CheckPath;
import dev.sluice.forward.ForwardingSnapshot;
import dev.sluice.health.Target;
import dev.sluice.neighbour.NextHop;
import dev.sluice.schedule.HashKey;
import dev.sluice.schedule.MaglevParameters;
import dev.sluice.schedule.SchedulerParameters;
import dev.sluice.service.RealServer;
import dev.sluice.service.SchedulerKind;
import dev.sluice.service.VirtualService;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Supplier;

/**
 * How checks via the VIP reach each configured real server: as packets of clients, but also those that are out of service or have
 * weight 0. Any thread.
 */
final class CheckRoutes implements Supplier<CheckPath.View> {
    /** Nobody asks for a real server by hash here. */
    private static final SchedulerParameters PARAMETERS =
            SchedulerParameters.of(MaglevParameters.withKey(new HashKey(0, 0)));

    private final SnapshotCompiler compiler;
    private final HopChoice choice;
    private volatile Made made;

    /** A view, and the generation of the services that it was made of. */
    private record Made(long generation, CheckPath.View view) {}

    CheckRoutes(SnapshotCompiler compiler, HopChoice choice) {
        this.compiler = compiler;
        this.choice = choice;
        this.made = make(compiler.current());
    }

    @Override
    public CheckPath.View get() {
        SnapshotCompiler.Compiled current = compiler.current();
        Made latest = made;
        if (latest.generation != current.snapshot().generation()) {
            latest = make(current);
            made = latest;
        }
        return latest.view;
    }

    private Made make(SnapshotCompiler.Compiled compiled) {
        ForwardingSnapshot.Builder builder =
                new ForwardingSnapshot.Builder(compiled.snapshot().generation());
        Map<Target, CheckPath.Way> ways = new HashMap<>();
        for (ServiceState state : compiled.states()) {
            VirtualService service = state.configured();
            builder.add(
                    new VirtualService(service.id(), service.key(), SchedulerKind.RR, service.realServers()),
                    null,
                    PARAMETERS);
            for (RealServer real : service.realServers()) {
                NextHop hop = compiled.nextHops().get(Way.of(real));
                builder.nextHops(real.id(), choice.hops(real, hop));
                ways.put(
                        Overlay.target(service, real),
                        new CheckPath.Way(
                                real.id(),
                                hop instanceof NextHop.Resolved resolved ? resolved.preferredSource() : null));
            }
        }
        return new Made(compiled.snapshot().generation(), new CheckPath.View(builder.build(), ways));
    }
}
