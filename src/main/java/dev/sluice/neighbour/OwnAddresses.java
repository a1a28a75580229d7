package dev.sluice.neighbour;

import dev.sluice.ffi.NativeException;
import dev.sluice.ffi.generated.Native;
import dev.sluice.ffi.generated.ifaddrmsg;
import dev.sluice.packet.IpAddress;
import java.lang.foreign.Arena;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The addresses of the host, of all interfaces of the network namespace in which it was opened, kept current by rtnetlink
 * (rtnetlink(7), {@code RTM_GETADDR}).
 *
 * <p>Owned by: control thread.
 */
public final class OwnAddresses implements AutoCloseable {
    /** Thousands of notifications; when more come at once, the addresses are read anew. */
    private static final int RECEIVE_BUFFER_BYTES = 256 * 1024;

    private final NetlinkSocket requests = new NetlinkSocket();
    private final NetlinkSocket notifications;
    private Set<IpAddress> addresses;

    private OwnAddresses() {
        try {
            notifications = subscribe();
            addresses = read();
        } catch (NativeException e) {
            requests.close();
            throw e;
        }
    }

    /**
     * Reads the addresses and begins to follow them.
     *
     * @throws NativeException when the kernel refuses
     */
    public static OwnAddresses open() {
        return new OwnAddresses();
    }

    private static NetlinkSocket subscribe() {
        NetlinkSocket socket = new NetlinkSocket();
        try {
            socket.receiveBuffer(RECEIVE_BUFFER_BYTES);
            NativeException.check(
                    socket.join(Native.RTNLGRP_IPV4_IFADDR()),
                    "setsockopt(NETLINK_ADD_MEMBERSHIP, " + Native.RTNLGRP_IPV4_IFADDR() + ")");
            // A kernel without IPv6 does not have the group, and no such addresses either.
            int ignored = socket.join(Native.RTNLGRP_IPV6_IFADDR());
            return socket;
        } catch (NativeException e) {
            socket.close();
            throw e;
        }
    }

    private Set<IpAddress> read() {
        try (Arena arena = Arena.ofConfined()) {
            NetlinkRequest request =
                    new NetlinkRequest(arena, Native.RTM_GETADDR(), Native.NLM_F_DUMP(), ifaddrmsg.sizeof());
            return Set.copyOf(requests.dump(request, "dump of addresses", OwnAddresses::parse));
        }
    }

    /** Where both ends of a link are given, {@code IFA_LOCAL} is this one. */
    private static @Nullable IpAddress parse(NetlinkMessage message) {
        if (message.type() != Native.RTM_NEWADDR() || !message.hasFixed(ifaddrmsg.sizeof())) {
            return null;
        }
        NetlinkAttributes attributes = message.attributes(ifaddrmsg.sizeof());
        IpAddress local = attributes.address(Native.IFA_LOCAL());
        return local != null ? local : attributes.address(Native.IFA_ADDRESS());
    }

    /** The addresses as they were at the last {@link #process}. */
    public Set<IpAddress> all() {
        return addresses;
    }

    /** Becomes readable when {@link #process} has something to do. */
    public int fd() {
        return notifications.fd();
    }

    /** Takes in what the kernel has said since the last call; whether the addresses are others now. */
    public boolean process() {
        if (!heardOfAny()) {
            return false;
        }
        Set<IpAddress> before = addresses;
        addresses = read();
        return !addresses.equals(before);
    }

    private boolean heardOfAny() {
        boolean heard = false;
        while (true) {
            try {
                List<NetlinkMessage> messages = notifications.receive();
                if (messages == null) {
                    return heard;
                }
                heard |= !messages.isEmpty();
            } catch (NativeException e) {
                if (e.errno() != Native.ENOBUFS()) {
                    throw e;
                }
                heard = true;
            }
        }
    }

    @Override
    public void close() {
        requests.close();
        notifications.close();
    }
}
