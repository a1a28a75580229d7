package dev.sluice.control;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sluice.control.admin.AdminException;
import dev.sluice.stats.TimeoutStats;

/**
 * The commands of the admin socket that show and set how long connections may be silent: {@code ipvsadm -L --timeout} and
 * {@code --set}. What is set holds for connections that are there as well, until the director ends. Any thread but control.
 */
final class TimeoutCommands {
    /** 31 days, as ipvsadm has it. */
    private static final int MAX_TIMEOUT_S = 31 * 24 * 60 * 60;

    private final ControlQueue queue;
    private final Reconfigurer reconfigurer;
    private final Datapath datapath;

    TimeoutCommands(ControlQueue queue, Reconfigurer reconfigurer, Datapath datapath) {
        this.queue = queue;
        this.reconfigurer = reconfigurer;
        this.datapath = datapath;
    }

    /** The command {@code timeouts}. */
    TimeoutStats show() throws AdminException {
        return queue.call(datapath::timeouts);
    }

    /** The command {@code set-timeouts}: {@code tcp}, {@code tcpfin} and {@code udp} in seconds; 0 leaves one as it is. */
    TimeoutStats set(JsonNode request) throws AdminException {
        int tcp = seconds(request, "tcp");
        int tcpfin = seconds(request, "tcpfin");
        int udp = seconds(request, "udp");
        return queue.call(() -> {
            TimeoutStats before = datapath.timeouts();
            datapath.setTimeouts(new TimeoutStats(
                    tcp == 0 ? before.tcp() : tcp,
                    tcpfin == 0 ? before.tcpfin() : tcpfin,
                    udp == 0 ? before.udp() : udp));
            // Workers read them without fences: what was stored before a snapshot was published, they see with it.
            reconfigurer.publishAgain();
            return datapath.timeouts();
        });
    }

    private static int seconds(JsonNode request, String name) throws AdminException {
        JsonNode value = request.path(name);
        if (value.isMissingNode()) {
            return 0;
        }
        if (!value.isIntegralNumber() || !value.canConvertToInt() || value.intValue() < 0) {
            throw new AdminException("bad_request", "\"" + name + "\" is not a number of seconds");
        }
        if (value.intValue() > MAX_TIMEOUT_S) {
            throw new AdminException(
                    ChangeException.Code.OUT_OF_RANGE.word(),
                    name + " timeout " + value.intValue() + " is outside 0-" + MAX_TIMEOUT_S + " s");
        }
        return value.intValue();
    }
}
