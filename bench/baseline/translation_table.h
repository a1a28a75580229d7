/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The translated connections by what their replies show: two cache lines an entry, lists from buckets by hash. Layout and algorithm
 * are dev.sluice.flow.TranslationTable's, the order of stores for readers of other threads included.
 */
#ifndef BASELINE_TRANSLATION_TABLE_H
#define BASELINE_TRANSLATION_TABLE_H

#include "memory.h"
#include "packet.h"

#define NO_TRANSLATION 0

struct translation {
	/* RIP and LIP: with NAT the latter is the client's address. */
	uint64_t real_high;
	uint64_t real_low;
	uint64_t local_high;
	uint64_t local_low;
	/* RPORT (bits 32-47), LPORT (16-31), protocol (8-15), family (0-7). */
	uint64_t real_tuple;
	uint32_t hash;
	/* The next of the bucket's list, or of the free ones. */
	uint32_t next;
	uint16_t real_server;
	uint16_t generation;
	/* Where the flow is in the connection table. */
	uint32_t slot;
	uint32_t last_reply_ms;
	uint32_t unused;
	/* What the client sees. */
	uint64_t client_high;
	uint64_t client_low;
	uint64_t virtual_high;
	uint64_t virtual_low;
	uint64_t tuple;
	/* The client's station with the port that it is on, the director's with none, and the tags. */
	uint64_t station;
	uint64_t self;
	uint64_t tags;
} __attribute__((aligned(64)));

_Static_assert(sizeof(struct translation) == 128, "a translation is two cache lines");

struct translation_table {
	/* From 1 on. */
	struct translation *entries;
	uint32_t *buckets;
	/* By slot of the connection table. */
	uint32_t *by_slot;
	uint32_t mask;
	/* The first of the free entries that were used before, and the lowest that never was. */
	uint32_t free;
	uint32_t fresh;
	uint32_t size;
	/* Odd while an entry is taken out of its list. */
	uint64_t removals;
};

static inline void translations_init(struct translation_table *table, uint32_t max_flows, uint32_t slots, bool huge_pages)
{
	table->entries = map_memory(((size_t)max_flows + 1) * sizeof(struct translation), huge_pages);
	table->buckets = map_memory((size_t)slots * sizeof(uint32_t), huge_pages);
	table->by_slot = map_memory((size_t)slots * sizeof(uint32_t), huge_pages);
	table->mask = slots - 1;
	table->fresh = 1;
}

/* Enters one beside a flow that was just inserted. */
static inline void translation_add(struct translation_table *table, const struct translation *what, uint32_t slot)
{
	uint32_t index = table->free ? table->free : table->fresh++;
	uint32_t *bucket = &table->buckets[what->hash & table->mask];
	struct translation *entry = &table->entries[index];
	uint16_t generation = entry->generation + 1;

	if (index == table->free)
		table->free = entry->next;
	*entry = *what;
	entry->generation = generation;
	entry->slot = slot;
	entry->next = *bucket;
	__atomic_store_n(bucket, index, __ATOMIC_RELEASE);
	__atomic_store_n(&table->by_slot[slot], index, __ATOMIC_RELAXED);
	table->size++;
}

static inline void translation_move(struct translation_table *table, uint32_t from, uint32_t to)
{
	uint32_t index = table->by_slot[from];

	__atomic_store_n(&table->by_slot[to], index, __ATOMIC_RELAXED);
	__atomic_store_n(&table->by_slot[from], NO_TRANSLATION, __ATOMIC_RELAXED);
	table->entries[index].slot = to;
}

static inline void translation_remove(struct translation_table *table, uint32_t slot)
{
	uint32_t index = table->by_slot[slot], *link;
	struct translation *entry = &table->entries[index];

	__atomic_store_n(&table->by_slot[slot], NO_TRANSLATION, __ATOMIC_RELAXED);
	__atomic_store_n(&table->removals, table->removals + 1, __ATOMIC_RELEASE);
	for (link = &table->buckets[entry->hash & table->mask]; *link != index; link = &table->entries[*link].next)
		;
	*link = entry->next;
	entry->next = table->free;
	__atomic_store_n(&table->removals, table->removals + 1, __ATOMIC_RELEASE);
	table->free = index;
	table->size--;
}

static always_inline const uint32_t *translation_bucket(const struct translation_table *table, uint64_t hash)
{
	return &table->buckets[(uint32_t)hash & table->mask];
}

/* The entry that a packet is a reply of, or NO_TRANSLATION. */
static always_inline uint32_t translation_find(const struct translation_table *table, const struct packet *packet)
{
	uint32_t index = *translation_bucket(table, packet->hash);

	while (index != NO_TRANSLATION) {
		const struct translation *entry = &table->entries[index];

		if (entry->real_tuple == packet->tuple && entry->real_low == packet->client_low &&
		    entry->local_low == packet->virtual_low && entry->real_high == packet->client_high &&
		    entry->local_high == packet->virtual_high)
			break;
		index = entry->next;
	}
	return index;
}

#endif
