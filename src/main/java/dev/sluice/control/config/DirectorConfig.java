package dev.sluice.control.config;

import dev.sluice.forward.PacketPolicy;
import dev.sluice.service.LocalPool;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * The table {@code [director]}. Every default, unit and range stands in {@code docs/configuration.md}.
 *
 * @param interfaces the interfaces the workers serve, in file order: the number of a worker's port is the index here
 * @param socket the admin socket
 * @param socketAccess who may open it
 * @param queues how many queues, and so workers; empty: as many as every interface has
 * @param cpus which CPU each worker is pinned to
 * @param idle what a worker does when there are no packets
 * @param xdpMode where the steering program is attached
 * @param bindMode whether frames are copied between kernel and UMEM
 * @param hugePages whether the UMEM lies on huge pages
 * @param frameSizeBytes size of a UMEM frame, 2048 or 4096
 * @param frames UMEM frames of each worker
 * @param rings descriptors of the rings of each socket
 * @param batchSize packets a worker takes from an RX ring at a time
 * @param flowTableSize connections that each worker's table has room for
 * @param flowTableShared whether the tables lie in files that the next director can take over
 * @param flowTableDirectory where those files are
 * @param connections how connections are remembered and forgotten
 * @param packets what is done to packets on their way through
 * @param tunnel outer headers of encapsulated packets
 * @param fullnat local addresses of connections that are translated on both sides
 * @param snat the source of connections that real servers open themselves
 * @param maglevTableSize entries of each service's Maglev table, a prime
 * @param mhTableSize slots of each service's {@code mh} table, a prime of the kernel's
 * @param hashKey the secret of the flow hash; empty: {@link HashKey#ofMachine}
 * @param busyPoll busy polling of the sockets
 * @param withoutDirector what happens to packets for services while no director is there
 * @param log what is said on standard error
 * @param warmUpMs how long the datapath is exercised with made-up packets before the first real one, 0 for not at all
 * @param http metrics and the stats page
 */
public record DirectorConfig(
        List<String> interfaces,
        Path socket,
        SocketAccess socketAccess,
        OptionalInt queues,
        CpuPinning cpus,
        IdleMode idle,
        XdpMode xdpMode,
        BindMode bindMode,
        HugePages hugePages,
        int frameSizeBytes,
        int frames,
        RingSizes rings,
        int batchSize,
        int flowTableSize,
        boolean flowTableShared,
        Path flowTableDirectory,
        ConnectionConfig connections,
        PacketConfig packets,
        TunnelConfig tunnel,
        FullnatConfig fullnat,
        SourceNatConfig snat,
        int maglevTableSize,
        int mhTableSize,
        Optional<HashKey> hashKey,
        BusyPollConfig busyPoll,
        WithoutDirector withoutDirector,
        LogConfig log,
        int warmUpMs,
        HttpConfig http) {
    /** Where the admin socket is when the file does not say. */
    public static final Path DEFAULT_SOCKET = Path.of("/run/sluice/sluice.sock");

    /** Where shared flow tables are when the file does not say: in memory, but with names. */
    public static final Path DEFAULT_FLOW_TABLE_DIRECTORY = Path.of("/dev/shm/sluice");

    /** The longest timeout, a week. The datapath's 32-bit milliseconds reach three times as far. */
    public static final int MAX_TIMEOUT_S = 604_800;

    /** The longest path of a Unix socket: {@code sun_path} of linux/un.h without its terminating zero. */
    public static final int MAX_SOCKET_PATH_BYTES = 107;

    /** Copies the list. */
    public DirectorConfig {
        interfaces = List.copyOf(interfaces);
    }

    /** The bytes of one worker's UMEM. */
    public long umemBytes() {
        return (long) frames * frameSizeBytes;
    }

    /** Whether the director answers echo requests to a VIP, which are steered to it for that. */
    public boolean icmpEcho() {
        return packets.icmpEcho() == EchoMode.DIRECTOR;
    }

    /** What workers are to do to packets. */
    public PacketPolicy packetPolicy() {
        return new PacketPolicy(
                packets.ttl() == TtlMode.KEEP,
                icmpEcho(),
                packets.icmpRateLimit(),
                tunnel.ttl(),
                tunnel.pmtuDisc(),
                tunnel.fragment() == FragmentMode.INNER,
                fullnat.toaIpv6Kind());
    }

    DirectorConfig withSocket(Path otherSocket) {
        return with(otherSocket, fullnat, log);
    }

    /** The same with another pool of local addresses, which can change while the director runs. */
    public DirectorConfig withLocalPool(LocalPool pool) {
        return with(socket, FullnatConfig.of(pool, fullnat.toaIpv6Kind()), log);
    }

    /** The same with another log, which can change while the director runs. */
    public DirectorConfig withLog(LogConfig other) {
        return with(socket, fullnat, other);
    }

    private DirectorConfig with(Path otherSocket, FullnatConfig otherFullnat, LogConfig otherLog) {
        return new DirectorConfig(
                interfaces,
                otherSocket,
                socketAccess,
                queues,
                cpus,
                idle,
                xdpMode,
                bindMode,
                hugePages,
                frameSizeBytes,
                frames,
                rings,
                batchSize,
                flowTableSize,
                flowTableShared,
                flowTableDirectory,
                connections,
                packets,
                tunnel,
                otherFullnat,
                snat,
                maglevTableSize,
                mhTableSize,
                hashKey,
                busyPoll,
                withoutDirector,
                otherLog,
                warmUpMs,
                http);
    }
}
