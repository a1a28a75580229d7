package dev.sluice.control;

import dev.sluice.flow.FlowCopy;
import dev.sluice.flow.FlowTableReader;
import dev.sluice.flow.Translation;
import dev.sluice.packet.AddressFamily;
import dev.sluice.packet.IpAddress;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Goes through the connections, some slots at a time, for those that have local addresses which are leaving. A connection that
 * moves within its table meanwhile may be missed, so what counts is two rounds.
 *
 * <p>Owned by: control thread.
 */
final class LocalAddressScan {
    /** About a millisecond. */
    private static final int SLOTS = 1 << 16;

    private static final int ROUNDS = 2;

    private final List<FlowTableReader> tables;
    private final FlowCopy flow = new FlowCopy();
    private Set<IpAddress> held = new HashSet<>();
    private int round;
    private int table;
    private int slot;

    /** Which local addresses and ports are looked for. */
    @FunctionalInterface
    interface Wanted {
        boolean test(IpAddress address, int port);
    }

    LocalAddressScan(List<FlowTableReader> tables) {
        this.tables = List.copyOf(tables);
    }

    /** Begins anew: other addresses are looked for. */
    void restart() {
        round = 0;
        table = 0;
        slot = 0;
        held = new HashSet<>();
    }

    /**
     * Goes on a little.
     *
     * @param nowMs on the clock of the tables' owners
     * @return whether that was the end; {@link #held} has what was found, and the next call begins anew
     */
    boolean step(long nowMs, Wanted wanted) {
        int left = SLOTS;
        while (table < tables.size()) {
            FlowTableReader reader = tables.get(table);
            int end = (int) Math.min(reader.slots(), (long) slot + left);
            left -= end - slot;
            for (; slot < end; slot++) {
                look(reader, nowMs, wanted);
            }
            if (slot < reader.slots()) {
                return false;
            }
            table++;
            slot = 0;
        }
        table = 0;
        round++;
        return round == ROUNDS;
    }

    private void look(FlowTableReader reader, long nowMs, Wanted wanted) {
        if (reader.read(slot, nowMs, flow) == FlowTableReader.FOUND && flow.isTranslated()) {
            Translation translation = flow.translation();
            IpAddress local = new IpAddress(
                    translation.realInet6() ? AddressFamily.INET6 : AddressFamily.INET,
                    translation.localHigh(),
                    translation.localLow());
            if (wanted.test(local, translation.localPort())) {
                held.add(local);
            }
        }
    }

    /** What was found, when a step has come to the end. */
    Set<IpAddress> held() {
        return held;
    }
}
