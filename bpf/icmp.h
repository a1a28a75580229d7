/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * ICMP (RFC 792) and ICMPv6 (RFC 4443): errors by the packet that they quote, which a real server sent in a service's
 * name, or was sent when its address had been translated; and echo requests. Included by parse.h, behind the rest.
 */
#ifndef SLUICE_ICMP_H
#define SLUICE_ICMP_H

#include <linux/in.h>
#include <linux/in6.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <bpf/bpf_endian.h>

/* <linux/icmp.h> brings in headers of the C library, which there are none of for this target. */
#define ICMP_DEST_UNREACH 3
#define ICMP_SOURCE_QUENCH 4
#define ICMP_ECHO 8
#define ICMP_TIME_EXCEEDED 11
#define ICMP6_DEST_UNREACH 1
#define ICMP6_PACKET_TOO_BIG 2
#define ICMP6_TIME_EXCEEDED 3
#define ICMP6_PARAMETER_PROBLEM 4
#define ICMP6_ECHO_REQUEST 128

/* Those that ip_vs_in_icmp() looks into. */
#define ICMP_ERRORS (1ULL << ICMP_DEST_UNREACH | 1ULL << ICMP_SOURCE_QUENCH | 1ULL << ICMP_TIME_EXCEEDED)

/* All that RFC 4443 defines. */
#define ICMP6_ERRORS                                                                                 \
	(1ULL << ICMP6_DEST_UNREACH | 1ULL << ICMP6_PACKET_TOO_BIG | 1ULL << ICMP6_TIME_EXCEEDED |    \
	 1ULL << ICMP6_PARAMETER_PROBLEM)

/* Of every ICMP message: type, code, checksum, and four bytes whose meaning depends on them. */
#define ICMP_BYTES 8

/*
 * The quoted packet went from the service to its client, or from the client to a real server, so what is looked up by
 * is turned round. An error is sent to the source of the packet that it quotes; one that is not belongs to nobody.
 */
static __always_inline int turn_round(struct subject *subject, const __be32 *source, const __be32 *destination)
{
	__u32 difference = 0;

	for (int i = 0; i < 4; i++) {
		difference |= subject->key.address[i] ^ source[i];
		subject->source[i] = destination[i];
	}
	return !difference;
}

/* `offset` is that of the quoted transport header, of which routers need not quote more than eight bytes. */
static __always_inline enum steering_outcome parse_quoted_transport(struct xdp_md *ctx, struct subject *subject,
								    __u8 protocol, int portless, __u32 offset,
								    __u32 end)
{
	struct ports ports;

	if (!header_bytes_of(protocol))
		return PASS_PROTOCOL;
	if (portless || is_ipsec(protocol)) {
		set_portless(subject, protocol);
		return STEERED_ICMP;
	}
	if (offset + sizeof(ports) > end || bpf_xdp_load_bytes(ctx, offset, &ports, sizeof(ports)))
		return PASS_MALFORMED;
	subject->key.protocol = protocol;
	subject->key.port = ports.source;
	subject->source_port = ports.destination;
	return STEERED_ICMP;
}

static __always_inline enum steering_outcome parse_quoted_ip4(struct xdp_md *ctx, struct subject *subject,
							      __u32 offset, __u32 end)
{
	__be32 source[4] = {}, destination[4] = {};
	__u32 header_bytes;
	struct iphdr ip;

	if (offset + sizeof(ip) > end || bpf_xdp_load_bytes(ctx, offset, &ip, sizeof(ip)))
		return PASS_MALFORMED;
	header_bytes = ip.ihl * 4;
	if (ip.version != 4 || header_bytes < sizeof(ip))
		return PASS_MALFORMED;
	source[3] = ip.saddr;
	destination[3] = ip.daddr;
	if (!turn_round(subject, source, destination))
		return PASS_NO_SERVICE;
	return parse_quoted_transport(ctx, subject, ip.protocol, ip.frag_off & bpf_htons(IP4_OFFSET_MASK),
				      offset + header_bytes, end);
}

static __always_inline enum steering_outcome parse_quoted_ip6(struct xdp_md *ctx, struct subject *subject,
							      __u32 offset, __u32 end)
{
	struct ipv6hdr ip;
	int portless = 0;
	__u32 next;

	if (offset + sizeof(ip) > end || bpf_xdp_load_bytes(ctx, offset, &ip, sizeof(ip)) || ip.version != 6)
		return PASS_MALFORMED;
	if (!turn_round(subject, ip.saddr.in6_u.u6_addr32, ip.daddr.in6_u.u6_addr32))
		return PASS_NO_SERVICE;
	offset += sizeof(ip);
	next = ip.nexthdr;
	for (int i = 0; i < MAX_EXTENSION_HEADERS && is_extension(next); i++) {
		struct extension extension;

		if (offset + sizeof(extension) > end ||
		    bpf_xdp_load_bytes(ctx, offset, &extension, sizeof(extension)))
			return PASS_MALFORMED;
		offset += extension_bytes(&extension, next);
		portless = next == IPPROTO_FRAGMENT && extension.fragment & bpf_htons(IP6_OFFSET_MASK);
		next = extension.next;
		if (portless)
			break;
	}
	/* An extension header inside the fragmented part hides the protocol, as in parse_fragment(). */
	if (is_extension(next))
		return portless ? PASS_PROTOCOL : PASS_MALFORMED;
	return parse_quoted_transport(ctx, subject, next, portless, offset, end);
}

/*
 * The message stands from `offset` to `end`. Not inlined, for its stack; `subject` has the addresses of the packet, and
 * afterwards what is to be looked up by.
 */
static __noinline int parse_icmp(struct xdp_md *ctx, struct subject *subject, __u32 offset, __u32 end)
{
	int inet = subject->key.family == FAMILY_INET;
	__u64 errors = inet ? ICMP_ERRORS : ICMP6_ERRORS;
	__u8 header[ICMP_BYTES];

	if (offset + sizeof(header) > end || bpf_xdp_load_bytes(ctx, offset, header, sizeof(header)))
		return PASS_MALFORMED;
	if (header[0] == (inet ? ICMP_ECHO : ICMP6_ECHO_REQUEST))
		return STEERED_ECHO;
	if (header[0] > 63 || !(errors >> header[0] & 1))
		return PASS_PROTOCOL;
	offset += sizeof(header);
	return inet ? parse_quoted_ip4(ctx, subject, offset, end) : parse_quoted_ip6(ctx, subject, offset, end);
}

#endif
