package dev.sluice.control.flows;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sluice.control.flows.FlowGroups.By;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What a request asks of the connection tables. Immutable.
 *
 * @param filter which connections
 * @param order null for none: as they come
 * @param descending whether the greatest come first
 * @param countBy what they are counted by; none: they are listed
 * @param limit the most that an answer lists
 */
public record FlowQuery(FlowFilter filter, @Nullable FlowField order, boolean descending, List<By> countBy, int limit) {
    /** The most that one answer lists, or counts apart. */
    public static final int MAX_LIMIT = 4096;

    private static final int DEFAULT_LIMIT = 1024;
    private static final int MAX_COUNT_BY = 8;

    /**
     * Reads a request.
     *
     * @throws IllegalArgumentException with a message fit for users that names what is wrong
     */
    public static FlowQuery parse(JsonNode request) {
        JsonNode limit = request.path("limit");
        if (!(limit.isMissingNode() || (limit.canConvertToInt() && limit.isIntegralNumber()))
                || limit.asInt(1) < 1
                || limit.asInt(1) > MAX_LIMIT) {
            throw new IllegalArgumentException("\"limit\" is not a number from 1 to " + MAX_LIMIT);
        }
        JsonNode descending = request.path("descending");
        if (!(descending.isMissingNode() || descending.isBoolean())) {
            throw new IllegalArgumentException("\"descending\" is not true or false");
        }
        List<By> countBy = countBy(request.path("count_by"));
        FlowField order = order(request.path("order"));
        if (order != null && !countBy.isEmpty()) {
            throw new IllegalArgumentException("\"order\" and \"count_by\" exclude each other");
        }
        return new FlowQuery(
                FlowFilter.parse(request.path("filter")),
                order,
                descending.booleanValue(),
                countBy,
                limit.asInt(DEFAULT_LIMIT));
    }

    private static @Nullable FlowField order(JsonNode node) {
        if (node.isMissingNode()) {
            return null;
        }
        Optional<FlowField> field = node.isTextual() ? FlowField.of(node.textValue()) : Optional.empty();
        return field.orElseThrow(() -> new IllegalArgumentException("\"order\" is none of " + FlowField.keywords()));
    }

    private static List<By> countBy(JsonNode node) {
        List<By> fields = new ArrayList<>();
        if (!(node.isMissingNode() || (node.isArray() && !node.isEmpty() && node.size() <= MAX_COUNT_BY))) {
            throw new IllegalArgumentException("\"count_by\" is not a list of 1 to " + MAX_COUNT_BY + " strings");
        }
        node.forEach(word -> fields.add(By.parse(word.asText())));
        return List.copyOf(fields);
    }
}
