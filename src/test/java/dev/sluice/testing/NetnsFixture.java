package dev.sluice.testing;

import java.util.ArrayList;
import java.util.List;

/** The network namespaces of one test, removed together with everything in them by {@link #close}. */
public final class NetnsFixture implements AutoCloseable {
    private final List<NetworkNamespace> namespaces = new ArrayList<>();

    /** A new namespace with {@code lo} up and a name of its own. */
    public NetworkNamespace add(String label) {
        NetworkNamespace namespace = NetworkNamespace.create("sluice-" + label);
        namespaces.add(namespace);
        return namespace;
    }

    /** A veth pair between two of them, see {@link NetworkNamespace#veth(String, NetworkNamespace, String)}. */
    public void veth(NetworkNamespace left, String leftInterface, NetworkNamespace right, String rightInterface) {
        left.veth(leftInterface, right, rightInterface);
    }

    /** Removes every namespace; the last error, if any, is thrown after all were tried. */
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
