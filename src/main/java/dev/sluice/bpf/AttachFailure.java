package dev.sluice.bpf;

import dev.sluice.ffi.Errno;
import dev.sluice.ffi.NativeException;
import dev.sluice.ffi.NativeLog;
import dev.sluice.ffi.NetworkDevice;
import dev.sluice.ffi.generated.Native;
import java.util.Locale;

/** Turns the error of an attach into a line that says what to do. */
final class AttachFailure {
    /** Room in a page before a frame ({@code XDP_PACKET_HEADROOM}) and behind it ({@code skb_shared_info}). */
    private static final int HEADROOM_BYTES = 256;

    private static final int TAILROOM_BYTES = 320;
    private static final int LINK_HEADER_BYTES = 14;
    private static final int PAGE_BYTES = 4096;

    /** The MTU whose frames fit a page; drivers may want a little less. */
    static final int MAX_NATIVE_MTU = PAGE_BYTES - HEADROOM_BYTES - TAILROOM_BYTES - LINK_HEADER_BYTES;

    private AttachFailure() {}

    /** Explains {@code -errno} of an attach, with what {@link NativeLog} holds of it. */
    static SteeringException explain(String interfaceName, AttachMode mode, int error) {
        String reason = NativeLog.reason().orElse("");
        return new SteeringException(
                interfaceName + ": " + text(interfaceName, mode, -error, mtu(interfaceName), reason));
    }

    static String text(String interfaceName, AttachMode mode, int errno, int mtu, String reason) {
        if (errno == Native.EPERM() || errno == Native.EACCES()) {
            return "not permitted to attach an XDP program: run as root,"
                    + " or with the capabilities CAP_NET_ADMIN, CAP_NET_RAW and CAP_BPF, before Linux 6.8 CAP_PERFMON too"
                    + said(reason);
        }
        if (errno == Native.ENODEV()) {
            return "no such network interface";
        }
        if (errno == Native.EBUSY() || errno == Native.EEXIST()) {
            return "another XDP program is attached and cannot be shared with; \"ip link set dev " + interfaceName
                    + " xdp off\" removes it" + said(reason);
        }
        boolean isNative = mode == AttachMode.NATIVE;
        boolean noXdp = reason.contains("does not support XDP");
        if (isNative
                && !noXdp
                && (mtu > MAX_NATIVE_MTU || reason.toUpperCase(Locale.ROOT).contains("MTU"))) {
            return "MTU " + mtu
                    + " is too large for its driver's native XDP, which without packets of several buffers takes "
                    + MAX_NATIVE_MTU
                    + " bytes at most (on a veth, the peer's MTU too): lower it with \"ip link set dev "
                    + interfaceName + " mtu " + MAX_NATIVE_MTU + "\" or use generic mode" + said(reason);
        }
        if (isNative && errno == Native.EOPNOTSUPP()) {
            return "its driver has no native XDP: use mode auto or generic" + said(reason);
        }
        return "cannot attach the XDP program in " + mode.name().toLowerCase(Locale.ROOT) + " mode: "
                + Errno.describe(errno) + said(reason);
    }

    private static String said(String reason) {
        return reason.isEmpty() ? "" : " (the kernel says: " + reason + ")";
    }

    private static int mtu(String interfaceName) {
        try {
            return NetworkDevice.mtu(interfaceName);
        } catch (NativeException e) {
            return 0;
        }
    }
}
