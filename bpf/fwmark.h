/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The rules that give packets a mark, for services that are known by their mark and not by an address. They are asked
 * only where no service of an address was found, and behind a gate: destinations that no rule names cost one look-up.
 */
#ifndef SLUICE_FWMARK_H
#define SLUICE_FWMARK_H

#include <linux/bpf.h>
#include <linux/in.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "maps.h"
#include "parse.h"

#define MAX_FWMARK_RULES 256

#define IKE_PORT 500
#define IKE_NAT_PORT 4500

/* Addresses as in service_key. Of rules that match a packet the first counts. */
struct fwmark_rule {
	__be32 destination[4];
	__be32 destination_mask[4];
	__be32 source[4];
	__be32 source_mask[4];
	__u16 first_port; /* host byte order, as the next */
	__u16 last_port;
	__u8 family;
	__u8 protocol; /* 0: every protocol that a service can have */
	__u8 served; /* 0: the mark has no service */
	__u8 pad;
};

/*
 * One slot, whose map is exchanged as a whole: a packet sees all of the old rules or all of the new ones. An array of
 * rules ends where they end.
 */
struct fwmark_rules {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_INNER_MAP);
	__uint(max_entries, 1);
	__type(key, __u32);
	/* By size: clang leaves the type of what only an inner map holds out of the BTF. */
	__uint(value_size, sizeof(struct fwmark_rule));
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(values, struct fwmark_rules);
} fwmark_rules SEC(".maps");

struct fwmark_prefix {
	__u32 length; /* in bits, of family and address together */
	__be32 family;
	__be32 address[4];
};

/* The destinations of all rules; more may be there while rules are exchanged, never less. */
struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 2 * MAX_FWMARK_RULES);
	__type(key, struct fwmark_prefix);
	__type(value, __u32);
} fwmark_gate SEC(".maps");

/* What a rule looks at, and what came of it. */
struct fwmark_search {
	void *rules;
	const struct subject *subject;
	__u32 served;
};

static __always_inline int is_within(const __be32 *address, const __be32 *prefix, const __be32 *mask)
{
	__u32 difference = 0;

	for (int i = 0; i < 4; i++)
		difference |= (address[i] & mask[i]) ^ prefix[i];
	return !difference;
}

static __always_inline int has_port(const struct fwmark_rule *rule, __u16 port)
{
	return rule->first_port <= port && port <= rule->last_port;
}

/* Whether the rule would take the packet by its protocol and port: AH and ESP go where their IKE goes. */
static __always_inline int matches_transport(const struct fwmark_rule *rule, const struct subject *subject)
{
	if (subject->key.protocol == IPPROTO_ESP)
		return (!rule->protocol || rule->protocol == IPPROTO_UDP) &&
		       (has_port(rule, IKE_PORT) || has_port(rule, IKE_NAT_PORT));
	if (rule->protocol && rule->protocol != subject->key.protocol)
		return 0;
	return subject->portless || has_port(rule, bpf_ntohs(subject->key.port));
}

static long try_rule(__u32 index, struct fwmark_search *search)
{
	const struct fwmark_rule *rule = bpf_map_lookup_elem(search->rules, &index);
	const struct subject *subject = search->subject;

	if (!rule)
		return 1;
	if (rule->family != subject->key.family || !matches_transport(rule, subject) ||
	    !is_within(subject->key.address, rule->destination, rule->destination_mask) ||
	    !is_within(subject->source, rule->source, rule->source_mask))
		return 0;
	search->served = rule->served;
	return 1;
}

static __always_inline int is_marked(const struct subject *subject)
{
	struct fwmark_prefix gate = {};
	struct fwmark_search search = { .subject = subject };
	__u32 zero = 0;

	gate.length = 8 * (sizeof(gate) - sizeof(gate.length));
	gate.family = bpf_htonl(subject->key.family);
	__builtin_memcpy(gate.address, subject->key.address, sizeof(gate.address));
	if (!bpf_map_lookup_elem(&fwmark_gate, &gate))
		return 0;
	search.rules = bpf_map_lookup_elem(&fwmark_rules, &zero);
	if (!search.rules)
		return 0;
	bpf_loop(MAX_FWMARK_RULES, try_rule, &search, 0);
	return search.served;
}

#endif
