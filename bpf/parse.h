/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* From the frame to the key of a service, by the layers' own headers: parse_packet() is the way in. */
#ifndef SLUICE_PARSE_H
#define SLUICE_PARSE_H

#include <linux/bpf.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "counters.h"
#include "maps.h"

/* What decides about a packet. No pointers: functions that are not inlined may look at it without CAP_PERFMON. */
struct subject {
	struct service_key key;
	__be32 source[4];	/* as the address in the key */
	__be16 source_port;
	__u8 portless;	/* a fragment, AH or ESP: the key says nothing of ports */
};

/*
 * Where headers have a fixed place they are read in place. Behind one of variable length they are copied out by
 * bpf_xdp_load_bytes(): the verifier lets nobody without CAP_PERFMON add a variable to a packet pointer.
 */
struct packet {
	struct xdp_md *ctx;
	void *at;	/* the next header, as long as its place is fixed */
	void *end;	/* of what can be read in place */
	__u32 offset;	/* of the next header */
	__u32 length;	/* of the frame */
	struct subject subject;
};

#include "transport.h"
#include "ip4.h"
#include "ip6.h"
#include "icmp.h"
#include "eth.h"

/*
 * STEERED, STEERED_FRAGMENT, STEERED_ICMP or STEERED_ECHO with the subject filled in when the packet may be meant for a
 * service or a reply to one, the packet's outcome otherwise.
 */
static __always_inline enum steering_outcome parse_packet(struct xdp_md *ctx, struct packet *packet)
{
	__be16 type = 0;

	packet->ctx = ctx;
	packet->length = bpf_xdp_get_buff_len(ctx);
	packet->at = (void *)(long)ctx->data;
	packet->end = (void *)(long)ctx->data_end;
	if (!parse_ethernet(packet, &type))
		return PASS_MALFORMED;
	if (type == bpf_htons(ETH_P_IP))
		return parse_ip4(packet);
	if (type == bpf_htons(ETH_P_IPV6))
		return parse_ip6(packet);
	return PASS_NOT_IP;
}

#endif
