package dev.sluice.control.observe;

import dev.sluice.control.observe.PacketLayers.Layer;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What was changed in a packet, header by header. */
final class Rewriting {
    private Rewriting() {}

    /**
     * A change.
     *
     * @param layer the header's name
     * @param field the field's, empty for a whole header
     * @param before null for what was not there
     * @param after null for what is there no more
     */
    record Change(
            String layer,
            String field,
            @Nullable String before,
            @Nullable String after) {}

    /** The changes from one image to another: headers are matched from the inside, for it is outside that they are put on. */
    static List<Change> between(List<Layer> before, List<Layer> after) {
        List<Change> changes = new ArrayList<>();
        if (!before.isEmpty() && !after.isEmpty()) {
            fields(before.getFirst(), after.getFirst(), changes);
        }
        int extra = after.size() - before.size();
        for (int i = 1; i <= extra; i++) {
            changes.add(new Change(after.get(i).name(), "", null, text(after.get(i))));
        }
        for (int i = 1; i < before.size(); i++) {
            Layer was = before.get(i);
            int at = i + Math.max(extra, 0);
            if (at >= after.size()) {
                changes.add(new Change(was.name(), "", text(was), null));
            } else if (was.name().equals(after.get(at).name())) {
                fields(was, after.get(at), changes);
            } else {
                changes.add(new Change(was.name(), "", text(was), null));
                changes.add(new Change(after.get(at).name(), "", null, text(after.get(at))));
            }
        }
        return changes;
    }

    private static void fields(Layer before, Layer after, List<Change> changes) {
        before.fields().forEach((field, value) -> {
            String now = after.fields().get(field);
            if (!value.equals(now)) {
                changes.add(new Change(before.name(), field, value, now));
            }
        });
        after.fields().forEach((field, value) -> {
            if (!before.fields().containsKey(field)) {
                changes.add(new Change(before.name(), field, null, value));
            }
        });
    }

    private static String text(Layer layer) {
        List<String> fields = new ArrayList<>();
        layer.fields().forEach((name, value) -> fields.add(name + " " + value));
        return String.join(", ", fields);
    }
}
