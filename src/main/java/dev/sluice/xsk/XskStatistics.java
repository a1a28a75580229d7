package dev.sluice.xsk;

/**
 * The kernel's counters of one socket since it was opened ({@code XDP_STATISTICS}, struct xdp_statistics of
 * linux/if_xdp.h).
 *
 * @param rxDropped packets dropped for other reasons than a full RX ring
 * @param rxInvalidDescs bad addresses in the fill ring
 * @param txInvalidDescs bad entries in the TX ring
 * @param rxRingFull packets dropped because the RX ring was full
 * @param rxFillRingEmptyDescs times a packet found no frame in the fill ring
 * @param txRingEmptyDescs times the kernel found nothing in the TX ring
 */
public record XskStatistics(
        long rxDropped,
        long rxInvalidDescs,
        long txInvalidDescs,
        long rxRingFull,
        long rxFillRingEmptyDescs,
        long txRingEmptyDescs) {}
