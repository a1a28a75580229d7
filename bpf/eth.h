/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Ethernet with up to two 802.1Q or 802.1ad tags. Included by parse.h. */
#ifndef SLUICE_ETH_H
#define SLUICE_ETH_H

#include <linux/if_ether.h>
#include <bpf/bpf_endian.h>

#define MAX_TAGS 2

struct tag {
	__be16 control;
	__be16 type;
};

/* Moves behind the link header and tells what follows; 0 if the frame ends before. */
static __always_inline int parse_ethernet(struct packet *packet, __be16 *type)
{
	struct ethhdr *eth = packet->at;

	if ((void *)(eth + 1) > packet->end)
		return 0;
	*type = eth->h_proto;
	packet->at = eth + 1;
	packet->offset = sizeof(*eth);
#pragma unroll
	for (int i = 0; i < MAX_TAGS; i++) {
		struct tag *tag = packet->at;

		if (*type != bpf_htons(ETH_P_8021Q) && *type != bpf_htons(ETH_P_8021AD))
			break;
		if ((void *)(tag + 1) > packet->end)
			return 0;
		*type = tag->type;
		packet->at = tag + 1;
		packet->offset += sizeof(*tag);
	}
	return 1;
}

#endif
