// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * The steering program: packets for a virtual service go to the XSK of the queue they came in on, all others to the
 * kernel. It decides where a packet goes and changes nothing in it; docs/steering.md tells the whole story.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "counters.h"
#include "maps.h"
#include "parse.h"

static __always_inline int is_service(struct packet *packet, enum steering_outcome outcome)
{
	if (outcome == STEERED_FRAGMENT)
		return bpf_map_lookup_elem(&vips, &packet->key) != NULL;
	if (bpf_map_lookup_elem(&services, &packet->key))
		return 1;
	packet->key.port = 0;
	return bpf_map_lookup_elem(&services, &packet->key) != NULL;
}

/*
 * Only what is sent to the interface itself, as the kernel's own IPVS takes nothing but PACKET_HOST: a switch that
 * does not know a real server's address yet floods what the director sent to it, and the director must not take its
 * own packets for new ones.
 */
static __always_inline int is_for_this_host(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	struct link *own;
	__u16 *to = data, *mac;
	__u32 zero = 0;

	own = bpf_map_lookup_elem(&link, &zero);
	if (!own || data + ETH_ALEN > (void *)(long)ctx->data_end)
		return 1;
	mac = (__u16 *)own->mac;
	if (!(mac[0] | mac[1] | mac[2]))
		return 1;
	return mac[0] == to[0] && mac[1] == to[1] && mac[2] == to[2];
}

SEC("xdp")
int sluice_steer(struct xdp_md *ctx)
{
	struct packet packet = {};
	enum steering_outcome outcome = parse_packet(ctx, &packet);
	int verdict = XDP_PASS;

	if (outcome == STEERED || outcome == STEERED_FRAGMENT) {
		if (!is_service(&packet, outcome)) {
			outcome = PASS_NO_SERVICE;
		} else if (!is_for_this_host(ctx)) {
			outcome = PASS_OTHER_HOST;
		} else {
			verdict = bpf_redirect_map(&xsks, ctx->rx_queue_index, XDP_PASS);
			if (verdict != XDP_REDIRECT)
				outcome = PASS_NO_SOCKET;
		}
	}
	count(outcome);
	return verdict;
}

char _license[] SEC("license") = "Dual BSD/GPL";
