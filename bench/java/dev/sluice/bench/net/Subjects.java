package dev.sluice.bench.net;

import dev.sluice.service.ForwardingMethod;
import java.util.List;

/** All that can be measured, by name. */
final class Subjects {
    private Subjects() {}

    /** Every subject, in the order in which they take turns. */
    static List<Subject> all(String javaOptions, List<String> loopOptions) {
        return List.of(
                new XskLoopSubject("c-loop", "dr", loopOptions),
                new XskLoopSubject("c-loop-mac", "mac", loopOptions),
                new TestpmdSubject(),
                new SluiceSubject(ForwardingMethod.DR, javaOptions),
                new SluiceSubject(ForwardingMethod.TUN, javaOptions),
                new KernelForwarding(),
                new IpvsSubject(ForwardingMethod.DR),
                new IpvsSubject(ForwardingMethod.TUN),
                new XdpTransmit());
    }

    /** Those named, in the order of {@link #all}. Throws {@link IllegalArgumentException} for a name that none has. */
    static List<Subject> named(List<String> names, String javaOptions, List<String> loopOptions) {
        List<Subject> all = all(javaOptions, loopOptions);
        List<String> known = all.stream().map(Subject::name).toList();
        for (String name : names) {
            if (!known.contains(name)) {
                throw new IllegalArgumentException(
                        "no subject \"" + name + "\"; there are " + String.join(", ", known));
            }
        }
        return all.stream().filter(subject -> names.contains(subject.name())).toList();
    }
}
