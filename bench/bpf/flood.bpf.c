// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * The generator's program: run on live frames (BPF_F_TEST_XDP_LIVE_FRAMES) it gives each the source of another flow,
 * keeps its checksums right (RFC 1624) and sends it out of the interface. The kernel hands the same pages round and
 * round without resetting them, so every change starts from what the frame says now.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define FIRST_PORT 1024
#define PORTS 64000

/* Set by dev.sluice.bench.LiveFrames before the first run. */
struct flood_config {
	__u32 flows;
	__u32 source; /* the last four bytes of flow 0's source address, as a number */
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct flood_config);
} config SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} sent SEC(".maps");

/* What the sum over a header changes by when four bytes and two more in it change. */
static __always_inline __u32 change(__be32 address, __be32 new_address, __be16 port, __be16 new_port)
{
	return (~address & 0xffff) + (~address >> 16) + (new_address & 0xffff) + (new_address >> 16) +
	       (~port & 0xffff) + new_port;
}

static __always_inline __u16 adjust(__u16 checksum, __u32 change)
{
	__u32 sum = (~checksum & 0xffff) + change;

	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

SEC("xdp")
int sluice_flood(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct flood_config *own;
	struct ethhdr *eth = data;
	__be32 address, *source;
	__be16 port, *ports;
	__u32 zero = 0, flow, delta;
	__u64 *count;
	__u8 protocol;

	own = bpf_map_lookup_elem(&config, &zero);
	count = bpf_map_lookup_elem(&sent, &zero);
	if (!own || !count || (void *)(eth + 1) > end)
		return XDP_DROP;
	flow = *count % own->flows;
	address = bpf_htonl(own->source + flow / PORTS);
	port = bpf_htons(FIRST_PORT + flow % PORTS);
	if (eth->h_proto == bpf_htons(ETH_P_IP)) {
		struct iphdr *ip = (void *)(eth + 1);

		if ((void *)(ip + 1) > end)
			return XDP_DROP;
		source = &ip->saddr;
		protocol = ip->protocol;
		ports = (void *)(ip + 1);
		ip->check = adjust(ip->check, change(*source, address, 0, 0));
	} else {
		struct ipv6hdr *ip = (void *)(eth + 1);

		if ((void *)(ip + 1) > end)
			return XDP_DROP;
		source = &ip->saddr.in6_u.u6_addr32[3];
		protocol = ip->nexthdr;
		ports = (void *)(ip + 1);
	}
	if ((void *)ports + sizeof(struct udphdr) > end)
		return XDP_DROP;
	delta = change(*source, address, *ports, port);
	if (protocol == IPPROTO_TCP) {
		struct tcphdr *tcp = (void *)ports;

		if ((void *)(tcp + 1) > end)
			return XDP_DROP;
		tcp->check = adjust(tcp->check, delta);
	} else {
		struct udphdr *udp = (void *)ports;

		udp->check = adjust(udp->check, delta);
		if (!udp->check)
			udp->check = 0xffff;
	}
	*source = address;
	*ports = port;
	(*count)++;
	return XDP_TX;
}

char _license[] SEC("license") = "Dual BSD/GPL";
