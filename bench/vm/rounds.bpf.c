// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * The generator of `bench/run instructions`: run on live frames (BPF_F_TEST_XDP_LIVE_FRAMES) it writes all headers anew, for
 * the kernel hands the same pages round and round, and a forwarder in the kernel changes them. Frames differ in the UDP
 * source port, then in the source address.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define FIRST_PORT 1024
#define PORTS 64000

struct headers {
	struct ethhdr eth;
	struct iphdr ip;
	struct udphdr udp;
} __attribute__((packed));

/* Set by rounds.c; its headers are those of flow 0. */
struct rounds_config {
	__u32 flows;
	__u32 source;
	struct headers headers;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct rounds_config);
} config SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} next_flow SEC(".maps");

SEC("xdp")
int rounds_send(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct headers *headers = data;
	struct rounds_config *own;
	__u32 zero = 0, number, sum;
	__u32 *flow;

	own = bpf_map_lookup_elem(&config, &zero);
	flow = bpf_map_lookup_elem(&next_flow, &zero);
	if (!own || !flow || (void *)(headers + 1) > end)
		return XDP_DROP;
	number = *flow;
	*flow = number + 1 < own->flows ? number + 1 : 0;
	__builtin_memcpy(headers, &own->headers, sizeof(*headers));
	headers->ip.saddr = bpf_htonl(own->source + number / PORTS);
	headers->udp.source = bpf_htons(FIRST_PORT + number % PORTS);
	/* RFC 1624, equation 3, for the address's lower half: the upper one is the same in all flows. */
	sum = (__u16)~own->headers.ip.check + (__u16)~(own->headers.ip.saddr >> 16) + (headers->ip.saddr >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	headers->ip.check = ~(sum + (sum >> 16));
	/* None, as RFC 768 allows. */
	headers->udp.check = 0;
	return XDP_TX;
}

char _license[] SEC("license") = "Dual BSD/GPL";
