package dev.sluice.control.realserver;

import dev.sluice.control.realserver.RealServerRequest.Decapsulation;
import dev.sluice.packet.IpAddress;
import dev.sluice.service.ForwardingMethod;
import dev.sluice.service.TunnelType;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What the state file of one setup says, in the form in which it is written.
 *
 * @param boot the kernel's id of its own start: a state of another one is of no use
 * @param interfaceName the interface of the request
 * @param interfaceIndex its number then
 * @param vips the request's
 * @param method the request's
 * @param tunnelType the request's, null with DR
 * @param tunnelPort the request's
 * @param decapsulation the request's
 * @param local the host's addresses that the decapsulation program takes packets for; empty without one
 * @param changes what the setup relies on, in its order
 * @param complete whether the setup came to its end
 */
record SetupState(
        String boot,
        String interfaceName,
        int interfaceIndex,
        List<String> vips,
        ForwardingMethod method,
        @Nullable TunnelType tunnelType,
        int tunnelPort,
        Decapsulation decapsulation,
        List<String> local,
        List<Change> changes,
        boolean complete) {
    static SetupState begin(String boot, int interfaceIndex, RealServerRequest request, List<String> local) {
        return new SetupState(
                boot,
                request.interfaceName(),
                interfaceIndex,
                request.vips().stream().map(IpAddress::toString).toList(),
                request.method(),
                request.tunnelType(),
                request.tunnelPort(),
                request.decapsulation(),
                local,
                List.of(),
                false);
    }

    RealServerRequest request() {
        return new RealServerRequest(
                interfaceName,
                vips.stream().map(IpAddress::parse).toList(),
                method,
                tunnelType,
                tunnelPort,
                decapsulation);
    }

    SetupState with(Change change) {
        List<Change> more = new ArrayList<>(changes);
        more.add(change);
        return with(more, complete);
    }

    SetupState without(Change change) {
        List<Change> fewer = new ArrayList<>(changes);
        fewer.remove(change);
        return with(fewer, false);
    }

    /** The same value found, but as it was before another setup that has been undone since. */
    SetupState inheriting(Change change) {
        List<Change> other = new ArrayList<>(changes);
        other.replaceAll(
                own -> own.isOf(change) ? new Change(own.kind(), own.target(), change.before(), own.after()) : own);
        return with(other, complete);
    }

    SetupState completed() {
        return with(changes, true);
    }

    private SetupState with(List<Change> other, boolean done) {
        return new SetupState(
                boot,
                interfaceName,
                interfaceIndex,
                vips,
                method,
                tunnelType,
                tunnelPort,
                decapsulation,
                local,
                List.copyOf(other),
                done);
    }
}
