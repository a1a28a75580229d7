/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* TCP (RFC 9293) and UDP (RFC 768), as far as the destination port. Included by parse.h. */
#ifndef SLUICE_TRANSPORT_H
#define SLUICE_TRANSPORT_H

#include <linux/in.h>

#define TCP_HEADER_BYTES 20
#define UDP_HEADER_BYTES 8

struct ports {
	__be16 source;
	__be16 destination;
};

static __always_inline int is_transport(__u8 protocol)
{
	return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP;
}

/* `remaining` is what the IP header leaves for the transport, and is known to lie within the frame. */
static __always_inline enum steering_outcome check_transport(__u8 protocol, __u32 remaining)
{
	if (!is_transport(protocol))
		return PASS_PROTOCOL;
	if (remaining < (protocol == IPPROTO_TCP ? TCP_HEADER_BYTES : UDP_HEADER_BYTES))
		return PASS_MALFORMED;
	return STEERED;
}

/* The transport header's place is fixed. */
static __always_inline enum steering_outcome parse_transport(struct packet *packet, __u8 protocol, __u32 remaining,
							     struct ports *ports)
{
	enum steering_outcome outcome = check_transport(protocol, remaining);

	if (outcome != STEERED)
		return outcome;
	if ((void *)(ports + 1) > packet->end)
		return PASS_MALFORMED;
	packet->key.protocol = protocol;
	packet->key.port = ports->destination;
	return STEERED;
}

/* The transport header stands at packet->offset, behind headers of variable length. */
static __always_inline enum steering_outcome parse_transport_behind(struct packet *packet, __u8 protocol,
								    __u32 remaining)
{
	enum steering_outcome outcome = check_transport(protocol, remaining);
	struct ports ports;

	if (outcome != STEERED)
		return outcome;
	if (bpf_xdp_load_bytes(packet->ctx, packet->offset, &ports, sizeof(ports)))
		return PASS_MALFORMED;
	packet->key.protocol = protocol;
	packet->key.port = ports.destination;
	return STEERED;
}

/*
 * A fragment: the first has ports, the others have not, and neither is of use without the other. So all of a datagram
 * go one way, by what all of them carry.
 */
static __always_inline enum steering_outcome parse_fragment(struct packet *packet, __u8 protocol)
{
	if (!is_transport(protocol))
		return PASS_PROTOCOL;
	packet->key.protocol = protocol;
	packet->key.port = 0;
	return STEERED_FRAGMENT;
}

#endif
