/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * SipHash-1-3 (Aumasson and Bernstein, 2012) over messages of whole words and a last one that holds the remaining octets
 * and the length: one 8-octet word is an IPv4 flow or a real server's second, four are an IPv6 flow.
 */
#ifndef BASELINE_SIPHASH_H
#define BASELINE_SIPHASH_H

#include "wire.h"

struct sip_key {
	uint64_t v0, v1, v2, v3;
};

static inline struct sip_key sip_key(uint64_t high, uint64_t low)
{
	return (struct sip_key){
		.v0 = high ^ 0x736f6d6570736575,
		.v1 = low ^ 0x646f72616e646f6d,
		.v2 = high ^ 0x6c7967656e657261,
		.v3 = low ^ 0x7465646279746573,
	};
}

static always_inline uint64_t sip_rotate(uint64_t word, int bits)
{
	return word << bits | word >> (64 - bits);
}

static always_inline void sip_round(struct sip_key *v)
{
	v->v0 += v->v1;
	v->v1 = sip_rotate(v->v1, 13) ^ v->v0;
	v->v0 = sip_rotate(v->v0, 32);
	v->v2 += v->v3;
	v->v3 = sip_rotate(v->v3, 16) ^ v->v2;
	v->v0 += v->v3;
	v->v3 = sip_rotate(v->v3, 21) ^ v->v0;
	v->v2 += v->v1;
	v->v1 = sip_rotate(v->v1, 17) ^ v->v2;
	v->v2 = sip_rotate(v->v2, 32);
}

static always_inline void sip_word(struct sip_key *v, int rounds, uint64_t word)
{
	v->v3 ^= word;
	for (int round = 0; round < rounds; round++)
		sip_round(v);
	v->v0 ^= word;
}

/* With any number of rounds, which lets the self-test use the paper's vectors for 2-4. */
static always_inline uint64_t siphash(int c, int d, struct sip_key v, const uint64_t *words, int count, uint64_t last)
{
	for (int word = 0; word < count; word++)
		sip_word(&v, c, words[word]);
	sip_word(&v, c, last);
	v.v2 ^= 0xff;
	for (int round = 0; round < d; round++)
		sip_round(&v);
	return v.v0 ^ v.v1 ^ v.v2 ^ v.v3;
}

static always_inline uint64_t siphash13(const struct sip_key *key, const uint64_t *words, int count, uint64_t last)
{
	return siphash(1, 3, *key, words, count, last);
}

#endif
