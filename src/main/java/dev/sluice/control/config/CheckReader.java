package dev.sluice.control.config;

import dev.sluice.health.CheckSpec;
import dev.sluice.health.Probe;
import dev.sluice.health.Timing;
import dev.sluice.health.Via;
import dev.sluice.packet.IpAddress;
import dev.sluice.service.AddressKey;
import dev.sluice.service.FwmarkKey;
import dev.sluice.service.ServiceKey;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Reads a {@code [[service.check]]} or {@code [[service.real.check]]}: all but what belongs to one type alone. */
final class CheckReader {
    private static final int MIN_MS = 100;
    private static final int MAX_MS = 86_400_000;
    private static final int MAX_COUNT = 1000;
    private static final String ADDRESS = "a unicast IPv4 or IPv6 address without port";

    private final TableReader table;
    private final @Nullable ServiceKey service;

    /** The word for the state that a real server has before its first results. */
    private enum Initial {
        UP,
        DOWN;

        String keyword() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    private CheckReader(TableReader table, @Nullable ServiceKey service) {
        this.table = table;
        this.service = service;
    }

    /** The checks of which nothing is wrong; everything else is reported. */
    static List<CheckSpec> read(List<TableReader> tables, @Nullable ServiceKey service) {
        List<CheckSpec> checks = new ArrayList<>();
        for (TableReader table : tables) {
            new CheckReader(table, service).check().ifPresent(checks::add);
        }
        return checks;
    }

    private Optional<CheckSpec> check() {
        @Nullable
        CheckType type = table.requiredChoice("type", CheckType.class, CheckType::keyword)
                .orElse(null);
        Timing timing = timing();
        Via via = table.choice("via", Via.class, Via::keyword, Via.RIP);
        IpAddress address = address("address");
        int port = table.integer("port", 1, 65535, 0);
        IpAddress source = address("source");
        Optional<Probe> probe = new ProbeReader(table, type).read();
        table.finish();
        if (type != null) {
            checkWay(type, via, address, source);
            checkPort(type);
        }
        return probe.map(known -> new CheckSpec(known, address, port, source, via, timing));
    }

    private Timing timing() {
        int intervalMs = table.seconds("interval", MIN_MS, MAX_MS, Timing.DEFAULT.intervalMs());
        return new Timing(
                intervalMs,
                table.seconds("retry_interval", MIN_MS, MAX_MS, Math.min(Timing.DEFAULT.retryIntervalMs(), intervalMs)),
                table.seconds("timeout", MIN_MS, MAX_MS, Timing.DEFAULT.timeoutMs()),
                table.integer("rise", 1, MAX_COUNT, Timing.DEFAULT.rise()),
                table.integer("fall", 1, MAX_COUNT, Timing.DEFAULT.fall()),
                table.integer("jitter", 0, 100, Timing.DEFAULT.jitterPercent(), "an integer 0-100, percent"),
                table.choice("initial", Initial.class, Initial::keyword, Initial.UP) == Initial.UP);
    }

    private void checkWay(CheckType type, Via via, @Nullable IpAddress address, @Nullable IpAddress source) {
        if (via == Via.VIP) {
            if (type == CheckType.SCRIPT || type == CheckType.PING) {
                table.wrong("via", "does not go with type \"" + type.keyword() + '"', "\"rip\"");
            } else if (service instanceof FwmarkKey) {
                table.wrong("via", "does not go with a fwmark service, which has no VIP", "\"rip\"");
            }
            if (table.has("address") && table.sound("address")) {
                table.wrong("address", "does not go with via = \"vip\", which asks the VIP", "only with via = \"rip\"");
            }
            if (source != null && service != null && source.family() != service.family()) {
                table.wrong("source", "is of another family than service " + service, "addresses of one family");
            }
        } else if (address != null && source != null && address.family() != source.family()) {
            table.wrong("source", "is of another family than address " + address, "addresses of one family");
        }
    }

    private void checkPort(CheckType type) {
        if (type == CheckType.PING) {
            if (table.has("port") && table.sound("port")) {
                table.wrong("port", "does not go with type \"ping\"", "with every other type");
            }
        } else if (type != CheckType.SCRIPT && !table.has("port") && isWithoutPort()) {
            table.missing(
                    "port",
                    "an integer 1-65535 with type \"" + type.keyword() + "\" in "
                            + (service instanceof FwmarkKey ? "a fwmark service" : "a service of every port")
                            + ", which does not say which port to ask");
        }
    }

    private boolean isWithoutPort() {
        return service instanceof FwmarkKey || (service instanceof AddressKey key && key.port() == 0);
    }

    private @Nullable IpAddress address(String key) {
        String text = table.text(key, ADDRESS);
        if (text == null) {
            return null;
        }
        try {
            IpAddress address = IpAddress.parse(text);
            Optional<String> kind = AddressRules.notUnicast(address);
            if (kind.isEmpty()) {
                return address;
            }
            table.wrong(key, "is " + kind.get(), ADDRESS);
        } catch (IllegalArgumentException e) {
            table.wrong(key, "holds no IPv4 or IPv6 address", ADDRESS);
        }
        return null;
    }
}
