/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * What the decapsulation program is told, and what became of each packet. dev.sluice.bpf.DecapProgram fills the maps
 * before it attaches the program.
 */
#ifndef SLUICE_DECAP_MAPS_H
#define SLUICE_DECAP_MAPS_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define FAMILY_INET 2
#define FAMILY_INET6 10

#define MAX_ADDRESSES 1024

/* Network byte order; an IPv4 address is the last four bytes, with twelve zero bytes before it. */
struct address_key {
	__be32 address[4];
	__u32 family;
};

/* The destinations that inner packets may have. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_ADDRESSES);
	__type(key, struct address_key);
	__type(value, __u32);
} decap_vips SEC(".maps");

/* The destinations that outer packets may have: the real server's own addresses. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_ADDRESSES);
	__type(key, struct address_key);
	__type(value, __u32);
} decap_local SEC(".maps");

/* One entry: which tunnels end here. */
struct tunnels {
	__u8 ipip;
	__u8 gre;
	__be16 gue_port; /* 0: none */
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct tunnels);
} decap_tunnels SEC(".maps");

/* Every packet moves one. The names and the order are those of dev.sluice.bpf.DecapOutcome, where each is explained. */
enum decap_outcome {
	DECAPSULATED,
	DROP_ECN,
	DROP_CHECKSUM,
	PASS_FRAGMENT,
	PASS_NO_VIP,
	PASS_OTHER_ADDRESS,
	PASS_PAYLOAD,
	PASS_NO_TUNNEL,
	PASS_NOT_IP,
	PASS_MALFORMED,
	DECAP_OUTCOMES,
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, DECAP_OUTCOMES);
	__type(key, __u32);
	__type(value, __u64);
} decap_counters SEC(".maps");

static __always_inline void count(__u32 outcome)
{
	__u64 *counter = bpf_map_lookup_elem(&decap_counters, &outcome);

	if (counter)
		(*counter)++;
}

#endif
