package dev.sluice.control.config;

import dev.sluice.control.config.TableReader.Element;
import dev.sluice.health.CheckSpec;
import dev.sluice.service.ServiceKey;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Reads what a {@code [[service]]} says about health, but for its sorry server, which is read as real servers are. */
final class HealthReader {

    private static final String COMMAND = "a list of the program's absolute path and its arguments, all strings";
    private static final int MAX_SLOW_START_S = 3600;

    private HealthReader() {}

    static HealthConfig read(TableReader table, @Nullable ServiceKey service, @Nullable RealServerConfig sorry) {
        FailureMode onFailure = table.choice("on_failure", FailureMode.class, FailureMode::keyword, FailureMode.REMOVE);
        int slowStart = table.integer("slow_start", 0, MAX_SLOW_START_S, 0);
        int quorum = table.integer("quorum", 1, Integer.MAX_VALUE, 1);
        int hysteresis = table.integer("hysteresis", 0, Integer.MAX_VALUE, 0);
        if (hysteresis >= quorum && hysteresis != 0 && table.sound("quorum", "hysteresis")) {
            table.wrong("hysteresis", "is not below quorum = " + quorum, "less than quorum");
        }
        List<String> up = command(table, "quorum_up");
        List<String> down = command(table, "quorum_down");
        List<CheckSpec> checks = CheckReader.read(table.tables("check", "[[service.check]]"), service);
        return new HealthConfig(onFailure, slowStart, quorum, hysteresis, up, down, sorry, checks);
    }

    /** The checks of a real server; null when it has those of its service. */
    static @Nullable List<CheckSpec> ownChecks(TableReader table, @Nullable ServiceKey service) {
        List<CheckSpec> checks = CheckReader.read(table.tables("check", "[[service.real.check]]"), service);
        return table.has("check") ? checks : null;
    }

    /** A program with its arguments; empty when the key is absent or wrong. */
    static List<String> command(TableReader table, String key) {
        List<String> words = new ArrayList<>();
        for (Element<String> element : table.list(key, String.class, COMMAND)) {
            if (words.isEmpty() && !element.value().startsWith("/")) {
                table.wrongElement(key, element, "is no absolute path", COMMAND);
            } else if (element.value().indexOf('\0') >= 0) {
                table.wrongElement(key, element, "holds a NUL", COMMAND);
            }
            words.add(element.value());
        }
        if (table.has(key) && words.isEmpty() && table.sound(key)) {
            table.wrong(key, "is empty", COMMAND);
        }
        return words;
    }
}
