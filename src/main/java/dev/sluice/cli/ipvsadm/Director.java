package dev.sluice.cli.ipvsadm;

import dev.sluice.control.admin.AdminException;
import java.util.Map;

/** Who answers the commands of the admin protocol. */
@FunctionalInterface
public interface Director {
    /**
     * Asks for one thing.
     *
     * @param command a command of {@code docs/admin-protocol.md}
     * @param arguments what stands beside it
     * @return its result
     * @throws AdminException when nobody answers, or the answer is an error
     */
    Json ask(String command, Map<String, ?> arguments) throws AdminException;
}
