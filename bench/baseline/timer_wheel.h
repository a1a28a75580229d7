/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * When each slot of the flow table is to be looked at: a hashed timer wheel of 4096 buckets of 256 ms, each a doubly linked
 * list of slots whose links lie in memory of their own. As dev.sluice.flow.TimerWheel.
 */
#ifndef BASELINE_TIMER_WHEEL_H
#define BASELINE_TIMER_WHEEL_H

#include "wire.h"

#define WHEEL_BUCKETS 4096
#define WHEEL_TICK_SHIFT 8

/* The next of the list plus 1, or 0; the previous plus 1, or for the first the bucket's complement. */
struct wheel_link {
	int32_t next;
	int32_t previous;
};

struct timer_wheel {
	struct wheel_link *links;
	/* The earliest tick that may hold slots. */
	int64_t tick;
	/* The first slot of each bucket plus 1, or 0. */
	int32_t heads[WHEEL_BUCKETS];
};

static inline void wheel_restart(struct timer_wheel *wheel, int64_t now_ms)
{
	wheel->tick = now_ms >> WHEEL_TICK_SHIFT;
}

static always_inline void wheel_add(struct timer_wheel *wheel, uint32_t slot, int64_t deadline_ms)
{
	int64_t due = deadline_ms >> WHEEL_TICK_SHIFT, last = wheel->tick + WHEEL_BUCKETS - 1;
	int32_t bucket, next;

	due = due < wheel->tick ? wheel->tick : due > last ? last : due;
	bucket = due & (WHEEL_BUCKETS - 1);
	next = wheel->heads[bucket];
	wheel->links[slot] = (struct wheel_link){ .next = next, .previous = ~bucket };
	if (next)
		wheel->links[next - 1].previous = slot + 1;
	wheel->heads[bucket] = slot + 1;
}

static always_inline void wheel_remove(struct timer_wheel *wheel, uint32_t slot)
{
	struct wheel_link link = wheel->links[slot];

	if (link.previous < 0)
		wheel->heads[~link.previous] = link.next;
	else
		wheel->links[link.previous - 1].next = link.next;
	if (link.next)
		wheel->links[link.next - 1].previous = link.previous;
}

static always_inline void wheel_move(struct timer_wheel *wheel, uint32_t slot, uint32_t to)
{
	struct wheel_link link = wheel->links[slot];

	wheel->links[to] = link;
	if (link.previous < 0)
		wheel->heads[~link.previous] = to + 1;
	else
		wheel->links[link.previous - 1].next = to + 1;
	if (link.next)
		wheel->links[link.next - 1].previous = to + 1;
}

static always_inline int wheel_is_behind(const struct timer_wheel *wheel, int64_t now_ms)
{
	return wheel->tick < now_ms >> WHEEL_TICK_SHIFT;
}

/* A slot of the earliest bucket, or -1. */
static always_inline int32_t wheel_first(const struct timer_wheel *wheel)
{
	return wheel->heads[wheel->tick & (WHEEL_BUCKETS - 1)] - 1;
}

#endif
