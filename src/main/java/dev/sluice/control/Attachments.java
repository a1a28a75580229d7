package dev.sluice.control;

import dev.sluice.bpf.AttachMode;
import dev.sluice.bpf.InterfaceMaps;
import dev.sluice.bpf.ProgramNotes;
import dev.sluice.bpf.SteeringException;
import dev.sluice.bpf.SteeringMaps;
import dev.sluice.bpf.SteeringProgram;
import dev.sluice.control.config.DirectorConfig;
import dev.sluice.control.config.WithoutDirector;
import dev.sluice.control.config.XdpMode;
import dev.sluice.control.preflight.EnvironmentException;
import dev.sluice.control.snat.SourceNat;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The steering programs on all interfaces of a director, from the moment it takes the traffic to what it leaves behind.
 *
 * <p>Owned by: control thread.
 */
final class Attachments implements AutoCloseable {
    private static final Logger LOG = System.getLogger(Attachments.class.getName());

    private final WithoutDirector withoutDirector;
    private final ProgramNotes notes;
    private final List<SteeringProgram> programs = new ArrayList<>();
    private boolean started;
    private boolean release;
    private @Nullable SourceNat sourceNat;

    /**
     * @param withoutDirector what becomes of packets for services when it is gone
     * @param notes where programs' numbers are noted for the next director
     */
    Attachments(WithoutDirector withoutDirector, ProgramNotes notes) {
        this.withoutDirector = withoutDirector;
        this.notes = notes;
    }

    /**
     * Attaches to every interface, in the place of an earlier director's program where there is one: the last step of a start
     * that can fail.
     *
     * @throws SteeringException when an interface refuses; {@link #close} undoes what was done
     * @throws EnvironmentException when the kernel refuses to translate sources; the same
     */
    void attach(DirectorConfig settings, SteeringMaps maps) throws EnvironmentException {
        settings.interfaces().forEach(name -> SteeringProgram.check(name, notes));
        if (settings.snat().isSet()) {
            sourceNat = SourceNat.install(settings.interfaces().getFirst(), settings.snat());
        }
        for (String name : settings.interfaces()) {
            maps.ofInterface(name).setWithoutDirector(setting());
            maps.ofInterface(name).setAnswersEcho(settings.icmpEcho());
            SteeringProgram program = SteeringProgram.attach(name, maps, attachMode(settings.xdpMode()), notes);
            programs.add(program);
            for (String earlier : program.takenOver()) {
                LOG.log(
                        Level.INFO,
                        "{0}: took over from XDP program {1} of a director that was killed or stopped",
                        name,
                        earlier);
            }
        }
    }

    /** From now on {@link #close} is the end of a director and not of a start that failed. */
    void started() {
        started = true;
        if (sourceNat != null) {
            sourceNat.started();
        }
    }

    /** Takes away what an earlier director had the kernel do, and this one does not. When traffic is steered, for it takes a while. */
    void tidy(DirectorConfig settings) {
        if (sourceNat == null && SourceNat.remove(settings.interfaces().getFirst())) {
            LOG.log(Level.INFO, "the kernel no longer translates the source of real servers'' own connections");
        }
    }

    /** Has {@link #close} take the programs off. */
    void release() {
        release = true;
        if (sourceNat != null) {
            sourceNat.release();
        }
    }

    List<SteeringProgram> programs() {
        return List.copyOf(programs);
    }

    /**
     * Leaves the programs attached after a start, or takes them off if that was asked for. After a start that failed it takes
     * off what was attached where nothing was; where an earlier director's program was taken over, that is gone, and the new
     * one goes on in its place.
     */
    @Override
    public void close() {
        if (sourceNat != null) {
            sourceNat.close();
        }
        for (SteeringProgram program : programs) {
            boolean leave = started ? !release : !program.takenOver().isEmpty();
            try {
                if (leave) {
                    leave(program);
                } else {
                    program.detach();
                }
            } catch (SteeringException e) {
                LOG.log(Level.WARNING, e.getMessage());
            }
        }
    }

    private void leave(SteeringProgram program) {
        program.leave();
        LOG.log(
                Level.INFO,
                "{0}: the XDP program stays attached and {1} until the next director takes over;"
                        + " \"sluice release --interface {0}\" removes it",
                program.interfaceName(),
                switch (withoutDirector) {
                    case DROP -> "drops packets for services";
                    case PASS -> "passes packets for services to the kernel";
                });
    }

    // The configuration's words and the lower layers' are two enums each, for the lower ones do not see control.

    private InterfaceMaps.WithoutDirector setting() {
        return switch (withoutDirector) {
            case DROP -> InterfaceMaps.WithoutDirector.DROP;
            case PASS -> InterfaceMaps.WithoutDirector.PASS;
        };
    }

    private static AttachMode attachMode(XdpMode setting) {
        return switch (setting) {
            case AUTO -> AttachMode.AUTO;
            case NATIVE -> AttachMode.NATIVE;
            case GENERIC -> AttachMode.GENERIC;
        };
    }
}
