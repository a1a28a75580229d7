// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * The program of bench/baseline's xsk-loop: TCP and UDP, to one address and port or all of it, go to the socket of the queue they
 * came in on, everything else to the kernel.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define MAX_QUEUES 64

/* Set by xsk-loop before it attaches. */
struct redirect_config {
	__u32 vip[4]; /* of IPv4 the first word alone */
	__be16 port;
	__u8 family; /* 4 or 6; 0 takes any address and port */
	__u8 unused;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct redirect_config);
} config SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_XSKMAP);
	__uint(max_entries, MAX_QUEUES);
	__type(key, __u32);
	__type(value, __u32);
} xsks SEC(".maps");

static __always_inline int is_wanted(const struct redirect_config *own, __u8 family, const __u32 *to, const __be16 *ports)
{
	if (!own->family)
		return 1;
	if (own->family != family || own->port != ports[1] || own->vip[0] != to[0])
		return 0;
	return family == 4 || (own->vip[1] == to[1] && own->vip[2] == to[2] && own->vip[3] == to[3]);
}

SEC("xdp")
int sluice_redirect(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct redirect_config *own;
	struct ethhdr *eth = data;
	__u8 family, protocol;
	__u32 zero = 0, *to;
	__be16 *ports;

	own = bpf_map_lookup_elem(&config, &zero);
	if (!own || (void *)(eth + 1) > end)
		return XDP_PASS;
	if (eth->h_proto == bpf_htons(ETH_P_IP)) {
		struct iphdr *ip = (void *)(eth + 1);

		if ((void *)(ip + 1) > end || ip->ihl != 5)
			return XDP_PASS;
		family = 4;
		protocol = ip->protocol;
		to = &ip->daddr;
		ports = (void *)(ip + 1);
	} else if (eth->h_proto == bpf_htons(ETH_P_IPV6)) {
		struct ipv6hdr *ip = (void *)(eth + 1);

		if ((void *)(ip + 1) > end)
			return XDP_PASS;
		family = 6;
		protocol = ip->nexthdr;
		to = ip->daddr.in6_u.u6_addr32;
		ports = (void *)(ip + 1);
	} else {
		return XDP_PASS;
	}
	if ((protocol != IPPROTO_UDP && protocol != IPPROTO_TCP) || (void *)(ports + 2) > end)
		return XDP_PASS;
	if (!is_wanted(own, family, to, ports))
		return XDP_PASS;
	return bpf_redirect_map(&xsks, ctx->rx_queue_index, XDP_PASS);
}

char _license[] SEC("license") = "Dual BSD/GPL";
