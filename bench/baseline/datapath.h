/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Takes a batch from the RX ring to its verdicts in three passes, as dev.sluice.forward.Pipeline: parse and hash, and
 * ask for the lines on which the flows are looked for; find or make each flow in the order of arrival; rewrite.
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

/*
 * Schedules a packet of no known flow and enters it; its real server, or DROPPED. The director asks here whether the packet
 * must go by hash, which with Maglev is where it goes anyway; a datagram or SYN is all the same, and so is a segment from the
 * middle of a connection with sloppy_tcp = hash.
 */
static int32_t open_flow(struct datapath *path, const struct packet *packet, int64_t now_ms)
{
	const struct director *director = path->director;
	struct counters *counters = &path->counters;
	int32_t service = service_find(director, packet), real_server;
	enum counter refusal;
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
	if (unlikely(refusal != COUNTS)) {
		counters->worker[refusal]++;
		return real_server;
	}
	counters->services[service].connections++;
	counters->reals[real_server].connections++;
	slot = flow_insert(&path->flows, packet, real_server, sloppy ? FLOW_SLOPPY : 0, now_ms);
	flow_touch(&path->flows, slot, packet, now_ms);
	flow_update_overload(&path->flows.real_flows[real_server]);
	counters->worker[sloppy ? COUNT_flow_new_sloppy : COUNT_flow_new]++;
	return real_server;
}

/* A SYN on a connection that is over begins another one (conn_reuse_mode 1). */
static always_inline bool is_reuse(const struct packet *packet, uint32_t state)
{
	return unlikely(opens_connection(packet)) && (state == CLOSE || state == TIME_WAIT);
}

static always_inline int32_t find_real_server(struct datapath *path, const struct packet *packet, int64_t now_ms,
					      uint64_t *hits)
{
	int64_t slot = flow_find(&path->flows, packet, now_ms);
	const struct flow_entry *entry;

	if (unlikely(slot < 0))
		return open_flow(path, packet, now_ms);
	entry = &path->flows.entries[slot];
	if (unlikely(is_reuse(packet, flow_state_of(entry)))) {
		path->counters.worker[COUNT_flow_reused]++;
		flow_remove(&path->flows, slot);
		return open_flow(path, packet, now_ms);
	}
	(*hits)++;
	if (unlikely(path->director->reals[entry->real_server].service == NO_SERVICE)) {
		path->counters.worker[COUNT_real_server_gone]++;
		return DROPPED;
	}
	flow_touch(&path->flows, slot, packet, now_ms);
	return entry->real_server;
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
 * line behind it.
 */
static always_inline void datapath_fetch(const struct datapath *path, const struct batch *batch)
{
	for (uint32_t i = 0; i < batch->count; i++)
		__builtin_prefetch(flow_home(&path->flows, path->packets[i].hash), 1, 3);
	for (uint32_t i = 0; i < batch->count; i++) {
		const struct packet *packet = &path->packets[i];

		if (flow_home(&path->flows, packet->hash)->tuple != packet->tuple)
			__builtin_prefetch(flow_home(&path->flows, packet->hash + 1), 1, 3);
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
		real_server = find_real_server(path, packet, now_ms, &hits);
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

static inline void datapath_process(struct datapath *path, struct batch *batch, int64_t now_ms)
{
	path->counters.worker[COUNT_packets_in] += batch->count;
	datapath_parse(path, batch);
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
