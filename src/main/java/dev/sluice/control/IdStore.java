package dev.sluice.control;

import dev.sluice.control.KnownIds.Place;
import dev.sluice.forward.ForwardingSnapshot;
import dev.sluice.packet.AddressFamily;
import dev.sluice.packet.IpAddress;
import dev.sluice.service.AddressKey;
import dev.sluice.service.FwmarkKey;
import dev.sluice.service.Protocol;
import dev.sluice.service.ServiceKey;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Keeps {@link KnownIds} in a file, because entries of connection tables in shared memory hold ids: they must mean the same
 * to the next director. A file is replaced as a whole, so that a reader meets the old one or the new one.
 *
 * <p>A line an id, {@code service 0 tcp 203.0.113.1 80} or {@code real 3 fwmark inet 1 192.0.2.1 80}, after a line that names
 * the format. Owned by: control thread.
 */
final class IdStore implements IdKeeper {
    private static final String HEADER = "sluice ids 1";

    private final Path file;
    private KnownIds saved = KnownIds.NONE;

    /** A store over a file, which need not be there. */
    IdStore(Path file) {
        this.file = file;
    }

    /**
     * What the file says; nothing when there is none.
     *
     * @throws IOException also when the file is not one that {@link #save} wrote, with a message fit for users
     */
    KnownIds load() throws IOException {
        List<String> lines;
        try {
            lines = Files.readAllLines(file);
        } catch (NoSuchFileException e) {
            return KnownIds.NONE;
        }
        if (lines.isEmpty() || !lines.getFirst().equals(HEADER)) {
            throw new IOException(file + " does not begin with \"" + HEADER + "\"");
        }
        Map<ServiceKey, Integer> services = new HashMap<>();
        Map<Place, Integer> realServers = new HashMap<>();
        for (String line : lines.subList(1, lines.size())) {
            String[] words = line.split(" ", -1);
            try {
                ServiceKey key = key(words);
                if (words[0].equals("service") && words.length == 5) {
                    services.put(key, id(words, ForwardingSnapshot.MAX_SERVICES));
                } else if (words[0].equals("real") && words.length == 7) {
                    Place place = new Place(key, IpAddress.parse(words[5]), Integer.parseInt(words[6]));
                    realServers.put(place, id(words, ForwardingSnapshot.MAX_REAL_SERVERS));
                } else {
                    throw new IllegalArgumentException("neither service nor real");
                }
            } catch (IllegalArgumentException e) {
                throw new IOException(file + ": \"" + line + "\" is no line of it: " + e.getMessage(), e);
            }
        }
        saved = new KnownIds(services, realServers);
        return saved;
    }

    /**
     * Replaces the file, before any worker learns a new id.
     *
     * @throws IOException when the file could not be written; the old one is still there
     */
    @Override
    public void save(KnownIds ids) throws IOException {
        if (ids.equals(saved)) {
            return;
        }
        List<String> lines = new ArrayList<>();
        ids.services().forEach((key, id) -> lines.add("service " + id + " " + text(key)));
        ids.realServers()
                .forEach((place, id) -> lines.add(
                        "real " + id + " " + text(place.service()) + " " + place.address() + " " + place.port()));
        Collections.sort(lines);
        lines.addFirst(HEADER);
        Path fresh = file.resolveSibling(file.getFileName() + ".new");
        Files.deleteIfExists(fresh);
        Files.createFile(fresh, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
        Files.write(fresh, lines, StandardCharsets.UTF_8);
        Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE);
        saved = ids;
    }

    private static int id(String[] words, int limit) {
        int id = Integer.parseInt(words[1]);
        if (id < 0 || id >= limit) {
            throw new IllegalArgumentException("id " + id + " is outside 0-" + (limit - 1));
        }
        return id;
    }

    private static String text(ServiceKey key) {
        return switch (key) {
            case AddressKey address ->
                address.protocol().name().toLowerCase(Locale.ROOT) + " " + address.address() + " " + address.port();
            case FwmarkKey mark ->
                "fwmark " + mark.family().name().toLowerCase(Locale.ROOT) + " " + Integer.toUnsignedString(mark.mark());
        };
    }

    private static ServiceKey key(String[] words) {
        if (words.length < 5) {
            throw new IllegalArgumentException("too short");
        }
        return words[2].equals("fwmark")
                ? new FwmarkKey(
                        AddressFamily.valueOf(words[3].toUpperCase(Locale.ROOT)), Integer.parseUnsignedInt(words[4]))
                : new AddressKey(
                        Protocol.valueOf(words[2].toUpperCase(Locale.ROOT)),
                        IpAddress.parse(words[3]),
                        Integer.parseInt(words[4]));
    }
}
