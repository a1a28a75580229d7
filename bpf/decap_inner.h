/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* The inner packet: whether it is for a VIP, and what has to change in it before the outer headers go. */
#ifndef SLUICE_DECAP_INNER_H
#define SLUICE_DECAP_INNER_H

#include "decap_checksum.h"
#include "decap_ecn.h"
#include "decap_outer.h"

/* The first word of either family's header, where version and ECN field are. */
#define IP4_ECN_SHIFT 0
#define IP6_ECN_SHIFT 4

struct inner {
	struct address_key destination;
	__u32 bytes; /* of the whole packet */
	__u32 ecn;
	__u16 lead; /* the first two bytes as they stand in the frame */
	__u16 checksum; /* of an IPv4 header */
};

static __always_inline __u32 parse_inner4(const struct outer *outer, struct inner *inner)
{
	struct iphdr ip;

	if (outer->end - outer->offset < sizeof(ip) ||
	    bpf_xdp_load_bytes(outer->ctx, outer->offset, &ip, sizeof(ip)))
		return PASS_MALFORMED;
	inner->bytes = bpf_ntohs(ip.tot_len);
	if (ip.version != 4 || ip.ihl * 4 < sizeof(ip) || inner->bytes < ip.ihl * 4)
		return PASS_MALFORMED;
	inner->ecn = ip.tos & 3;
	inner->lead = *(__u16 *)&ip;
	inner->checksum = ip.check;
	inner->destination.family = FAMILY_INET;
	inner->destination.address[3] = ip.daddr;
	return DECAPSULATED;
}

static __always_inline __u32 parse_inner6(const struct outer *outer, struct inner *inner)
{
	struct ipv6hdr ip;

	if (outer->end - outer->offset < sizeof(ip) ||
	    bpf_xdp_load_bytes(outer->ctx, outer->offset, &ip, sizeof(ip)) || ip.version != 6)
		return PASS_MALFORMED;
	inner->bytes = sizeof(ip) + bpf_ntohs(ip.payload_len);
	inner->ecn = ip.flow_lbl[0] >> 4 & 3;
	inner->lead = *(__u16 *)&ip;
	inner->destination.family = FAMILY_INET6;
	__builtin_memcpy(inner->destination.address, &ip.daddr, sizeof(ip.daddr));
	return DECAPSULATED;
}

static __always_inline __u32 parse_inner(const struct outer *outer, struct inner *inner)
{
	__u32 outcome = outer->inner_family == FAMILY_INET ? parse_inner4(outer, inner) : parse_inner6(outer, inner);

	if (outcome == DECAPSULATED && inner->bytes > outer->end - outer->offset)
		return PASS_MALFORMED;
	return outcome;
}

/* Puts the ECN field into the inner header; IPv4's checksum follows by RFC 1624, equation 3. 0 or an error. */
static __always_inline long set_ecn(const struct outer *outer, const struct inner *inner, __u32 ecn)
{
	__u32 shift = outer->inner_family == FAMILY_INET ? IP4_ECN_SHIFT : IP6_ECN_SHIFT;
	__u16 lead = (inner->lead & ~bpf_htons(3 << shift)) | bpf_htons(ecn << shift);
	__u16 checksum;
	long error;

	if (lead == inner->lead)
		return 0;
	error = bpf_xdp_store_bytes(outer->ctx, outer->offset, &lead, sizeof(lead));
	if (error || outer->inner_family != FAMILY_INET)
		return error;
	checksum = ~fold((__u16)~inner->checksum + (__u32)(__u16)~inner->lead + lead);
	return bpf_xdp_store_bytes(outer->ctx, outer->offset + offsetof(struct iphdr, check), &checksum,
				   sizeof(checksum));
}

/*
 * The sender has left the sum of the inner transport to the receiver: what stands in the field is the pseudo-header's, as
 * in an skb of CHECKSUM_PARTIAL.
 */
static __always_inline __u32 complete_checksum(const struct outer *outer, const struct inner *inner)
{
	__u16 checksum;

	if (outer->sum_start > inner->bytes || outer->sum_offset + sizeof(checksum) > inner->bytes)
		return PASS_MALFORMED;
	checksum = ~sum_bytes(outer->ctx, outer->offset + outer->sum_start, outer->offset + inner->bytes, 0);
	/* For UDP zero would mean that there is none, and both are the same number. */
	if (!checksum)
		checksum = 0xffff;
	if (bpf_xdp_store_bytes(outer->ctx, outer->offset + outer->sum_offset, &checksum, sizeof(checksum)))
		return PASS_MALFORMED;
	return DECAPSULATED;
}

#endif
