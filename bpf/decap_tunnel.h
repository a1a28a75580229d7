/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * What stands between the outer IP header and the inner one: nothing (RFC 2003, 2473, 4213), GRE (RFC 2784, 2890), or GUE
 * over UDP (draft-ietf-intarea-gue-09, with the options that Linux's fou module has). What the kernel's tunnel devices of
 * plain settings take is taken, and what they refuse is not.
 */
#ifndef SLUICE_DECAP_TUNNEL_H
#define SLUICE_DECAP_TUNNEL_H

#include <linux/udp.h>

#include "decap_checksum.h"
#include "decap_outer.h"

#define GRE_CHECKSUM 0x8000
#define GRE_SEQUENCE 0x1000
#define GRE_OPTION_BYTES 4

struct gre {
	__be16 flags;
	__be16 type;
};

#define GUE_VARIANT_SHIFT 6
#define GUE_CONTROL 0x20
#define GUE_WORDS 0x1f
#define GUE_PRIVATE 0x0001
#define GUE_REMOTE_CHECKSUM 0x80000000

struct gue {
	__u8 lead; /* variant, control, length of the options in words */
	__u8 protocol;
	__be16 flags;
};

struct gue_private {
	__be32 flags;
	__be16 start;
	__be16 offset;
};

static __always_inline __u32 inner_of_protocol(struct outer *outer, __u32 protocol)
{
	if (protocol == IPPROTO_IPIP)
		outer->inner_family = FAMILY_INET;
	else if (protocol == IPPROTO_IPV6)
		outer->inner_family = FAMILY_INET6;
	else
		return PASS_PAYLOAD;
	return DECAPSULATED;
}

static __always_inline __u32 parse_gre(struct outer *outer)
{
	__u32 start = outer->offset;
	struct gre gre;

	if (outer->end - start < sizeof(gre) || bpf_xdp_load_bytes(outer->ctx, start, &gre, sizeof(gre)))
		return PASS_MALFORMED;
	/* A key is for a tunnel that has one; routing and versions are for nobody. */
	if (gre.flags & ~bpf_htons(GRE_CHECKSUM | GRE_SEQUENCE))
		return PASS_PAYLOAD;
	outer->offset += sizeof(gre);
	if (gre.flags & bpf_htons(GRE_CHECKSUM))
		outer->offset += GRE_OPTION_BYTES;
	if (gre.flags & bpf_htons(GRE_SEQUENCE))
		outer->offset += GRE_OPTION_BYTES;
	if (outer->offset > outer->end)
		return PASS_MALFORMED;
	if (gre.flags & bpf_htons(GRE_CHECKSUM) && sum_bytes(outer->ctx, start, outer->end, 0) != 0xffff)
		return DROP_CHECKSUM;
	if (gre.type == bpf_htons(ETH_P_IP))
		outer->inner_family = FAMILY_INET;
	else if (gre.type == bpf_htons(ETH_P_IPV6))
		outer->inner_family = FAMILY_INET6;
	else
		return PASS_PAYLOAD;
	return DECAPSULATED;
}

/* Behind the base header are as many words as it says, of which only private flags mean something to Linux. */
static __always_inline __u32 parse_gue_options(struct outer *outer, const struct gue *gue)
{
	__u32 option_bytes = (gue->lead & GUE_WORDS) * 4;
	struct gue_private options;
	__u32 flags;

	outer->offset += sizeof(*gue);
	if (outer->end - outer->offset < option_bytes)
		return PASS_MALFORMED;
	if (gue->flags & bpf_htons(GUE_PRIVATE)) {
		if (option_bytes < sizeof(options.flags) ||
		    bpf_xdp_load_bytes(outer->ctx, outer->offset, &flags, sizeof(flags)))
			return PASS_MALFORMED;
		if (flags & ~bpf_htonl(GUE_REMOTE_CHECKSUM))
			return PASS_PAYLOAD;
		if (flags) {
			if (option_bytes < sizeof(options) ||
			    bpf_xdp_load_bytes(outer->ctx, outer->offset, &options, sizeof(options)))
				return PASS_MALFORMED;
			outer->remote_checksum = 1;
			outer->sum_start = bpf_ntohs(options.start);
			outer->sum_offset = bpf_ntohs(options.offset);
		}
	}
	outer->offset += option_bytes;
	return inner_of_protocol(outer, gue->protocol);
}

static __always_inline __u32 parse_gue(struct outer *outer, __be16 port)
{
	__u32 start = outer->offset, bytes, sum;
	struct udphdr udp;
	struct gue gue;

	if (outer->end - start < sizeof(udp) || bpf_xdp_load_bytes(outer->ctx, start, &udp, sizeof(udp)))
		return PASS_MALFORMED;
	if (udp.dest != port)
		return PASS_NO_TUNNEL;
	bytes = bpf_ntohs(udp.len);
	if (bytes < sizeof(udp) + sizeof(gue) || outer->end - start < bytes)
		return PASS_MALFORMED;
	outer->end = start + bytes;
	/* Zero means that there is none; for tunnels that holds in IPv6 as well, RFC 6935. */
	if (udp.check) {
		sum = sum_bytes(outer->ctx, outer->addresses, outer->addresses + outer->address_bytes,
				bpf_htons(IPPROTO_UDP) + udp.len);
		if (sum_bytes(outer->ctx, start, outer->end, sum) != 0xffff)
			return DROP_CHECKSUM;
	}
	outer->offset += sizeof(udp);
	if (bpf_xdp_load_bytes(outer->ctx, outer->offset, &gue, sizeof(gue)))
		return PASS_MALFORMED;
	switch (gue.lead >> GUE_VARIANT_SHIFT) {
	case 0:
		if (gue.lead & GUE_CONTROL || gue.flags & ~bpf_htons(GUE_PRIVATE))
			return PASS_PAYLOAD;
		return parse_gue_options(outer, &gue);
	case 1:
		/* No header at all: these bits are those of an IP version. */
		return inner_of_protocol(outer, gue.lead >> 4 == 4 ? IPPROTO_IPIP :
						gue.lead >> 4 == 6 ? IPPROTO_IPV6 : 0);
	default:
		return PASS_PAYLOAD;
	}
}

/* Whether a protocol is one that tunnels here use. UDP may be GUE, as far as a fragment tells. */
static __always_inline int is_tunnel(const struct tunnels *tunnels, __u32 protocol)
{
	switch (protocol) {
	case IPPROTO_IPIP:
	case IPPROTO_IPV6:
		return tunnels->ipip;
	case IPPROTO_GRE:
		return tunnels->gre;
	case IPPROTO_UDP:
		return tunnels->gue_port != 0;
	default:
		return 0;
	}
}

static __always_inline __u32 parse_tunnel(struct outer *outer, const struct tunnels *tunnels)
{
	switch (outer->protocol) {
	case IPPROTO_UDP:
		return parse_gue(outer, tunnels->gue_port);
	case IPPROTO_GRE:
		return parse_gre(outer);
	default:
		return inner_of_protocol(outer, outer->protocol);
	}
}

#endif
