package dev.sluice.control.config;

/**
 * The table {@code [director.busy_poll]}: preferred busy polling of the sockets (Linux 5.11,
 * {@code SO_PREFER_BUSY_POLL}).
 *
 * @param enabled whether the options are set at all
 * @param usecs {@code SO_BUSY_POLL}: microseconds a call polls the driver for
 * @param budget {@code SO_BUSY_POLL_BUDGET}: packets a call takes from the driver at most
 */
public record BusyPollConfig(boolean enabled, int usecs, int budget) {}
