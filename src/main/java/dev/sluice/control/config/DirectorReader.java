package dev.sluice.control.config;

import dev.sluice.control.config.TableReader.Element;
import dev.sluice.schedule.SchedulerParameters;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.Collectors;
import org.tomlj.TomlPosition;

/** Reads the table {@code [director]}: every key's default and range stands here, in the order of the documentation. */
final class DirectorReader {
    // IFNAMSIZ of linux/if.h counts the terminating zero.
    private static final int MAX_INTERFACE_NAME_BYTES = 15;
    private static final int MAX_QUEUES = 256;
    private static final int MAX_CPU = 8191;
    private static final int MIN_FRAMES = 256;
    private static final int MAX_FRAMES = 1 << 22;
    private static final int DEFAULT_FRAMES = 16384;
    private static final int MIN_RING = 64;
    private static final int MAX_RING = 32768;
    private static final int DEFAULT_RING = 2048;
    private static final int MAX_BATCH = 256;
    private static final int DEFAULT_BATCH = 64;
    private static final int MIN_FLOWS = 1024;
    private static final int MAX_FLOWS = 1 << 26;
    private static final int DEFAULT_FLOWS = 1 << 20;
    private static final int MIN_MAGLEV = 251;
    private static final int MAX_MAGLEV = 16_777_213;
    static final int DEFAULT_MAGLEV = 65537;
    private static final int MAX_BUSY_POLL_USECS = 100_000;
    private static final int DEFAULT_BUSY_POLL_USECS = 20;
    private static final int MAX_BUSY_POLL_BUDGET = 65535;
    private static final int DEFAULT_BUSY_POLL_BUDGET = 64;
    private static final int MAX_WARM_UP_MS = 60_000;
    private static final int DEFAULT_WARM_UP_MS = 0;

    // -1 stands for no group in chown(2).
    private static final long MAX_GROUP_ID = 0xffff_fffeL;

    private static final String INTERFACES = "a list of interface names, [\"eth1\"]";

    private final TableReader table;

    DirectorReader(TableReader table) {
        this.table = table;
    }

    DirectorConfig read() {
        List<String> interfaces = interfaces();
        Path socket = socket();
        SocketAccess socketAccess = new SocketAccess(socketMode(), socketGroup());
        OptionalInt queues = queues();
        CpuPinning cpus = cpus(queues);
        IdleMode idle = table.choice("idle", IdleMode.class, IdleMode::keyword, IdleMode.ADAPTIVE);
        XdpMode xdpMode = table.choice("xdp_mode", XdpMode.class, XdpMode::keyword, XdpMode.AUTO);
        BindMode bindMode = table.choice("bind_mode", BindMode.class, BindMode::keyword, BindMode.AUTO);
        HugePages hugePages = table.choice("hugepages", HugePages.class, HugePages::keyword, HugePages.AUTO);
        int frameSizeBytes = frameSizeBytes();
        int batchSize = table.integer("batch_size", 1, MAX_BATCH, DEFAULT_BATCH);
        RingSizes rings = rings(batchSize);
        int frames = frames(interfaces.size(), rings);
        int flowTableSize = table.integer("flow_table_size", MIN_FLOWS, MAX_FLOWS, DEFAULT_FLOWS);
        boolean flowTableShared = table.choice(
                        "flow_table_memory", FlowTableMemory.class, FlowTableMemory::keyword, FlowTableMemory.PRIVATE)
                == FlowTableMemory.SHARED;
        Path flowTableDirectory = flowTableDirectory();
        ConnectionConfig connections = new ConnectionReader(table).read();
        PacketReader packetReader = new PacketReader(table);
        PacketConfig packets = packetReader.read();
        int maglevTableSize = maglevTableSize();
        int mhTableSize = mhTableSize();
        Optional<HashKey> hashKey = hashKey();
        WithoutDirector withoutDirector =
                table.choice("without_director", WithoutDirector.class, WithoutDirector::keyword, WithoutDirector.DROP);
        TunnelConfig tunnel = packetReader.tunnel();
        FullnatConfig fullnat = FullnatReader.director(table);
        SourceNatConfig snat = SourceNatReader.read(table);
        BusyPollConfig busyPoll = busyPoll();
        LogConfig log = new LogConfig(
                table.choice("log_level", LogLevel.class, LogLevel::keyword, LogConfig.DEFAULT.logLevel()),
                table.choice("log_format", LogFormat.class, LogFormat::keyword, LogConfig.DEFAULT.logFormat()));
        int warmUpMs = table.integer("warm_up_ms", 0, MAX_WARM_UP_MS, DEFAULT_WARM_UP_MS);
        HttpConfig http = HttpReader.read(table);
        table.finish();
        return new DirectorConfig(
                interfaces,
                socket,
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
                fullnat,
                snat,
                maglevTableSize,
                mhTableSize,
                hashKey,
                busyPoll,
                withoutDirector,
                log,
                warmUpMs,
                http);
    }

    private List<String> interfaces() {
        if (!table.has("interfaces")) {
            table.missing("interfaces", INTERFACES);
            return List.of();
        }
        List<Element<String>> elements = table.list("interfaces", String.class, INTERFACES);
        if (elements.isEmpty() && table.sound("interfaces")) {
            table.wrong("interfaces", "names no interface", INTERFACES);
        }
        Map<String, TomlPosition> first = new HashMap<>();
        for (Element<String> element : elements) {
            String name = element.value();
            TomlPosition earlier = first.putIfAbsent(name, element.position());
            // The rules of dev_valid_name() in net/core/dev.c.
            if (name.getBytes(StandardCharsets.UTF_8).length > MAX_INTERFACE_NAME_BYTES) {
                table.wrongElement(
                        "interfaces",
                        element,
                        "is too long for an interface name",
                        "1-" + MAX_INTERFACE_NAME_BYTES + " bytes");
            } else if (!name.matches("[^\\s/:\\x00]+") || name.equals(".") || name.equals("..")) {
                table.wrongElement(
                        "interfaces",
                        element,
                        "is no interface name",
                        "1-" + MAX_INTERFACE_NAME_BYTES + " bytes without spaces, \"/\" and \":\"");
            } else if (earlier != null) {
                table.wrongElement(
                        "interfaces",
                        element,
                        "is already listed at line " + earlier.line() + ", column " + earlier.column(),
                        "each interface once");
            }
        }
        return elements.stream().map(Element::value).toList();
    }

    private Path socket() {
        String allowed = "an absolute path of 1-" + DirectorConfig.MAX_SOCKET_PATH_BYTES + " bytes";
        String value = table.text("socket", allowed);
        if (value == null) {
            return DirectorConfig.DEFAULT_SOCKET;
        }
        if (!value.startsWith("/") || value.indexOf('\0') >= 0) {
            table.wrong("socket", "is no absolute path", allowed);
        } else if (value.getBytes(StandardCharsets.UTF_8).length > DirectorConfig.MAX_SOCKET_PATH_BYTES) {
            table.wrong("socket", "is too long for a socket", allowed);
        } else {
            return Path.of(value);
        }
        return DirectorConfig.DEFAULT_SOCKET;
    }

    private int socketMode() {
        String allowed = "octal digits in quotes, the owner's 6 or 7 first: \"0600\", \"0660\", \"0666\"";
        String value = table.text("socket_mode", allowed);
        if (value == null) {
            return SocketAccess.OWNER.socketMode();
        }
        if (!value.matches("0?[67][0-7]{2}")) {
            table.wrong("socket_mode", "is no mode of a socket", allowed);
            return SocketAccess.OWNER.socketMode();
        }
        return Integer.parseInt(value, 8);
    }

    private Optional<String> socketGroup() {
        String allowed = "the name or number of a group";
        Object value = table.value("socket_group");
        if (value instanceof Long) {
            long id = table.number("socket_group", 0, MAX_GROUP_ID, 0, allowed);
            return Optional.of(Long.toString(id));
        }
        String name = table.text("socket_group", allowed);
        if (name != null && !name.matches("[A-Za-z0-9_][A-Za-z0-9_.-]{0,31}")) {
            table.wrong("socket_group", "is no name of a group", allowed);
            return Optional.empty();
        }
        return Optional.ofNullable(name);
    }

    private Path flowTableDirectory() {
        String allowed = "an absolute path";
        String value = table.text("flow_table_directory", allowed);
        if (value == null) {
            return DirectorConfig.DEFAULT_FLOW_TABLE_DIRECTORY;
        }
        if (!value.startsWith("/") || value.indexOf('\0') >= 0) {
            table.wrong("flow_table_directory", "is no absolute path", allowed);
            return DirectorConfig.DEFAULT_FLOW_TABLE_DIRECTORY;
        }
        return Path.of(value);
    }

    private OptionalInt queues() {
        String allowed = "an integer 1-" + MAX_QUEUES + ", or \"auto\"";
        Object value = table.value("queues");
        if (value == null || value.equals("auto")) {
            return OptionalInt.empty();
        }
        return OptionalInt.of(table.integer("queues", 1, MAX_QUEUES, 1, allowed));
    }

    private CpuPinning cpus(OptionalInt queues) {
        String allowed = "a list of CPU numbers, one for each queue, or \"auto\", or \"none\"";
        Object value = table.value("cpus");
        if (value == null || value.equals("auto")) {
            return new CpuPinning.Auto();
        }
        if (value.equals("none")) {
            return new CpuPinning.None();
        }
        List<Element<Long>> elements = table.list("cpus", Long.class, allowed);
        Map<Long, TomlPosition> first = new HashMap<>();
        for (Element<Long> element : elements) {
            long cpu = element.value();
            TomlPosition earlier = first.putIfAbsent(cpu, element.position());
            if (cpu < 0 || cpu > MAX_CPU) {
                table.wrongElement("cpus", element, "is out of range", "integers 0-" + MAX_CPU);
            } else if (earlier != null) {
                table.wrongElement(
                        "cpus", element, "is already listed at line " + earlier.line(), "each CPU once, or \"none\"");
            }
        }
        if (table.sound("cpus", "queues")) {
            if (elements.isEmpty()) {
                table.wrong("cpus", "names no CPU", allowed);
            } else if (queues.isPresent() && queues.getAsInt() != elements.size()) {
                table.wrong(
                        "cpus",
                        "lists " + elements.size() + (elements.size() == 1 ? " CPU" : " CPUs") + " while queues = "
                                + queues.getAsInt(),
                        "one CPU for each queue");
            }
        }
        return new CpuPinning.Fixed(
                elements.stream().map(element -> element.value().intValue()).toList());
    }

    private int frameSizeBytes() {
        int bytes = table.integer("frame_size", 2048, 4096, 2048, "2048, 4096");
        if (bytes != 2048 && bytes != 4096) {
            table.wrong("frame_size", "is no frame size of AF_XDP", "2048, 4096");
        }
        return bytes;
    }

    private RingSizes rings(int batchSize) {
        return new RingSizes(
                ring("rx_ring", batchSize),
                ring("tx_ring", batchSize),
                ring("fill_ring", batchSize),
                ring("completion_ring", batchSize));
    }

    private int ring(String key, int batchSize) {
        String allowed = "a power of two " + MIN_RING + "-" + MAX_RING;
        int descriptors = table.integer(key, MIN_RING, MAX_RING, DEFAULT_RING, allowed);
        if (Integer.bitCount(descriptors) != 1) {
            table.wrong(key, "is not a power of two", allowed);
        } else if (descriptors < batchSize && table.sound(key, "batch_size")) {
            table.wrong(key, "is smaller than batch_size = " + batchSize, "at least batch_size");
        }
        return descriptors;
    }

    /** The pool must be able to keep every fill ring full while every TX ring is full, or a port could starve another. */
    private int frames(int interfaces, RingSizes rings) {
        long needed = (long) interfaces * (rings.fill() + rings.tx());
        int fallback = (int) Math.min(MAX_FRAMES, Math.max(DEFAULT_FRAMES, needed));
        int frames = table.integer("frames", MIN_FRAMES, MAX_FRAMES, fallback);
        if (frames < needed && table.sound("frames", "interfaces", "fill_ring", "tx_ring")) {
            table.wrong(
                    "frames",
                    "is too small for fill and TX rings of " + rings.fill() + " and " + rings.tx() + " on " + interfaces
                            + (interfaces == 1 ? " interface" : " interfaces"),
                    "at least " + needed);
        }
        return frames;
    }

    private int maglevTableSize() {
        String allowed = "a prime " + MIN_MAGLEV + "-" + MAX_MAGLEV;
        int entries = table.integer("maglev_table_size", MIN_MAGLEV, MAX_MAGLEV, DEFAULT_MAGLEV, allowed);
        if (!isPrime(entries)) {
            int below = entries;
            int above = entries;
            while (!isPrime(below)) {
                below--;
            }
            while (!isPrime(above)) {
                above++;
            }
            table.wrong("maglev_table_size", "is not prime", allowed + ", the nearest are " + below + " and " + above);
        }
        return entries;
    }

    private int mhTableSize() {
        List<Integer> sizes = SchedulerParameters.MH_TABLE_SIZES;
        String allowed =
                "the kernel's sizes " + sizes.stream().map(String::valueOf).collect(Collectors.joining(", "));
        int slots = table.integer(
                "mh_table_size", sizes.getFirst(), sizes.getLast(), SchedulerParameters.DEFAULT_MH_TABLE_SIZE, allowed);
        if (!sizes.contains(slots)) {
            table.wrong("mh_table_size", "is no size that a kernel has", allowed);
        }
        return slots;
    }

    private static boolean isPrime(int number) {
        for (int divisor = 2; divisor * divisor <= number; divisor++) {
            if (number % divisor == 0) {
                return false;
            }
        }
        return number > 1;
    }

    private Optional<HashKey> hashKey() {
        String allowed = "what `openssl rand -hex 16` prints";
        String value = table.text("hash_key", allowed);
        if (value == null) {
            return Optional.empty();
        }
        try {
            return Optional.of(HashKey.parse(value));
        } catch (IllegalArgumentException e) {
            table.wrongSecret("hash_key", "is no key of 32 hex digits", allowed);
            return Optional.empty();
        }
    }

    private BusyPollConfig busyPoll() {
        Optional<TableReader> found = table.table("busy_poll", "[director.busy_poll]");
        if (found.isEmpty()) {
            return new BusyPollConfig(false, DEFAULT_BUSY_POLL_USECS, DEFAULT_BUSY_POLL_BUDGET);
        }
        TableReader reader = found.get();
        BusyPollConfig busyPoll = new BusyPollConfig(
                reader.flag("enabled", false),
                reader.integer("usecs", 1, MAX_BUSY_POLL_USECS, DEFAULT_BUSY_POLL_USECS),
                reader.integer("budget", 1, MAX_BUSY_POLL_BUDGET, DEFAULT_BUSY_POLL_BUDGET));
        reader.finish();
        return busyPoll;
    }
}
