package dev.sluice.flow;

import dev.sluice.packet.PacketView;
import dev.sluice.packet.Transport;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Random;

/** A process to be killed: it inserts and removes flows in a table in a file without end, or for a minute. */
final class FlowTableChurn {
    static final int MAX_FLOWS = 47;
    static final int LASTING = 12;
    static final int FLOWS = 60;

    private FlowTableChurn() {}

    /** A real server tells whose entry it is. */
    static int realServer(int client) {
        return 1000 + client;
    }

    public static void main(String[] arguments) throws IOException {
        try (FileChannel file = FileChannel.open(
                Path.of(arguments[0]), StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            FlowTable table = new FlowTable(
                    MAX_FLOWS,
                    2000,
                    FlowTableImage.format(
                            file.map(
                                    FileChannel.MapMode.READ_WRITE, 0, FlowTableImage.bytes(MAX_FLOWS), Arena.ofAuto()),
                            Flows.BOOT,
                            Flows.HASHER),
                    Arena.ofAuto());
            PacketView[] packets = new PacketView[FLOWS];
            for (int client = 0; client < FLOWS; client++) {
                packets[client] = Flows.packet(client, Transport.ACK);
            }
            for (int client = 0; client < LASTING; client++) {
                Flows.open(table, packets[client], realServer(client), 0);
            }
            System.out.println("running");
            System.out.flush();
            Random random = new Random(1);
            long endNs = System.nanoTime() + 60_000_000_000L;
            while (System.nanoTime() - endNs < 0) {
                int client = LASTING + random.nextInt(FLOWS - LASTING);
                int slot = table.find(packets[client], Flows.HASHER.hash(packets[client]), 0);
                if (slot != FlowTable.NOT_FOUND) {
                    table.remove(slot);
                } else if (!table.isFull()) {
                    Flows.open(table, packets[client], realServer(client), 0);
                }
            }
        }
    }
}
