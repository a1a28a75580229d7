/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Takes a batch from the RX ring to its verdicts in three passes, as dev.sluice.forward.Pipeline: parse and hash, and
 * ask for the lines on which the flows are looked for; find or make each flow in the order of arrival; rewrite. With NAT the
 * second also rewrites: a translation may be another's once the next packet has been looked at. The loops without NAT know nothing
 * of it.
 */
#ifndef BASELINE_DATAPATH_H
#define BASELINE_DATAPATH_H

#include "flow_table.h"
#include "rewrite.h"

#define BATCH 64

struct batch {
	uint32_t count;
	uint8_t *frames[BATCH];
	uint32_t lengths[BATCH];
	/* The port to send on, or DROPPED. */
	int32_t egress[BATCH];
};

struct datapath {
	const struct director *director;
	struct flow_table flows;
	struct counters counters;
	uint32_t identification;
	struct packet packets[BATCH] __attribute__((aligned(64)));
};

/* A datapath for so many flows, of which a number may be half-open. */
static inline void datapath_init(struct datapath *path, const struct director *director, uint32_t max_flows,
				 uint32_t max_half_open, bool huge_pages)
{
	uint32_t slots = flow_slots(max_flows);

	memset(path, 0, sizeof(*path));
	path->director = director;
	path->flows.entries = map_memory((size_t)slots * sizeof(struct flow_entry), huge_pages);
	path->flows.wheel.links = map_memory((size_t)slots * sizeof(struct wheel_link), huge_pages);
	path->flows.real_flows = map_memory(MAX_REAL_SERVERS * sizeof(struct real_flows), false);
	path->flows.mask = slots - 1;
	path->flows.max_flows = max_flows;
	path->flows.max_half_open = max_half_open;
	memcpy(path->flows.timeout_ms, flow_default_timeout_ms, sizeof(path->flows.timeout_ms));
	translations_init(&path->flows.translations, max_flows, slots, huge_pages);
	counters_init(&path->counters);
}

static inline enum counter parse_drop(enum parse_code code)
{
	static const enum counter reasons[] = {
		[PARSE_TRUNCATED_ETHERNET] = COUNT_parse_truncated_ethernet,
		[PARSE_NOT_IP] = COUNT_parse_not_ip,
		[PARSE_TRUNCATED_IP] = COUNT_parse_truncated_ip,
		[PARSE_BAD_IP_VERSION] = COUNT_parse_bad_ip_version,
		[PARSE_BAD_IHL] = COUNT_parse_bad_ihl,
		[PARSE_BAD_TOTAL_LENGTH] = COUNT_parse_bad_total_length,
		[PARSE_BAD_IP_CHECKSUM] = COUNT_parse_bad_ip_checksum,
		[PARSE_BAD_EXTENSION_HEADER] = COUNT_parse_bad_extension_header,
		[PARSE_TOO_MANY_EXTENSION_HEADERS] = COUNT_parse_too_many_extension_headers,
		[PARSE_TRUNCATED_TRANSPORT] = COUNT_parse_truncated_transport,
		[PARSE_NOT_CARRIED] = COUNT_unsupported_protocol,
	};

	return reasons[code];
}

/* Why the table takes no new flow, or COUNTS. */
static always_inline enum counter refuse(const struct datapath *path, const struct packet *packet)
{
	if (unlikely(path->flows.size >= path->flows.max_flows))
		return COUNT_flow_table_full;
	if (opens_connection(packet) && unlikely(path->flows.half_open >= path->flows.max_half_open))
		return COUNT_flow_half_open_full;
	return COUNTS;
}

/* Enters what the replies of a flow look like that was just inserted. */
static void translate_flow(struct datapath *path, const struct packet *packet, const struct real_server *real, uint32_t slot,
			   const uint8_t *frame)
{
	uint16_t client_port = packet->tuple >> 32, real_port = real->port ? real->port : virtual_port(packet);
	struct packet reply = {
		.client_high = real->rip[0],
		.client_low = real->rip[1],
		.virtual_high = packet->client_high,
		.virtual_low = packet->client_low,
		.tuple = (uint64_t)real_port << 32 | (uint32_t)client_port << 16 | (uint16_t)packet->tuple,
		.inet6 = packet->inet6,
	};
	struct translation translation = {
		.real_high = reply.client_high,
		.real_low = reply.client_low,
		.local_high = reply.virtual_high,
		.local_low = reply.virtual_low,
		.real_tuple = reply.tuple,
		.hash = flow_hash(&path->director->key, &reply),
		.real_server = packet->real_server,
		.client_high = packet->client_high,
		.client_low = packet->client_low,
		.virtual_high = packet->virtual_high,
		.virtual_low = packet->virtual_low,
		.tuple = packet->tuple,
		/* All come in by port 0. */
		.station = get64(frame + 6) & ~(uint64_t)0xffff,
		.self = get64(frame) & ~(uint64_t)0xffff,
		.tags = packet->l2_length == ETHERNET_BYTES ? 0
			: packet->l2_length == ETHERNET_BYTES + VLAN_BYTES
				? (uint64_t)get32(frame + 12) << 32
				: get64(frame + 12),
	};

	translation_add(&path->flows.translations, &translation, slot);
}

/*
 * Schedules a packet of no known flow and enters it; its real server, or DROPPED. The director asks here whether the packet
 * must go by hash, which with Maglev is where it goes anyway; a datagram or SYN is all the same, and so is a segment from the
 * middle of a connection with sloppy_tcp = hash.
 */
static int32_t open_flow(struct datapath *path, struct packet *packet, const uint8_t *frame, int64_t now_ms)
{
	const struct director *director = path->director;
	struct counters *counters = &path->counters;
	int32_t service = service_find(director, packet), real_server;
	enum counter refusal;
	uint64_t flags = 0;
	uint32_t slot;
	bool sloppy;

	if (unlikely(service == NO_SERVICE)) {
		counters->worker[COUNT_no_service]++;
		return DROPPED;
	}
	if (unlikely(packet->tcp_flags & TCP_RST)) {
		counters->worker[COUNT_rst_without_flow]++;
		return DROPPED;
	}
	sloppy = packet->protocol == IP_TCP && !opens_connection(packet);
	refusal = refuse(path, packet);
	real_server = maglev_pick(&director->tables[service], packet->hash);
	packet->real_server = real_server;
	if (unlikely(refusal != COUNTS) && director->reals[real_server].translates) {
		/* No reply could come back. */
		counters->worker[COUNT_nat_without_flow]++;
		return DROPPED;
	}
	if (unlikely(refusal != COUNTS)) {
		counters->worker[refusal]++;
		return real_server;
	}
	counters->services[service].connections++;
	counters->reals[real_server].connections++;
	if (sloppy)
		flags |= FLOW_SLOPPY;
	if (director->reals[real_server].translates)
		flags |= FLOW_TRANSLATED;
	slot = flow_insert(&path->flows, packet, real_server, flags, now_ms);
	if (flags & FLOW_TRANSLATED)
		translate_flow(path, packet, &director->reals[real_server], slot, frame);
	flow_touch(&path->flows, slot, packet, flow_sender_of(flags), now_ms);
	flow_update_overload(&path->flows.real_flows[real_server]);
	counters->worker[sloppy ? COUNT_flow_new_sloppy : COUNT_flow_new]++;
	return real_server;
}

/* A SYN on a connection that is over begins another one (conn_reuse_mode 1). */
static always_inline bool is_reuse(const struct packet *packet, uint32_t state)
{
	return unlikely(opens_connection(packet)) && (state == CLOSE || state == TIME_WAIT);
}

/* A packet of a known flow: its real server, or DROPPED. */
static always_inline int32_t follow_flow(struct datapath *path, struct packet *packet, const uint8_t *frame, uint32_t slot,
					 bool nat, int64_t now_ms, uint64_t *hits)
{
	const struct flow_entry *entry = &path->flows.entries[slot];

	if (unlikely(is_reuse(packet, flow_state_of(entry)))) {
		path->counters.worker[COUNT_flow_reused]++;
		flow_remove(&path->flows, slot);
		return open_flow(path, packet, frame, now_ms);
	}
	(*hits)++;
	if (unlikely(path->director->reals[entry->real_server].service == NO_SERVICE)) {
		path->counters.worker[COUNT_real_server_gone]++;
		return DROPPED;
	}
	flow_touch(&path->flows, slot, packet, nat && flow_is_translated(entry) ? CLIENT : CLIENT_ALONE, now_ms);
	return entry->real_server;
}

static always_inline int32_t find_real_server(struct datapath *path, struct packet *packet, const uint8_t *frame,
					      int64_t now_ms, uint64_t *hits)
{
	int64_t slot = flow_find(&path->flows, packet, now_ms);

	if (unlikely(slot < 0))
		return open_flow(path, packet, frame, now_ms);
	return follow_flow(path, packet, frame, slot, false, now_ms, hits);
}

static always_inline void datapath_parse(struct datapath *path, struct batch *batch)
{
	const struct sip_key key = path->director->key;

	for (uint32_t i = 0; i < batch->count; i++) {
		struct packet *packet = &path->packets[i];
		enum parse_code code = parse_frame(batch->frames[i], batch->lengths[i], packet);

		if (likely(code == PARSE_OK)) {
			packet->hash = flow_hash(&key, packet);
			batch->egress[i] = 0;
		} else {
			path->counters.worker[parse_drop(code)]++;
			batch->egress[i] = DROPPED;
		}
	}
}

/*
 * Asks for the line of each flow's home, to be written when its packet is accounted there. In a loop of its own: between parsing
 * and hashing, too few of the misses are under way at a time. Then, for flows that are not at home, which are one in four, for the
 * line behind it; and for new ones, whose home is free, for the timer's links.
 */
static always_inline void datapath_fetch(const struct datapath *path, const struct batch *batch)
{
	for (uint32_t i = 0; i < batch->count; i++)
		__builtin_prefetch(flow_home(&path->flows, path->packets[i].hash), 1, 3);
	for (uint32_t i = 0; i < batch->count; i++) {
		const struct packet *packet = &path->packets[i];

		uint64_t held = flow_home(&path->flows, packet->hash)->tuple;

		if (held == packet->tuple)
			continue;
		if (held)
			__builtin_prefetch(flow_home(&path->flows, packet->hash + 1), 1, 3);
		else
			__builtin_prefetch(flow_home_link(&path->flows, packet->hash), 1, 3);
	}
}

static always_inline void datapath_direct(struct datapath *path, struct batch *batch, int64_t now_ms)
{
	uint64_t hits = 0;

	for (uint32_t i = 0; i < batch->count; i++) {
		struct packet *packet = &path->packets[i];
		int32_t real_server;

		if (unlikely(batch->egress[i] == DROPPED))
			continue;
		real_server = find_real_server(path, packet, batch->frames[i], now_ms, &hits);
		packet->real_server = real_server;
		if (unlikely(real_server < 0)) {
			batch->egress[i] = DROPPED;
			continue;
		}
		__builtin_prefetch(&path->director->reals[real_server], 0, 3);
		__builtin_prefetch(&path->counters.reals[real_server], 1, 3);
	}
	path->counters.worker[COUNT_flow_hit] += hits;
}

static always_inline void datapath_rewrite(struct datapath *path, struct batch *batch)
{
	uint32_t identification = path->identification;

	for (uint32_t i = 0; i < batch->count; i++) {
		const struct packet *packet = &path->packets[i];

		if (likely(batch->egress[i] != DROPPED))
			batch->egress[i] = rewrite(&path->counters, &path->director->reals[packet->real_server], packet,
						   &batch->frames[i], &batch->lengths[i], &identification);
	}
	path->identification = identification;
}

/* As datapath_fetch with NAT, stage by stage: what is not at home may be a reply, which leads by its bucket to a flow. */
static always_inline void datapath_fetch_nat(const struct datapath *path, const struct batch *batch)
{
	const struct flow_table *flows = &path->flows;
	uint32_t others[BATCH], count = 0, left = 0;

	for (uint32_t i = 0; i < batch->count; i++)
		__builtin_prefetch(flow_home(flows, path->packets[i].hash), 1, 3);
	for (uint32_t i = 0; i < batch->count; i++) {
		others[count] = i;
		count += flow_home(flows, path->packets[i].hash)->tuple != path->packets[i].tuple;
	}
	for (uint32_t i = 0; i < count; i++) {
		uint64_t hash = path->packets[others[i]].hash;

		__builtin_prefetch(flow_home(flows, hash + 1), 1, 3);
		__builtin_prefetch(translation_bucket(&flows->translations, hash), 0, 3);
	}
	for (uint32_t i = 0; i < count; i++) {
		uint32_t index = *translation_bucket(&flows->translations, path->packets[others[i]].hash);
		const struct translation *translation = &flows->translations.entries[index];

		__builtin_prefetch(translation, 0, 3);
		__builtin_prefetch(&translation->client_high, 0, 3);
		others[left] = index;
		left += index != NO_TRANSLATION;
	}
	for (uint32_t i = 0; i < left; i++)
		__builtin_prefetch(&flows->entries[flows->translations.entries[others[i]].slot], 1, 3);
}

/* What is of no known flow of a client's: a reply, a new flow's first packet, or a real server's that is none of a service's. */
static always_inline int32_t direct_other(struct datapath *path, struct packet *packet, uint8_t **frame, uint32_t *length,
					  int64_t now_ms, uint64_t *replies)
{
	const struct director *director = path->director;
	uint32_t index = translation_find(&path->flows.translations, packet);
	int32_t real_server;

	if (likely(index != NO_TRANSLATION)) {
		const struct translation *translation = &path->flows.translations.entries[index];
		int64_t slot = flow_of_reply(&path->flows, translation, now_ms);

		if (likely(slot >= 0)) {
			flow_touch(&path->flows, slot, packet, SERVER, now_ms);
			(*replies)++;
			packet->real_server = translation->real_server;
			return rewrite_to_client(&path->counters, director, translation, packet, frame, length);
		}
	}
	if (service_find(director, packet) == NO_SERVICE) {
		packet->real_server = director_sender(director, packet);
		if (packet->real_server >= 0)
			return pass_on(&path->counters, director, packet, frame, length);
	}
	real_server = open_flow(path, packet, *frame, now_ms);
	return real_server < 0 ? DROPPED
			       : rewrite_to_real(&path->counters, &director->reals[real_server], packet, *frame);
}

/* Second and third pass in one. All real servers are by NAT where any is. */
static always_inline void datapath_direct_nat(struct datapath *path, struct batch *batch, int64_t now_ms)
{
	uint64_t hits = 0, replies = 0;

	for (uint32_t i = 0; i < batch->count; i++) {
		struct packet *packet = &path->packets[i];
		int64_t slot;

		if (unlikely(batch->egress[i] == DROPPED))
			continue;
		slot = flow_find(&path->flows, packet, now_ms);
		if (slot < 0) {
			batch->egress[i] =
				direct_other(path, packet, &batch->frames[i], &batch->lengths[i], now_ms, &replies);
			continue;
		}
		packet->real_server = follow_flow(path, packet, batch->frames[i], slot, true, now_ms, &hits);
		batch->egress[i] = likely(packet->real_server >= 0)
					   ? rewrite_to_real(&path->counters, &path->director->reals[packet->real_server],
							     packet, batch->frames[i])
					   : DROPPED;
	}
	path->counters.worker[COUNT_flow_hit] += hits;
	path->counters.worker[COUNT_reply_hit] += replies;
}

static inline void datapath_process(struct datapath *path, struct batch *batch, int64_t now_ms)
{
	path->counters.worker[COUNT_packets_in] += batch->count;
	datapath_parse(path, batch);
	if (path->director->nat) {
		datapath_fetch_nat(path, batch);
		datapath_direct_nat(path, batch, now_ms);
		return;
	}
	datapath_fetch(path, batch);
	datapath_direct(path, batch, now_ms);
	datapath_rewrite(path, batch);
}

static inline void datapath_transmitted(struct datapath *path, uint64_t sent, uint64_t refused)
{
	path->counters.worker[COUNT_forwarded] += sent;
	path->counters.worker[COUNT_tx_ring_full] += refused;
}

#endif
