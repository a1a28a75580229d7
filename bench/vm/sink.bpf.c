// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* The sink of `bench/run instructions`: drops what comes. The interface counts it. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("xdp")
int sink(struct xdp_md *ctx)
{
	(void)ctx;
	return XDP_DROP;
}

char _license[] SEC("license") = "Dual BSD/GPL";
