package dev.sluice.control.config;

import java.nio.charset.StandardCharsets;

/** What may be the name of a network interface: dev_valid_name() in net/core/dev.c, and nothing that would have to be quoted. */
final class InterfaceNames {
    private static final int MAX_BYTES = 15;
    /** What is allowed, for messages. */
    static final String ALLOWED = "1-" + MAX_BYTES + " bytes without spaces, \"/\", \":\", quotes and \"\\\"";

    private InterfaceNames() {}

    static boolean isSound(String name) {
        return name.getBytes(StandardCharsets.UTF_8).length <= MAX_BYTES
                && name.matches("[^\\s/:\\x00\"'\\\\]+")
                && !name.equals(".")
                && !name.equals("..");
    }
}
