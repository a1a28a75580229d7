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
/* The clock is looked at once in so many batches. */
#define BATCHES_A_LOOK 64
/* As the worker's, once a batch. */
#define EXPIRY_BUDGET 64
/* The default of flow_table_size: a table is no smaller. */
#define DEFAULT_TABLE (1u << 20)
/* The datapath's clock goes by the packets, so that flows expire alike however fast the machine is: four million a second. */
#define PACKETS_A_MS 4096
/* Of miss: long beside the timer wheel's tick. So many flows come in that time as there are to be. */
#define MISS_TIMEOUT_MS 2048
/* Of synflood: nothing expires. */
#define MAX_TIMEOUT_MS (24 * 24 * 60 * 60 * 1000u)

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
	struct images images;
	uint32_t next_image;
	uint64_t packets;
	double packets_a_ms;
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
static always_inline void deliver(struct bench *bench, uint32_t stride)
{
	const uint8_t *image = bench->images.frames + (size_t)bench->next_image * stride;
	const uint32_t *lengths = bench->images.lengths + bench->next_image;

	for (uint32_t i = 0; i < BATCH; i++, image += stride) {
		uint8_t *frame = bench->umem + (size_t)i * FRAME_BYTES + HEADROOM;

		memcpy(frame, image, stride);
		bench->batch.frames[i] = frame;
		bench->batch.lengths[i] = lengths[i];
	}
	bench->packets += BATCH;
	bench->next_image += BATCH;
	if (unlikely(bench->next_image == bench->images.count))
		bench->next_image = 0;
}

/* The passes over a batch, its way out, and a slice of expiry. */
static always_inline void process(struct bench *bench)
{
	int64_t now_ms = (int64_t)(bench->packets / bench->packets_a_ms);
	uint64_t sent = 0;

	datapath_process(&bench->path, &bench->batch, now_ms);
	for (uint32_t i = 0; i < bench->batch.count; i++)
		sent += bench->batch.egress[i] >= 0;
	datapath_transmitted(&bench->path, sent, 0);
	flow_expire(&bench->path.flows, EXPIRY_BUDGET, now_ms);
}

/* Batches until a time; how many packets. A loop of its own for each size of images, and for copying alone. */
static always_inline uint64_t run_until(struct bench *bench, uint64_t end_ns, bool copies_only, uint32_t stride)
{
	uint64_t before = bench->packets;

	do {
		for (int i = 0; i < BATCHES_A_LOOK; i++) {
			deliver(bench, stride);
			/* What is in the frames has been written by somebody else, and will be read by somebody else. */
			__asm__ volatile("" ::: "memory");
			if (!copies_only)
				process(bench);
			__asm__ volatile("" ::: "memory");
		}
	} while (clock_ns() < end_ns);
	return bench->packets - before;
}

static uint64_t run(struct bench *bench, uint64_t end_ns)
{
	bool copies_only = bench->work.scenario == SCENARIO_COPY;

	if (bench->images.stride == 64)
		return copies_only ? run_until(bench, end_ns, true, 64) : run_until(bench, end_ns, false, 64);
	return copies_only ? run_until(bench, end_ns, true, 128) : run_until(bench, end_ns, false, 128);
}

/* Enters all flows, by a packet of each; which real servers they have. */
static uint16_t *enter_flows(struct bench *bench)
{
	uint16_t *real_servers = map_memory((size_t)bench->work.flows * sizeof(*real_servers), false);

	for (uint32_t flow = 0; flow < bench->work.flows;) {
		uint32_t first = flow;

		bench->batch.count = 0;
		while (bench->batch.count < BATCH && flow < bench->work.flows) {
			uint8_t *frame = bench->umem + (size_t)bench->batch.count * FRAME_BYTES + HEADROOM;

			write_frame(frame, &bench->work, flow, -1);
			bench->batch.frames[bench->batch.count] = frame;
			bench->batch.lengths[bench->batch.count++] = frame_bytes(&bench->work, flow++);
		}
		process(bench);
		for (uint32_t i = 0; i < bench->batch.count; i++)
			real_servers[first + i] = bench->path.packets[i].real_server;
	}
	bench->batch.count = BATCH;
	return real_servers;
}

/* Brings the table to the state in which the scenario finds it, and makes the images. */
static void fill(struct bench *bench, bool huge_pages)
{
	const struct workload *work = &bench->work;
	uint32_t *timeout_ms = bench->path.flows.timeout_ms;

	bench->packets_a_ms = PACKETS_A_MS;
	if (work->scenario == SCENARIO_MISS) {
		bench->packets_a_ms = (double)work->flows / MISS_TIMEOUT_MS;
		timeout_ms[SYN_RECV] = MISS_TIMEOUT_MS;
		bench->images = make_images(work, NULL, huge_pages);
		while (bench->packets < work->flows) {
			deliver(bench, bench->images.stride);
			process(bench);
		}
		return;
	}
	if (work->scenario == SCENARIO_SYNFLOOD)
		timeout_ms[SYN_RECV] = MAX_TIMEOUT_MS;
	/* What is only copied need not be right. */
	bench->images = make_images(work,
				    work->scenario == SCENARIO_COPY
					    ? map_memory((size_t)work->flows * sizeof(uint16_t), false)
					    : enter_flows(bench),
				    huge_pages);
}

static void prepare(struct bench *bench, const struct settings *settings)
{
	const struct workload *work = &bench->work;
	/* What has expired stays until the timer wheel comes to it. */
	uint32_t capacity = work->scenario == SCENARIO_MISS ? work->flows + work->flows / 2 : work->flows;

	capacity = capacity < DEFAULT_TABLE ? DEFAULT_TABLE : capacity;
	configure(&bench->director, work);
	datapath_init(&bench->path, &bench->director, capacity,
		      work->scenario == SCENARIO_SYNFLOOD ? work->flows : capacity, settings->huge_pages);
	bench->umem = map_memory((size_t)BATCH * FRAME_BYTES, settings->huge_pages);
	bench->batch.count = BATCH;
	fill(bench, settings->huge_pages);
}

/* Whether packets fared as the scenario has it: the figures would be of something else. */
static void check_fate(const struct bench *bench)
{
	static const enum counter fates[] = { COUNT_flow_hit, COUNT_flow_new, COUNT_flow_half_open_full };
	const uint64_t *counts = bench->path.counters.worker;

	if (bench->work.scenario != SCENARIO_COPY &&
	    (counts[fates[bench->work.scenario]] + counts[COUNT_reply_hit] < counts[COUNT_packets_in] * 0.99 ||
	     counts[COUNT_forwarded] != counts[COUNT_packets_in])) {
		counters_print(&bench->path.counters, stderr);
		fputc('\n', stderr);
		die("packets did not fare as the scenario has it");
	}
}

static void explain(const struct bench *bench)
{
	size_t slots = bench->path.flows.mask + (size_t)1;

	fprintf(stderr, "connection table: %zu slots of %zu bytes, %.1f MiB; links of the timer wheel: %.1f MiB\n", slots,
		sizeof(struct flow_entry), slots * sizeof(struct flow_entry) / 1048576.0,
		slots * sizeof(struct wheel_link) / 1048576.0);
	fprintf(stderr, "images: %u of %u bytes, %.1f MiB; %u services, %u real servers\n", bench->images.count,
		bench->images.stride, (double)bench->images.count * bench->images.stride / 1048576.0,
		bench->director.services, bench->director.real_servers);
}

static void measure(const struct settings *settings)
{
	static const char *const methods[] = { "dr", "tun", "nat" };
	static const char *const directions[] = { "in", "out", "both" };
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
	packets = run(bench, start_ns + (uint64_t)(settings->seconds * 1e9));
	elapsed_ns = clock_ns() - start_ns;
	cpu_ns = clock_of(CLOCK_PROCESS_CPUTIME_ID) - start_cpu_ns;
	check_fate(bench);
	printf("{\"nsPerPacket\":%.3f,\"cpuNsPerPacket\":%.3f,\"packets\":%" PRIu64 ",\"seconds\":%.3f,\"method\":\"%s\",\"family\":\"%s\"",
	       packets ? (double)elapsed_ns / packets : 0.0, packets ? (double)cpu_ns / packets : 0.0, packets, elapsed_ns / 1e9, methods[work->method],
	       work->inet4 && work->inet6 ? "mixed" : work->inet4 ? "4" : "6");
	if (work->method == METHOD_NAT)
		printf(",\"direction\":\"%s\"", directions[work->direction]);
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
	"  --method dr|tun|nat         direct routing, IP in IP, or address translation (dr)\n"
	"  --direction in|out|both     with nat, in hit and copy: packets of clients, replies, or half of each in no order (both)\n"
	"  --family 4|6|mixed          of clients, services and real servers (4)\n"
	"  --flows N                   that are in the table (1000)\n"
	"  --distribution uniform|zipf of packets over flows; zipf has exponent 1 (uniform)\n"
	"  --services N                virtual services, of each family (1)\n"
	"  --real-servers N            of each service (2)\n"
	"  --scenario hit|miss|synflood|copy\n"
	"                              datagrams of known flows; SYNs of new flows, while as many expire; SYNs of new flows\n"
	"                              when there is no room for half-open ones; or the copying alone (hit)\n"
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
		work->method = choice(name, text, (const char *const[]){ "dr", "tun", "nat", NULL });
	} else if (!strcmp(name, "direction")) {
		work->direction = choice(name, text, (const char *const[]){ "in", "out", "both", NULL });
	} else if (!strcmp(name, "family")) {
		uint32_t family = choice(name, text, (const char *const[]){ "4", "6", "mixed", NULL });

		work->inet4 = family != 1;
		work->inet6 = family != 0;
	} else if (!strcmp(name, "flows")) {
		work->flows = number(name, text, 50000000);
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
		{ "direction", required_argument, NULL, 0 },
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
		.work = { .direction = DIRECTION_BOTH, .inet4 = true, .udp = true, .flows = 1000, .services = 1, .real_servers = 2,
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
	if (settings.work.flows < BATCH)
		die("--flows %u: must be %d at the least", settings.work.flows, BATCH);
	settings.work.tcp = settings.work.scenario == SCENARIO_MISS || settings.work.scenario == SCENARIO_SYNFLOOD;
	settings.work.udp = !settings.work.tcp;
	if (settings.work.method == METHOD_NAT && settings.work.scenario == SCENARIO_SYNFLOOD)
		die("--scenario synflood: with nat such packets are dropped, for no reply could come back");
	if (settings.work.method != METHOD_NAT || settings.work.scenario == SCENARIO_MISS)
		settings.work.direction = DIRECTION_IN;
	measure(&settings);
	return 0;
}
