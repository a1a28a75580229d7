/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* What the parser reads from a frame, and the hash of the flow that it belongs to. */
#ifndef BASELINE_PACKET_H
#define BASELINE_PACKET_H

#include <stdbool.h>

#include "siphash.h"

#define IP_TCP 6
#define IP_UDP 17

#define TCP_FIN 0x01
#define TCP_SYN 0x02
#define TCP_RST 0x04
#define TCP_ACK 0x10

/* One cache line, and a little: what the later passes need. Addresses are numbers, 0 in the upper half for IPv4. */
struct packet {
	uint64_t client_high;
	uint64_t client_low;
	uint64_t virtual_high;
	uint64_t virtual_low;
	/* CPORT (bits 32-47), VPORT (16-31), protocol (8-15), family (0-7). */
	uint64_t tuple;
	uint64_t hash;
	uint16_t ip_length;
	/* Of the IP header and what extends it. */
	uint16_t l3_length;
	uint8_t l2_length;
	uint8_t ttl;
	uint8_t protocol;
	uint8_t tcp_flags;
	bool inet6;
	bool dont_fragment;
	int32_t real_server;
};

static always_inline uint16_t virtual_port(const struct packet *packet)
{
	return packet->tuple >> 16;
}

static always_inline bool opens_connection(const struct packet *packet)
{
	return packet->tcp_flags & TCP_SYN;
}

static always_inline uint64_t flow_hash(const struct sip_key *key, const struct packet *packet)
{
	if (packet->inet6) {
		const uint64_t words[] = { packet->client_high, packet->client_low, packet->virtual_high,
					   packet->virtual_low };

		return siphash13(key, words, 4, (uint64_t)38 << 56 | packet->tuple);
	} else {
		const uint64_t words[] = { packet->client_low << 32 | packet->virtual_low };

		return siphash13(key, words, 1, (uint64_t)14 << 56 | packet->tuple);
	}
}

#endif
