/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Gives a packet other addresses and ports, and corrects its checksums by what changed (RFC 1624, equation 3): as
 * dev.sluice.forward.AddressRewriter. Sums are over words as they lie in memory, which comes to the same (RFC 1071 section 2B).
 */
#ifndef BASELINE_TRANSLATE_H
#define BASELINE_TRANSLATE_H

#include "checksum.h"
#include "parse.h"

/* Replaces octets of a header, and adds to a sum what they change. */
static always_inline uint64_t put_changed32(uint64_t change, uint8_t *at, uint32_t value)
{
	uint32_t old;

	memcpy(&old, at, sizeof(old));
	value = __builtin_bswap32(value);
	memcpy(at, &value, sizeof(value));
	return change + (uint32_t)~old + value;
}

static always_inline uint64_t put_changed64(uint64_t change, uint8_t *at, uint64_t value)
{
	uint64_t old;

	memcpy(&old, at, sizeof(old));
	value = __builtin_bswap64(value);
	memcpy(at, &value, sizeof(value));
	return checksum_carry(checksum_carry(change, ~old), value);
}

/* A checksum, as it lies in memory, after a change. */
static always_inline uint16_t checksum_changed(uint16_t checksum, uint64_t change)
{
	return ~checksum_fold(checksum_carry(change, (uint16_t)~checksum));
}

/* A datagram over IPv4 that has no checksum gets one, as from IPVS. */
static __attribute__((noinline)) void udp_checksum_new(uint8_t *ip, uint8_t *l4, uint32_t length)
{
	uint64_t sum = IP_UDP + length;
	uint16_t checksum;

	for (int at = 12; at < 20; at += 2)
		sum += get16(ip + at);
	put16(l4 + 6, 0);
	for (uint32_t at = 0; at < length; at++)
		sum += at & 1 ? l4[at] : (uint64_t)l4[at] << 8;
	checksum = ~checksum_fold(sum);
	put16(l4 + 6, checksum ? checksum : 0xffff);
}

/* Ports, and TCP's or UDP's checksum, after the addresses changed by a sum. */
static always_inline void translate_ports(uint8_t *ip, const struct packet *packet, uint32_t ports, uint64_t change)
{
	uint8_t *l4 = ip + packet->l3_length, *at = l4 + (packet->protocol == IP_TCP ? 16 : 6);
	uint16_t checksum;

	memcpy(&checksum, at, sizeof(checksum));
	change = checksum_carry(put_changed32(0, l4, ports), change);
	if (packet->protocol == IP_TCP) {
		checksum = checksum_changed(checksum, change);
	} else if (likely(checksum)) {
		checksum = checksum_changed(checksum, change);
		checksum = checksum ? checksum : 0xffff;
	} else {
		/* Over IPv6 there are tunnels that go without (RFC 6935). */
		if (!packet->inet6)
			udp_checksum_new(ip, l4, packet->ip_length - packet->l3_length);
		return;
	}
	memcpy(at, &checksum, sizeof(checksum));
}

/* Lowers an IPv4 header's TTL and corrects its checksum by that and by a change of its addresses. */
static always_inline void translate_header(uint8_t *ip, uint64_t change)
{
	uint16_t checksum;

	memcpy(&checksum, ip + 10, sizeof(checksum));
	ip[8]--;
	/* The TTL is the lower half of its word as that lies in memory: ~m + m - 1. */
	checksum = checksum_changed(checksum, checksum_carry(change, 0xfffe));
	memcpy(ip + 10, &checksum, sizeof(checksum));
}

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "what the TTL's change adds goes by the byte order");

/* Gives a packet another destination, and lowers its TTL. */
static always_inline void translate_destination(uint8_t *ip, const struct packet *packet, uint64_t high, uint64_t low,
						uint16_t port)
{
	uint64_t change;

	if (packet->inet6) {
		ip[7]--;
		change = put_changed64(put_changed64(0, ip + 24, high), ip + 32, low);
	} else {
		change = put_changed32(0, ip + 16, low);
		translate_header(ip, change);
	}
	translate_ports(ip, packet, (uint32_t)(packet->tuple >> 32) << 16 | port, change);
}

/* Gives a packet other addresses on both sides, and lowers its TTL. */
static always_inline void translate_both(uint8_t *ip, const struct packet *packet, uint64_t source_high, uint64_t source_low,
					 uint64_t destination_high, uint64_t destination_low, uint32_t ports)
{
	uint64_t change;

	if (packet->inet6) {
		ip[7]--;
		change = put_changed64(put_changed64(0, ip + 8, source_high), ip + 16, source_low);
		change = put_changed64(put_changed64(change, ip + 24, destination_high), ip + 32, destination_low);
	} else {
		change = put_changed64(0, ip + 12, source_low << 32 | destination_low);
		translate_header(ip, change);
	}
	translate_ports(ip, packet, ports, change);
}

#endif
