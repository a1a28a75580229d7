package dev.sluice.control.http;

import dev.sluice.control.admin.AdminException;
import java.util.List;
import java.util.OptionalInt;

/** What the page can change. Any thread but control. */
@FunctionalInterface
public interface Actions {
    /**
     * Gives a real server another weight; all else of it stays as it is. Returns when every worker goes by it.
     *
     * @param service the service as {@code TCP 10.0.0.100:80}, {@code UDP [2001:db8::1]:53}, {@code FWM 1 IPv6}
     * @param real the real server as {@code 10.0.0.11:80}
     * @param weight the weight; empty for that of the configuration file, or 1 where that is 0 or says nothing of it
     * @return what changed, a line each, as for {@code sluice reload}
     * @throws AdminException when it cannot be; nothing has changed
     */
    List<String> setWeight(String service, String real, OptionalInt weight) throws AdminException;
}
