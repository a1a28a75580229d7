// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Sends recorded frames: run on live frames (BPF_F_TEST_XDP_LIVE_FRAMES) it makes each the next one of a table and sends it
 * out of the interface. The frame it is run on has the length of the longest, so others are shortened; the kernel gives
 * every frame its first length back before the next run. Keeps the time as flood.bpf.c does.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define FRAME_BYTES 2040

/* Set by dev.sluice.bench.FrameReplay before each run; it has the same layout. */
struct replay_config {
	__u64 frames; /* in the table */
	__u64 start_ns; /* when the first frame is due, CLOCK_MONOTONIC */
	__u64 interval; /* between frames, in ns << 16; 0: as fast as it goes */
	__u64 limit; /* frames of this run, with or without an interval */
};

struct replay_state {
	__u64 sent; /* since the program was loaded */
	__u64 paced; /* of those, in this run */
};

struct replay_frame {
	__u64 length;
	__u8 bytes[FRAME_BYTES];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct replay_config);
} config SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct replay_state);
} state SEC(".maps");

/* Made by FrameReplay with as many entries as there are frames. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct replay_frame);
} frames SEC(".maps");

SEC("xdp")
int sluice_replay(struct xdp_md *ctx)
{
	struct replay_config *own;
	struct replay_state *run;
	struct replay_frame *frame;
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	__u64 length, before = end - data;
	__u32 zero = 0, next;

	own = bpf_map_lookup_elem(&config, &zero);
	run = bpf_map_lookup_elem(&state, &zero);
	if (!own || !run || !own->frames)
		return XDP_ABORTED;
	if (run->paced >= own->limit)
		return XDP_DROP;
	if (own->interval && bpf_ktime_get_ns() < own->start_ns + (run->paced * own->interval >> 16))
		return XDP_DROP;
	next = run->sent % own->frames;
	frame = bpf_map_lookup_elem(&frames, &next);
	if (!frame)
		return XDP_ABORTED;
	length = frame->length;
	if (length < 14 || length > FRAME_BYTES)
		return XDP_ABORTED;
	if (bpf_xdp_adjust_tail(ctx, (int)(length - before)) < 0 ||
	    bpf_xdp_store_bytes(ctx, 0, frame->bytes, length) < 0)
		return XDP_ABORTED;
	run->sent++;
	run->paced++;
	return XDP_TX;
}

char _license[] SEC("license") = "Dual BSD/GPL";
