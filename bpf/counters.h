/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* What became of a packet: one counter each, and every packet moves exactly one. */
#ifndef SLUICE_COUNTERS_H
#define SLUICE_COUNTERS_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

/* The names and the order are those of dev.sluice.bpf.SteeringOutcome, where each is explained. Those that are handed over
 * come first, STEERED_REPLY_ICMP last of them; the three of replies are in the order of the first three. */
enum steering_outcome {
	STEERED,
	STEERED_FRAGMENT,
	STEERED_ICMP,
	STEERED_ECHO,
	STEERED_REPLY,
	STEERED_REPLY_FRAGMENT,
	STEERED_REPLY_ICMP,
	DROP_NO_DIRECTOR,
	PASS_NO_SOCKET,
	PASS_OTHER_HOST,
	PASS_NO_SERVICE,
	PASS_PROTOCOL,
	PASS_NOT_IP,
	PASS_MALFORMED,
	STEERING_OUTCOMES,
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, STEERING_OUTCOMES);
	__type(key, __u32);
	__type(value, __u64);
} counters SEC(".maps");

static __always_inline void count(__u32 outcome)
{
	__u64 *counter = bpf_map_lookup_elem(&counters, &outcome);

	if (counter)
		(*counter)++;
}

#endif
