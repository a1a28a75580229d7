/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Forwards given packets and says what came of each, so that a test can hold that beside the director's. All integers are
 * little-endian. In: for each batch its time (8 octets, ms) and number of packets (4), and for each packet its length (2) and
 * octets. Out: for each packet its egress port or -1 (4), the real server (4), length (2) and octets.
 */
#ifndef BASELINE_REPLAY_H
#define BASELINE_REPLAY_H

#include "workload.h"

static inline void read_whole(FILE *in, void *into, size_t bytes)
{
	if (fread(into, 1, bytes, in) != bytes)
		die("--replay: the file ends within a batch");
}

static inline void read_batch(FILE *in, struct batch *batch, uint8_t *umem)
{
	for (uint32_t i = 0; i < batch->count; i++) {
		uint16_t length;

		read_whole(in, &length, sizeof(length));
		if (length > FRAME_BYTES - HEADROOM)
			die("--replay: a packet of %u octets, more than a frame holds", length);
		batch->frames[i] = umem + (size_t)i * FRAME_BYTES + HEADROOM;
		batch->lengths[i] = length;
		read_whole(in, batch->frames[i], length);
	}
}

static inline uint64_t write_batch(FILE *out, const struct datapath *path, const struct batch *batch)
{
	uint64_t sent = 0;

	for (uint32_t i = 0; i < batch->count; i++) {
		int32_t real_server = batch->egress[i] < 0 ? DROPPED : path->packets[i].real_server;
		uint16_t length = batch->lengths[i];

		fwrite(&batch->egress[i], sizeof(int32_t), 1, out);
		fwrite(&real_server, sizeof(int32_t), 1, out);
		fwrite(&length, sizeof(length), 1, out);
		fwrite(batch->frames[i], 1, length, out);
		sent += batch->egress[i] >= 0;
	}
	return sent;
}

/* Services of both protocols; the table has room for the workload's flows, a quarter of them half-open. */
static inline void replay(struct workload *work, const char *from, const char *to)
{
	struct datapath *path = map_memory(sizeof(*path), false);
	uint8_t *umem = map_memory((size_t)BATCH * FRAME_BYTES, false);
	FILE *in = fopen(from, "rb"), *out = fopen(to, "wb");
	struct director director;
	struct batch batch;
	int64_t now_ms;

	if (!in || !out)
		die("%s: %m", in ? to : from);
	work->udp = work->tcp = true;
	configure(&director, work);
	datapath_init(path, &director, work->flows, work->flows / 4, false);
	while (fread(&now_ms, sizeof(now_ms), 1, in) == 1) {
		read_whole(in, &batch.count, sizeof(batch.count));
		if (batch.count > BATCH)
			die("--replay: a batch of %u packets, more than %d", batch.count, BATCH);
		read_batch(in, &batch, umem);
		datapath_process(path, &batch, now_ms);
		datapath_transmitted(path, write_batch(out, path, &batch), 0);
		flow_expire(&path->flows, 64, now_ms);
	}
	if (fclose(out))
		die("%s: %m", to);
	fclose(in);
	printf("{\"tableFlows\":%u,\"halfOpen\":%u,\"expired\":%u,\"counters\":", path->flows.size, path->flows.half_open,
	       path->flows.expired);
	counters_print(&path->counters, stdout);
	puts("}");
}

#endif
