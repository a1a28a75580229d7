// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * The generator's program: run on live frames (BPF_F_TEST_XDP_LIVE_FRAMES) it gives each the source of another flow,
 * keeps its checksums right (RFC 1624) and sends it out of the interface. The kernel hands the same pages round and
 * round without resetting them, so every change starts from what the frame says now. Where frames are of several kinds or
 * sizes, each gets the headers of its kind and size from a template first; the payload is zeros for all.
 *
 * At a rate it keeps the time itself: a frame that is not due yet is not sent (XDP_DROP gives its page back), which waits
 * actively and is exact to a batch. A frame is due at the start plus its number times the interval, so one that comes late
 * does not make the next one late. With stamps every frame carries in its last eight bytes the time at which it was due,
 * not that at which it left: what the generator itself was held up by counts as the subject's delay, and nothing that
 * the subject delays is left out (no coordinated omission).
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

#define CHOICES (1 << 20)
#define STAMP_BYTES 8
#define HEADER_BYTES 80
#define TEMPLATES 32
#define CYCLE 64

/* Set by dev.sluice.bench.LiveFrames before each run; it has the same layout. */
struct flood_config {
	__u32 flows;
	__u32 source; /* the last four bytes of flow 0's source address, as a number */
	__u32 choices; /* 0: flows in turn; otherwise by the table, which has so many entries in use, a power of two */
	__u32 stamps; /* whether frames carry the time at which they were due */
	__u32 kinds; /* 0: the frame it is run on is the only one; otherwise flow % kinds says which kind a frame is of */
	__u32 distinct; /* frame sizes, each with a template for every kind */
	__u32 cycle; /* entries of sizes in use */
	__u32 unused;
	__u64 start_ns; /* when the first frame is due, CLOCK_MONOTONIC */
	__u64 interval; /* between frames, in ns << 16; 0: as fast as it goes */
	__u64 limit; /* frames of this run when it has an interval */
};

/* One run at a time has it, so it need not be one for each CPU. */
struct flood_state {
	__u64 sent; /* since the program was loaded */
	__u64 paced; /* of those, in this run */
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct flood_config);
} config SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct flood_state);
} state SEC(".maps");

/* Which flow the next frame is of, drawn beforehand. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, CHOICES);
	__type(key, __u32);
	__type(value, __u64);
} choice SEC(".maps");

/* Frames of flow 0, kind by kind and in these size by size. */
struct flood_template {
	__u32 length;
	__u32 source; /* as in flood_config */
	__u8 header[HEADER_BYTES];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, TEMPLATES);
	__type(key, __u32);
	__type(value, struct flood_template);
} templates SEC(".maps");

/* Which size comes when. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, CYCLE);
	__type(key, __u32);
	__type(value, __u32);
} sizes SEC(".maps");

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

/* Makes the frame one of its kind and the size that is next; says where the sources of the kind begin. */
static __always_inline int fill(struct xdp_md *ctx, const struct flood_config *own, __u64 number, __u32 flow, __u32 *source)
{
	__u32 length, place, index, *size;
	struct flood_template *template;

	if (!own->cycle || !own->flows)
		return -1;
	place = (number + number / own->flows) % own->cycle;
	size = bpf_map_lookup_elem(&sizes, &place);
	if (!size)
		return -1;
	index = flow % own->kinds * own->distinct + *size;
	template = bpf_map_lookup_elem(&templates, &index);
	if (!template)
		return -1;
	length = template->length;
	if (bpf_xdp_adjust_tail(ctx, (int)length - (int)bpf_xdp_get_buff_len(ctx)) < 0)
		return -1;
	if (length > HEADER_BYTES)
		length = HEADER_BYTES;
	if (length < sizeof(struct ethhdr) || bpf_xdp_store_bytes(ctx, 0, template->header, length) < 0)
		return -1;
	*source = template->source;
	return 0;
}

/* Puts the time into the last bytes of a frame and says what the sum over the payload changes by. */
static __always_inline int stamp(struct xdp_md *ctx, __u64 due_ns, int is_template, __u32 *delta)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	__u32 length = end - data;
	__u64 before;

	/* Where the stamp begins at an odd place its bytes would count swapped; such frames are refused in Java. */
	if (length < STAMP_BYTES || bpf_xdp_load_bytes(ctx, length - STAMP_BYTES, &before, sizeof(before)) < 0 ||
	    bpf_xdp_store_bytes(ctx, length - STAMP_BYTES, &due_ns, sizeof(due_ns)) < 0)
		return -1;
	/* A template's checksum is that of a payload of zeros. */
	if (is_template)
		before = 0;
	*delta = change((__u32)before, (__u32)due_ns, 0, 0) + change((__u32)(before >> 32), (__u32)(due_ns >> 32), 0, 0);
	return 0;
}

SEC("xdp")
int sluice_flood(struct xdp_md *ctx)
{
	void *data, *end;
	struct flood_config *own;
	struct flood_state *run;
	struct ethhdr *eth;
	__be32 address, *source;
	__be16 port, *ports;
	__u32 zero = 0, flow, first, delta, stamped = 0;
	__u64 due_ns = 0;
	__u8 protocol;

	own = bpf_map_lookup_elem(&config, &zero);
	run = bpf_map_lookup_elem(&state, &zero);
	if (!own || !run)
		return XDP_ABORTED;
	if (own->interval) {
		due_ns = own->start_ns + (run->paced * own->interval >> 16);
		if (run->paced >= own->limit || bpf_ktime_get_ns() < due_ns)
			return XDP_DROP;
	}
	if (own->choices) {
		__u32 draw = run->sent & (own->choices - 1);
		__u64 *drawn = bpf_map_lookup_elem(&choice, &draw);

		if (!drawn)
			return XDP_ABORTED;
		flow = *drawn;
	} else {
		flow = run->sent % own->flows;
	}
	first = own->source;
	if (own->kinds && fill(ctx, own, run->sent, flow, &first) < 0)
		return XDP_ABORTED;
	if (own->stamps && stamp(ctx, due_ns, own->kinds != 0, &stamped) < 0)
		return XDP_ABORTED;
	data = (void *)(long)ctx->data;
	end = (void *)(long)ctx->data_end;
	eth = data;
	if ((void *)(eth + 1) > end)
		return XDP_ABORTED;
	address = bpf_htonl(first + flow / PORTS);
	port = bpf_htons(FIRST_PORT + flow % PORTS);
	if (eth->h_proto == bpf_htons(ETH_P_IP)) {
		struct iphdr *ip = (void *)(eth + 1);

		if ((void *)(ip + 1) > end)
			return XDP_ABORTED;
		source = &ip->saddr;
		protocol = ip->protocol;
		ports = (void *)(ip + 1);
		ip->check = adjust(ip->check, change(*source, address, 0, 0));
	} else {
		struct ipv6hdr *ip = (void *)(eth + 1);

		if ((void *)(ip + 1) > end)
			return XDP_ABORTED;
		source = &ip->saddr.in6_u.u6_addr32[3];
		protocol = ip->nexthdr;
		ports = (void *)(ip + 1);
	}
	if ((void *)ports + sizeof(struct udphdr) > end)
		return XDP_ABORTED;
	delta = change(*source, address, *ports, port) + stamped;
	if (protocol == IPPROTO_TCP) {
		struct tcphdr *tcp = (void *)ports;

		if ((void *)(tcp + 1) > end)
			return XDP_ABORTED;
		tcp->check = adjust(tcp->check, delta);
	} else {
		struct udphdr *udp = (void *)ports;

		udp->check = adjust(udp->check, delta);
		if (!udp->check)
			udp->check = 0xffff;
	}
	*source = address;
	*ports = port;
	run->sent++;
	run->paced++;
	return XDP_TX;
}

char _license[] SEC("license") = "Dual BSD/GPL";
