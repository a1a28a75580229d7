/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* IPv4 with options, RFC 791. Included by parse.h. */
#ifndef SLUICE_IP4_H
#define SLUICE_IP4_H

#include <linux/in.h>
#include <linux/ip.h>
#include <bpf/bpf_endian.h>

#define IP4_MORE_FRAGMENTS 0x2000
#define IP4_OFFSET_MASK 0x1fff

static __always_inline enum steering_outcome parse_ip4(struct packet *packet)
{
	struct iphdr *ip = packet->at;
	__u32 header_bytes, total_bytes;

	if ((void *)(ip + 1) > packet->end || ip->version != 4)
		return PASS_MALFORMED;
	header_bytes = ip->ihl * 4;
	total_bytes = bpf_ntohs(ip->tot_len);
	if (header_bytes < sizeof(*ip) || total_bytes < header_bytes)
		return PASS_MALFORMED;
	/* A frame may be longer than its datagram (padding), never shorter. */
	if (packet->offset + total_bytes > packet->length)
		return PASS_MALFORMED;
	packet->subject.key.family = FAMILY_INET;
	packet->subject.key.address[3] = ip->daddr;
	packet->subject.source[3] = ip->saddr;
	if (ip->frag_off & bpf_htons(IP4_MORE_FRAGMENTS | IP4_OFFSET_MASK))
		return parse_fragment(packet, ip->protocol);
	if (header_bytes == sizeof(*ip) && ip->protocol != IPPROTO_ICMP)
		return parse_transport(packet, ip->protocol, total_bytes - header_bytes, (struct ports *)(ip + 1));
	packet->offset += header_bytes;
	return parse_behind(packet, ip->protocol, total_bytes - header_bytes);
}

#endif
