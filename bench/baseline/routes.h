/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Where replies go: ranges of addresses, looked up by the first bits of the address and then by halves, as
 * dev.sluice.forward.RouteRanges and RouteTable. Routes lead to gateways; those that are on the link are not carried here.
 */
#ifndef BASELINE_ROUTES_H
#define BASELINE_ROUTES_H

#include <stdbool.h>

#include "memory.h"
#include "wire.h"

#define NO_ROUTE (-1)

/* All that a frame to a gateway needs. */
struct route {
	/* Destination and source, as they stand in a frame. */
	uint8_t macs[12];
	uint16_t egress;
	uint16_t mtu;
};

/* Ranges of one family, each from its start to the next one's; starts of IPv4 are in the lower half. */
struct route_ranges {
	uint64_t *high;
	uint64_t *low;
	int32_t *routes;
	/* By the first bits, the range that holds the first address with them; at the end the last of all. */
	uint32_t *index;
	uint32_t shift;
};

struct route_table {
	struct route *routes;
	struct route_ranges inet;
	struct route_ranges inet6;
};

/* Both families have one range, which a route takes: 0.0.0.0/0 and ::/0. */
static inline void routes_default(struct route_table *table, const struct route *gateway)
{
	struct route_ranges *families[] = { &table->inet, &table->inet6 };

	table->routes = map_memory(sizeof(struct route), false);
	table->routes[0] = *gateway;
	for (int family = 0; family < 2; family++) {
		struct route_ranges *ranges = families[family];

		/* One bit at the least, so one look at the index whatever there is. */
		ranges->shift = family ? 63 : 31;
		ranges->index = map_memory(3 * sizeof(uint32_t), false);
		ranges->high = map_memory(sizeof(uint64_t), false);
		ranges->low = map_memory(sizeof(uint64_t), false);
		ranges->routes = map_memory(sizeof(int32_t), false);
	}
}

static always_inline int32_t route_find_inet(const struct route_ranges *ranges, uint32_t address)
{
	const uint32_t *slot = &ranges->index[address >> ranges->shift];
	uint32_t from = slot[0], to = slot[1];

	while (from < to) {
		uint32_t middle = (from + to + 1) / 2;

		if (ranges->low[middle] <= address)
			from = middle;
		else
			to = middle - 1;
	}
	return ranges->routes[from];
}

static always_inline int32_t route_find_inet6(const struct route_ranges *ranges, uint64_t high, uint64_t low)
{
	const uint32_t *slot = &ranges->index[high >> ranges->shift];
	uint32_t from = slot[0], to = slot[1];

	while (from < to) {
		uint32_t middle = (from + to + 1) / 2;

		if (ranges->high[middle] < high || (ranges->high[middle] == high && ranges->low[middle] <= low))
			from = middle;
		else
			to = middle - 1;
	}
	return ranges->routes[from];
}

/* The route to an address, or NULL. */
static always_inline const struct route *route_find(const struct route_table *table, bool inet6, uint64_t high, uint64_t low)
{
	int32_t route = inet6 ? route_find_inet6(&table->inet6, high, low) : route_find_inet(&table->inet, low);

	return likely(route != NO_ROUTE) ? &table->routes[route] : NULL;
}

#endif
