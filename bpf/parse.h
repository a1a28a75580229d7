/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* From the frame to the key of a service, by the layers' own headers: parse_packet() is the way in. */
#ifndef SLUICE_PARSE_H
#define SLUICE_PARSE_H

#include <linux/bpf.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "counters.h"
#include "maps.h"

struct packet {
	void *at;  /* the next header */
	void *end; /* of the frame */
	struct service_key key;
};

#include "transport.h"
#include "ip4.h"
#include "ip6.h"
#include "eth.h"

/*
 * STEERED or STEERED_FRAGMENT with the key filled in when the packet may be meant for a service, the packet's outcome
 * otherwise.
 */
static __always_inline enum steering_outcome parse_packet(struct xdp_md *ctx, struct packet *packet)
{
	__be16 type = 0;

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
