// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Forwards without leaving the kernel, the ceiling for whatever runs above it: TCP and UDP frames go back out of the interface
 * they came in by (XDP_TX) or out of another one, with their MAC addresses swapped or set. Other frames go to the kernel.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

/* Set by xsk-loop before it attaches. */
struct reflect_config {
	__u8 destination[ETH_ALEN];
	__u8 source[ETH_ALEN];
	__u8 swap; /* destination and source, instead of setting them */
	__u8 elsewhere; /* to the interface at 0 of egress, instead of back */
	__u8 unused[2];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct reflect_config);
} config SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} egress SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} forwarded SEC(".maps");

static __always_inline int is_forwarded(struct ethhdr *eth, void *end)
{
	__u8 protocol = 0;

	if (eth->h_proto == bpf_htons(ETH_P_IP)) {
		struct iphdr *ip = (void *)(eth + 1);

		if ((void *)(ip + 1) <= end)
			protocol = ip->protocol;
	} else if (eth->h_proto == bpf_htons(ETH_P_IPV6)) {
		struct ipv6hdr *ip = (void *)(eth + 1);

		if ((void *)(ip + 1) <= end)
			protocol = ip->nexthdr;
	}
	return protocol == IPPROTO_UDP || protocol == IPPROTO_TCP;
}

SEC("xdp")
int sluice_reflect(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	__u8 source[ETH_ALEN];
	struct reflect_config *own;
	struct ethhdr *eth = data;
	__u32 zero = 0;
	__u64 *count;

	own = bpf_map_lookup_elem(&config, &zero);
	count = bpf_map_lookup_elem(&forwarded, &zero);
	if (!own || !count || (void *)(eth + 1) > end || !is_forwarded(eth, end))
		return XDP_PASS;
	if (own->swap) {
		__builtin_memcpy(source, eth->h_dest, ETH_ALEN);
		__builtin_memcpy(eth->h_dest, eth->h_source, ETH_ALEN);
		__builtin_memcpy(eth->h_source, source, ETH_ALEN);
	} else {
		__builtin_memcpy(eth->h_dest, own->destination, ETH_ALEN);
		__builtin_memcpy(eth->h_source, own->source, ETH_ALEN);
	}
	(*count)++;
	return own->elsewhere ? bpf_redirect_map(&egress, 0, XDP_DROP) : XDP_TX;
}

char _license[] SEC("license") = "Dual BSD/GPL";
