// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * The steering program: packets for a virtual service, and from real servers that are reached by translation, go to
 * the XSK of the queue they came in on, all others to the kernel. It decides where a packet goes and changes nothing in it; docs/steering.md tells the whole story.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "counters.h"
#include "fwmark.h"
#include "maps.h"
#include "parse.h"
#include "reply.h"

/* Not inlined, so that it has a stack of its own: nobody without CAP_PERFMON may put a number where a pointer was. */
static __noinline int is_service(const struct subject *subject)
{
	struct service_key any_port = subject->key;

	if (subject->portless)
		return bpf_map_lookup_elem(&vips, &subject->key) || is_marked(subject);
	if (bpf_map_lookup_elem(&services, &subject->key))
		return 1;
	any_port.port = 0;
	return bpf_map_lookup_elem(&services, &any_port) || is_marked(subject);
}

/* Whether the packet's destination is one that services name, whatever their protocol. ESP's entries go with UDP's. */
static __noinline int is_vip(const struct subject *subject)
{
	struct service_key any = subject->key;

	any.port = 0;
	any.protocol = IPPROTO_TCP;
	if (bpf_map_lookup_elem(&vips, &any))
		return 1;
	any.protocol = IPPROTO_UDP;
	if (bpf_map_lookup_elem(&vips, &any))
		return 1;
	any.protocol = IPPROTO_SCTP;
	return !!bpf_map_lookup_elem(&vips, &any);
}

/* What becomes of a packet that was parsed as `outcome` and is for no service. Not inlined, for the same reason. */
static __noinline int find_other(const struct subject *subject, const struct nic *own, __u32 outcome)
{
	if (outcome == STEERED_ECHO && !own->answers_echo)
		return PASS_PROTOCOL;
	if (outcome == STEERED_ECHO)
		return is_vip(subject) ? STEERED_ECHO : PASS_NO_SERVICE;
	if (own->translates && is_reply(subject))
		return outcome - STEERED + STEERED_REPLY;
	return PASS_NO_SERVICE;
}

/*
 * Only what is sent to the interface itself, as the kernel's own IPVS takes nothing but PACKET_HOST: a switch that
 * does not know a real server's address yet floods what the director sent to it, and the director must not take its
 * own packets for new ones.
 */
static __always_inline int is_for_this_host(struct xdp_md *ctx, const struct nic *own)
{
	void *data = (void *)(long)ctx->data;
	const __u16 *to = data, *mac = (const __u16 *)own->mac;

	if (data + ETH_ALEN > (void *)(long)ctx->data_end)
		return 1;
	if (!(mac[0] | mac[1] | mac[2]))
		return 1;
	return mac[0] == to[0] && mac[1] == to[1] && mac[2] == to[2];
}

/*
 * To the socket of the queue. A queue below the director's highest that has none had one: no director is there, and
 * what the kernel would answer to a client in the middle of a connection is a reset. Queues above it never had one and
 * are the kernel's.
 */
static __always_inline int redirect(struct xdp_md *ctx, const struct nic *own, enum steering_outcome *outcome)
{
	int pass = own->pass_without_director || ctx->rx_queue_index >= own->queues;
	int verdict = bpf_redirect_map(&xsks, ctx->rx_queue_index, pass ? XDP_PASS : XDP_DROP);

	if (verdict != XDP_REDIRECT)
		*outcome = pass ? PASS_NO_SOCKET : DROP_NO_DIRECTOR;
	return verdict;
}

/* With frags: a packet of several buffers is parsed by its first and by what bpf_xdp_load_bytes() reaches. */
SEC("xdp.frags")
int sluice_steer(struct xdp_md *ctx)
{
	struct packet packet = {};
	enum steering_outcome outcome = parse_packet(ctx, &packet);
	int verdict = XDP_PASS;
	__u32 zero = 0;
	struct nic *own;

	if (outcome <= STEERED_ECHO) {
		own = bpf_map_lookup_elem(&nic, &zero);
		if (!own)
			outcome = PASS_NO_SERVICE;
		else if (outcome == STEERED_ECHO || !is_service(&packet.subject))
			outcome = find_other(&packet.subject, own, outcome);
		if (own && outcome <= STEERED_REPLY_ICMP) {
			if (is_for_this_host(ctx, own))
				verdict = redirect(ctx, own, &outcome);
			else
				outcome = PASS_OTHER_HOST;
		}
	}
	count(outcome);
	return verdict;
}

char _license[] SEC("license") = "Dual BSD/GPL";
