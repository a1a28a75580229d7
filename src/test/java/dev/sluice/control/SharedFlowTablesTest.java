package dev.sluice.control;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.sluice.bench.PacketBuilder;
import dev.sluice.control.KnownIds.Place;
import dev.sluice.control.preflight.EnvironmentException;
import dev.sluice.flow.FlowHasher;
import dev.sluice.flow.FlowTable;
import dev.sluice.flow.FlowTableImage.Recovery;
import dev.sluice.flow.PersistenceTable;
import dev.sluice.forward.ForwardingSnapshot;
import dev.sluice.packet.AddressFamily;
import dev.sluice.packet.IpAddress;
import dev.sluice.packet.PacketParser;
import dev.sluice.packet.PacketView;
import dev.sluice.packet.Transport;
import dev.sluice.schedule.HashKey;
import dev.sluice.service.AddressKey;
import dev.sluice.service.FwmarkKey;
import dev.sluice.service.Protocol;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SharedFlowTablesTest {
    private static final FlowHasher HASHER = new FlowHasher(new HashKey(1, 2));
    private static final AddressKey HTTP = new AddressKey(Protocol.TCP, IpAddress.parse("203.0.113.1"), 80);
    private static final KnownIds IDS = new KnownIds(
            Map.of(HTTP, 0, new FwmarkKey(AddressFamily.INET6, -1), 1),
            Map.of(
                    new Place(HTTP, IpAddress.parse("192.0.2.1"), 80), 0,
                    new Place(HTTP, IpAddress.parse("192.0.2.2"), 80), 1,
                    new Place(new FwmarkKey(AddressFamily.INET6, -1), IpAddress.parse("2001:db8::1"), 0), 7));
    private static final int SIZE = 1024;

    @TempDir
    private Path temporary;

    private Path directory;

    @BeforeEach
    void nameTheDirectory() {
        directory = temporary.resolve("tables");
    }

    private static PacketView packet(int client) {
        byte[] frame = PacketBuilder.tcp(IpAddress.ofInet(0x0a000000 + client), 1000, HTTP.address(), 80)
                .tcpFlags(Transport.ACK)
                .build();
        PacketView view = new PacketView();
        assertEquals(PacketParser.OK, PacketParser.parse(MemorySegment.ofArray(frame), 0, frame.length, view));
        return view;
    }

    private static long nowMs() {
        return System.nanoTime() / 1_000_000;
    }

    private static FlowTable table(SharedFlowTables tables, int queue) throws EnvironmentException {
        return new FlowTable(
                SIZE, ForwardingSnapshot.MAX_REAL_SERVERS, tables.create(queue, SIZE, HASHER), Arena.ofAuto());
    }

    private static void open(FlowTable table, int client, int realServer) {
        PacketView packet = packet(client);
        table.touch(table.insert(packet, HASHER.hash(packet), realServer, 0, nowMs()), packet, nowMs());
    }

    private List<String> files() throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        }
    }

    @Test
    void templatesLiveThroughRestarts() throws Exception {
        HashKey key = new HashKey(1, 2);
        for (int start = 0; start < 3; start++) {
            try (SharedFlowTables tables = SharedFlowTables.open(directory)) {
                tables.ids().save(IDS);
                // As large as the one before or not, and a table of connections beside it.
                PersistenceTable templates = new PersistenceTable(
                        ForwardingSnapshot.MAX_REAL_SERVERS, key, tables.createTemplates(100 << start));
                assertEquals(start == 0 ? 0 : 2, tables.recoverTemplates(templates));
                table(tables, 0);
                if (start == 0) {
                    templates.create(templates.hash(0, 0, 7), 0, 0, 7, 1, 60_000, nowMs());
                    templates.create(templates.hash(1, 5, 7), 1, 5, 7, 7, 60_000, nowMs());
                    templates.create(templates.hash(0, 0, 8), 0, 0, 8, 99, 60_000, nowMs());
                }
                long found = templates.find(templates.hash(1, 5, 7), 1, 5, 7);
                assertEquals(7, templates.realServer(found));
                assertEquals(start == 0 ? 3 : 2, templates.size());
            }
        }
        assertTrue(files().contains("templates.3"), files()::toString);
        assertEquals(
                1, files().stream().filter(name -> name.startsWith("templates")).count());
    }

    /** Four queues, then three, then one: every connection is found in the table of the worker its queue falls to. */
    @Test
    void connectionsLiveThroughRestartsWithOtherNumbersOfQueues() throws Exception {
        int[] queues = {4, 3, 1, 2};
        int clients = 40;
        for (int start = 0; start < queues.length; start++) {
            try (SharedFlowTables tables = SharedFlowTables.open(directory)) {
                assertEquals(start == 0 ? KnownIds.NONE : IDS, tables.knownIds());
                tables.ids().save(IDS);
                long adopted = 0;
                for (int queue = 0; queue < queues[start]; queue++) {
                    FlowTable table = table(tables, queue);
                    adopted +=
                            tables.recover(queue, queues[start], table, HASHER).adopted();
                    if (start == 0) {
                        for (int client = queue; client < clients; client += 4) {
                            open(table, client, client % 2);
                        }
                    } else {
                        for (int client = 0; client < clients; client++) {
                            PacketView packet = packet(client);
                            int slot = table.find(packet, HASHER.hash(packet), nowMs());
                            if (slot != FlowTable.NOT_FOUND) {
                                assertEquals(client % 2, table.realServer(slot));
                            }
                        }
                    }
                }
                assertEquals(start == 0 ? 0 : clients, adopted);
            }
        }
        assertEquals(List.of("flows-0.4", "flows-1.4", "ids", "lock"), files());
    }

    @Test
    void aStartThatWasKilledHalfWayLosesNothing() throws Exception {
        try (SharedFlowTables tables = SharedFlowTables.open(directory)) {
            tables.ids().save(IDS);
            FlowTable table = table(tables, 0);
            for (int client = 0; client < 10; client++) {
                open(table, client, client % 2);
            }
        }
        try (SharedFlowTables tables = SharedFlowTables.open(directory)) {
            // Dies when it has carried over some of them.
            open(table(tables, 0), 3, 1);
        }
        try (SharedFlowTables tables = SharedFlowTables.open(directory)) {
            FlowTable table = table(tables, 0);
            assertEquals(new Recovery(10, 0, 0, 1, 0), tables.recover(0, 1, table, HASHER));
        }
        assertEquals(List.of("flows-0.3", "ids", "lock"), files());
    }

    @Test
    void connectionsOfUnknownRealServersAreLeftBehind() throws Exception {
        try (SharedFlowTables tables = SharedFlowTables.open(directory)) {
            tables.ids().save(IDS);
            FlowTable table = table(tables, 0);
            open(table, 1, 7);
            open(table, 2, 6);
        }
        try (SharedFlowTables tables = SharedFlowTables.open(directory)) {
            assertEquals(new Recovery(1, 0, 1, 0, 0), tables.recover(0, 1, table(tables, 0), HASHER));
        }
    }

    @Test
    void nobodyElseCanReadAnyOfIt() throws Exception {
        try (SharedFlowTables tables = SharedFlowTables.open(directory)) {
            tables.ids().save(IDS);
            table(tables, 0);
        }
        assertEquals("rwx------", PosixFilePermissions.toString(Files.getPosixFilePermissions(directory)));
        for (String file : files()) {
            assertEquals(
                    "rw-------",
                    PosixFilePermissions.toString(Files.getPosixFilePermissions(directory.resolve(file))),
                    file);
        }
        assertEquals(List.of("flows-0.1", "ids", "lock"), files());
    }

    private String refusal() {
        String message = String.valueOf(assertThrows(
                        EnvironmentException.class,
                        () -> SharedFlowTables.open(directory).close())
                .getMessage());
        assertEquals(1, message.lines().count(), message);
        assertTrue(message.startsWith("flow_table_directory = \"" + directory + "\": "), message);
        return message.substring(message.indexOf("\": ") + 3);
    }

    @Test
    void twoDirectorsCannotShareADirectory() throws Exception {
        try (SharedFlowTables first = SharedFlowTables.open(directory)) {
            assertEquals("another director uses it; each needs a directory of its own", refusal());
            assertEquals(KnownIds.NONE, first.knownIds());
        }
        SharedFlowTables.open(directory).close();
    }

    @Test
    void whatIsNoDirectoryOfOnesOwnIsRefused() throws Exception {
        Files.createFile(directory);
        assertEquals("is no directory", refusal());
        Files.delete(directory);

        Files.createSymbolicLink(directory, temporary);
        assertEquals("is no directory", refusal());
        Files.delete(directory);

        Files.createDirectory(directory);
        Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwxr-x---"));
        assertEquals("is open to others, with mode rwxr-x---; allowed: rwx------", refusal());
        Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwx------"));

        Files.writeString(directory.resolve("ids"), "sluice ids 1\nreal one tcp 203.0.113.1 80 192.0.2.1 80\n");
        assertEquals(
                directory + "/ids: \"real one tcp 203.0.113.1 80 192.0.2.1 80\" is no line of it: For input string:"
                        + " \"one\"",
                refusal());
        Files.writeString(directory.resolve("ids"), "something else\n");
        assertEquals(directory + "/ids does not begin with \"sluice ids 1\"", refusal());

        directory = temporary.resolve("missing").resolve("tables");
        assertEquals(directory + ": no such file or directory", refusal());
    }

    @Test
    void filesOfAnotherUserAreRefused() throws Exception {
        assumeTrue(Files.getAttribute(temporary, "unix:uid").equals(0), "only root can give files away");
        SharedFlowTables.open(directory).close();
        for (Path path : List.of(directory.resolve("lock"), directory)) {
            Files.setAttribute(path, "unix:uid", 4711);
            assertEquals(path + " belongs to user 4711, and the director runs as user 0", refusal());
            Files.setAttribute(path, "unix:uid", 0);
        }
        Path planted = Files.createFile(directory.resolve("flows-0.1"));
        Files.setAttribute(planted, "unix:uid", 4711);
        assertEquals(planted + " belongs to user 4711, and the director runs as user 0", refusal());
    }

    @Test
    void whatIsNoTableIsNotTakenForOne() throws Exception {
        SharedFlowTables.open(directory).close();
        Files.write(directory.resolve("flows-0.1"), new byte[100]);
        Files.write(directory.resolve("flows-1.5"), new byte[0]);
        try (SharedFlowTables tables = SharedFlowTables.open(directory)) {
            assertEquals(Recovery.NONE, tables.recover(0, 1, table(tables, 0), HASHER));
        }
        assertEquals(List.of("flows-0.6", "lock"), files());
    }
}
