package dev.sluice.control;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sluice.control.config.HealthConfig;
import dev.sluice.control.config.ServiceConfig;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Health in JSON: what is listed can be added again, with all that was said. */
class HealthJsonTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String SERVICE = "{'protocol':'tcp','address':'10.0.0.100:80','real':[],'sorry':"
            + "{'address':'10.0.0.99','method':'tun','tun_type':'gue','tun_port':6080,'tun_checksum':'nocsum','vlan':7}";

    private static JsonNode json(String text) throws Exception {
        return JSON.readTree(text.replace('\'', '"'));
    }

    private static JsonNode listed(String text) throws Exception {
        Registry registry = new Registry(65537, KnownIds.NONE);
        ServiceConfig config = ServiceJson.service(json(text));
        var service = registry.addService(config);
        return JSON.readTree(
                ServiceJson.of(service, registry.health(config.key())).toString());
    }

    @Test
    void theSettingsOfAService() throws Exception {
        String text = SERVICE
                + ",'on_failure':'quiesce','slow_start':60,'quorum':5,'hysteresis':2,'quorum_up':['/bin/up','a b'],"
                + "'quorum_down':['/bin/down']}";
        JsonNode listed = listed(text);
        json(text).properties().forEach(field -> assertEquals(field.getValue(), listed.get(field.getKey())));
        assertEquals(listed, listed(listed.toString()));
    }

    @Test
    void aServiceThatSaysNothingIsListedWithNothing() throws Exception {
        JsonNode listed = listed("{'protocol':'tcp','address':'10.0.0.100:80'}");
        assertFalse(ServiceJson.saysHealth(listed, HealthJson.SERVICE_KEYS));
        assertEquals(HealthConfig.NONE, ServiceJson.service(listed).health());
        assertTrue(ServiceJson.saysHealth(json(SERVICE + "}"), HealthJson.SERVICE_KEYS));
    }

    @Test
    void checksOfRealServersOfTheirOwn() throws Exception {
        JsonNode listed = listed("{'protocol':'tcp','address':'10.0.0.100:80','check':[{'type':'tcp'}],'real':["
                + "{'address':'10.0.0.11'},{'address':'10.0.0.12','check':[]},"
                + "{'address':'10.0.0.13','check':[{'type':'ping'},{'type':'tcp','port':8080}]}]}");
        assertFalse(listed.path("real").path(0).has("check"));
        assertEquals(json("[]"), listed.path("real").path(1).path("check"));
        assertEquals(
                json("[{'type':'ping'},{'type':'tcp','port':8080}]"),
                listed.path("real").path(2).path("check"));
        assertEquals(listed, listed(listed.toString()));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{'type':'tcp'}",
                "{'type':'tcp','interval':0.5,'timeout':0.25,'rise':1,'fall':1,'jitter':0,'initial':'down','via':'vip',"
                        + "'source':'10.0.0.2'}",
                "{'type':'tcp','interval':60,'retry_interval':5.5,'address':'10.1.0.11','port':8080}",
                "{'type':'tcp','interval':0.5,'retry_interval':1}",
                "{'type':'http','path':'/a?b','host':'h','status':['200-299','304'],"
                        + "'digest':'d41d8cd98f00b204e9800998ecf8427e','body':'^ok'}",
                "{'type':'https','status':['404'],'body_absent':'x','sni':'n','verify':true,'ca_file':'/ca'}",
                "{'type':'https'}",
                "{'type':'udp','payload':'00ff','reply_required':true,'reply':'\\\\d+'}",
                "{'type':'dns','name':'example.com','record':'AAAA'}",
                "{'type':'ping','interval':5.001}",
                "{'type':'smtp','helo_name':'me'}",
                "{'type':'script','command':['/bin/check','x y'],'user':'nobody'}",
                "{'type':'grpc','service':'a.B','tls':true,'sni':'n'}",
                "{'type':'grpc'}"
            })
    void checks(String check) throws Exception {
        JsonNode listed = listed("{'protocol':'tcp','address':'10.0.0.100:80','check':[" + check + "]}");
        JsonNode one = listed.path("check").path(0);
        assertEquals(json(check).toString().length(), one.toString().length(), one::toString);
        json(check)
                .properties()
                .forEach(field -> assertEquals(
                        field.getValue().asText(), one.path(field.getKey()).asText(), field.getKey()));
        assertEquals(
                ServiceJson.service(json("{'protocol':'tcp','address':'10.0.0.100:80','check':[" + check + "]}")),
                ServiceJson.service(listed));
    }
}
