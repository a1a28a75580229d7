package dev.sluice.control;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.code_intelligence.jazzer.junit.FuzzTest;
import com.fasterxml.jackson.databind.JsonNode;
import dev.sluice.control.admin.AdminException;
import dev.sluice.control.admin.RequestLine;
import dev.sluice.control.config.RealServerConfig;
import dev.sluice.control.config.ServiceConfig;
import dev.sluice.service.FwmarkRule;
import dev.sluice.service.ServiceKey;
import dev.sluice.service.VirtualService;
import dev.sluice.testing.Fuzz;
import java.util.Set;

/**
 * Lines on the admin socket: whatever is in them, a request is understood or refused with a code that is documented, and
 * what is understood is listed in a form that means the same.
 */
class AdminRequestFuzzTest {
    private static final Set<String> CODES = Set.of("bad_request", "unsupported_version", "invalid");

    @FuzzTest(maxDuration = "2m")
    void request(byte[] line) throws Exception {
        if (line == null || line.length > Fuzz.MAX_BYTES) {
            return;
        }
        try {
            JsonNode request = Fuzz.inTime(() -> RequestLine.parse(line));
            Fuzz.inTime(() -> service(request.path("service")));
            Fuzz.inTime(() -> realServer(request.path("service"), request.path("real")));
            Fuzz.inTime(() -> rule(request.path("rule")));
        } catch (AdminException e) {
            if (!CODES.contains(e.code())) {
                throw e;
            }
        }
    }

    private static boolean service(JsonNode json) throws AdminException {
        if (json.isMissingNode()) {
            return false;
        }
        ServiceConfig service = ServiceJson.service(json);
        Registry registry = new Registry(65537, KnownIds.NONE);
        try {
            registry.addService(service);
        } catch (ChangeException e) {
            // Too many real servers for a table, say: a refusal with a code of its own.
            return false;
        }
        VirtualService added = registry.services().getFirst();
        assertEquals(service, ServiceJson.service(ServiceJson.of(added, registry.health(added.key()))));
        return true;
    }

    private static boolean realServer(JsonNode service, JsonNode json) throws AdminException {
        if (service.isMissingNode() || json.isMissingNode()) {
            return false;
        }
        ServiceKey key = ServiceJson.service(service).key();
        RealServerConfig real = ServiceJson.realServer(key, json);
        assertEquals(real.address(), ServiceJson.realServer(key, json).address());
        return true;
    }

    private static boolean rule(JsonNode json) throws AdminException {
        if (json.isMissingNode()) {
            return false;
        }
        FwmarkRule rule = ServiceJson.fwmarkRule(json);
        assertEquals(rule, ServiceJson.fwmarkRule(ServiceJson.of(rule)));
        return true;
    }
}
