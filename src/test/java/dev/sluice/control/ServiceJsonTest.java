package dev.sluice.control;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sluice.control.admin.AdminException;
import dev.sluice.packet.IpAddress;
import dev.sluice.service.AddressKey;
import dev.sluice.service.Protocol;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Services in JSON: what is listed can be added again, and what is wrong is told as in the file. */
class ServiceJsonTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final AddressKey HTTP = new AddressKey(Protocol.TCP, IpAddress.parse("10.0.0.100"), 80);

    private static JsonNode json(String text) throws JsonProcessingException {
        return JSON.readTree(text.replace('\'', '"'));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{'protocol':'tcp','address':'10.0.0.100:80','scheduler':'rr','scheduler_flags':[],'one_packet':false,"
                        + "'real':[{'address':'10.0.0.11','method':'dr','weight':2147483647,'upper_threshold':2147483647,"
                        + "'lower_threshold':1,'vlan':'keep'}]}",
                "{'protocol':'tcp','address':'10.0.0.100:80','scheduler':'rr','scheduler_flags':[],'one_packet':false,"
                        + "'real':[{'address':'2001:db8::11','method':'tun','weight':1,'upper_threshold':0,"
                        + "'lower_threshold':0,'tun_type':'gue','tun_port':6080,'tun_checksum':'csum','vlan':12},"
                        + "{'address':'10.0.0.12','method':'tun','weight':1,'upper_threshold':0,"
                        + "'lower_threshold':0,'tun_type':'gre','tun_checksum':'nocsum','vlan':'none'},"
                        + "{'address':'10.0.0.13','method':'tun','weight':1,'upper_threshold':0,"
                        + "'lower_threshold':0,'tun_type':'ipip','vlan':'keep'}]}",
                "{'protocol':'tcp','address':'10.0.0.100:80','scheduler':'rr','scheduler_flags':[],'one_packet':false,"
                        + "'real':[{'address':'10.0.0.11','port':8080,'method':'nat','weight':1,'upper_threshold':0,"
                        + "'lower_threshold':0,'vlan':'keep'},"
                        + "{'address':'10.0.0.11','port':0,'method':'nat','weight':1,'upper_threshold':0,"
                        + "'lower_threshold':0,'vlan':'keep'}]}",
                "{'protocol':'udp','address':'[2001:db8::1]:0','scheduler':'sh','scheduler_flags':['sh-fallback','sh-port'],"
                        + "'persistence':2678400,'persistence_netmask':64,'one_packet':true,'real':[]}",
                "{'fwmark':4294967295,'family':'inet6','scheduler':'maglev','scheduler_flags':[],'persistence':1,"
                        + "'persistence_netmask':128,'one_packet':false,'real':[]}",
                "{'fwmark':1,'family':'inet','scheduler':'mh','scheduler_flags':[],'persistence':300,"
                        + "'persistence_netmask':'255.0.255.0','one_packet':true,'real':[]}"
            })
    void whatIsListedCanBeAddedAgain(String text) throws Exception {
        Registry registry = new Registry(65537, KnownIds.NONE);
        assertEquals(
                json(text),
                json(ServiceJson.of(registry.addService(ServiceJson.service(json(text))))
                        .toString()));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{'mark':4294967295,'protocol':'sctp','destination':'10.0.0.0/24','ports':'1-9','source':'192.0.2.1/32'}",
                "{'mark':1,'destination':'2001:db8::1/128','ports':'80'}"
            })
    void rulesAsWell(String text) throws Exception {
        assertEquals(
                json(text),
                json(ServiceJson.of(ServiceJson.fwmarkRule(json(text))).toString()));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            [] | bad_request | "service" is missing or not an object
            {} | invalid | [[service]] has no protocol; required: "tcp", "udp", "sctp"
            {'protocol':'tcp','address':'10.0.0.100:80','colour':'red'} | invalid | unknown key "colour" in [[service]]; allowed: protocol, address, fwmark, family, scheduler, scheduler_flags, persistence, persistence_netmask, one_packet, local_addresses, client_address, syn_proxy, real, sorry, on_failure, slow_start, quorum, hysteresis, quorum_up, quorum_down, check
            {'protocol':'tcp','address':'10.0.0.100:80','persistence':null} | bad_request | null has no meaning here: leave the key out
            {'protocol':'tcp','address':'10.0.0.100:80','persistence':0} | invalid | persistence = 0 is out of range; allowed: an integer 1-2678400
            {'protocol':'tcp','address':'10.0.0.100:80','persistence':1.5} | invalid | persistence = 1.5 is a floating-point number; allowed: an integer 1-2678400
            {'protocol':'tcp','address':'a\\n]\\u0000'} | invalid | address = "a\\n]\\u0000" has no port; allowed: "10.0.0.100:80" or "[2001:db8::100]:80", port 0 for every port
            {'fwmark':1,'real':[{'address':'10.0.0.11','weight':'2'}]} | invalid | weight = "2" is a string; allowed: an integer 0-2147483647
            """)
    void whatIsWrongIsToldAsInTheFile(String text, String code, String message) throws Exception {
        JsonNode service = json(text);
        AdminException refused = assertThrows(AdminException.class, () -> ServiceJson.service(service));
        assertEquals(code, refused.code());
        assertEquals(message, refused.getMessage());
    }

    @Test
    void numbersBeyondALongAreRefused() throws Exception {
        JsonNode service = json("{'fwmark':18446744073709551616}");
        assertEquals(
                "invalid",
                assertThrows(AdminException.class, () -> ServiceJson.service(service))
                        .code());
    }

    @Test
    void whatOnlyNamesMayNotSetAnything() throws Exception {
        JsonNode service = json("{'protocol':'tcp','address':'10.0.0.100:80','scheduler':'rr'}");
        assertEquals(
                "\"scheduler\" in \"service\" has no meaning here; allowed: address, family, fwmark, protocol",
                assertThrows(AdminException.class, () -> ServiceJson.key(service))
                        .getMessage());
        JsonNode real = json("{'address':'10.0.0.11','weight':2}");
        assertEquals(
                "\"weight\" in \"real\" has no meaning here; allowed: address, port",
                assertThrows(AdminException.class, () -> ServiceJson.realServerKey(HTTP, real))
                        .getMessage());
        assertEquals(2, ServiceJson.realServer(HTTP, real).weight());
        JsonNode otherFamily = json("{'address':'2001:db8::11'}");
        assertEquals(
                IpAddress.parse("2001:db8::11"),
                ServiceJson.realServerKey(HTTP, otherFamily).address());
        assertEquals(json("{'address':'2001:db8::11'}"), otherFamily);
        assertEquals(80, ServiceJson.realServerKey(HTTP, otherFamily).port());
        JsonNode otherPort = json("{'address':'10.0.0.11','port':8080}");
        assertEquals(8080, ServiceJson.realServerKey(HTTP, otherPort).port());
        JsonNode noPort = json("{'address':'10.0.0.11','port':65536}");
        assertThrows(AdminException.class, () -> ServiceJson.realServerKey(HTTP, noPort));
    }

    /** Whatever strings come, they stay strings: nothing of the request becomes part of the TOML around it. */
    @Test
    void nothingEscapesFromItsQuotes() throws Exception {
        for (char c = 0; c < 0x300; c++) {
            String nasty = "\"\\" + c + "\"]}\nfwmark = 7 #";
            JsonNode service = JSON.createObjectNode().put("protocol", nasty).put(nasty, nasty);
            AdminException refused = assertThrows(AdminException.class, () -> ServiceJson.service(service));
            assertEquals("invalid", refused.code());
            assertTrue(
                    refused.problems().stream().anyMatch(problem -> problem.startsWith("protocol = ")),
                    () -> refused.problems().toString());
        }
    }
}
