// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * The kernel's own ceiling: gives a frame other stations and sends it on from the driver, back out of the interface it
 * came in on or out of another one. Neither IP header nor connections are looked at.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

/* Set by dev.sluice.bench.net.XdpTransmit, which has the same layout. */
struct reflect_config {
	__u32 interface; /* index of the one to send on, 0 for the same */
	__u8 destination[ETH_ALEN];
	__u8 source[ETH_ALEN];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct reflect_config);
} config SEC(".maps");

SEC("xdp")
int sluice_reflect(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct reflect_config *own;
	__u32 zero = 0;

	own = bpf_map_lookup_elem(&config, &zero);
	if (!own || (void *)(eth + 1) > end)
		return XDP_DROP;
	if (eth->h_proto != bpf_htons(ETH_P_IP) && eth->h_proto != bpf_htons(ETH_P_IPV6))
		return XDP_PASS;
	__builtin_memcpy(eth->h_dest, own->destination, ETH_ALEN);
	__builtin_memcpy(eth->h_source, own->source, ETH_ALEN);
	return own->interface ? bpf_redirect(own->interface, 0) : XDP_TX;
}

char _license[] SEC("license") = "Dual BSD/GPL";
