package dev.sluice.control.config;

/**
 * Descriptors in the four rings of each XSK, powers of two as {@code xsk_init_queue} in {@code net/xdp/xsk.c} demands.
 *
 * @param rx descriptors of the RX ring
 * @param tx descriptors of the TX ring
 * @param fill descriptors of the fill ring
 * @param completion descriptors of the completion ring
 */
public record RingSizes(int rx, int tx, int fill, int completion) {}
