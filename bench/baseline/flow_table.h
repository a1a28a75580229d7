/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The connection table: one cache line an entry, linear probing, removal moves later entries of the run back. Layout and
 * algorithm are dev.sluice.flow.FlowTable's and FlowEntries', the order of stores for readers of other threads included.
 */
#ifndef BASELINE_FLOW_TABLE_H
#define BASELINE_FLOW_TABLE_H

#include <stddef.h>

#include "flow_state.h"
#include "timer_wheel.h"
#include "translation_table.h"

#define NO_SLOT (-1)
#define FLOW_SLOPPY 1
#define FLOW_TRANSLATED 8

struct flow_entry {
	uint64_t client_high;
	uint64_t client_low;
	uint64_t virtual_high;
	uint64_t virtual_low;
	/* 0 is a free slot; stored last when an entry comes, first when it goes. */
	uint64_t tuple;
	uint32_t hash;
	int32_t real_server;
	uint32_t last_seen_ms;
	uint32_t packets;
	/* Bytes (48 bits), flags and state (8 each). */
	uint64_t bytes_flags_state;
} __attribute__((aligned(64)));

_Static_assert(sizeof(struct flow_entry) == 64, "an entry is one cache line");

/* Connections of a real server, and the thresholds that they are compared with. */
struct real_flows {
	uint64_t flows;
	uint32_t upper_threshold;
	uint32_t lower_threshold;
	uint32_t overloaded;
	uint32_t unused;
};

struct flow_table {
	struct flow_entry *entries;
	uint32_t mask;
	uint32_t max_flows;
	uint32_t max_half_open;
	uint32_t size;
	uint32_t half_open;
	uint32_t expired;
	struct real_flows *real_flows;
	/* Odd while entries are removed, for which others move. */
	uint64_t removals;
	int64_t clock_ms;
	/* How long a flow in a state may be silent. */
	uint32_t timeout_ms[16];
	struct timer_wheel wheel;
	struct translation_table translations;
};

static inline uint32_t flow_slots(uint32_t max_flows)
{
	uint32_t most = (uint64_t)max_flows * 4 / 3, slots = 4;

	while (slots <= most)
		slots <<= 1;
	return slots;
}

static always_inline const struct flow_entry *flow_home(const struct flow_table *table, uint64_t hash)
{
	return &table->entries[(uint32_t)hash & table->mask];
}

static always_inline const struct wheel_link *flow_home_link(const struct flow_table *table, uint64_t hash)
{
	return &table->wheel.links[(uint32_t)hash & table->mask];
}

static always_inline uint32_t flow_state_of(const struct flow_entry *entry)
{
	return entry->bytes_flags_state & 0xff;
}

static always_inline bool flow_is_translated(const struct flow_entry *entry)
{
	return entry->bytes_flags_state >> 8 & FLOW_TRANSLATED;
}

/* Whose packets decide about the state of a flow, besides those of its real server. */
static always_inline enum flow_sender flow_sender_of(uint64_t flags)
{
	return flags & FLOW_TRANSLATED ? CLIENT : CLIENT_ALONE;
}

static always_inline int32_t flow_remaining_ms(const struct flow_table *table, const struct flow_entry *entry,
					       int64_t now_ms)
{
	return table->timeout_ms[flow_state_of(entry)] - ((uint32_t)now_ms - entry->last_seen_ms);
}

static always_inline void flow_count_half_open(struct flow_table *table, uint32_t state, int32_t delta)
{
	if (state == SYN_RECV)
		table->half_open += delta;
}

/* ip_vs_dest_update_overload(): asked whenever a connection comes or goes. */
static always_inline void flow_update_overload(struct real_flows *real)
{
	uint32_t total, upper = real->upper_threshold, lower;

	if (likely(!upper && !real->overloaded))
		return;
	total = (uint32_t)real->flows;
	lower = real->lower_threshold ? real->lower_threshold : upper - (upper >> 2);
	real->overloaded = upper && (total >= upper || (real->overloaded && total >= lower));
}

static void flow_remove(struct flow_table *table, uint32_t slot)
{
	struct flow_entry *entries = table->entries;
	struct real_flows *real = &table->real_flows[entries[slot].real_server];
	uint32_t gap = slot, at = slot, mask = table->mask;

	real->flows -= flow_share[flow_state_of(&entries[slot])];
	flow_count_half_open(table, flow_state_of(&entries[slot]), -1);
	table->size--;
	flow_update_overload(real);
	if (flow_is_translated(&entries[slot]))
		translation_remove(&table->translations, slot);
	wheel_remove(&table->wheel, slot);
	__atomic_store_n(&table->removals, table->removals + 1, __ATOMIC_RELEASE);
	__atomic_store_n(&entries[slot].tuple, 0, __ATOMIC_RELEASE);
	while (true) {
		uint64_t tuple;

		at = (at + 1) & mask;
		tuple = entries[at].tuple;
		if (!tuple)
			break;
		/* An entry may fill the gap unless its home lies behind it, up to where it stands (Knuth 6.4, R). */
		if (((at - (entries[at].hash & mask)) & mask) >= ((at - gap) & mask)) {
			memcpy(&entries[gap], &entries[at], offsetof(struct flow_entry, tuple));
			memcpy(&entries[gap].hash, &entries[at].hash, 64 - offsetof(struct flow_entry, hash));
			__atomic_store_n(&entries[gap].tuple, tuple, __ATOMIC_RELEASE);
			if (flow_is_translated(&entries[at]))
				translation_move(&table->translations, at, gap);
			wheel_move(&table->wheel, at, gap);
			__atomic_store_n(&entries[at].tuple, 0, __ATOMIC_RELEASE);
			gap = at;
		}
	}
	__atomic_store_n(&table->removals, table->removals + 1, __ATOMIC_RELEASE);
}

static always_inline int64_t flow_search(const struct flow_table *table, const struct packet *packet)
{
	uint32_t slot = (uint32_t)packet->hash & table->mask;

	while (true) {
		const struct flow_entry *entry = &table->entries[slot];

		if (!entry->tuple)
			return NO_SLOT;
		if (entry->tuple == packet->tuple && entry->client_low == packet->client_low &&
		    entry->virtual_low == packet->virtual_low && entry->client_high == packet->client_high &&
		    entry->virtual_high == packet->virtual_high)
			return slot;
		slot = (slot + 1) & table->mask;
	}
}

/* The slot of the packet's flow, or NO_SLOT; one that has been silent for too long is reclaimed here. */
static always_inline int64_t flow_find(struct flow_table *table, const struct packet *packet, int64_t now_ms)
{
	int64_t slot = flow_search(table, packet);

	if (slot >= 0 && unlikely(flow_remaining_ms(table, &table->entries[slot], now_ms) <= 0)) {
		flow_remove(table, slot);
		table->expired++;
		return NO_SLOT;
	}
	return slot;
}

/* Enters a flow that flow_find has just missed into a table that is not full; flow_touch follows. */
static always_inline uint32_t flow_insert(struct flow_table *table, const struct packet *packet, int32_t real_server,
					  uint64_t flags, int64_t now_ms)
{
	uint32_t slot = (uint32_t)packet->hash & table->mask;
	uint32_t state = flow_next[flow_sender_of(flags)][flow_event(packet)][STATE_NONE];
	struct flow_entry *entry;

	while (table->entries[slot].tuple)
		slot = (slot + 1) & table->mask;
	if (unlikely(!table->size))
		wheel_restart(&table->wheel, now_ms);
	wheel_add(&table->wheel, slot, now_ms + table->timeout_ms[state]);
	table->real_flows[real_server].flows += flow_share[STATE_NONE];
	table->size++;
	entry = &table->entries[slot];
	entry->client_high = packet->client_high;
	entry->client_low = packet->client_low;
	entry->virtual_high = packet->virtual_high;
	entry->virtual_low = packet->virtual_low;
	entry->hash = packet->hash;
	entry->real_server = real_server;
	entry->last_seen_ms = now_ms;
	entry->packets = 0;
	entry->bytes_flags_state = flags << 8 | STATE_NONE;
	__atomic_store_n(&entry->tuple, packet->tuple, __ATOMIC_RELEASE);
	return slot;
}

static void flow_change_state(struct flow_table *table, uint32_t slot, uint32_t before, uint32_t after, int64_t now_ms)
{
	table->real_flows[table->entries[slot].real_server].flows += flow_share[after] - flow_share[before];
	flow_count_half_open(table, before, -1);
	flow_count_half_open(table, after, 1);
	if (table->timeout_ms[after] < table->timeout_ms[before]) {
		wheel_remove(&table->wheel, slot);
		wheel_add(&table->wheel, slot, now_ms + table->timeout_ms[after]);
	}
}

/* The flow of a translation that a packet has been found to be a reply of, or NO_SLOT where it is silent for too long. */
static always_inline int64_t flow_of_reply(struct flow_table *table, const struct translation *translation, int64_t now_ms)
{
	uint32_t slot = translation->slot;

	if (unlikely(flow_remaining_ms(table, &table->entries[slot], now_ms) <= 0)) {
		flow_remove(table, slot);
		table->expired++;
		return NO_SLOT;
	}
	return slot;
}

/* Accounts a packet of the flow: its state moves on, its timer starts again. */
static always_inline void flow_touch(struct flow_table *table, uint32_t slot, const struct packet *packet,
				     enum flow_sender sender, int64_t now_ms)
{
	struct flow_entry *entry = &table->entries[slot];
	uint64_t word = entry->bytes_flags_state + ((uint64_t)packet->ip_length << 16);
	uint32_t before = word & 0xff, after = flow_next[sender][flow_event(packet)][before];

	if (unlikely(after != before)) {
		word = (word & ~(uint64_t)0xff) | after;
		flow_change_state(table, slot, before, after, now_ms);
	}
	entry->bytes_flags_state = word;
	/* A reply is none: how many the client has sent tells who has the flow. */
	entry->packets += sender != SERVER;
	entry->last_seen_ms = now_ms;
}

/* Asks for what the next turn of flow_expire will read: the entry, the one behind it, and its links. */
static always_inline void flow_fetch_next(const struct flow_table *table, uint32_t slot)
{
	int32_t next = table->wheel.links[slot].next;

	if (!next)
		return;
	__builtin_prefetch(&table->entries[next - 1], 1, 3);
	__builtin_prefetch(&table->entries[next & table->mask], 1, 3);
	__builtin_prefetch(&table->wheel.links[next - 1], 1, 3);
}

/* Reclaims expired flows, going on where the last call stopped. The budget is of looks at an entry and empty ticks. */
static void flow_expire(struct flow_table *table, int budget, int64_t now_ms)
{
	table->clock_ms = now_ms;
	if (unlikely(!table->size)) {
		wheel_restart(&table->wheel, now_ms);
		return;
	}
	for (int step = 0; step < budget && wheel_is_behind(&table->wheel, now_ms); step++) {
		int32_t remaining, slot = wheel_first(&table->wheel);

		if (slot < 0) {
			table->wheel.tick++;
			continue;
		}
		flow_fetch_next(table, slot);
		remaining = flow_remaining_ms(table, &table->entries[slot], now_ms);
		if (remaining <= 0) {
			flow_remove(table, slot);
			table->expired++;
		} else {
			wheel_remove(&table->wheel, slot);
			wheel_add(&table->wheel, slot, now_ms + remaining);
		}
	}
}

#endif
