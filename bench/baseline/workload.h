/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * What `pipeline` forwards: services, real servers and flows by number, and the frames of the flows. README.md says which
 * addresses they have, so that others can build the same.
 */
#ifndef BASELINE_WORKLOAD_H
#define BASELINE_WORKLOAD_H

#include "datapath.h"

#define FRAME_BYTES 2048
#define HEADROOM 256
#define L3 ETHERNET_BYTES
#define MIN_FRAME_BYTES 60
#define PAYLOAD_BYTES 18
#define FIRST_PORT 1024
#define PORTS 60000
/* Packets drawn by Zipf, and of a flood, before the first comes again. */
#define ZIPF_PACKETS 4000000
#define FLOOD_PACKETS (1u << 20)
/* Flows of a flood begin here, so that no other has their numbers. */
#define FLOOD_FLOWS (1u << 27)
#define SEED 42

/* RPORT is VPORT and that much, with NAT. */
#define PORT_SHIFT 8000
#define CLIENT_MAC 0x020000000001
#define DIRECTOR_MAC 0x020000000002
#define REAL_SERVER_MAC 0x020100000000

enum scenario { SCENARIO_HIT, SCENARIO_MISS, SCENARIO_SYNFLOOD, SCENARIO_COPY };

/* Of datagrams of known flows with NAT: the client's, replies, or half of each in no order. */
enum direction { DIRECTION_IN, DIRECTION_OUT, DIRECTION_BOTH };

struct workload {
	enum method method;
	enum direction direction;
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
	return inet6 ? (struct address){ 0x20010db800020000, 1 + service, true }
		     : (struct address){ 0, 0xc6120001 + service, false };
}

static inline struct address rip(uint32_t real_server, bool inet6)
{
	return inet6 ? (struct address){ 0x20010db800030000, 0x100 + real_server, true }
		     : (struct address){ 0, 0x0a640000 + real_server, false };
}

static inline struct address tunnel_source(bool inet6)
{
	return inet6 ? (struct address){ 0x20010db800030000, 1, true } : (struct address){ 0, 0xc0000201, false };
}

/* A service with its real servers, numbered on from those before. */
static inline void add_service(struct director *director, const struct workload *work, uint32_t number, bool inet6,
			       bool tcp)
{
	struct maglev_member *members = calloc(work->real_servers, sizeof(*members));
	struct address virtual = vip(number, inet6), source = tunnel_source(inet6);
	uint16_t port = tcp ? 80 : 53, real_port = work->method == METHOD_NAT ? port + PORT_SHIFT : port;
	int32_t service = director->services;

	if (!members)
		die("no memory for %u real servers", work->real_servers);
	for (uint32_t i = 0; i < work->real_servers; i++) {
		uint32_t id = director->real_servers;
		struct address target = rip(id, inet6);
		struct real_server *real =
			director_add_real(director, service, REAL_SERVER_MAC + id, DIRECTOR_MAC, 0, 1500);

		if (work->method == METHOD_TUN)
			real_server_tunnel(real, &source, &target);
		else if (work->method == METHOD_NAT)
			real_server_translate(director, real, &target, real_port);
		members[i] = (struct maglev_member){ target.high, target.low, real_port, inet6, id };
	}
	director_add_service(director, &virtual, tcp ? IP_TCP : IP_UDP, port,
			     maglev_build(&director->key, members, work->real_servers));
	free(members);
}

static inline void configure(struct director *director, const struct workload *work)
{
	uint32_t services = work->services * (work->inet4 + work->inet6) * (work->udp + work->tcp);
	struct route gateway = { .mtu = 1500 };

	if (services > MAX_SERVICES || (uint64_t)services * work->real_servers > MAX_REAL_SERVERS)
		die("%u services of %u real servers are too many: %d services and %d real servers in all at the most", services,
		    work->real_servers, MAX_SERVICES, MAX_REAL_SERVERS);
	director_init(director, work->key_high, work->key_low, services, services * work->real_servers);
	put_mac(gateway.macs, CLIENT_MAC);
	put_mac(gateway.macs + 6, DIRECTOR_MAC);
	routes_default(&director->routes, &gateway);
	for (int inet6 = !work->inet4; inet6 <= work->inet6; inet6++) {
		for (int tcp = !work->udp; tcp <= work->tcp; tcp++) {
			for (uint32_t number = 0; number < work->services; number++)
				add_service(director, work, number, inet6, tcp);
		}
	}
}

static inline bool is_inet6(const struct workload *work, uint32_t flow)
{
	return work->inet4 && work->inet6 ? flow & 1 : work->inet6;
}

/* How long a flow's frame is: a datagram with 18 octets, or a SYN, but no less than Ethernet's minimum. */
static inline uint32_t frame_bytes(const struct workload *work, uint32_t flow)
{
	uint32_t bytes = ETHERNET_BYTES + (is_inet6(work, flow) ? IPV6_BYTES : IPV4_BYTES) +
			 (work->tcp ? 20 : 8 + PAYLOAD_BYTES);

	return bytes < MIN_FRAME_BYTES ? MIN_FRAME_BYTES : bytes;
}

/* The room that a frame's image has: whole cache lines. */
static inline uint32_t image_bytes(const struct workload *work)
{
	return work->inet6 ? 128 : 64;
}

static inline void write_transport(uint8_t *ip, uint8_t *l4, uint32_t length, bool inet6, bool tcp, uint16_t source_port,
				   uint16_t destination_port)
{
	uint64_t pseudo = length + (tcp ? IP_TCP : IP_UDP);
	uint8_t *addresses = ip + (inet6 ? 8 : 12);

	for (int at = 0; at < (inet6 ? 32 : 8); at += 2)
		pseudo += get16(addresses + at);
	put16(l4, source_port);
	put16(l4 + 2, destination_port);
	if (tcp) {
		l4[12] = 5 << 4;
		l4[13] = TCP_SYN;
		put16(l4 + 14, 0xffff);
		put16(l4 + 16, checksum_of(l4, length, pseudo));
	} else {
		put16(l4 + 4, length);
		put16(l4 + 6, checksum_of(l4, length, pseudo));
	}
}

static inline void write_packet(uint8_t *frame, const struct workload *work, uint32_t length, const struct address *from,
				uint16_t source_port, const struct address *to, uint16_t destination_port)
{
	bool inet6 = from->inet6;
	uint32_t header = inet6 ? IPV6_BYTES : IPV4_BYTES, transport = work->tcp ? 20 : 8 + PAYLOAD_BYTES;
	uint8_t *ip = frame + L3;

	memset(frame + 12, 0, length - 12);
	put16(frame + 12, inet6 ? TYPE_IPV6 : TYPE_IPV4);
	if (inet6) {
		put32(ip, 0x60000000);
		put16(ip + 4, transport);
		ip[6] = work->tcp ? IP_TCP : IP_UDP;
		ip[7] = 64;
		put64(ip + 8, from->high);
		put64(ip + 16, from->low);
		put64(ip + 24, to->high);
		put64(ip + 32, to->low);
	} else {
		put16(ip, 0x4500);
		put16(ip + 2, header + transport);
		ip[8] = 64;
		ip[9] = work->tcp ? IP_TCP : IP_UDP;
		put32(ip + 12, from->low);
		put32(ip + 16, to->low);
		put16(ip + 10, checksum_of(ip, header, 0));
	}
	write_transport(ip, ip + header, transport, inet6, work->tcp, source_port, destination_port);
}

/*
 * A flow's frame as it comes from the wire, with right checksums: its client's, or its reply from a real server, by number, where
 * that is not negative.
 */
static inline void write_frame(uint8_t *frame, const struct workload *work, uint32_t flow, int32_t real_server)
{
	bool inet6 = is_inet6(work, flow);
	/* Mixed families alternate, and every service has flows of its own family only. */
	uint32_t client = work->inet4 && work->inet6 ? flow / 2 : flow;
	struct address virtual = vip(client % work->services, inet6);
	struct address from = inet6 ? (struct address){ 0x20010db800010000, client, true }
				    : (struct address){ 0, 0x10000000 + flow, false };
	uint16_t client_port = FIRST_PORT + client % PORTS, port = work->tcp ? 80 : 53;

	put_mac(frame, DIRECTOR_MAC);
	if (real_server < 0) {
		put_mac(frame + 6, CLIENT_MAC);
		write_packet(frame, work, frame_bytes(work, flow), &from, client_port, &virtual, port);
	} else {
		struct address real = rip(real_server, inet6);

		put_mac(frame + 6, REAL_SERVER_MAC + real_server);
		write_packet(frame, work, frame_bytes(work, flow), &real, port + PORT_SHIFT, &from, client_port);
	}
}

/* Whether there are images of both directions, numbered two by two. */
static inline bool goes_both_ways(const struct workload *work)
{
	return work->direction == DIRECTION_BOTH;
}

static inline uint32_t flow_of_image(const struct workload *work, uint32_t number)
{
	return goes_both_ways(work) ? number >> 1 : number;
}

static inline bool is_reply_image(const struct workload *work, uint32_t number)
{
	return goes_both_ways(work) ? number & 1 : work->direction == DIRECTION_OUT;
}

/* How many packets it takes until the first comes again. */
static inline uint32_t period(const struct workload *work)
{
	switch (work->scenario) {
	case SCENARIO_MISS:
		/* The other half expires before it comes again. */
		return 2 * work->flows;
	case SCENARIO_SYNFLOOD:
		return FLOOD_PACKETS;
	default:
		return work->zipf ? ZIPF_PACKETS : work->flows << goes_both_ways(work);
	}
}

/* The numbers below a count in random order. */
static inline void draw_permutation(uint32_t *order, uint32_t count)
{
	uint64_t random = SEED;

	for (uint32_t i = 0; i < count; i++) {
		uint32_t other = (unsigned __int128)next_random(&random) * (i + 1) >> 64;

		order[i] = order[other];
		order[other] = i;
	}
}

/* Numbers of images, the k-th flow's with a probability in proportion to 1/k. */
static inline void draw_zipf(uint32_t *order, uint32_t count, uint32_t flows, bool both_ways)
{
	double *sums = calloc(flows, sizeof(*sums)), sum = 0;
	uint64_t random = SEED;

	if (!sums)
		die("no memory for a distribution over %u flows", flows);
	for (uint32_t rank = 0; rank < flows; rank++)
		sums[rank] = sum += 1.0 / (rank + 1);
	for (uint32_t i = 0; i < count; i++) {
		uint64_t draw = next_random(&random);
		/* Its lower bits are left for the direction. */
		double point = (draw >> 11) * 0x1p-53 * sum;
		uint32_t low = 0, high = flows - 1;

		while (low < high) {
			uint32_t middle = low + (high - low) / 2;

			if (sums[middle] > point)
				high = middle;
			else
				low = middle + 1;
		}
		order[i] = both_ways ? low << 1 | (draw & 1) : low;
	}
	free(sums);
}

struct images {
	uint8_t *frames;
	uint32_t *lengths;
	/* Whole batches. */
	uint32_t count;
	uint32_t stride;
};

/*
 * Frames one behind the other, in the order in which they come.
 *
 * real_servers: by flow, for replies
 */
static inline struct images make_images(const struct workload *work, const uint16_t *real_servers, bool huge_pages)
{
	uint32_t drawn = period(work), *order = calloc(drawn, sizeof(*order));
	struct images images = { .count = drawn - drawn % BATCH, .stride = image_bytes(work) };

	if (!order)
		die("no memory for an order of %u packets", drawn);
	if (work->zipf && (work->scenario == SCENARIO_HIT || work->scenario == SCENARIO_COPY))
		draw_zipf(order, drawn, work->flows, goes_both_ways(work));
	else
		draw_permutation(order, drawn);
	images.frames = map_memory((size_t)images.count * images.stride, huge_pages);
	images.lengths = map_memory((size_t)images.count * sizeof(uint32_t), huge_pages);
	for (uint32_t i = 0; i < images.count; i++) {
		uint32_t flow = flow_of_image(work, order[i]) + (work->scenario == SCENARIO_SYNFLOOD ? FLOOD_FLOWS : 0);

		write_frame(images.frames + (size_t)i * images.stride, work, flow,
			    is_reply_image(work, order[i]) ? real_servers[flow] : -1);
		images.lengths[i] = frame_bytes(work, flow);
	}
	free(order);
	return images;
}

#endif
