package dev.sluice.control.http;

import io.prometheus.metrics.model.snapshots.Labels;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The labels of one real server, made once: to make and check them anew would be most of a scrape. Owned by: one thread at a time. */
final class RealServerLabels {
    private final Labels own;
    private final List<Check> checks = new ArrayList<>();
    private @Nullable Labels withMethod;
    private String method = "";

    /**
     * Those of one check.
     *
     * @param type its kind
     * @param own without a result
     */
    record Check(String type, Labels own, Labels success, Labels failure) {
        static Check of(Labels realServer, int number, String type) {
            Labels own = realServer.add("check", Integer.toString(number)).add("type", type);
            return new Check(type, own, own.add("result", "success"), own.add("result", "failure"));
        }
    }

    RealServerLabels(Labels own) {
        this.own = own;
    }

    Labels own() {
        return own;
    }

    Labels withMethod(String now) {
        Labels made = withMethod;
        if (made == null || !method.equals(now)) {
            made = own.add("method", now);
            withMethod = made;
            method = now;
        }
        return made;
    }

    /** Of the check of a number, from 0 in turn. */
    Check ofCheck(int number, String type) {
        if (number == checks.size()) {
            checks.add(Check.of(own, number, type));
        } else if (!checks.get(number).type().equals(type)) {
            checks.set(number, Check.of(own, number, type));
        }
        return checks.get(number);
    }
}
