package dev.sluice.control.config;

import java.util.Locale;

/** The types of checks, by their words in configuration files. */
enum CheckType {
    TCP,
    HTTP,
    HTTPS,
    UDP,
    DNS,
    PING,
    SMTP,
    SCRIPT,
    GRPC;

    String keyword() {
        return name().toLowerCase(Locale.ROOT);
    }
}
