/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* What becomes of the ECN field when a tunnel ends: RFC 6040 section 4.2, figure 4. */
#ifndef SLUICE_DECAP_ECN_H
#define SLUICE_DECAP_ECN_H

#include <linux/types.h>

enum ecn {
	NOT_ECT = 0,
	ECT_1 = 1,
	ECT_0 = 2,
	CE = 3,
	/* No field: the packet has to be dropped, for its sender would not understand the mark. */
	ECN_DROP = 4,
};

static __always_inline __u32 decapsulated_ecn(__u32 outer, __u32 inner)
{
	if (inner == NOT_ECT)
		return outer == CE ? ECN_DROP : NOT_ECT;
	if (outer == CE)
		return CE;
	return outer == ECT_1 && inner == ECT_0 ? ECT_1 : inner;
}

#endif
