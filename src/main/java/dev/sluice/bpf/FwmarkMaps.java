package dev.sluice.bpf;

import dev.sluice.ffi.CallState;
import dev.sluice.ffi.LibBpf;
import dev.sluice.ffi.LibC;
import dev.sluice.ffi.NativeException;
import dev.sluice.ffi.generated.Native;
import dev.sluice.packet.AddressFamily;
import dev.sluice.packet.IpAddress;
import dev.sluice.packet.IpPrefix;
import dev.sluice.service.FwmarkKey;
import dev.sluice.service.FwmarkRule;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;

/**
 * The maps of {@code bpf/fwmark.h}: the rules, exchanged as a whole, and the gate before them, a trie of their
 * destinations.
 *
 * <p>Owned by: control. Failures of the kernel are {@link NativeException}s.
 */
final class FwmarkMaps implements AutoCloseable {
    private static final int RULE_BYTES = 72;
    private static final int PREFIX_BYTES = 24;
    /** While rules are exchanged the old destinations and the new ones are there. */
    private static final int MAX_PREFIXES = 2 * SteeringMaps.MAX_FWMARK_RULES;

    private static final int FAMILY_BITS = 32;
    private static final int ADDRESS_BITS = 128;
    private static final ValueLayout.OfInt INT_BE = ValueLayout.JAVA_INT.withOrder(ByteOrder.BIG_ENDIAN);

    private final int rulesFd;
    private final int gateFd;
    private Set<IpPrefix> gate = new HashSet<>();

    private FwmarkMaps(int rulesFd, int gateFd) {
        this.rulesFd = rulesFd;
        this.gateFd = gateFd;
    }

    static FwmarkMaps create() {
        int model = createRules(1);
        int rules = -1;
        try {
            rules = LibBpf.mapOfMapsCreate("fwmark_rules", 1, model);
            int gate = LibBpf.mapCreate(
                    Native.BPF_MAP_TYPE_LPM_TRIE(),
                    "fwmark_gate",
                    PREFIX_BYTES,
                    Integer.BYTES,
                    MAX_PREFIXES,
                    Native.BPF_F_NO_PREALLOC());
            return new FwmarkMaps(rules, gate);
        } catch (NativeException e) {
            if (rules >= 0) {
                LibC.close(CallState.current(), rules);
            }
            throw e;
        } finally {
            LibC.close(CallState.current(), model);
        }
    }

    private static int createRules(int count) {
        return LibBpf.mapCreate(
                Native.BPF_MAP_TYPE_ARRAY(),
                "fwmark_rule_set",
                Integer.BYTES,
                RULE_BYTES,
                Math.max(1, count),
                Native.BPF_F_INNER_MAP());
    }

    /** As {@link SteeringMaps#setFwmarkRules(List, Predicate)}. */
    void set(List<FwmarkRule> rules, Predicate<FwmarkKey> served) {
        Set<IpPrefix> destinations = new HashSet<>();
        rules.forEach(rule -> destinations.add(rule.destination()));
        int set = createRules(rules.size());
        try (Arena arena = Arena.ofConfined()) {
            for (int i = 0; i < rules.size(); i++) {
                FwmarkRule rule = rules.get(i);
                int result = LibBpf.mapUpdate(
                        set, arena.allocateFrom(ValueLayout.JAVA_INT, i), bytes(rule, served.test(rule.key()), arena));
                NativeException.check(result, "bpf_map_update_elem(fwmark_rule_set, " + i + ")");
            }
            // The gate is open for both sets of rules while one takes the other's place.
            for (IpPrefix prefix : destinations) {
                if (gate.add(prefix)) {
                    int result =
                            LibBpf.mapUpdate(gateFd, bytes(prefix, arena), arena.allocateFrom(ValueLayout.JAVA_INT, 0));
                    NativeException.check(result, "bpf_map_update_elem(fwmark_gate, " + prefix + ")");
                }
            }
            int result = LibBpf.mapUpdate(
                    rulesFd,
                    arena.allocateFrom(ValueLayout.JAVA_INT, 0),
                    arena.allocateFrom(ValueLayout.JAVA_INT, set));
            NativeException.check(result, "bpf_map_update_elem(fwmark_rules)");
            for (IpPrefix prefix : gate) {
                if (!destinations.contains(prefix)) {
                    int deleted = LibBpf.mapDelete(gateFd, bytes(prefix, arena));
                    NativeException.check(deleted, "bpf_map_delete_elem(fwmark_gate, " + prefix + ")");
                }
            }
            gate = destinations;
        } finally {
            // The outer map holds it from now on.
            LibC.close(CallState.current(), set);
        }
    }

    /** {@code struct fwmark_rule}. */
    private static MemorySegment bytes(FwmarkRule rule, boolean served, Arena arena) {
        MemorySegment bytes = arena.allocate(RULE_BYTES, 4);
        setPrefix(bytes, 0, rule.destination());
        IpPrefix source = rule.source();
        if (source != null) {
            setPrefix(bytes, 32, source);
        }
        bytes.set(ValueLayout.JAVA_SHORT, 64, (short) rule.firstPort());
        bytes.set(ValueLayout.JAVA_SHORT, 66, (short) rule.lastPort());
        bytes.set(
                ValueLayout.JAVA_BYTE, 68, (byte) SteeringKey.family(rule.key().family()));
        bytes.set(ValueLayout.JAVA_BYTE, 69, (byte)
                (rule.protocol() == null ? 0 : rule.protocol().number()));
        bytes.set(ValueLayout.JAVA_BYTE, 70, (byte) (served ? 1 : 0));
        return bytes;
    }

    /** Address, then mask. */
    private static void setPrefix(MemorySegment bytes, long offset, IpPrefix prefix) {
        AddressFamily family = prefix.address().family();
        SteeringKey.setAddress(bytes, offset, prefix.address());
        SteeringKey.setAddress(bytes, offset + 16, IpAddress.netmask(family, prefix.length()));
    }

    /** {@code struct fwmark_prefix}. */
    private static MemorySegment bytes(IpPrefix prefix, Arena arena) {
        AddressFamily family = prefix.address().family();
        MemorySegment bytes = arena.allocate(PREFIX_BYTES, 4);
        bytes.set(ValueLayout.JAVA_INT, 0, FAMILY_BITS + ADDRESS_BITS - family.addressBits() + prefix.length());
        bytes.set(INT_BE, 4, SteeringKey.family(family));
        SteeringKey.setAddress(bytes, 8, prefix.address());
        return bytes;
    }

    int rulesFd() {
        return rulesFd;
    }

    int gateFd() {
        return gateFd;
    }

    @Override
    public void close() {
        LibC.close(CallState.current(), rulesFd);
        LibC.close(CallState.current(), gateFd);
    }
}
