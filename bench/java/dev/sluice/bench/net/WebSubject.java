package dev.sluice.bench.net;

import dev.sluice.service.ForwardingMethod;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/** What stands between the client and the real servers of a {@link WebTopology}. */
sealed interface WebSubject {
    /** As named in reports. */
    String name();

    /** Why it cannot run here and what would help, empty when it can. */
    Optional<String> missing();

    /** The command that it runs by, for somebody else to repeat. */
    String command(WebTopology topology, Path folder);

    /** Which address the client with this number asks. */
    String address(WebTopology topology, int client);

    /** Starts it. */
    Subject.Running start(WebTopology topology, Path folder) throws IOException;

    /** Nobody: the ceiling. */
    record Direct() implements WebSubject {
        @Override
        public String name() {
            return "direct";
        }

        @Override
        public Optional<String> missing() {
            return Optional.empty();
        }

        @Override
        public String command(WebTopology topology, Path folder) {
            return "nothing: the client asks the real servers";
        }

        @Override
        public String address(WebTopology topology, int client) {
            return topology.server(client % topology.realServers());
        }

        @Override
        public Subject.Running start(WebTopology topology, Path folder) {
            return undo(() -> {});
        }
    }

    /**
     * The director, by DR.
     *
     * @param cpu its worker's
     */
    record Director(int cpu, String idle) implements WebSubject {
        private static final Duration START = Duration.ofSeconds(30);

        @Override
        public String name() {
            return "sluice-dr";
        }

        @Override
        public Optional<String> missing() {
            return new SluiceSubject(ForwardingMethod.DR, "").missing();
        }

        /** Its admin socket. */
        static Path socket(Path folder) {
            return folder.resolve("web.sock");
        }

        @Override
        public String command(WebTopology topology, Path folder) {
            return "target/sluice/bin/sluice run --release --config web.toml, with\n" + config(topology, folder);
        }

        @Override
        public String address(WebTopology topology, int client) {
            return WebTopology.VIP;
        }

        private String config(WebTopology topology, Path folder) {
            StringBuilder text = new StringBuilder(String.format(
                    Locale.ROOT,
                    """
                    [director]
                    interfaces = ["%s"]
                    socket = "%s"
                    cpus = [%d]
                    idle = "%s"

                    [[service]]
                    protocol = "tcp"
                    address = "%s:%d"
                    scheduler = "rr"
                    """,
                    topology.directorInterface(),
                    socket(folder),
                    cpu,
                    idle,
                    WebTopology.VIP,
                    WebTopology.PORT));
            for (int number = 0; number < topology.realServers(); number++) {
                text.append("  [[service.real]]\n  address = \"")
                        .append(topology.server(number))
                        .append("\"\n  method = \"dr\"\n");
            }
            return text.toString();
        }

        @Override
        public Subject.Running start(WebTopology topology, Path folder) throws IOException {
            Path file = folder.resolve("web.toml");
            Files.writeString(file, config(topology, folder));
            SubjectProcess process = SubjectProcess.start(
                    name(),
                    topology.director(),
                    folder.resolve("web.log"),
                    Map.of(),
                    List.of(
                            Path.of(System.getProperty("sluice.basedir", "."), "target/sluice/bin/sluice")
                                    .toAbsolutePath()
                                    .normalize()
                                    .toString(),
                            "run",
                            "--release",
                            "--config",
                            file.toString()));
            process.await(SluiceSubject.READY, START);
            return process;
        }
    }

    /**
     * The kernel's own director, by DR, in a NAPI thread.
     *
     * @param cpu that thread's
     */
    record Ipvs(int cpu) implements WebSubject {
        @Override
        public String name() {
            return "ipvs-dr";
        }

        @Override
        public Optional<String> missing() {
            return new IpvsSubject(ForwardingMethod.DR).missing();
        }

        @Override
        public String command(WebTopology topology, Path folder) {
            return String.join("; ", commands(topology));
        }

        private static List<String> commands(WebTopology topology) {
            String service = "-t " + WebTopology.VIP + ":" + WebTopology.PORT;
            List<String> commands = new ArrayList<>(List.of(
                    "ethtool -K " + topology.directorInterface() + " gro on",
                    "sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.all.send_redirects=0"
                            + " net.ipv4.conf." + topology.directorInterface() + ".send_redirects=0",
                    "ip address add " + WebTopology.VIP + "/32 dev lo",
                    "ipvsadm -A " + service + " -s rr"));
            for (int number = 0; number < topology.realServers(); number++) {
                commands.add("ipvsadm -a " + service + " -r " + topology.server(number) + " -g");
            }
            return commands;
        }

        @Override
        public String address(WebTopology topology, int client) {
            return WebTopology.VIP;
        }

        @Override
        public Subject.Running start(WebTopology topology, Path folder) {
            commands(topology).forEach(command -> topology.director().run(WebTopology.words(command)));
            ReceiveThread thread = new ReceiveThread(topology.director(), topology.directorInterface(), List.of(cpu));
            return undo(() -> {
                thread.close();
                topology.director().run("ipvsadm", "-C");
                topology.director().run("ip", "address", "del", WebTopology.VIP + "/32", "dev", "lo");
                topology.director().run("sysctl", "-qw", "net.ipv4.ip_forward=0");
                topology.director().run("ethtool", "-K", topology.directorInterface(), "gro", "off");
            });
        }
    }

    private static Subject.Running undo(Runnable undo) {
        return new Subject.Running() {
            @Override
            public void check() {}

            @Override
            public void close() {
                undo.run();
            }
        };
    }
}
