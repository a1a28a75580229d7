// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * The decapsulation program of a real server: takes the outer headers off packets that a director tunnelled to one of this
 * host's addresses, if they are for a VIP inside, and hands what is left to the kernel. Everything else passes untouched.
 * docs/real-server.md tells when it is used.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "decap_inner.h"
#include "decap_maps.h"
#include "decap_outer.h"
#include "decap_tunnel.h"

/* The link header moves up to the inner packet and says what that is. The sizes are constants for the verifier. */
static __always_inline long strip(const struct outer *outer, const struct link *link)
{
	__be16 type = outer->inner_family == FAMILY_INET ? bpf_htons(ETH_P_IP) : bpf_htons(ETH_P_IPV6);
	struct xdp_md *ctx = outer->ctx;
	__u32 link_bytes = outer->link_bytes;

	if (bpf_xdp_adjust_head(ctx, outer->offset - link_bytes))
		return -1;
	switch (link_bytes) {
	case ETH_HLEN:
		return bpf_xdp_store_bytes(ctx, 0, (void *)link, ETH_HLEN - sizeof(type)) ?:
		       bpf_xdp_store_bytes(ctx, ETH_HLEN - sizeof(type), &type, sizeof(type));
	case ETH_HLEN + TAG_BYTES:
		return bpf_xdp_store_bytes(ctx, 0, (void *)link, ETH_HLEN + TAG_BYTES - sizeof(type)) ?:
		       bpf_xdp_store_bytes(ctx, ETH_HLEN + TAG_BYTES - sizeof(type), &type, sizeof(type));
	default:
		return bpf_xdp_store_bytes(ctx, 0, (void *)link, ETH_HLEN + 2 * TAG_BYTES - sizeof(type)) ?:
		       bpf_xdp_store_bytes(ctx, ETH_HLEN + 2 * TAG_BYTES - sizeof(type), &type, sizeof(type));
	}
}

static __always_inline __u32 decapsulate(struct outer *outer, struct link *link)
{
	struct tunnels *tunnels;
	struct inner inner = {};
	__u32 zero = 0, outcome = parse_outer(outer, link), ecn;

	if (outcome != DECAPSULATED)
		return outcome;
	tunnels = bpf_map_lookup_elem(&decap_tunnels, &zero);
	if (!tunnels || !is_tunnel(tunnels, outer->protocol))
		return PASS_NO_TUNNEL;
	if (!bpf_map_lookup_elem(&decap_local, &outer->destination))
		return PASS_OTHER_ADDRESS;
	if (outer->fragment)
		return PASS_FRAGMENT;
	outcome = parse_tunnel(outer, tunnels);
	if (outcome != DECAPSULATED)
		return outcome;
	outcome = parse_inner(outer, &inner);
	if (outcome != DECAPSULATED)
		return outcome;
	if (!bpf_map_lookup_elem(&decap_vips, &inner.destination))
		return PASS_NO_VIP;
	ecn = decapsulated_ecn(outer->ecn, inner.ecn);
	if (ecn == ECN_DROP)
		return DROP_ECN;
	if (outer->remote_checksum) {
		outcome = complete_checksum(outer, &inner);
		if (outcome != DECAPSULATED)
			return outcome;
	}
	/* Neither fails: what they touch has been read before. */
	if (set_ecn(outer, &inner, ecn) || strip(outer, link))
		return PASS_MALFORMED;
	return DECAPSULATED;
}

SEC("xdp.frags")
int sluice_decap(struct xdp_md *ctx)
{
	struct outer outer = { .ctx = ctx };
	struct link link = {};
	__u32 outcome = decapsulate(&outer, &link);

	count(outcome);
	return outcome == DROP_ECN || outcome == DROP_CHECKSUM ? XDP_DROP : XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
