/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * What comes back from real servers that are reached by translation: by the real server that sent it, where clients'
 * addresses were kept, and by the director's local address that it is sent to, where they were not.
 */
#ifndef SLUICE_REPLY_H
#define SLUICE_REPLY_H

#include <linux/bpf.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "maps.h"
#include "parse.h"

static __always_inline void set_address(struct service_key *key, const __be32 *address, __u8 family)
{
	for (int i = 0; i < 4; i++)
		key->address[i] = address[i];
	key->port = 0;
	key->protocol = 0;
	key->family = family;
}

/* For an ICMP error: whether what it quotes was sent to one. */
static __always_inline int is_from_real_server(const struct subject *subject)
{
	struct service_key real;

	set_address(&real, subject->source, subject->key.family);
	real.protocol = subject->key.protocol;
	if (subject->portless)
		return !!bpf_map_lookup_elem(&rips, &real);
	real.port = subject->source_port;
	if (bpf_map_lookup_elem(&reals, &real))
		return 1;
	real.port = 0;
	return !!bpf_map_lookup_elem(&reals, &real);
}

static __always_inline int is_peer(const struct subject *subject)
{
	struct service_key peer;

	set_address(&peer, subject->source, subject->key.family);
	peer.protocol = subject->key.protocol;
	return !!bpf_map_lookup_elem(&peers, &peer);
}

/*
 * Not inlined, for its stack. Fragments to a local address are taken from real servers only: the address may be the
 * host's own, and who else sends some is the kernel's.
 */
static __noinline int is_reply(const struct subject *subject)
{
	struct port_range *range;
	struct service_key to;
	__u16 port;

	set_address(&to, subject->key.address, subject->key.family);
	range = bpf_map_lookup_elem(&local_addresses, &to);
	if (range && !subject->portless) {
		port = bpf_ntohs(subject->key.port);
		if (range->first <= port && port <= range->last)
			return 1;
	}
	if (range && subject->portless && is_peer(subject))
		return 1;
	return is_from_real_server(subject) && !bpf_map_lookup_elem(&own_addresses, &to);
}

#endif
