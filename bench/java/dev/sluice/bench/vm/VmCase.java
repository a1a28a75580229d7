package dev.sluice.bench.vm;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/** What can be measured in the virtual machine; {@code bench/vm/guest/cases} sets each of them up. */
enum VmCase {
    IP_FORWARD("ip-forward", "ip-forward", false, 12),
    IPVS_DR_MH("ipvs-dr-mh", "ipvs-dr-mh", false, 12),
    IPVS_DR_RR("ipvs-dr-rr", "ipvs-dr-rr", false, 12),
    IPVS_DR_MH_NEW("ipvs-dr-mh", "ipvs-dr-mh", true, 12),
    IPVS_DR_RR_NEW("ipvs-dr-rr", "ipvs-dr-rr", true, 12),
    IPVS_TUN_MH("ipvs-tun-mh", "ipvs-tun-mh", false, 12),
    IPVS_TUN_RR("ipvs-tun-rr", "ipvs-tun-rr", false, 12),
    IPVS_TUN_MH_NEW("ipvs-tun-mh", "ipvs-tun-mh", true, 12),
    C_LOOP_MAC("c-loop-mac", "c-loop-mac", false, 12),
    C_LOOP_DR("c-loop-dr", "c-loop-dr", false, 12),
    C_LOOP_DR_NEW("c-loop-dr", "c-loop-dr", true, 12),
    SLUICE_DR("sluice-dr", "sluice-dr", false, 320),
    SLUICE_DR_NEW("sluice-dr", "sluice-dr", true, 320),
    SLUICE_TUN("sluice-tun", "sluice-tun", false, 320),
    SLUICE_TUN_NEW("sluice-tun", "sluice-tun", true, 320);

    /** Of which source ports and addresses make a new flow of every packet, for as long as a case lasts. */
    static final int NEW_FLOWS = 1 << 22;

    static final int ESTABLISHED_FLOWS = 256;

    private final String subject;
    private final String setup;
    private final boolean newFlows;
    private final int windows;

    VmCase(String subject, String setup, boolean newFlows, int windows) {
        this.subject = subject;
        this.setup = setup;
        this.newFlows = newFlows;
        this.windows = windows;
    }

    /** As on the command line: {@code ipvs-dr-mh-new}. */
    String caseName() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    /** The forwarder, as in reports. */
    String subject() {
        return subject;
    }

    /** Its name in {@code bench/vm/guest/cases}. */
    String setup() {
        return setup;
    }

    /** Whether every packet opens a flow. */
    boolean newFlows() {
        return newFlows;
    }

    /** Windows at the most; the JVM takes many to compile what it runs, and flows must fit the director's table. */
    int windows() {
        return windows;
    }

    /** Whether it needs a JVM. */
    boolean isJava() {
        return subject.startsWith("sluice");
    }

    /** Throws {@link IllegalArgumentException} for a name that is none. */
    static VmCase of(String name) {
        List<VmCase> all = Arrays.asList(values());
        return all.stream()
                .filter(each -> each.caseName().equals(name))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("there is no case \"" + name + "\"; there are "
                        + String.join(", ", all.stream().map(VmCase::caseName).toList())));
    }
}
