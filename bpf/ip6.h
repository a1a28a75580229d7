/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* IPv6 with extension headers, RFC 8200 and, for the authentication header, RFC 4302. Included by parse.h. */
#ifndef SLUICE_IP6_H
#define SLUICE_IP6_H

#include <linux/in6.h>
#include <linux/ipv6.h>
#include <bpf/bpf_endian.h>

/* The parser in Java walks as many. Real packets have three at most. */
#define MAX_EXTENSION_HEADERS 8

#define IP6_MORE_FRAGMENTS 0x0001
#define IP6_OFFSET_MASK 0xfff8

/* The first eight bytes of any extension header; the last six mean something to the fragment header alone. */
struct extension {
	__u8 next;
	__u8 length;
	__be16 fragment;
	__be32 identification;
};

/*
 * AH is walked like the others and never a protocol of its own, as in the kernel's ipv6_find_hdr(), through which IPVS
 * looks: what is authenticated but in clear belongs to the service of its ports.
 */
/* One test by a bit set and not five by number: the verifier follows every branch of every turn of the walk. */
#define EXTENSION_TYPES                                                                              \
	(1ULL << IPPROTO_HOPOPTS | 1ULL << IPPROTO_ROUTING | 1ULL << IPPROTO_FRAGMENT |               \
	 1ULL << IPPROTO_AH | 1ULL << IPPROTO_DSTOPTS)

static __always_inline int is_extension(__u32 type)
{
	return type < 64 && (EXTENSION_TYPES >> type & 1);
}

/*
 * Counted in units of 8 bytes beyond the first, the authentication header's in units of 4 beyond the first two; the
 * fragment header has no length and is 8. Without branches, for the verifier's sake again.
 */
static __always_inline __u32 extension_bytes(struct extension *extension, __u32 type)
{
	__u32 authentication = ((type ^ IPPROTO_AH) - 1) >> 31;
	__u32 fragment = ((type ^ IPPROTO_FRAGMENT) - 1) >> 31;
	__u32 length = extension->length;

	barrier_var(authentication);
	barrier_var(fragment);
	return ((length & (fragment - 1)) + 1 + authentication) << (3 - authentication);
}

static __always_inline enum steering_outcome parse_ip6(struct packet *packet)
{
	struct ipv6hdr *ip = packet->at;
	__u32 remaining, next;

	if ((void *)(ip + 1) > packet->end || ip->version != 6)
		return PASS_MALFORMED;
	packet->offset += sizeof(*ip);
	remaining = bpf_ntohs(ip->payload_len);
	if (packet->offset + remaining > packet->length)
		return PASS_MALFORMED;
	packet->subject.key.family = FAMILY_INET6;
	__builtin_memcpy(packet->subject.key.address, &ip->daddr, sizeof(packet->subject.key.address));
	__builtin_memcpy(packet->subject.source, &ip->saddr, sizeof(packet->subject.source));
	next = ip->nexthdr;
	if (!is_extension(next) && next != IPPROTO_ICMPV6)
		return parse_transport(packet, next, remaining, (struct ports *)(ip + 1));
	for (int i = 0; i < MAX_EXTENSION_HEADERS && is_extension(next); i++) {
		struct extension extension;
		__u32 bytes;

		if (bpf_xdp_load_bytes(packet->ctx, packet->offset, &extension, sizeof(extension)))
			return PASS_MALFORMED;
		bytes = extension_bytes(&extension, next);
		if (remaining < bytes)
			return PASS_MALFORMED;
		/* At offset 0 without more to come it is a whole packet (RFC 6946) and goes on like one. */
		if (next == IPPROTO_FRAGMENT &&
		    extension.fragment & bpf_htons(IP6_MORE_FRAGMENTS | IP6_OFFSET_MASK))
			return parse_fragment(packet, extension.next);
		remaining -= bytes;
		packet->offset += bytes;
		next = extension.next;
	}
	if (is_extension(next))
		return PASS_MALFORMED;
	return parse_behind(packet, next, remaining);
}

#endif
