/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* What became of packets, by reason, by service and by real server: the names are those of `sluice stats`. */
#ifndef BASELINE_COUNTERS_H
#define BASELINE_COUNTERS_H

#include <inttypes.h>
#include <stdio.h>

#include "director.h"

#define COUNTERS(X)                                                                                                     \
	X(packets_in) X(forwarded) X(flow_hit) X(flow_new) X(flow_new_sloppy) X(flow_reused) X(flow_table_full)         \
	X(flow_half_open_full) X(parse_truncated_ethernet) X(parse_not_ip) X(parse_truncated_ip) X(parse_bad_ip_version) \
	X(parse_bad_ihl) X(parse_bad_total_length) X(parse_bad_ip_checksum) X(parse_bad_extension_header)               \
	X(parse_too_many_extension_headers) X(parse_truncated_transport) X(unsupported_protocol) X(no_service)          \
	X(rst_without_flow) X(real_server_gone) X(ttl_expired) X(packet_too_big) X(tx_ring_full)                       \
	X(reply_hit) X(reply_passed_on) X(reply_without_flow) X(nat_without_flow) X(no_route)

enum counter {
#define COUNTER_CODE(name) COUNT_##name,
	COUNTERS(COUNTER_CODE)
#undef COUNTER_CODE
	COUNTS
};

/* A cache line. */
struct traffic {
	uint64_t connections;
	uint64_t packets;
	uint64_t bytes;
	uint64_t out_packets;
	uint64_t out_bytes;
} __attribute__((aligned(64)));

struct counters {
	uint64_t worker[COUNTS];
	struct traffic *reals;
	struct traffic *services;
};

static inline void counters_init(struct counters *counters)
{
	counters->reals = map_memory(MAX_REAL_SERVERS * sizeof(struct traffic), false);
	counters->services = map_memory(MAX_SERVICES * sizeof(struct traffic), false);
}

static always_inline void count_packet(struct counters *counters, int32_t service, int32_t real_server, uint32_t bytes)
{
	counters->services[service].packets++;
	counters->services[service].bytes += bytes;
	counters->reals[real_server].packets++;
	counters->reals[real_server].bytes += bytes;
}

static always_inline void count_reply(struct counters *counters, int32_t service, int32_t real_server, uint32_t bytes)
{
	counters->services[service].out_packets++;
	counters->services[service].out_bytes += bytes;
	counters->reals[real_server].out_packets++;
	counters->reals[real_server].out_bytes += bytes;
}

/* As a JSON object. */
static inline void counters_print(const struct counters *counters, FILE *out)
{
	static const char *const names[] = {
#define COUNTER_NAME(name) #name,
		COUNTERS(COUNTER_NAME)
#undef COUNTER_NAME
	};

	for (int i = 0; i < COUNTS; i++)
		fprintf(out, "%s\"%s\":%" PRIu64, i ? "," : "{", names[i], counters->worker[i]);
	fputc('}', out);
}

#endif
