package dev.sluice.ffi;

/**
 * Links ahead, on a thread of its own, the native functions that every director needs: a start spends half of its time on linking, and
 * can read its configuration meanwhile. Whoever needs a function first waits for it, as for any class that another thread initializes.
 */
public final class Prelink {
    /** In the order of a start. */
    private static final String[] CLASSES = {
        "Calls",
        "LibC",
        "generated.Native$shared",
        "generated.Native",
        "NetworkDevice",
        "NativeLog",
        "LibBpf",
        "LibXsk",
        "LibXdp",
        "Calls$Plain",
    };

    private Prelink() {}

    /** Begins, and returns at once. What cannot be linked is left to whoever needs it, and to the checks before a start. */
    public static void begin() {
        Thread.ofPlatform().name("sluice-prelink").daemon().start(Prelink::link);
    }

    /** Links everything on the calling thread; says whether all of it could be. */
    public static boolean link() {
        boolean all = true;
        for (String name : CLASSES) {
            try {
                Class.forName(Prelink.class.getPackageName() + "." + name, true, Prelink.class.getClassLoader());
            } catch (ClassNotFoundException | LinkageError | RuntimeException e) {
                all = false;
            }
        }
        return all;
    }
}
