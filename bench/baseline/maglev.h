/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Maglev's lookup table (Eisenbud et al., NSDI 2016, section 3.4) for real servers of equal weight, with placements and turns
 * as in dev.sluice.schedule.MaglevTable: the same key and real servers give the same table.
 */
#ifndef BASELINE_MAGLEV_H
#define BASELINE_MAGLEV_H

#include "memory.h"
#include "siphash.h"

#define MAGLEV_ENTRIES 65537

struct maglev_member {
	uint64_t high;
	uint64_t low;
	uint16_t port;
	bool inet6;
	int32_t id;
};

struct maglev {
	/* Indexes into ids: 16 bits keep a table inside a core's own cache. */
	uint16_t *entries;
	int32_t *ids;
};

static inline uint64_t maglev_placement(const struct sip_key *key, const struct maglev_member *member, int domain)
{
	const uint64_t words[] = { member->high, member->low };
	uint64_t rest = (uint64_t)member->port << 16 | (member->inet6 ? 6 : 4) << 8 | domain;

	return siphash13(key, words, 2, (uint64_t)20 << 56 | rest);
}

static inline int maglev_order(const void *left, const void *right)
{
	const struct maglev_member *a = left, *b = right;

	if (a->high != b->high)
		return a->high < b->high ? -1 : 1;
	if (a->low != b->low)
		return a->low < b->low ? -1 : 1;
	return (int)a->port - (int)b->port;
}

/* Sorts the members by address, which all directors agree on. */
static inline struct maglev maglev_build(const struct sip_key *key, struct maglev_member *members, uint32_t count)
{
	struct maglev table = { calloc(MAGLEV_ENTRIES, sizeof(uint16_t)), calloc(count, sizeof(int32_t)) };
	uint32_t *position = calloc(count, sizeof(*position)), *skip = calloc(count, sizeof(*skip)), filled = 0;
	bool *taken = calloc(MAGLEV_ENTRIES, sizeof(*taken));

	if (!table.entries || !table.ids || !position || !skip || !taken)
		die("no memory for a Maglev table of %u real servers", count);
	qsort(members, count, sizeof(*members), maglev_order);
	for (uint32_t i = 0; i < count; i++) {
		table.ids[i] = members[i].id;
		position[i] = maglev_placement(key, &members[i], 1) % MAGLEV_ENTRIES;
		skip[i] = maglev_placement(key, &members[i], 2) % (MAGLEV_ENTRIES - 1) + 1;
	}
	while (true) {
		for (uint32_t i = 0; i < count; i++) {
			uint32_t at = position[i];

			while (taken[at]) {
				at += skip[i];
				at = at >= MAGLEV_ENTRIES ? at - MAGLEV_ENTRIES : at;
			}
			taken[at] = true;
			position[i] = at;
			table.entries[at] = i;
			if (++filled == MAGLEV_ENTRIES) {
				free(position);
				free(skip);
				free(taken);
				return table;
			}
		}
	}
}

/* The hash as a fraction of 2^64 scales to an index. */
static always_inline int32_t maglev_pick(const struct maglev *table, uint64_t hash)
{
	return table->ids[table->entries[(uint64_t)((unsigned __int128)hash * MAGLEV_ENTRIES >> 64)]];
}

#endif
