/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * What is configured: virtual services, and their real servers with how frames for them look. Built once, then read by the
 * datapath.
 */
#ifndef BASELINE_DIRECTOR_H
#define BASELINE_DIRECTOR_H

#include "checksum.h"
#include "maglev.h"
#include "parse.h"
#include "routes.h"

#define MAX_SERVICES (1 << 14)
#define MAX_REAL_SERVERS (1 << 16)
#define NO_SERVICE (-1)

enum method { METHOD_DR, METHOD_TUN, METHOD_NAT };

struct address {
	uint64_t high;
	uint64_t low;
	bool inet6;
};

/* All that the rewriting of a packet needs, in one cache line. */
struct real_server {
	/* Destination and source, as they stand in a frame. */
	uint8_t macs[12];
	int32_t service;
	uint16_t egress;
	uint16_t mtu;
	uint8_t tunnel;
	uint8_t outer6;
	/* Of the outer IPv4 header: the sum over what does not depend on the packet. */
	uint16_t outer_sum;
	union {
		/* Outer source and destination, as they stand in a packet: 4 or 16 octets each. */
		uint8_t outer[32];
		/* RIP, with NAT. */
		uint64_t rip[2];
	};
	/* RPORT, with NAT. */
	uint16_t port;
	bool translates;
} __attribute__((aligned(64)));

_Static_assert(sizeof(struct real_server) == 64, "a real server is one cache line");

struct service_slot {
	uint64_t high;
	uint64_t low;
	/* Family, protocol and port; 0 is a free slot. */
	uint32_t rest;
	int32_t id;
};

struct director {
	struct sip_key key;
	struct real_server *reals;
	struct maglev *tables;
	struct service_slot *slots;
	uint32_t slot_mask;
	uint32_t services;
	uint32_t real_servers;
	/* Whether there are real servers by NAT, and where replies of theirs go. */
	bool nat;
	struct route_table routes;
};

static inline void director_init(struct director *director, uint64_t key_high, uint64_t key_low, uint32_t services,
				 uint32_t real_servers)
{
	uint32_t slots = 4;

	while (slots < 2 * services)
		slots <<= 1;
	*director = (struct director){
		.key = sip_key(key_high, key_low),
		.reals = map_memory((size_t)real_servers * sizeof(struct real_server), false),
		.tables = map_memory((size_t)services * sizeof(struct maglev), false),
		.slots = map_memory((size_t)slots * sizeof(struct service_slot), false),
		.slot_mask = slots - 1,
	};
}

static always_inline uint32_t service_rest(bool inet6, uint8_t protocol, uint16_t port)
{
	return (uint32_t)(inet6 ? 6 : 4) << 24 | (uint32_t)protocol << 16 | port;
}

/* Keys are the operator's, not a client's: a plain mix is enough. */
static always_inline uint32_t service_home(const struct director *director, uint64_t high, uint64_t low, uint32_t rest)
{
	uint64_t mixed = (high * 31 + low) * 0x9e3779b97f4a7c15 + rest;

	mixed *= 0xff51afd7ed558ccd;
	return (uint32_t)(mixed >> 40) & director->slot_mask;
}

static always_inline int32_t service_search(const struct director *director, uint64_t high, uint64_t low, uint32_t rest)
{
	uint32_t at = service_home(director, high, low, rest);

	while (director->slots[at].rest) {
		const struct service_slot *slot = &director->slots[at];

		if (slot->rest == rest && slot->low == low && slot->high == high)
			return slot->id;
		at = (at + 1) & director->slot_mask;
	}
	return NO_SERVICE;
}

/* By exact port, then by port 0. */
static always_inline int32_t service_find(const struct director *director, const struct packet *packet)
{
	uint32_t rest = service_rest(packet->inet6, packet->protocol, virtual_port(packet));
	int32_t found = service_search(director, packet->virtual_high, packet->virtual_low, rest);

	if (likely(found != NO_SERVICE))
		return found;
	return service_search(director, packet->virtual_high, packet->virtual_low, rest & ~0xffffu);
}

/* Adds a service whose table has been built. */
static inline int32_t director_add_service(struct director *director, const struct address *vip, uint8_t protocol,
					   uint16_t port, struct maglev table)
{
	uint32_t rest = service_rest(vip->inet6, protocol, port);
	uint32_t at = service_home(director, vip->high, vip->low, rest);
	int32_t id = director->services++;

	while (director->slots[at].rest)
		at = (at + 1) & director->slot_mask;
	director->slots[at] = (struct service_slot){ vip->high, vip->low, rest, id };
	director->tables[id] = table;
	return id;
}

static inline void put_mac(uint8_t *at, uint64_t mac)
{
	put16(at, mac >> 32);
	put32(at + 2, mac);
}

/* Adds a real server that is reached directly. */
static inline struct real_server *director_add_real(struct director *director, int32_t service, uint64_t destination_mac,
						    uint64_t source_mac, uint16_t egress, uint16_t mtu)
{
	struct real_server *real = &director->reals[director->real_servers++];

	put_mac(real->macs, destination_mac);
	put_mac(real->macs + 6, source_mac);
	real->service = service;
	real->egress = egress;
	real->mtu = mtu;
	return real;
}

static inline void real_server_translate(struct director *director, struct real_server *real, const struct address *rip,
					 uint16_t port)
{
	director->nat = true;
	real->translates = true;
	real->rip[0] = rip->high;
	real->rip[1] = rip->low;
	real->outer6 = rip->inet6;
	real->port = port;
}

/* The real server by NAT that a packet comes from, or -1: asked of what is neither of a connection nor of a reply. */
static inline int32_t director_sender(const struct director *director, const struct packet *packet)
{
	for (uint32_t id = 0; id < director->real_servers; id++) {
		const struct real_server *real = &director->reals[id];

		if (real->translates && real->outer6 == packet->inet6 && real->rip[0] == packet->client_high &&
		    real->rip[1] == packet->client_low)
			return id;
	}
	return -1;
}

static inline void real_server_tunnel(struct real_server *real, const struct address *source, const struct address *target)
{
	real->tunnel = 1;
	real->outer6 = target->inet6;
	if (target->inet6) {
		put64(real->outer, source->high);
		put64(real->outer + 8, source->low);
		put64(real->outer + 16, target->high);
		put64(real->outer + 24, target->low);
	} else {
		put32(real->outer, source->low);
		put32(real->outer + 4, target->low);
		real->outer_sum = checksum_fold(0x4500 + (source->low >> 16) + (source->low & 0xffff) + (target->low >> 16) +
						(target->low & 0xffff));
	}
}

#endif
