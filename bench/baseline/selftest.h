/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Hash and checksums against published values, and one encapsulated packet to look at. */
#ifndef BASELINE_SELFTEST_H
#define BASELINE_SELFTEST_H

#include "workload.h"

static inline int check(const char *what, uint64_t expected, uint64_t actual)
{
	printf("%s %s: %016" PRIx64 "\n", expected == actual ? "ok" : "FAILED", what, actual);
	if (expected != actual)
		printf("  expected: %016" PRIx64 "\n", expected);
	return expected != actual;
}

/* A frame of flow 0 through the datapath, by TUN. */
static inline int check_encapsulation(bool inet6)
{
	struct workload work = { .method = METHOD_TUN, .inet4 = !inet6, .inet6 = inet6, .udp = true, .flows = 4,
				 .services = 1, .real_servers = 2, .key_high = 1, .key_low = 2 };
	struct datapath *path = map_memory(sizeof(*path), false);
	static uint8_t frame[FRAME_BYTES];
	struct director director;
	struct batch batch = { .count = 1, .frames = { frame + HEADROOM } };

	configure(&director, &work);
	batch.lengths[0] = frame_bytes(&work, 0);
	datapath_init(path, &director, work.flows, work.flows, false);
	write_frame(frame + HEADROOM, &work, 0, -1);
	datapath_process(path, &batch, 1000);
	printf("%s:", inet6 ? "ip6ip6" : "ipip");
	for (uint32_t at = 0; at < batch.lengths[0]; at++)
		printf("%02x", batch.frames[0][at]);
	puts("");
	if (inet6)
		return check("length of ip6ip6", 80 + IPV6_BYTES, batch.lengths[0]);
	return check("length of ipip", 60 + IPV4_BYTES, batch.lengths[0]) |
	       check("outer header checksum", 1, checksum_is_intact(batch.frames[0] + 14, 20)) |
	       check("inner header checksum", 1, checksum_is_intact(batch.frames[0] + 34, 20));
}

static inline int selftest(void)
{
	static const uint8_t rfc1071[] = { 0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7 };
	static const uint8_t header[] = { 0x45, 0x00, 0x00, 0x73, 0x00, 0x00, 0x40, 0x00, 0x40, 0x11,
					  0xb8, 0x61, 0xc0, 0xa8, 0x00, 0x01, 0xc0, 0xa8, 0x00, 0xc7 };
	/* Octets 0, 1, 2, ... as the paper's appendix A has them. */
	const struct sip_key key = sip_key(0x0706050403020100, 0x0f0e0d0c0b0a0908);
	const uint64_t word = 0x0706050403020100;
	int failed = 0;

	failed |= check("SipHash-2-4 of 15 octets", 0xa129ca6149be45e5,
			siphash(2, 4, key, &word, 1, (uint64_t)15 << 56 | 0x0e0d0c0b0a0908));
	failed |= check("SipHash-1-3 of none", 0xabac0158050fc4dc, siphash13(&key, NULL, 0, 0));
	failed |= check("checksum of RFC 1071's octets", 0x220d, checksum_of(rfc1071, sizeof(rfc1071), 0));
	failed |= check("intact header", 1, checksum_is_intact(header, sizeof(header)));
	/* RFC 1624 section 4. */
	failed |= check("checksum after a change", 0x0000, checksum_update(0xdd2f, 0x5555, 0x3285));
	failed |= check_encapsulation(false);
	failed |= check_encapsulation(true);
	return failed;
}

#endif
