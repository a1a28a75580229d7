/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Finds the headers of a frame, with every check that dev.sluice.packet.PacketParser makes: what a router must look at (RFC
 * 1812 section 5.2.2) and that the ports are inside the packet. Fragments, ICMP, SCTP, ESP and AH are told apart from the rest
 * as there, and then not carried: no benchmark sends them.
 */
#ifndef BASELINE_PARSE_H
#define BASELINE_PARSE_H

#include "checksum.h"
#include "packet.h"

enum parse_code {
	PARSE_OK,
	PARSE_TRUNCATED_ETHERNET,
	PARSE_NOT_IP,
	PARSE_TRUNCATED_IP,
	PARSE_BAD_IP_VERSION,
	PARSE_BAD_IHL,
	PARSE_BAD_TOTAL_LENGTH,
	PARSE_BAD_IP_CHECKSUM,
	PARSE_BAD_EXTENSION_HEADER,
	PARSE_TOO_MANY_EXTENSION_HEADERS,
	PARSE_TRUNCATED_TRANSPORT,
	PARSE_NOT_CARRIED,
};

#define ETHERNET_BYTES 14
#define VLAN_BYTES 4
#define TYPE_IPV4 0x0800
#define TYPE_IPV6 0x86dd
#define TYPE_VLAN 0x8100
#define TYPE_SERVICE_VLAN 0x88a8
#define IPV4_BYTES 20
#define IPV6_BYTES 40
#define MAX_EXTENSION_HEADERS 8

#define IPV4_DONT_FRAGMENT 0x4000
#define IPV4_FRAGMENT 0x3fff
#define IPV6_FRAGMENT 0xfff9

static always_inline enum parse_code parse_transport(const uint8_t *l4, int32_t available, struct packet *packet)
{
	uint32_t ports;

	packet->tcp_flags = 0;
	if (packet->protocol == IP_UDP) {
		if (unlikely(available < 8))
			return PARSE_TRUNCATED_TRANSPORT;
	} else if (packet->protocol == IP_TCP) {
		if (unlikely(available < 20))
			return PARSE_TRUNCATED_TRANSPORT;
		packet->tcp_flags = l4[13];
	} else {
		return PARSE_NOT_CARRIED;
	}
	ports = get32(l4);
	packet->tuple = (uint64_t)ports << 16 | (uint32_t)(packet->protocol << 8) | (packet->inet6 ? 6 : 4);
	return PARSE_OK;
}

static always_inline enum parse_code parse_ipv4(const uint8_t *ip, int32_t available, struct packet *packet)
{
	int32_t header, total;
	uint16_t fragment;

	if (unlikely(available < IPV4_BYTES))
		return PARSE_TRUNCATED_IP;
	if (unlikely(ip[0] >> 4 != 4))
		return PARSE_BAD_IP_VERSION;
	header = (ip[0] & 0xf) << 2;
	if (unlikely(header < IPV4_BYTES))
		return PARSE_BAD_IHL;
	if (unlikely(header > available))
		return PARSE_TRUNCATED_IP;
	total = get16(ip + 2);
	if (unlikely(total < header || total > available))
		return PARSE_BAD_TOTAL_LENGTH;
	if (unlikely(!checksum_is_intact(ip, header)))
		return PARSE_BAD_IP_CHECKSUM;
	packet->inet6 = false;
	packet->ip_length = total;
	packet->ttl = ip[8];
	packet->protocol = ip[9];
	packet->l3_length = header;
	packet->client_high = 0;
	packet->client_low = get32(ip + 12);
	packet->virtual_high = 0;
	packet->virtual_low = get32(ip + 16);
	fragment = get16(ip + 6);
	packet->dont_fragment = fragment & IPV4_DONT_FRAGMENT;
	if (unlikely(fragment & IPV4_FRAGMENT))
		return PARSE_NOT_CARRIED;
	return parse_transport(ip + header, total - header, packet);
}

static inline bool is_extension(uint8_t next)
{
	return next == 0 || next == 43 || next == 44 || next == 51 || next == 60;
}

/* RFC 8200 section 4; the authentication header counts in four octets, less two (RFC 4302 section 2.2). */
static inline int32_t extension_length(uint8_t header, uint8_t field)
{
	if (header == 44)
		return 8;
	return header == 51 ? (field + 2) << 2 : (field + 1) << 3;
}

static enum parse_code parse_extensions(const uint8_t *ip, int32_t readable, int32_t *at, struct packet *packet)
{
	for (int headers = 0; is_extension(packet->protocol); headers++) {
		uint8_t header = packet->protocol;
		int32_t length;

		if (headers == MAX_EXTENSION_HEADERS)
			return PARSE_TOO_MANY_EXTENSION_HEADERS;
		if (readable - *at < 8)
			return PARSE_BAD_EXTENSION_HEADER;
		length = extension_length(header, ip[*at + 1]);
		if (length > readable - *at)
			return PARSE_BAD_EXTENSION_HEADER;
		packet->protocol = ip[*at];
		if (header == 44 && get16(ip + *at + 2) & IPV6_FRAGMENT)
			return PARSE_NOT_CARRIED;
		*at += length;
	}
	return PARSE_OK;
}

static always_inline enum parse_code parse_ipv6(const uint8_t *ip, int32_t available, struct packet *packet)
{
	int32_t total, at = IPV6_BYTES;

	if (unlikely(available < IPV6_BYTES))
		return PARSE_TRUNCATED_IP;
	if (unlikely(ip[0] >> 4 != 6))
		return PARSE_BAD_IP_VERSION;
	total = IPV6_BYTES + get16(ip + 4);
	if (unlikely(total > available))
		return PARSE_BAD_TOTAL_LENGTH;
	packet->inet6 = true;
	packet->ip_length = total;
	packet->dont_fragment = true;
	packet->ttl = ip[7];
	packet->client_high = get64(ip + 8);
	packet->client_low = get64(ip + 16);
	packet->virtual_high = get64(ip + 24);
	packet->virtual_low = get64(ip + 32);
	packet->protocol = ip[6];
	if (unlikely(is_extension(packet->protocol))) {
		enum parse_code code = parse_extensions(ip, total, &at, packet);

		if (code != PARSE_OK)
			return code;
	}
	packet->l3_length = at;
	return parse_transport(ip + at, total - at, packet);
}

static always_inline enum parse_code parse_frame(const uint8_t *frame, int32_t length, struct packet *packet)
{
	int32_t l2 = ETHERNET_BYTES;
	uint16_t type;

	if (unlikely(length < ETHERNET_BYTES))
		return PARSE_TRUNCATED_ETHERNET;
	type = get16(frame + 12);
	for (int tags = 0; tags < 2 && unlikely(type == TYPE_VLAN || type == TYPE_SERVICE_VLAN); tags++) {
		if (length < l2 + VLAN_BYTES)
			return PARSE_TRUNCATED_ETHERNET;
		type = get16(frame + l2 + 2);
		l2 += VLAN_BYTES;
	}
	packet->l2_length = l2;
	if (type == TYPE_IPV4)
		return parse_ipv4(frame + l2, length - l2, packet);
	if (likely(type == TYPE_IPV6))
		return parse_ipv6(frame + l2, length - l2, packet);
	return PARSE_NOT_IP;
}

#endif
