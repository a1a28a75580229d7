/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* The Internet checksum: whole (RFC 1071), and for a field that changes (RFC 1624, equation 3). */
#ifndef BASELINE_CHECKSUM_H
#define BASELINE_CHECKSUM_H

#include "wire.h"

/* Folds a sum of words, of either byte order, into 16 bits: adding a half to the other leaves the carry in place. */
static always_inline uint16_t checksum_fold(uint64_t sum)
{
	uint32_t half = (sum + (sum >> 32 | sum << 32)) >> 32;

	return (half + (half >> 16 | half << 16)) >> 16;
}

static always_inline uint64_t checksum_carry(uint64_t sum, uint64_t word)
{
	sum += word;
	return sum + (sum < word);
}

/*
 * Whether an IPv4 header is intact. One's complement sums are the same in any byte order (RFC 1071 section 2B), so the
 * words are added as they lie in memory.
 */
static always_inline int checksum_is_intact(const uint8_t *header, uint32_t length)
{
	uint64_t first, second, sum;
	uint32_t word;

	memcpy(&first, header, 8);
	memcpy(&second, header + 8, 8);
	memcpy(&word, header + 16, 4);
	sum = checksum_carry(checksum_carry(first, second), word);
	for (uint32_t at = 20; unlikely(at < length); at += 4) {
		memcpy(&word, header + at, 4);
		sum = checksum_carry(sum, word);
	}
	return checksum_fold(sum) == 0xffff;
}

/* The checksum after one word under it changed. */
static always_inline uint16_t checksum_update(uint16_t checksum, uint16_t old_word, uint16_t new_word)
{
	uint32_t sum = (uint16_t)~checksum + (uint32_t)(uint16_t)~old_word + new_word;

	sum = (sum & 0xffff) + (sum >> 16);
	sum += sum >> 16;
	return ~sum;
}

/* The checksum of octets, for what is built once: frames of the benchmark. Not the datapath's. */
static inline uint16_t checksum_of(const uint8_t *octets, uint32_t length, uint64_t sum)
{
	for (uint32_t at = 0; at < length; at++)
		sum += at & 1 ? octets[at] : octets[at] << 8;
	return ~checksum_fold(sum);
}

#endif
