/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The outer headers: link, IPv4 (RFC 791) or IPv6 (RFC 8200). Everything is copied out by bpf_xdp_load_bytes(), so the
 * verifier asks for no CAP_PERFMON, and a frame in several buffers is as good as one.
 */
#ifndef SLUICE_DECAP_OUTER_H
#define SLUICE_DECAP_OUTER_H

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "decap_maps.h"

#define LINK_TAGS 2
#define TAG_BYTES 4

#define IP4_FRAGMENT 0x3fff
#define IP6_FRAGMENT 0xfff9

/* Linux puts one in front by itself, the tunnel encapsulation limit of RFC 2473 section 4.1.1. */
#define OUTER_EXTENSIONS 4

/* As much of a frame as the link header can be; whatever the program is for is longer. */
struct link {
	__u8 stations[2 * ETH_ALEN];
	__be16 type;
	struct {
		__be16 control;
		__be16 type;
	} tags[LINK_TAGS];
	__u16 pad;
};

struct outer {
	struct xdp_md *ctx;
	__u32 link_bytes;
	__u32 offset; /* of the next header */
	__u32 end; /* of the datagram; a frame may be longer */
	__u32 addresses; /* where source and destination are, which stand together */
	__u32 address_bytes; /* of both */
	__u32 protocol;
	__u32 ecn;
	__u32 fragment;
	__u32 inner_family;
	struct address_key destination;
	/* GUE's remote checksum: where to sum from and where to put it, from the inner packet's start. */
	__u32 remote_checksum;
	__u32 sum_start;
	__u32 sum_offset;
};

static __always_inline int is_tag(__be16 type)
{
	return type == bpf_htons(ETH_P_8021Q) || type == bpf_htons(ETH_P_8021AD);
}

static __always_inline __u32 parse_outer4(struct outer *outer)
{
	__u32 total_bytes, header_bytes;
	struct iphdr ip;

	if (bpf_xdp_load_bytes(outer->ctx, outer->offset, &ip, sizeof(ip)) || ip.version != 4)
		return PASS_MALFORMED;
	total_bytes = bpf_ntohs(ip.tot_len);
	header_bytes = ip.ihl * 4;
	if (header_bytes < sizeof(ip) || total_bytes < header_bytes)
		return PASS_MALFORMED;
	outer->protocol = ip.protocol;
	outer->ecn = ip.tos & 3;
	outer->fragment = (ip.frag_off & bpf_htons(IP4_FRAGMENT)) != 0;
	outer->destination.family = FAMILY_INET;
	outer->destination.address[3] = ip.daddr;
	outer->addresses = outer->offset + offsetof(struct iphdr, saddr);
	outer->address_bytes = 2 * sizeof(ip.saddr);
	outer->end = outer->offset + total_bytes;
	outer->offset += header_bytes;
	return DECAPSULATED;
}

static __always_inline __u32 parse_outer6(struct outer *outer)
{
	struct {
		__u8 next;
		__u8 length;
		__be16 fragment;
	} extension;
	struct ipv6hdr ip;

	if (bpf_xdp_load_bytes(outer->ctx, outer->offset, &ip, sizeof(ip)) || ip.version != 6)
		return PASS_MALFORMED;
	outer->protocol = ip.nexthdr;
	outer->ecn = ip.flow_lbl[0] >> 4 & 3;
	outer->destination.family = FAMILY_INET6;
	__builtin_memcpy(outer->destination.address, &ip.daddr, sizeof(ip.daddr));
	outer->addresses = outer->offset + offsetof(struct ipv6hdr, saddr);
	outer->address_bytes = 2 * sizeof(ip.saddr);
	outer->offset += sizeof(ip);
	outer->end = outer->offset + bpf_ntohs(ip.payload_len);
	for (int i = 0; i < OUTER_EXTENSIONS; i++) {
		/* A routing header means that the packet has not arrived yet; it is the kernel's, as is all else. */
		if (outer->protocol != IPPROTO_HOPOPTS && outer->protocol != IPPROTO_DSTOPTS &&
		    outer->protocol != IPPROTO_FRAGMENT)
			return DECAPSULATED;
		if (bpf_xdp_load_bytes(outer->ctx, outer->offset, &extension, sizeof(extension)))
			return PASS_MALFORMED;
		if (outer->protocol == IPPROTO_FRAGMENT) {
			/* At offset 0 without more to come it is a whole packet, RFC 6946. */
			outer->fragment |= (extension.fragment & bpf_htons(IP6_FRAGMENT)) != 0;
			outer->offset += 8;
		} else {
			outer->offset += 8 + extension.length * 8;
		}
		outer->protocol = extension.next;
		if (outer->fragment)
			return DECAPSULATED;
	}
	return DECAPSULATED;
}

/* DECAPSULATED when there are sound outer headers, the packet's outcome otherwise. */
static __always_inline __u32 parse_outer(struct outer *outer, struct link *link)
{
	__u32 length = bpf_xdp_get_buff_len(outer->ctx);
	__be16 type;
	__u32 outcome;

	if (bpf_xdp_load_bytes(outer->ctx, 0, link, ETH_HLEN + LINK_TAGS * TAG_BYTES))
		return PASS_NOT_IP;
	type = link->type;
	outer->link_bytes = ETH_HLEN;
#pragma unroll
	for (int i = 0; i < LINK_TAGS; i++) {
		if (!is_tag(type))
			break;
		type = link->tags[i].type;
		outer->link_bytes += TAG_BYTES;
	}
	outer->offset = outer->link_bytes;
	if (type == bpf_htons(ETH_P_IP))
		outcome = parse_outer4(outer);
	else if (type == bpf_htons(ETH_P_IPV6))
		outcome = parse_outer6(outer);
	else
		return PASS_NOT_IP;
	if (outcome == DECAPSULATED && (outer->end > length || outer->offset > outer->end))
		return PASS_MALFORMED;
	return outcome;
}

#endif
