// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Where packets end that a benchmark sent through something: counts IP packets and drops them. All else (ARP and the
 * like) passes. With stamps it also says how long each was under way since it was due (see flood.bpf.c), in buckets of
 * 1/1024 of their value, three significant digits as HdrHistogram has them.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define STATIONS 256
#define SAMPLE_BYTES 2048
#define STAMP_BYTES 8
#define SUB_BITS 10
#define SUBS (1 << SUB_BITS)
#define OCTAVES 26

#define KEEP_SAMPLE 1
#define READ_STAMP 2

/* Set by dev.sluice.bench.net.Sink, which has the same layouts. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} options SEC(".maps");

struct sink_counts {
	__u64 packets;
	__u64 bytes;
	__u64 early; /* stamps that lie in the future */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct sink_counts);
} counts SEC(".maps");

/* Packets by the last octet of their destination station. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, STATIONS);
	__type(key, __u32);
	__type(value, __u64);
} stations SEC(".maps");

struct sink_sample {
	__u32 length;
	__u8 bytes[SAMPLE_BYTES];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct sink_sample);
} sample SEC(".maps");

/* Below 2 * SUBS ns one bucket each; above, SUBS buckets an octave. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, (OCTAVES + 1) * SUBS);
	__type(key, __u32);
	__type(value, __u64);
} delays SEC(".maps");

static __always_inline __u32 log2_of(__u64 value)
{
	__u32 bits = 0;

	if (value >> 32) {
		value >>= 32;
		bits = 32;
	}
	if (value >> 16) {
		value >>= 16;
		bits += 16;
	}
	if (value >> 8) {
		value >>= 8;
		bits += 8;
	}
	if (value >> 4) {
		value >>= 4;
		bits += 4;
	}
	if (value >> 2) {
		value >>= 2;
		bits += 2;
	}
	return bits + (value >> 1);
}

static __always_inline void count_delay(struct xdp_md *ctx, __u32 length, struct sink_counts *count)
{
	__u64 due_ns, now_ns = bpf_ktime_get_ns(), delay_ns, *bucket;
	__u32 index, octave = 0;

	if (length < STAMP_BYTES || bpf_xdp_load_bytes(ctx, length - STAMP_BYTES, &due_ns, sizeof(due_ns)) < 0)
		return;
	if (now_ns < due_ns) {
		count->early++;
		return;
	}
	delay_ns = now_ns - due_ns;
	if (delay_ns >= 2 * SUBS)
		octave = log2_of(delay_ns) - SUB_BITS;
	index = octave * SUBS + (__u32)(delay_ns >> octave);
	if (octave >= OCTAVES)
		index = (OCTAVES + 1) * SUBS - 1;
	bucket = bpf_map_lookup_elem(&delays, &index);
	if (bucket)
		(*bucket)++;
}

SEC("xdp")
int sluice_sink(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	__u32 length = end - data;
	__u32 zero = 0, station, *wanted;
	struct sink_counts *count;
	__u64 *by_station;

	if ((void *)(eth + 1) > end)
		return XDP_DROP;
	if (eth->h_proto != bpf_htons(ETH_P_IP) && eth->h_proto != bpf_htons(ETH_P_IPV6))
		return XDP_PASS;
	station = eth->h_dest[ETH_ALEN - 1];
	count = bpf_map_lookup_elem(&counts, &zero);
	by_station = bpf_map_lookup_elem(&stations, &station);
	wanted = bpf_map_lookup_elem(&options, &zero);
	if (!count || !by_station || !wanted)
		return XDP_DROP;
	count->packets++;
	count->bytes += length;
	(*by_station)++;
	if (*wanted & READ_STAMP)
		count_delay(ctx, length, count);
	if (*wanted & KEEP_SAMPLE) {
		struct sink_sample *kept = bpf_map_lookup_elem(&sample, &zero);

		length &= SAMPLE_BYTES - 1;
		if (kept && length >= sizeof(*eth)) {
			kept->length = length;
			bpf_xdp_load_bytes(ctx, 0, kept->bytes, length);
		}
	}
	return XDP_DROP;
}

char _license[] SEC("license") = "Dual BSD/GPL";
