/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * TCP (RFC 9293), UDP (RFC 768) and SCTP (RFC 9260), as far as the ports, which all of them have in the same place;
 * AH (RFC 4302) and ESP (RFC 4303), which have none. Included by parse.h.
 */
#ifndef SLUICE_TRANSPORT_H
#define SLUICE_TRANSPORT_H

#include <linux/in.h>
#include <linux/in6.h>

struct ports {
	__be16 source;
	__be16 destination;
};

/* What the header of a protocol has at the least: ports and checksum, or SPI and sequence number; 0 for the kernel's. */
static __always_inline __u32 header_bytes_of(__u8 protocol)
{
	switch (protocol) {
	case IPPROTO_TCP:
		return 20;
	case IPPROTO_UDP:
	case IPPROTO_ESP:
		return 8;
	case IPPROTO_SCTP:
	case IPPROTO_AH:
		return 12;
	default:
		return 0;
	}
}

static __always_inline int is_ipsec(__u8 protocol)
{
	return protocol == IPPROTO_ESP || protocol == IPPROTO_AH;
}

/* Looked up by what does not depend on ports. Whoever is the peer of IKE is that of AH and ESP alike. */
static __always_inline void set_portless(struct subject *subject, __u8 protocol)
{
	subject->key.protocol = is_ipsec(protocol) ? IPPROTO_ESP : protocol;
	subject->key.port = 0;
	subject->portless = 1;
}

/* `remaining` is what the IP header leaves for the transport, and is known to lie within the frame. */
static __always_inline enum steering_outcome check_transport(struct packet *packet, __u8 protocol, __u32 remaining)
{
	__u32 needed = header_bytes_of(protocol);

	if (!needed)
		return PASS_PROTOCOL;
	if (remaining < needed)
		return PASS_MALFORMED;
	packet->subject.key.protocol = protocol;
	if (is_ipsec(protocol))
		set_portless(&packet->subject, protocol);
	return STEERED;
}

/* The transport header's place is fixed. */
static __always_inline enum steering_outcome parse_transport(struct packet *packet, __u8 protocol, __u32 remaining,
							     struct ports *ports)
{
	enum steering_outcome outcome = check_transport(packet, protocol, remaining);

	if (outcome != STEERED || packet->subject.portless)
		return outcome;
	if ((void *)(ports + 1) > packet->end)
		return PASS_MALFORMED;
	packet->subject.key.port = ports->destination;
	packet->subject.source_port = ports->source;
	return STEERED;
}

static int parse_icmp(struct xdp_md *ctx, struct subject *subject, __u32 offset, __u32 end);

static __always_inline int is_icmp(__u8 family, __u32 protocol)
{
	return protocol == (family == FAMILY_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6);
}

/* What stands at packet->offset is copied out: it is behind headers of variable length, or goes on at length itself. */
static __always_inline enum steering_outcome parse_behind(struct packet *packet, __u8 protocol, __u32 remaining)
{
	enum steering_outcome outcome;
	struct ports ports;

	if (is_icmp(packet->subject.key.family, protocol))
		return parse_icmp(packet->ctx, &packet->subject, packet->offset, packet->offset + remaining);
	outcome = check_transport(packet, protocol, remaining);
	if (outcome != STEERED || packet->subject.portless)
		return outcome;
	if (bpf_xdp_load_bytes(packet->ctx, packet->offset, &ports, sizeof(ports)))
		return PASS_MALFORMED;
	packet->subject.key.port = ports.destination;
	packet->subject.source_port = ports.source;
	return STEERED;
}

/*
 * A fragment: the first has ports, the others have not, and neither is of use without the other. So all of a datagram
 * go one way, by what all of them carry.
 */
static __always_inline enum steering_outcome parse_fragment(struct packet *packet, __u8 protocol)
{
	/* Behind IPv6's fragment header AH is an extension header inside of the fragmented part, which nobody looks into. */
	if (!header_bytes_of(protocol) || (protocol == IPPROTO_AH && packet->subject.key.family == FAMILY_INET6))
		return PASS_PROTOCOL;
	set_portless(&packet->subject, protocol);
	return STEERED_FRAGMENT;
}

#endif
