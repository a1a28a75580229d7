package dev.sluice.control.realserver;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sluice.bpf.DecapProgram;
import dev.sluice.control.command.Commands;
import dev.sluice.control.preflight.EnvironmentException;
import dev.sluice.packet.AddressFamily;
import dev.sluice.packet.IpAddress;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Reads and writes the values of every {@link Kind} in the calling thread's network namespace. What is not there reads as
 * {@link Kind#ABSENT}.
 */
final class Host implements HostFacts {
    private static final Path SYSCTLS = Path.of("/proc/sys");
    private static final ObjectMapper MAPPER = new ObjectMapper();
    private static final String UP = "up";
    private static final String DOWN = "down";

    /** An address on a device. */
    record Assigned(String device, IpAddress address, int prefixLength) {}

    @Override
    public String read(Kind kind, String target) throws EnvironmentException {
        String[] words = target.split(" ", 2);
        return switch (kind) {
            case SYSCTL -> sysctl(target);
            case ADDRESS -> presence(hasAddress(words[0], words[1]));
            case MODULE -> presence(isLoaded(target));
            case LINK -> {
                JsonNode link = link(target);
                yield link.isMissingNode() ? Kind.ABSENT : hasFlag(link, "UP") ? UP : DOWN;
            }
            case TUNNEL_MODE -> {
                JsonNode link = link(target);
                yield link.isMissingNode()
                        ? Kind.ABSENT
                        : link.path("linkinfo").path("info_data").path("proto").asText("any");
            }
            case GUE_PORT -> presence(hasGuePort(words[0], words[1]));
            case XDP -> {
                OptionalInt id = link(target).isMissingNode() ? OptionalInt.empty() : DecapProgram.idOn(target);
                yield id.isPresent() ? Integer.toString(id.getAsInt()) : Kind.ABSENT;
            }
        };
    }

    /** Attaching a program is not here: {@link RealServerSetup} has what it needs. */
    void write(Kind kind, String target, String value) throws EnvironmentException {
        String[] words = target.split(" ", 2);
        boolean goes = value.equals(Kind.ABSENT);
        switch (kind) {
            case SYSCTL -> writeSysctl(target, value);
            case ADDRESS -> {
                List<String> command =
                        new ArrayList<>(List.of("address", goes ? "delete" : "add", words[0], "dev", words[1]));
                if (!goes) {
                    // The host's own connections are not to go out from a VIP: of host scope, and deprecated, it is not
                    // chosen.
                    command.addAll(
                            words[0].indexOf(':') < 0 ? List.of("scope", "host") : List.of("preferred_lft", "0"));
                }
                Commands.ip(command.toArray(String[]::new));
            }
            case MODULE -> module(target, goes);
            case LINK -> Commands.ip("link", "set", "dev", target, value);
            case TUNNEL_MODE -> Commands.ip("-6", "tunnel", "change", target, "mode", value);
            case GUE_PORT -> {
                String family = words[1].equals("ipv6") ? "-6" : "-4";
                if (goes) {
                    Commands.ip(family, "fou", "del", "port", words[0]);
                } else {
                    Commands.ip(family, "fou", "add", "port", words[0], "gue");
                }
            }
            case XDP -> throw new IllegalArgumentException("not written like the others");
        }
    }

    private static String presence(boolean there) {
        return there ? Kind.PRESENT : Kind.ABSENT;
    }

    private static String sysctl(String target) throws EnvironmentException {
        try {
            return Files.readString(SYSCTLS.resolve(target)).strip();
        } catch (NoSuchFileException e) {
            return Kind.ABSENT;
        } catch (IOException e) {
            throw new EnvironmentException(List.of("cannot read /proc/sys/" + target + ": " + e.getMessage()));
        }
    }

    private static void writeSysctl(String target, String value) throws EnvironmentException {
        try {
            Files.writeString(SYSCTLS.resolve(target), value);
        } catch (AccessDeniedException e) {
            throw new EnvironmentException(List.of("not permitted to write /proc/sys/" + target + ": run as root"));
        } catch (IOException e) {
            throw new EnvironmentException(
                    List.of("cannot write " + value + " to /proc/sys/" + target + ": " + e.getMessage()));
        }
    }

    /** Every address of the namespace. */
    List<Assigned> addresses() throws EnvironmentException {
        List<Assigned> all = new ArrayList<>();
        for (JsonNode device : json(Commands.ip("-json", "address", "show"))) {
            for (JsonNode address : device.path("addr_info")) {
                if (address.hasNonNull("local")) {
                    all.add(new Assigned(
                            device.path("ifname").asText(),
                            IpAddress.parse(address.path("local").asText()),
                            address.path("prefixlen").asInt()));
                }
            }
        }
        return all;
    }

    private boolean hasAddress(String prefix, String device) throws EnvironmentException {
        int slash = prefix.indexOf('/');
        Assigned wanted = new Assigned(
                device, IpAddress.parse(prefix.substring(0, slash)), Integer.parseInt(prefix.substring(slash + 1)));
        return addresses().contains(wanted);
    }

    /** The names of all devices. */
    List<String> devices() throws EnvironmentException {
        List<String> names = new ArrayList<>();
        for (JsonNode device : json(Commands.ip("-json", "link", "show"))) {
            names.add(device.path("ifname").asText());
        }
        return names;
    }

    @Override
    public boolean hasDevice(String name) throws EnvironmentException {
        return devices().contains(name);
    }

    /** The device's number, 0 when it is gone. */
    int index(String name) throws EnvironmentException {
        return link(name).path("ifindex").asInt(0);
    }

    private static JsonNode link(String name) throws EnvironmentException {
        for (JsonNode device : json(Commands.ip("-json", "-details", "link", "show"))) {
            if (device.path("ifname").asText().equals(name)) {
                return device;
            }
        }
        return MAPPER.missingNode();
    }

    private static boolean hasFlag(JsonNode link, String flag) {
        for (JsonNode each : link.path("flags")) {
            if (each.asText().equals(flag)) {
                return true;
            }
        }
        return false;
    }

    private static JsonNode json(String text) throws EnvironmentException {
        try {
            return MAPPER.readTree(text);
        } catch (JsonProcessingException e) {
            throw new EnvironmentException(
                    List.of("ip(8) answers with something else than JSON; iproute2 4.14 or newer is needed"));
        }
    }

    @Override
    public boolean hasModule(String name) {
        return isLoaded(name)
                || Commands.run("modprobe", "--dry-run", "--quiet", name).isOk();
    }

    @Override
    public List<String> modulesOf(String name) {
        List<String> names = new ArrayList<>();
        String shown = Commands.run("modprobe", "--show-depends", name).output();
        shown.lines().filter(line -> line.startsWith("insmod ")).forEach(line -> {
            String path = line.split(" ", 3)[1];
            String file = path.substring(path.lastIndexOf('/') + 1);
            names.add(file.substring(0, file.indexOf(".ko")).replace('-', '_'));
        });
        return names;
    }

    private static boolean isLoaded(String module) {
        try (Stream<String> lines = Files.lines(Path.of("/proc/modules"))) {
            return lines.anyMatch(line -> line.startsWith(module + " "));
        } catch (IOException e) {
            // A kernel without modules.
            return false;
        }
    }

    private static void module(String name, boolean goes) throws EnvironmentException {
        Commands.Result result = Commands.run(goes ? "rmmod" : "modprobe", name);
        if (!result.isOk()) {
            throw new EnvironmentException(List.of((goes ? "cannot unload" : "cannot load") + " kernel module " + name
                    + ": " + result.output().strip().replaceAll("\\s*\\R\\s*", " ")));
        }
    }

    private static boolean hasGuePort(String port, String family) {
        Pattern line = Pattern.compile("port " + port + " .*gue.*");
        Commands.Result result = Commands.run("ip", family.equals("ipv6") ? "-6" : "-4", "fou", "show");
        return result.isOk()
                && result.output().lines().anyMatch(text -> line.matcher(text).matches());
    }

    /** {@code 10.0.0.100/32}: an address alone. */
    static String alone(IpAddress address) {
        return address + (address.family() == AddressFamily.INET ? "/32" : "/128");
    }
}
