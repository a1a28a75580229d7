/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* The Internet checksum (RFC 1071) over any part of a frame, also of one in several buffers. */
#ifndef SLUICE_DECAP_CHECKSUM_H
#define SLUICE_DECAP_CHECKSUM_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define CHUNK_BYTES 64
/* The longest datagram. */
#define MAX_CHUNKS 1024

struct summing {
	struct xdp_md *ctx;
	__u32 offset;
	__u32 end;
	__u32 sum;
	__u32 failed;
};

static long sum_chunk(__u32 index, struct summing *summing)
{
	__u32 left = summing->end - summing->offset;
	__u8 chunk[CHUNK_BYTES] = {};
	long error;

	(void)index;
	if (left >= CHUNK_BYTES) {
		error = bpf_xdp_load_bytes(summing->ctx, summing->offset, chunk, CHUNK_BYTES);
	} else {
		left &= CHUNK_BYTES - 1;
		if (!left)
			return 1;
		error = bpf_xdp_load_bytes(summing->ctx, summing->offset, chunk, left);
	}
	if (error) {
		summing->failed = 1;
		return 1;
	}
	summing->sum = bpf_csum_diff(0, 0, (__be32 *)chunk, CHUNK_BYTES, summing->sum);
	summing->offset += CHUNK_BYTES;
	return left < CHUNK_BYTES;
}

static __always_inline __u16 fold(__u32 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

/*
 * The folded sum of what lies from offset to end, on top of an earlier one; not complemented, 0xffff where a checksum is
 * included and right. 0 where the frame is too short. Not inlined: whoever lacks CAP_PERFMON may put nothing else on the
 * stack where a pointer was.
 */
static __noinline __u16 sum_bytes(struct xdp_md *ctx, __u32 offset, __u32 end, __u32 seed)
{
	struct summing summing = { .ctx = ctx, .offset = offset, .end = end, .sum = seed };

	bpf_loop(MAX_CHUNKS + 1, sum_chunk, &summing, 0);
	return summing.failed ? 0 : fold(summing.sum);
}

#endif
