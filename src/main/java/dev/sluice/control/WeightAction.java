package dev.sluice.control;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sluice.control.ChangeException.Code;
import dev.sluice.control.admin.AdminException;
import dev.sluice.control.http.Actions;
import dev.sluice.control.http.Names;
import dev.sluice.service.RealServer;
import dev.sluice.service.ServiceKey;
import dev.sluice.service.VirtualService;
import java.util.List;
import java.util.OptionalInt;

/**
 * The stats page's changes: {@code ipvsadm -e} with another weight and everything else as it is. Unlike two commands, one to
 * look and one to change, nobody can come in between. Any thread but control.
 */
final class WeightAction implements Actions {
    private final ControlQueue queue;
    private final Reconfigurer reconfigurer;
    private final LoadedState loaded;

    WeightAction(ControlQueue queue, Reconfigurer reconfigurer, LoadedState loaded) {
        this.queue = queue;
        this.reconfigurer = reconfigurer;
        this.loaded = loaded;
    }

    @Override
    public List<String> setWeight(String service, String real, OptionalInt weight) throws AdminException {
        return queue.call(() -> {
            VirtualService found = reconfigurer.registry().services().stream()
                    .filter(candidate -> candidate.key().toString().equals(service))
                    .findFirst()
                    .orElseThrow(() ->
                            new AdminException(Code.SERVICE_NOT_FOUND.word(), "there is no service of that name"));
            RealServer server = found.realServers().stream()
                    .filter(candidate -> Names.endpoint(candidate.address().toString(), candidate.port())
                            .equals(real))
                    .findFirst()
                    .orElseThrow(() -> new AdminException(
                            Code.REAL_NOT_FOUND.word(), "the service has no real server of that name"));
            Edit edit = edit(found, server, weight.orElseGet(() -> configured(found.key(), server)));
            try {
                return reconfigurer.change(List.of(edit));
            } catch (ChangeException e) {
                throw ServiceCommands.failure(e);
            }
        });
    }

    private int configured(ServiceKey key, RealServer real) {
        return Math.max(1, loaded.weight(key, real).orElse(1));
    }

    private static Edit edit(VirtualService service, RealServer real, int weight) throws AdminException {
        JsonNode settings =
                ServiceJson.of(service).path("real").get(service.realServers().indexOf(real));
        ObjectNode changed = settings.deepCopy();
        changed.put("weight", weight);
        return new Edit.EditRealServer(service.key(), ServiceJson.realServer(service.key(), changed), true);
    }
}
