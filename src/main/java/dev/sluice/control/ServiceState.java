package dev.sluice.control;

import dev.sluice.service.VirtualService;

/**
 * A service, and what health makes of it. Immutable.
 *
 * @param configured as the file and commands have it
 * @param effective as workers have it
 * @param settings what is configured of its health
 * @param quorum whether it has its quorum
 */
record ServiceState(
        VirtualService configured,
        VirtualService effective,
        HealthSettings settings,
        Overlay.Quorum quorum) {}
