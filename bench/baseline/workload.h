/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * What `pipeline` forwards: services, real servers and flows by number, and the frames of the flows. README.md says which
 * addresses they have, so that others can build the same.
 */
#ifndef BASELINE_WORKLOAD_H
#define BASELINE_WORKLOAD_H

#include <math.h>

#include "datapath.h"

#define FRAME_BYTES 2048
#define HEADROOM 256
#define ZIPF_IMAGES (1u << 22)
#define FIRST_PORT 1024
#define PORTS 64000
#define SEED 42

enum scenario { SCENARIO_HIT, SCENARIO_MISS, SCENARIO_SYNFLOOD, SCENARIO_COPY };

struct workload {
	enum method method;
	bool inet4;
	bool inet6;
	bool udp;
	bool tcp;
	uint32_t flows;
	bool zipf;
	uint32_t services;
	uint32_t real_servers;
	enum scenario scenario;
	uint64_t key_high;
	uint64_t key_low;
};

/* SplitMix64 (Steele, Lea and Flood, 2014). */
static inline uint64_t next_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static inline struct address vip(uint32_t service, bool inet6)
{
	return inet6 ? (struct address){ 0x2001000200000000, 1 + service, true }
		     : (struct address){ 0, 0xc6120001 + service, false };
}

static inline struct address rip(uint32_t real_server, bool inet6)
{
	return inet6 ? (struct address){ 0x20010db800000001, 1 + real_server, true }
		     : (struct address){ 0, 0xac100000 + real_server, false };
}

static inline struct address tunnel_source(bool inet6)
{
	return inet6 ? (struct address){ 0x20010db800000000, 1, true } : (struct address){ 0, 0xc0000201, false };
}

static inline struct address client(uint32_t number, bool inet6)
{
	return inet6 ? (struct address){ 0x20010db800000002, number, true }
		     : (struct address){ 0, 0x0a000000 + number, false };
}

/* A service with its real servers, numbered on from those before. */
static inline void add_service(struct director *director, const struct workload *work, uint32_t number, bool inet6,
			       bool tcp)
{
	struct maglev_member *members = calloc(work->real_servers, sizeof(*members));
	struct address virtual = vip(number, inet6), source = tunnel_source(inet6);
	uint16_t port = tcp ? 80 : 53;
	int32_t service = director->services;

	if (!members)
		die("no memory for %u real servers", work->real_servers);
	for (uint32_t i = 0; i < work->real_servers; i++) {
		uint32_t id = director->real_servers;
		struct address target = rip(id, inet6);
		struct real_server *real =
			director_add_real(director, service, 0x020000010000 + id, 0x020000000002, 1, 1500);

		if (work->method == METHOD_TUN)
			real_server_tunnel(real, &source, &target);
		members[i] = (struct maglev_member){ target.high, target.low, port, inet6, id };
	}
	director_add_service(director, &virtual, tcp ? IP_TCP : IP_UDP, port,
			     maglev_build(&director->key, members, work->real_servers));
	free(members);
}

static inline void configure(struct director *director, const struct workload *work)
{
	uint32_t services = work->services * (work->inet4 + work->inet6) * (work->udp + work->tcp);

	if (services > MAX_SERVICES || (uint64_t)services * work->real_servers > MAX_REAL_SERVERS)
		die("%u services of %u real servers are too many: %d services and %d real servers in all at the most", services,
		    work->real_servers, MAX_SERVICES, MAX_REAL_SERVERS);
	director_init(director, work->key_high, work->key_low, services, services * work->real_servers);
	for (uint32_t number = 0; number < work->services; number++) {
		for (int inet6 = !work->inet4; inet6 <= work->inet6; inet6++) {
			for (int tcp = !work->udp; tcp <= work->tcp; tcp++)
				add_service(director, work, number, inet6, tcp);
		}
	}
}

/* The frame's length: TCP over IPv6 does not fit into a line. */
static inline uint32_t frame_length(const struct workload *work)
{
	return work->tcp && work->inet6 ? 74 : 64;
}

static inline uint32_t image_bytes(const struct workload *work)
{
	return frame_length(work) > 64 ? 128 : 64;
}

static inline void write_transport(uint8_t *ip, uint8_t *l4, uint32_t length, bool inet6, bool tcp, uint16_t source_port,
				   uint8_t tcp_flags)
{
	uint64_t pseudo = length + (tcp ? IP_TCP : IP_UDP);
	uint8_t *addresses = ip + (inet6 ? 8 : 12);

	for (int at = 0; at < (inet6 ? 32 : 8); at += 2)
		pseudo += get16(addresses + at);
	put16(l4, source_port);
	put16(l4 + 2, tcp ? 80 : 53);
	if (tcp) {
		l4[12] = 5 << 4;
		l4[13] = tcp_flags;
		put16(l4 + 14, 0xffff);
		put16(l4 + 16, checksum_of(l4, length, pseudo));
	} else {
		put16(l4 + 4, length);
		put16(l4 + 6, checksum_of(l4, length, pseudo));
	}
}

/* The frame of a flow as it comes from the wire: UDP fills the frame with payload, TCP has Ethernet's padding. */
static inline void write_frame(uint8_t *frame, const struct workload *work, uint32_t flow, uint8_t tcp_flags)
{
	bool both = work->inet4 && work->inet6, inet6 = both ? flow & 1 : work->inet6;
	uint32_t length = frame_length(work), header = inet6 ? IPV6_BYTES : IPV4_BYTES;
	uint32_t transport = work->tcp ? 20 : length - ETHERNET_BYTES - header;
	struct address from = client(flow, inet6), to = vip((both ? flow / 2 : flow) % work->services, inet6);
	uint8_t *ip = frame + ETHERNET_BYTES;

	memset(frame, 0, length);
	put_mac(frame, 0x020000000002);
	put_mac(frame + 6, 0x020000000001);
	put16(frame + 12, inet6 ? TYPE_IPV6 : TYPE_IPV4);
	if (inet6) {
		put32(ip, 0x60000000);
		put16(ip + 4, transport);
		ip[6] = work->tcp ? IP_TCP : IP_UDP;
		ip[7] = 64;
		put64(ip + 8, from.high);
		put64(ip + 16, from.low);
		put64(ip + 24, to.high);
		put64(ip + 32, to.low);
	} else {
		put16(ip, 0x4500);
		put16(ip + 2, header + transport);
		put16(ip + 6, IPV4_DONT_FRAGMENT);
		ip[8] = 64;
		ip[9] = work->tcp ? IP_TCP : IP_UDP;
		put32(ip + 12, from.low);
		put32(ip + 16, to.low);
		put16(ip + 10, checksum_of(ip, header, 0));
	}
	write_transport(ip, ip + header, transport, inet6, work->tcp, FIRST_PORT + flow % PORTS, tcp_flags);
}

/* The flows in the order in which their packets come: each once, shuffled, or drawn with P(rank k) ~ 1/k. */
static inline uint32_t *draw_flows(const struct workload *work, uint32_t count)
{
	uint32_t *order = calloc(count, sizeof(*order));
	uint64_t random = SEED;
	double *sums;

	if (!order)
		die("no memory for an order of %u packets", count);
	if (!work->zipf) {
		for (uint32_t i = 0; i < count; i++) {
			uint32_t other = (unsigned __int128)next_random(&random) * (i + 1) >> 64;

			order[i] = order[other];
			order[other] = i % work->flows;
		}
		return order;
	}
	sums = calloc(work->flows, sizeof(*sums));
	if (!sums)
		die("no memory for a distribution over %u flows", work->flows);
	for (uint32_t rank = 0; rank < work->flows; rank++)
		sums[rank] = (rank ? sums[rank - 1] : 0) + 1.0 / (rank + 1);
	for (uint32_t i = 0; i < count; i++) {
		double point = (next_random(&random) >> 11) * 0x1p-53 * sums[work->flows - 1];
		uint32_t low = 0, high = work->flows - 1;

		while (low < high) {
			uint32_t middle = low + (high - low) / 2;

			if (sums[middle] > point)
				high = middle;
			else
				low = middle + 1;
		}
		order[i] = low;
	}
	free(sums);
	return order;
}

/* Images, one behind the other, whole batches of them; their number. */
static inline uint32_t make_images(const struct workload *work, uint8_t **images, bool huge_pages)
{
	uint32_t count = work->zipf ? ZIPF_IMAGES : work->flows, stride = image_bytes(work), *order;

	count = (count + BATCH - 1) / BATCH * BATCH;
	order = draw_flows(work, count);
	*images = map_memory((size_t)count * stride, huge_pages);
	for (uint32_t i = 0; i < count; i++)
		write_frame(*images + (size_t)i * stride, work, order[i], TCP_ACK);
	free(order);
	return count;
}

#endif
