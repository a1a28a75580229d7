package dev.sluice.bench.net;

import dev.sluice.testing.NetworkNamespace;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.ThreadLocalRandom;

/**
 * Client, director and real servers on one switch, each in a network namespace of its own, as DR has them: requests pass the
 * director, answers do not. Owned by one thread.
 */
final class WebTopology implements AutoCloseable {
    static final int PORT = 80;
    static final String VIP = "10.245.0.100";
    private static final String DIRECTOR = "10.245.0.2";
    private static final long DIRECTOR_MAC = 0x02_f5_00_00_00_02L;
    private static final String INTERFACE = "eth";
    private static final int MOST_REAL_SERVERS = 64;
    private static final int MOST_CLIENTS = 64;

    private final List<NetworkNamespace> namespaces = new ArrayList<>();
    /** Of its own, because the kernel names threads after it. */
    private final String directorInterface =
            String.format(Locale.ROOT, "web%04x", ThreadLocalRandom.current().nextInt(1 << 16));

    private final int clients;
    private final int realServers;
    private final NetworkNamespace wire;
    private final NetworkNamespace client;
    private final NetworkNamespace director;
    private final List<NetworkNamespace> servers = new ArrayList<>();

    /**
     * Builds it. What was built until an error is taken down again.
     *
     * @param clients addresses of the client: each has 64,000 ports
     * @param realServers how many
     */
    WebTopology(int clients, int realServers) {
        if (clients < 1 || clients > MOST_CLIENTS || realServers < 1 || realServers > MOST_REAL_SERVERS) {
            throw new IllegalArgumentException("--clients must be 1-" + MOST_CLIENTS + " and --servers 1-"
                    + MOST_REAL_SERVERS + ", not " + clients + " and " + realServers);
        }
        this.clients = clients;
        this.realServers = realServers;
        try {
            wire = add("wire");
            wire.run(words("ip link add br0 type bridge stp_state 0 forward_delay 0 mcast_snooping 0"));
            wire.run(words("ip link set br0 up"));
            client = add("client");
            director = add("director");
            plug(client, INTERFACE, "client");
            plug(director, directorInterface, "director");
            director.run(words("ip link set " + directorInterface + " address " + Topology.mac(DIRECTOR_MAC)));
            address(director, directorInterface, DIRECTOR + "/16");
            for (int number = 0; number < realServers; number++) {
                servers.add(realServer(number));
            }
            for (int number = 0; number < clients; number++) {
                address(client, INTERFACE, client(number) + "/16");
            }
            // As an answer to ARP would have it; nobody has the VIP here that answers.
            client.run(words("ip neighbour add " + VIP + " lladdr " + Topology.mac(DIRECTOR_MAC) + " nud permanent dev "
                    + INTERFACE));
            client.run("sysctl", "-qw", "net.ipv4.ip_local_port_range=1024 65535", "net.ipv4.tcp_tw_reuse=1");
        } catch (RuntimeException e) {
            close();
            throw e;
        }
    }

    private NetworkNamespace add(String label) {
        NetworkNamespace namespace = NetworkNamespace.create("sluice-bench-" + label);
        namespaces.add(namespace);
        namespace.run("sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1", "net.ipv6.conf.default.disable_ipv6=1");
        return namespace;
    }

    private void plug(NetworkNamespace host, String name, String port) {
        host.veth(name, wire, port);
        wire.run(words("ip link set " + port + " master br0"));
        // With NAPI, without which a veth takes nothing that an XDP program sends.
        wire.run("ethtool", "-K", port, "gro", "on");
    }

    private NetworkNamespace realServer(int number) {
        NetworkNamespace server = add("rs" + number);
        plug(server, INTERFACE, "rs" + number);
        // The VIP is its own, and ARP is not to say so.
        server.run("sysctl", "-qw", "net.ipv4.conf.all.arp_ignore=1", "net.ipv4.conf.all.arp_announce=2");
        server.run("sysctl", "-qw", "net.core.somaxconn=65535", "net.ipv4.tcp_max_syn_backlog=65535");
        address(server, INTERFACE, server(number) + "/16");
        address(server, "lo", VIP + "/32");
        return server;
    }

    private static void address(NetworkNamespace host, String name, String address) {
        host.run("ip", "address", "add", address, "dev", name);
    }

    static String[] words(String command) {
        return command.split(" ", -1);
    }

    int clients() {
        return clients;
    }

    int realServers() {
        return realServers;
    }

    /** An address of the client's, from 0. */
    String client(int number) {
        return "10.245.1." + (1 + number);
    }

    /** A real server's address, from 0. */
    String server(int number) {
        return "10.245.0." + (0x10 + number);
    }

    NetworkNamespace client() {
        return client;
    }

    NetworkNamespace director() {
        return director;
    }

    NetworkNamespace realServerNamespace(int number) {
        return servers.get(number);
    }

    String directorInterface() {
        return directorInterface;
    }

    /** Removes the namespaces with everything in them. */
    @Override
    public void close() {
        RuntimeException failure = null;
        for (NetworkNamespace namespace : namespaces.reversed()) {
            try {
                namespace.close();
            } catch (RuntimeException e) {
                failure = e;
            }
        }
        namespaces.clear();
        if (failure != null) {
            throw failure;
        }
    }
}
