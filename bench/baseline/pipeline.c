// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * The datapath in memory, as fast as it goes: what Java's is compared with. Frames are copied from images into frames of a
 * UMEM, as a NIC would, and taken through the three passes; see README.md for what exactly is measured.
 */
#include <getopt.h>
#include <time.h>

#include "replay.h"
#include "selftest.h"
#include "workload.h"

#define WARM_UP_NS 1000000000
/* As the worker's, once a batch; enough for the empty ticks that a clock which runs ahead passes. */
#define EXPIRY_BUDGET 64
#define MISS_EXPIRY_BUDGET 256
/* Of the capacity, as half_open_percent by default. */
#define HALF_OPEN_PERCENT 25
/* Of the capacity: so full a table of ever new flows stays. */
#define MISS_FILL_PERCENT 75

struct settings {
	struct workload work;
	double seconds;
	bool huge_pages;
	bool explain;
	const char *replay;
	const char *output;
};

struct bench {
	struct workload work;
	struct director director;
	struct datapath path;
	struct batch batch;
	uint8_t *umem;
	const uint8_t *images;
	uint32_t image_count;
	uint32_t next_image;
	/* The source of the next packet of a flow never seen. */
	uint32_t new_address;
	uint32_t new_port;
	/* Milliseconds times 2^16 that the clock goes on by each batch when flows are made to expire; else 0. */
	uint64_t step;
	uint64_t stepped;
};

static uint64_t clock_of(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static uint64_t clock_ns(void)
{
	return clock_of(CLOCK_MONOTONIC);
}

/* Copies the next frames in, each to where a packet stands in its frame of the UMEM. */
static always_inline void deliver(struct bench *bench, uint32_t stride, uint32_t length)
{
	const uint8_t *image = bench->images + (size_t)bench->next_image * stride;

	for (uint32_t i = 0; i < BATCH; i++, image += stride) {
		uint8_t *frame = bench->umem + (size_t)i * FRAME_BYTES + HEADROOM;

		memcpy(frame, image, stride);
		bench->batch.frames[i] = frame;
		bench->batch.lengths[i] = length;
	}
	bench->next_image += BATCH;
	if (unlikely(bench->next_image == bench->image_count))
		bench->next_image = 0;
}

/* Gives each packet of the batch the source of a flow never seen, and the checksum that belongs to it. */
static always_inline void renew_sources(struct bench *bench)
{
	for (uint32_t i = 0; i < BATCH; i++) {
		uint8_t *ip = bench->batch.frames[i] + ETHERNET_BYTES;
		uint32_t address = bench->new_address;

		if (ip[0] >> 4 == 6) {
			put32(ip + 20, address);
			put16(ip + IPV6_BYTES, FIRST_PORT + bench->new_port);
		} else {
			uint16_t checksum = get16(ip + 10);

			checksum = checksum_update(checksum, get16(ip + 12), address >> 16);
			put16(ip + 10, checksum_update(checksum, get16(ip + 14), address));
			put32(ip + 12, address);
			put16(ip + IPV4_BYTES, FIRST_PORT + bench->new_port);
		}
		if (unlikely(++bench->new_port == PORTS)) {
			bench->new_port = 0;
			bench->new_address++;
		}
	}
}

static uint64_t sent_of(const struct batch *batch)
{
	uint64_t sent = 0;

	for (uint32_t i = 0; i < BATCH; i++)
		sent += batch->egress[i] >= 0;
	return sent;
}

/* Batches until a time; how many. One loop for each scenario, so that none asks which it is. */
static always_inline uint64_t run_until(struct bench *bench, uint64_t end_ns, enum scenario scenario, uint32_t stride,
					uint32_t length)
{
	uint64_t batches = 0, now_ns = clock_ns();

	for (; now_ns < end_ns; batches++) {
		uint64_t now_ms = now_ns / 1000000;

		deliver(bench, stride, length);
		if (scenario == SCENARIO_MISS || scenario == SCENARIO_SYNFLOOD)
			renew_sources(bench);
		/* What is in the frames has been written by somebody else, and will be read by somebody else. */
		__asm__ volatile("" ::: "memory");
		if (scenario != SCENARIO_COPY) {
			if (scenario == SCENARIO_MISS) {
				bench->stepped += bench->step;
				now_ms += bench->stepped >> 16;
			}
			datapath_process(&bench->path, &bench->batch, now_ms);
			datapath_transmitted(&bench->path, sent_of(&bench->batch), 0);
			flow_expire(&bench->path.flows, scenario == SCENARIO_MISS ? MISS_EXPIRY_BUDGET : EXPIRY_BUDGET,
				    now_ms);
		}
		__asm__ volatile("" ::: "memory");
		now_ns = clock_ns();
	}
	return batches;
}

static uint64_t run(struct bench *bench, uint64_t end_ns)
{
	uint32_t length = frame_length(&bench->work);

	switch (bench->work.scenario) {
	case SCENARIO_HIT:
		return run_until(bench, end_ns, SCENARIO_HIT, 64, 64);
	case SCENARIO_MISS:
		return run_until(bench, end_ns, SCENARIO_MISS, 64, 64);
	case SCENARIO_SYNFLOOD:
		return length > 64 ? run_until(bench, end_ns, SCENARIO_SYNFLOOD, 128, length)
				   : run_until(bench, end_ns, SCENARIO_SYNFLOOD, 64, 64);
	default:
		return run_until(bench, end_ns, SCENARIO_COPY, 64, 64);
	}
}

/* Enters all flows, by a packet of each. */
static void enter_flows(struct bench *bench)
{
	uint32_t length = frame_length(&bench->work);
	uint64_t now_ms = clock_ns() / 1000000;

	for (uint32_t flow = 0; flow < bench->work.flows;) {
		bench->batch.count = 0;
		while (bench->batch.count < BATCH && flow < bench->work.flows) {
			uint8_t *frame = bench->umem + (size_t)bench->batch.count * FRAME_BYTES + HEADROOM;

			write_frame(frame, &bench->work, flow++, TCP_ACK);
			bench->batch.frames[bench->batch.count] = frame;
			bench->batch.lengths[bench->batch.count++] = length;
		}
		datapath_process(&bench->path, &bench->batch, now_ms);
	}
	bench->batch.count = BATCH;
}

/* A SYN in each image instead of an ACK. */
static void make_syns(struct bench *bench, uint8_t *images)
{
	uint32_t stride = image_bytes(&bench->work);

	for (uint32_t i = 0; i < bench->image_count; i++)
		write_frame(images + (size_t)i * stride, &bench->work, i % bench->work.flows, TCP_SYN);
}

static void prepare(struct bench *bench, const struct settings *settings)
{
	const struct workload *work = &bench->work;
	uint32_t capacity = work->scenario == SCENARIO_SYNFLOOD ? 2 * work->flows : work->flows;
	uint8_t *images;

	configure(&bench->director, work);
	datapath_init(&bench->path, &bench->director, capacity, (uint64_t)capacity * HALF_OPEN_PERCENT / 100,
		      settings->huge_pages);
	bench->umem = map_memory((size_t)BATCH * FRAME_BYTES, settings->huge_pages);
	bench->batch.count = BATCH;
	bench->image_count = make_images(work, &images, settings->huge_pages);
	bench->images = images;
	if (work->scenario == SCENARIO_SYNFLOOD)
		make_syns(bench, images);
	if (work->scenario == SCENARIO_HIT || work->scenario == SCENARIO_SYNFLOOD)
		enter_flows(bench);
	/* Clients beyond those of the flows that are there. */
	bench->new_address = client(work->flows, false).low;
	bench->step = ((uint64_t)BATCH * flow_timeout_ms[UDP_SEEN] << 16) /
		      (((uint64_t)work->flows * MISS_FILL_PERCENT + 99) / 100);
}

static void explain(const struct bench *bench)
{
	size_t slots = bench->path.flows.mask + (size_t)1;

	fprintf(stderr, "connection table: %zu slots of %zu bytes, %.1f MiB; links of the timer wheel: %.1f MiB\n", slots,
		sizeof(struct flow_entry), slots * sizeof(struct flow_entry) / 1048576.0,
		slots * sizeof(struct wheel_link) / 1048576.0);
	fprintf(stderr, "images: %u of %u bytes, %.1f MiB; %u services, %u real servers\n", bench->image_count,
		image_bytes(&bench->work), (double)bench->image_count * image_bytes(&bench->work) / 1048576.0,
		bench->director.services, bench->director.real_servers);
}

static void measure(const struct settings *settings)
{
	static const char *const methods[] = { "dr", "tun" };
	static const char *const scenarios[] = { "hit", "miss", "synflood", "copy" };
	const struct workload *work = &settings->work;
	struct bench *bench = map_memory(sizeof(*bench), false);
	uint64_t start_ns, start_cpu_ns, packets, elapsed_ns, cpu_ns;

	bench->work = *work;
	prepare(bench, settings);
	if (settings->explain)
		explain(bench);
	run(bench, clock_ns() + WARM_UP_NS);
	memset(bench->path.counters.worker, 0, sizeof(bench->path.counters.worker));
	start_cpu_ns = clock_of(CLOCK_PROCESS_CPUTIME_ID);
	start_ns = clock_ns();
	packets = run(bench, start_ns + (uint64_t)(settings->seconds * 1e9)) * BATCH;
	elapsed_ns = clock_ns() - start_ns;
	cpu_ns = clock_of(CLOCK_PROCESS_CPUTIME_ID) - start_cpu_ns;
	printf("{\"nsPerPacket\":%.3f,\"cpuNsPerPacket\":%.3f,\"packets\":%" PRIu64 ",\"seconds\":%.3f,\"method\":\"%s\",\"family\":\"%s\"",
	       packets ? (double)elapsed_ns / packets : 0.0, packets ? (double)cpu_ns / packets : 0.0, packets, elapsed_ns / 1e9, methods[work->method],
	       work->inet4 && work->inet6 ? "mixed" : work->inet4 ? "4" : "6");
	printf(",\"flows\":%u,\"distribution\":\"%s\",\"services\":%u,\"realServers\":%u,\"scenario\":\"%s\"", work->flows,
	       work->zipf ? "zipf" : "uniform", work->services, work->real_servers, scenarios[work->scenario]);
	printf(",\"hugePages\":%s,\"tableBytes\":%zu,\"tableFlows\":%u,\"expired\":%u,\"counters\":",
	       settings->huge_pages ? "true" : "false",
	       (bench->path.flows.mask + (size_t)1) * (sizeof(struct flow_entry) + sizeof(struct wheel_link)),
	       bench->path.flows.size, bench->path.flows.expired);
	counters_print(&bench->path.counters, stdout);
	puts("}");
}

static const char *const usage =
	"usage: pipeline [OPTION...]\n"
	"Forwards in memory, and prints what a packet costs as one line of JSON.\n"
	"  --method dr|tun             direct routing, or IP in IP (dr)\n"
	"  --family 4|6|mixed          of clients, services and real servers (4)\n"
	"  --flows N                   that there are; of miss and synflood the table's size (1000)\n"
	"  --distribution uniform|zipf of packets over flows; zipf has exponent 1 (uniform)\n"
	"  --services N                virtual services, of each family (1)\n"
	"  --real-servers N            of each service (2)\n"
	"  --scenario hit|miss|synflood|copy\n"
	"                              packets of known flows, each of a new flow, SYNs of new flows beside as many known\n"
	"                              ones, or nothing but the copying that all of them do first (hit)\n"
	"  --seconds S                 to measure, after one of warm-up (3)\n"
	"  --huge-pages                ask for them for tables and images\n"
	"  --key HEX                   32 hexadecimal digits, under which flows and real servers are hashed\n"
	"  --explain                   say on standard error what there is in memory\n"
	"  --replay FILE --output FILE forward the batches of one file, write what comes out to the other, print counters\n"
	"  --selftest                  check hash and checksums against published values, show an encapsulated packet\n";

static uint32_t number(const char *option, const char *text, uint32_t most)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (*end || !*text || *text == '-' || !value || value > most)
		die("--%s %s: must be a number from 1 to %u", option, text, most);
	return value;
}

static uint32_t choice(const char *option, const char *text, const char *const *names)
{
	for (uint32_t i = 0; names[i]; i++) {
		if (!strcmp(text, names[i]))
			return i;
	}
	die("--%s %s: no such choice; see --help", option, text);
}

static void parse_key(const char *text, struct workload *work)
{
	char high[17] = { 0 };

	if (strlen(text) != 32 || strspn(text, "0123456789abcdefABCDEF") != 32)
		die("--key: must be 32 hexadecimal digits");
	memcpy(high, text, 16);
	work->key_high = strtoull(high, NULL, 16);
	work->key_low = strtoull(text + 16, NULL, 16);
}

static void set_option(struct settings *settings, const char *name, const char *text)
{
	struct workload *work = &settings->work;

	if (!strcmp(name, "method")) {
		work->method = choice(name, text, (const char *const[]){ "dr", "tun", NULL });
	} else if (!strcmp(name, "family")) {
		uint32_t family = choice(name, text, (const char *const[]){ "4", "6", "mixed", NULL });

		work->inet4 = family != 1;
		work->inet6 = family != 0;
	} else if (!strcmp(name, "flows")) {
		work->flows = number(name, text, 16000000);
	} else if (!strcmp(name, "distribution")) {
		work->zipf = choice(name, text, (const char *const[]){ "uniform", "zipf", NULL });
	} else if (!strcmp(name, "services")) {
		work->services = number(name, text, MAX_SERVICES);
	} else if (!strcmp(name, "real-servers")) {
		work->real_servers = number(name, text, MAX_REAL_SERVERS);
	} else if (!strcmp(name, "scenario")) {
		work->scenario = choice(name, text, (const char *const[]){ "hit", "miss", "synflood", "copy", NULL });
	} else if (!strcmp(name, "seconds")) {
		char *end;

		settings->seconds = strtod(text, &end);
		if (*end || !(settings->seconds > 0) || settings->seconds > 3600)
			die("--seconds %s: must be a number above 0, 3600 at the most", text);
	} else if (!strcmp(name, "key")) {
		parse_key(text, work);
	} else if (!strcmp(name, "replay")) {
		settings->replay = text;
	} else if (!strcmp(name, "output")) {
		settings->output = text;
	} else if (!strcmp(name, "huge-pages")) {
		settings->huge_pages = true;
	} else if (!strcmp(name, "explain")) {
		settings->explain = true;
	} else if (!strcmp(name, "selftest")) {
		exit(selftest());
	} else {
		fputs(usage, stdout);
		exit(0);
	}
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "method", required_argument, NULL, 0 },
		{ "family", required_argument, NULL, 0 },
		{ "flows", required_argument, NULL, 0 },
		{ "distribution", required_argument, NULL, 0 },
		{ "services", required_argument, NULL, 0 },
		{ "real-servers", required_argument, NULL, 0 },
		{ "scenario", required_argument, NULL, 0 },
		{ "seconds", required_argument, NULL, 0 },
		{ "key", required_argument, NULL, 0 },
		{ "replay", required_argument, NULL, 0 },
		{ "output", required_argument, NULL, 0 },
		{ "huge-pages", no_argument, NULL, 0 },
		{ "explain", no_argument, NULL, 0 },
		{ "selftest", no_argument, NULL, 0 },
		{ "help", no_argument, NULL, 0 },
		{ 0 },
	};
	struct settings settings = {
		.work = { .inet4 = true, .udp = true, .flows = 1000, .services = 1, .real_servers = 2,
			  .key_high = 1, .key_low = 2 },
		.seconds = 3,
	};
	int option, index;

	program_name = "pipeline";
	opterr = 0;
	while ((option = getopt_long(argc, argv, "", options, &index)) != -1) {
		if (option)
			die("%s: no such option, or its value is missing; see --help", argv[optind - 1]);
		set_option(&settings, options[index].name, optarg);
	}
	if (optind < argc)
		die("%s: takes no arguments but options; see --help", argv[optind]);
	if (settings.replay) {
		if (!settings.output)
			die("--replay needs --output FILE");
		replay(&settings.work, settings.replay, settings.output);
		return 0;
	}
	if (settings.work.scenario == SCENARIO_SYNFLOOD) {
		settings.work.tcp = true;
		settings.work.udp = false;
	}
	measure(&settings);
	return 0;
}
