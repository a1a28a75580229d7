package dev.sluice.control.config;

import java.util.Optional;

/**
 * Who may open the admin socket, as the permissions of its file say. Peers are held to it by their credentials as well.
 *
 * @param socketMode permission bits, {@code 0600} to {@code 0777}: the owner has read and write
 * @param socketGroup the file's group by name or number; empty: the director's
 */
public record SocketAccess(int socketMode, Optional<String> socketGroup) {
    /** Only root and the director's user. */
    public static final SocketAccess OWNER = new SocketAccess(0600, Optional.empty());

    /** The mode as the configuration has it: {@code 0660}. */
    public String modeText() {
        return String.format("%04o", socketMode);
    }
}
