package dev.sluice.control;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sluice.control.admin.AdminException;
import dev.sluice.control.config.ConfigException;
import dev.sluice.control.config.ConfigFile;
import dev.sluice.control.config.DirectorConfig;
import dev.sluice.control.config.ServiceConfig;
import dev.sluice.control.config.SluiceConfig;
import dev.sluice.control.config.TomlWriter;
import dev.sluice.service.FwmarkRule;
import java.util.ArrayList;
import java.util.List;

/** Reads the answer of a running director to the command {@code config}. Any thread. */
public final class RunningConfig {
    private RunningConfig() {}

    /**
     * All that runs, what commands have changed and a file could not say included. Without {@code hash_key}.
     *
     * @throws AdminException when a director of another version says what this one does not know
     */
    public static SluiceConfig of(JsonNode answer) throws AdminException {
        JsonNode all = withoutComments(answer);
        ObjectNode file = JsonNodeFactory.instance.objectNode();
        file.set("director", all.path("director"));
        DirectorConfig director;
        try {
            director = ConfigFile.parse("the director", TomlWriter.write(file)).director();
        } catch (ConfigException e) {
            throw new AdminException(
                    "bad_answer", "the director answers in another version's words: " + e.getMessage());
        }
        List<ServiceConfig> services = new ArrayList<>();
        for (JsonNode service : all.path("service")) {
            services.add(ServiceJson.service(service));
        }
        List<FwmarkRule> rules = new ArrayList<>();
        for (JsonNode rule : all.path("fwmark")) {
            rules.add(ServiceJson.fwmarkRule(rule));
        }
        return new SluiceConfig(director, services, rules);
    }

    private static JsonNode withoutComments(JsonNode node) {
        if (node instanceof ObjectNode object) {
            ObjectNode plain = JsonNodeFactory.instance.objectNode();
            object.properties().forEach(entry -> {
                if (!entry.getKey().equals(TomlWriter.COMMENT)
                        && !entry.getKey().equals(TomlWriter.DISABLED)) {
                    plain.set(entry.getKey(), withoutComments(entry.getValue()));
                }
            });
            return plain;
        }
        if (node instanceof ArrayNode array) {
            ArrayNode plain = JsonNodeFactory.instance.arrayNode();
            array.forEach(value -> plain.add(withoutComments(value)));
            return plain;
        }
        return node;
    }
}
