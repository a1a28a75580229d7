/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Sends a packet on its way: TTL, size, outer header or other addresses, link header. As dev.sluice.forward.Rewriter for direct
 * routing, IP in IP and NAT, whose replies are as ReplyPath's; what is too large for the way is dropped here, where the director would fragment or answer.
 */
#ifndef BASELINE_REWRITE_H
#define BASELINE_REWRITE_H

#include "counters.h"
#include "translate.h"

#define DROPPED (-1)

/* Lowers the TTL, and the checksum with it. */
static always_inline void lower_ttl(uint8_t *ip, bool inet6)
{
	uint16_t word;

	if (inet6) {
		ip[7]--;
		return;
	}
	word = get16(ip + 8);
	put16(ip + 8, word - 0x100);
	put16(ip + 10, checksum_update(get16(ip + 10), word, word - 0x100));
}

/* Writes the outer header before the packet, whose TTL has been lowered; where it stands. */
static always_inline uint8_t *encapsulate(uint8_t *ip, const struct packet *packet, const struct real_server *real,
					  uint32_t *identification)
{
	uint32_t traffic_class = packet->inet6 ? get16(ip) >> 4 & 0xff : ip[1];
	uint32_t protocol = packet->inet6 ? 41 : 4, ttl = packet->ttl - 1, length = packet->ip_length;
	bool keep_whole = packet->dont_fragment && !packet->inet6;
	uint32_t id = 0, flags = 0;
	uint64_t sum;
	uint8_t *outer;

	if (real->outer6) {
		outer = ip - IPV6_BYTES;
		put64(outer, (uint64_t)6 << 60 | (uint64_t)traffic_class << 52 | length << 16 | protocol << 8 | ttl);
		memcpy(outer + 8, real->outer, 32);
		return outer;
	}
	if (keep_whole)
		flags = IPV4_DONT_FRAGMENT;
	else
		id = ++*identification & 0xffff;
	length += IPV4_BYTES;
	sum = (uint64_t)real->outer_sum + traffic_class + length + id + flags + (ttl << 8 | protocol);
	outer = ip - IPV4_BYTES;
	put64(outer, (uint64_t)(0x4500 | traffic_class) << 48 | (uint64_t)length << 32 | id << 16 | flags);
	sum = (sum & 0xffff) + (sum >> 16);
	sum += sum >> 16;
	put32(outer + 8, (ttl << 8 | protocol) << 16 | (uint16_t)~sum);
	memcpy(outer + 12, real->outer, 8);
	return outer;
}

/* The tags of a frame, which the outer header is about to overwrite. */
static always_inline uint64_t tags_of(const uint8_t *frame, const struct packet *packet)
{
	uint64_t tags = 0;

	if (unlikely(packet->l2_length > ETHERNET_BYTES))
		memcpy(&tags, frame + 12, sizeof(tags));
	return tags;
}

/* The link header of an encapsulated packet: the tags it came with are kept. Where it begins. */
static always_inline uint8_t *place(uint8_t *outer, uint64_t tags, const struct packet *packet,
				    const struct real_server *real)
{
	uint8_t *link = outer - packet->l2_length;

	memcpy(link, real->macs, 12);
	if (unlikely(packet->l2_length > ETHERNET_BYTES))
		memcpy(link + 12, &tags, packet->l2_length - ETHERNET_BYTES);
	put16(outer - 2, real->outer6 ? TYPE_IPV6 : TYPE_IPV4);
	return link;
}

/* Makes a packet one to its real server, and sends it there: its egress, or DROPPED. */
static always_inline int32_t rewrite_to_real(struct counters *counters, const struct real_server *real,
					     const struct packet *packet, uint8_t *frame)
{
	if (unlikely(packet->ttl <= 1)) {
		counters->worker[COUNT_ttl_expired]++;
		return DROPPED;
	}
	if (unlikely(packet->ip_length > real->mtu)) {
		counters->worker[COUNT_packet_too_big]++;
		return DROPPED;
	}
	translate_destination(frame + packet->l2_length, packet, real->rip[0], real->rip[1],
			      real->port ? real->port : virtual_port(packet));
	memcpy(frame, real->macs, 12);
	count_packet(counters, real->service, packet->real_server, packet->ip_length);
	return real->egress;
}

/* Whether a router may send a packet on by a route; if not, it is counted. */
static always_inline bool may_leave(struct counters *counters, const struct route *route, const struct packet *packet)
{
	if (unlikely(packet->ttl <= 1)) {
		counters->worker[COUNT_ttl_expired]++;
		return false;
	}
	if (unlikely(packet->ip_length > route->mtu)) {
		counters->worker[COUNT_packet_too_big]++;
		return false;
	}
	return true;
}

/* The link header to a gateway, without the tags that the packet came with. */
static always_inline int32_t leave(const struct route *route, const struct packet *packet, uint8_t **frame, uint32_t *length)
{
	if (unlikely(packet->l2_length > ETHERNET_BYTES)) {
		uint32_t tags = packet->l2_length - ETHERNET_BYTES;

		/* The type stands before the packet as it is. */
		*frame += tags;
		*length -= tags;
	}
	memcpy(*frame, route->macs, 12);
	return route->egress;
}

/* Makes a reply one from its VIP, and sends it to the client. */
static always_inline int32_t rewrite_to_client(struct counters *counters, const struct director *director,
					       const struct translation *translation, const struct packet *packet,
					       uint8_t **frame, uint32_t *length)
{
	const struct route *route = route_find(&director->routes, packet->inet6, translation->client_high,
					       translation->client_low);
	int32_t service = director->reals[translation->real_server].service;

	if (unlikely(!route)) {
		counters->worker[COUNT_no_route]++;
		return DROPPED;
	}
	if (unlikely(!may_leave(counters, route, packet)))
		return DROPPED;
	/* VPORT is the source's, CPORT the destination's. */
	translate_both(*frame + packet->l2_length, packet, translation->virtual_high, translation->virtual_low,
		       translation->client_high, translation->client_low,
		       (uint32_t)(uint16_t)(translation->tuple >> 16) << 16 | (uint16_t)(translation->tuple >> 32));
	if (likely(service != NO_SERVICE))
		count_reply(counters, service, translation->real_server, packet->ip_length);
	return leave(route, packet, frame, length);
}

/* Sends a packet of a real server's that is no reply on as it is. */
static inline int32_t pass_on(struct counters *counters, const struct director *director, const struct packet *packet,
			      uint8_t **frame, uint32_t *length)
{
	const struct route *route =
		route_find(&director->routes, packet->inet6, packet->virtual_high, packet->virtual_low);

	if (!route) {
		counters->worker[COUNT_reply_without_flow]++;
		return DROPPED;
	}
	if (!may_leave(counters, route, packet))
		return DROPPED;
	lower_ttl(*frame + packet->l2_length, packet->inet6);
	counters->worker[COUNT_reply_passed_on]++;
	return leave(route, packet, frame, length);
}

/* Rewrites one packet; its egress, or DROPPED. The frame begins elsewhere afterwards if it is encapsulated. */
static always_inline int32_t rewrite(struct counters *counters, const struct real_server *real, const struct packet *packet,
				     uint8_t **frame, uint32_t *length, uint32_t *identification)
{
	uint8_t *ip = *frame + packet->l2_length;
	uint32_t overhead = !real->tunnel ? 0 : real->outer6 ? IPV6_BYTES : IPV4_BYTES;

	if (unlikely(packet->ttl <= 1)) {
		counters->worker[COUNT_ttl_expired]++;
		return DROPPED;
	}
	lower_ttl(ip, packet->inet6);
	if (unlikely(packet->ip_length + overhead > real->mtu)) {
		counters->worker[COUNT_packet_too_big]++;
		return DROPPED;
	}
	if (!real->tunnel) {
		memcpy(*frame, real->macs, 12);
	} else {
		uint64_t tags = tags_of(*frame, packet);
		uint8_t *outer = encapsulate(ip, packet, real, identification);

		*frame = place(outer, tags, packet, real);
		/* Ethernet's padding stays behind. */
		*length = packet->l2_length + overhead + packet->ip_length;
	}
	count_packet(counters, real->service, packet->real_server, packet->ip_length);
	return real->egress;
}

#endif
