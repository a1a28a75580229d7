package dev.sluice.ffi;

import dev.sluice.ffi.generated.Native;
import dev.sluice.ffi.generated.bpf_map_create_opts;
import dev.sluice.ffi.generated.bpf_map_info;
import dev.sluice.ffi.generated.bpf_object_open_opts;
import dev.sluice.ffi.generated.bpf_prog_info;
import dev.sluice.ffi.generated.bpf_xdp_attach_opts;
import java.lang.foreign.Arena;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.ref.Reference;

/**
 * The calls of libbpf (1.0 or newer) that Sluice makes. Failures are {@link NativeException}s, except where a return
 * value is said to be {@code -errno}. Not for the hot path. Any thread; an object belongs to one thread at a time.
 */
public final class LibBpf {
    /** More than any program here has. */
    private static final int MAX_PROGRAM_MAPS = 64;

    private static final MemorySegment OBJECT_OPEN_MEM = Calls.function("bpf_object__open_mem");
    private static final MemorySegment OBJECT_LOAD = Calls.function("bpf_object__load");
    private static final MemorySegment OBJECT_CLOSE = Calls.function("bpf_object__close");
    private static final MemorySegment FIND_MAP = Calls.function("bpf_object__find_map_by_name");
    private static final MemorySegment MAP_CREATE = Calls.function("bpf_map_create");
    private static final MemorySegment MAP_UPDATE = Calls.function("bpf_map_update_elem");
    private static final MemorySegment MAP_REUSE = Calls.function("bpf_map__reuse_fd");
    private static final MemorySegment XDP_QUERY_ID = Calls.function("bpf_xdp_query_id");
    private static final MemorySegment XDP_ATTACH = Calls.function("bpf_xdp_attach");
    private static final MemorySegment MAP_LOOKUP = Calls.function("bpf_map_lookup_elem");
    private static final MemorySegment MAP_DELETE = Calls.function("bpf_map_delete_elem");
    private static final MemorySegment POSSIBLE_CPUS = Calls.function("libbpf_num_possible_cpus");
    private static final MemorySegment FIND_PROGRAM = Calls.function("bpf_object__find_program_by_name");
    private static final MemorySegment PROGRAM_FD = Calls.function("bpf_program__fd");
    private static final MemorySegment MAP_FD = Calls.function("bpf_map__fd");
    private static final MemorySegment TEST_RUN = Calls.function("bpf_prog_test_run_opts");
    private static final MemorySegment PROGRAM_FD_BY_ID = Calls.function("bpf_prog_get_fd_by_id");
    private static final MemorySegment MAP_FD_BY_ID = Calls.function("bpf_map_get_fd_by_id");
    private static final MemorySegment INFO_BY_FD = Calls.function("bpf_obj_get_info_by_fd");
    private static final MemorySegment MOUNT =
            Linker.nativeLinker().defaultLookup().findOrThrow("mount");

    static {
        NativeLog.silence();
    }

    private LibBpf() {}

    /** {@code bpf_map_create}: the map's file descriptor, which the caller closes. */
    public static int mapCreate(int type, String name, int keyBytes, int valueBytes, int maxEntries, int flags) {
        return mapCreate(type, name, keyBytes, valueBytes, maxEntries, flags, 0);
    }

    /** {@code bpf_map_create} of an array of maps, empty; the maps it is to hold are like {@code innerFd}. */
    public static int mapOfMapsCreate(String name, int maxEntries, int innerFd) {
        return mapCreate(
                Native.BPF_MAP_TYPE_ARRAY_OF_MAPS(), name, Integer.BYTES, Integer.BYTES, maxEntries, 0, innerFd);
    }

    private static int mapCreate(
            int type, String name, int keyBytes, int valueBytes, int maxEntries, int flags, int innerFd) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment options = arena.allocate(bpf_map_create_opts.layout());
            bpf_map_create_opts.sz(options, options.byteSize());
            bpf_map_create_opts.map_flags(options, flags);
            bpf_map_create_opts.inner_map_fd(options, innerFd);
            int fd = (int) Calls.call(
                    MAP_CREATE,
                    type,
                    Calls.pointer(arena.allocateFrom(name)),
                    keyBytes,
                    valueBytes,
                    maxEntries,
                    Calls.pointer(options));
            return NativeException.check(fd, "bpf_map_create(" + name + ", max_entries=" + maxEntries + ")");
        }
    }

    /** {@code bpf_map_update_elem} with {@code BPF_ANY}: 0, or {@code -errno}. */
    public static int mapUpdate(int fd, MemorySegment key, MemorySegment value) {
        try {
            return (int) Calls.call(MAP_UPDATE, fd, Calls.pointer(key), Calls.pointer(value), Native.BPF_ANY());
        } finally {
            Reference.reachabilityFence(key);
            Reference.reachabilityFence(value);
        }
    }

    /** {@code bpf_map_lookup_elem}: 0 with {@code value} filled in, or {@code -errno}. */
    public static int mapLookup(int fd, MemorySegment key, MemorySegment value) {
        try {
            return (int) Calls.call(MAP_LOOKUP, fd, Calls.pointer(key), Calls.pointer(value), 0);
        } finally {
            Reference.reachabilityFence(key);
            Reference.reachabilityFence(value);
        }
    }

    /** {@code bpf_map_delete_elem}: 0, or {@code -errno}. */
    public static int mapDelete(int fd, MemorySegment key) {
        try {
            return (int) Calls.call(MAP_DELETE, fd, Calls.pointer(key));
        } finally {
            Reference.reachabilityFence(key);
        }
    }

    /** {@code libbpf_num_possible_cpus}: how many values an entry of a per-CPU map has. */
    public static int possibleCpus() {
        return NativeException.check((int) Calls.call(POSSIBLE_CPUS, 0, 0), "libbpf_num_possible_cpus()");
    }

    /**
     * {@code bpf_object__open_mem}: parses an object file; nothing reaches the kernel yet. The caller ends it with
     * {@link #objectClose}.
     */
    public static MemorySegment objectOpen(byte[] elf, String name) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment options = arena.allocate(bpf_object_open_opts.layout());
            bpf_object_open_opts.sz(options, options.byteSize());
            options.set(
                    ValueLayout.JAVA_LONG,
                    bpf_object_open_opts.object_name$offset(),
                    Calls.pointer(arena.allocateFrom(name)));
            MemorySegment image = arena.allocateFrom(ValueLayout.JAVA_BYTE, elf);
            CallState state = CallState.current();
            MemorySegment object = MemorySegment.ofAddress(Calls.capturing(
                    OBJECT_OPEN_MEM, state, Calls.pointer(image), image.byteSize(), Calls.pointer(options), 0, 0, 0));
            if (object.address() == 0) {
                throw new NativeException("bpf_object__open_mem(" + name + ")", state.errno());
            }
            return object;
        }
    }

    /** {@code bpf_object__load}: creates the maps that have no descriptor yet and has the verifier pass the programs. */
    public static void objectLoad(MemorySegment object) {
        NativeException.check((int) Calls.call(OBJECT_LOAD, object.address(), 0), "bpf_object__load()");
    }

    /** {@code bpf_object__close}: frees the object; programs that are attached stay. */
    public static void objectClose(MemorySegment object) {
        var _ = Calls.call(OBJECT_CLOSE, object.address(), 0);
    }

    /** The file descriptor of a loaded object's program; it belongs to the object. */
    public static int programFd(MemorySegment object, String name) {
        try (Arena arena = Arena.ofConfined()) {
            long program = Calls.call(FIND_PROGRAM, object.address(), Calls.pointer(arena.allocateFrom(name)));
            if (program == 0) {
                throw new NativeException("bpf_object__find_program_by_name(" + name + ")", Native.ENOENT());
            }
            return NativeException.check((int) Calls.call(PROGRAM_FD, program, 0), "bpf_program__fd(" + name + ")");
        }
    }

    /** The file descriptor of a loaded object's map; it belongs to the object. */
    public static int mapFd(MemorySegment object, String name) {
        return NativeException.check(
                (int) Calls.call(MAP_FD, map(object, name).address(), 0), "bpf_map__fd(" + name + ")");
    }

    /** {@code bpf_map__reuse_fd}: the object, not loaded yet, is to use an existing map (libbpf duplicates the descriptor). */
    public static void mapReuse(MemorySegment object, String name, int fd) {
        NativeException.check(
                (int) Calls.call(MAP_REUSE, map(object, name).address(), fd),
                "bpf_map__reuse_fd(" + name + ", fd=" + fd + ")");
    }

    private static MemorySegment map(MemorySegment object, String name) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment map = MemorySegment.ofAddress(
                    Calls.call(FIND_MAP, object.address(), Calls.pointer(arena.allocateFrom(name))));
            if (map.address() == 0) {
                throw new NativeException("bpf_object__find_map_by_name(" + name + ")", Native.ENOENT());
            }
            return map;
        }
    }

    /** {@code bpf_prog_test_run_opts} with a filled-in {@code struct bpf_test_run_opts}: 0, or {@code -errno}. */
    public static int programTestRun(int programFd, MemorySegment options) {
        try {
            return (int) Calls.call(TEST_RUN, programFd, Calls.pointer(options));
        } finally {
            Reference.reachabilityFence(options);
        }
    }

    /**
     * {@code bpf_xdp_attach}: 0, or {@code -errno}.
     *
     * @param programFd what to attach; -1 to detach
     * @param flags {@code XDP_FLAGS_…}; with {@code XDP_FLAGS_REPLACE} it fails unless {@code oldProgramFd} is attached
     */
    public static int xdpAttach(int interfaceIndex, int programFd, int flags, int oldProgramFd) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment options = arena.allocate(bpf_xdp_attach_opts.layout());
            bpf_xdp_attach_opts.sz(options, options.byteSize());
            bpf_xdp_attach_opts.old_prog_fd(options, oldProgramFd);
            return (int) Calls.call(XDP_ATTACH, interfaceIndex, programFd, flags, Calls.pointer(options));
        }
    }

    /**
     * {@code bpf_xdp_query_id} for one of {@code XDP_FLAGS_DRV_MODE} and {@code XDP_FLAGS_SKB_MODE}: the kernel's number of
     * what is attached in that mode, 0 for nothing.
     */
    public static int xdpProgramId(int interfaceIndex, int modeFlag) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment id = arena.allocate(ValueLayout.JAVA_INT);
            NativeException.check(
                    (int) Calls.call(XDP_QUERY_ID, interfaceIndex, modeFlag, Calls.pointer(id), 0),
                    "bpf_xdp_query_id(" + interfaceIndex + ")");
            return id.get(ValueLayout.JAVA_INT, 0);
        }
    }

    /** {@code bpf_prog_get_fd_by_id}: a descriptor, which the caller closes. The kernel wants {@code CAP_SYS_ADMIN} for it. */
    public static int programFdById(int id) {
        return NativeException.check((int) Calls.call(PROGRAM_FD_BY_ID, id, 0), "bpf_prog_get_fd_by_id(" + id + ")");
    }

    /** The kernel's number of a loaded program. */
    public static int programId(int programFd) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment info = arena.allocate(bpf_prog_info.layout());
            info(arena, programFd, info);
            return bpf_prog_info.id(info);
        }
    }

    /**
     * A descriptor of the map of this name that a loaded program uses, which the caller closes. The kernel wants
     * {@code CAP_SYS_ADMIN} for it.
     *
     * @throws NativeException {@code ENOENT} when the program has no such map
     */
    public static int programMapFd(int programFd, String name) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment ids = arena.allocate(ValueLayout.JAVA_INT, MAX_PROGRAM_MAPS);
            MemorySegment info = arena.allocate(bpf_prog_info.layout());
            bpf_prog_info.nr_map_ids(info, MAX_PROGRAM_MAPS);
            bpf_prog_info.map_ids(info, ids.address());
            info(arena, programFd, info);
            int maps = Math.min(bpf_prog_info.nr_map_ids(info), MAX_PROGRAM_MAPS);
            for (int i = 0; i < maps; i++) {
                int id = ids.getAtIndex(ValueLayout.JAVA_INT, i);
                int fd = NativeException.check(
                        (int) Calls.call(MAP_FD_BY_ID, id, 0), "bpf_map_get_fd_by_id(" + id + ")");
                MemorySegment map = arena.allocate(bpf_map_info.layout());
                info(arena, fd, map);
                if (bpf_map_info.name(map).getString(0).equals(name)) {
                    return fd;
                }
                LibC.close(CallState.current(), fd);
            }
            throw new NativeException("map " + name + " of program fd=" + programFd, Native.ENOENT());
        }
    }

    private static void info(Arena arena, int fd, MemorySegment info) {
        MemorySegment length = arena.allocateFrom(ValueLayout.JAVA_INT, (int) info.byteSize());
        NativeException.check(
                (int) Calls.call(INFO_BY_FD, fd, Calls.pointer(info), Calls.pointer(length), 0),
                "bpf_obj_get_info_by_fd(fd=" + fd + ")");
    }

    /** Mounts a BPF file system on an existing folder: 0, or {@code -errno}. */
    public static int mountBpfFileSystem(CallState state, String folder) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment type = arena.allocateFrom("bpf");
            int result = (int) Calls.capturing(
                    MOUNT,
                    state,
                    Calls.pointer(type),
                    Calls.pointer(arena.allocateFrom(folder)),
                    Calls.pointer(type),
                    0,
                    0,
                    0);
            return result < 0 ? -state.errno() : result;
        }
    }
}
