// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * The C loop on libxdp: what a forwarder of packets on AF_XDP costs that is not Java. It takes packets from one queue's RX ring, a
 * batch at a time, does to them what its mode says, and puts them into the TX ring of the same interface or of another one.
 */
#include <arpa/inet.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <time.h>

#include "datapath.h"
#include "xsk.h"

#define MAX_REALS 1024
#define EXPIRY_BUDGET 64
#define IDLE_WAIT_MS 100

/* Of redirect.bpf.c. */
struct redirect_config {
	uint8_t vip[16];
	uint8_t port[2];
	uint8_t family;
	uint8_t unused;
};

/* Of reflect.bpf.c. */
struct reflect_config {
	uint8_t destination[6];
	uint8_t source[6];
	uint8_t swap;
	uint8_t elsewhere;
	uint8_t unused[2];
};

enum mode { MODE_DR, MODE_MAC, MODE_MACSWAP, MODE_XDP_MAC, MODE_XDP_MACSWAP };

struct settings {
	struct xsk_settings xsk;
	enum mode mode;
	bool generic;
	bool sleeps;
	struct address vip;
	bool has_vip;
	uint16_t port;
	uint32_t flows;
	uint64_t reals[MAX_REALS];
	uint32_t real_count;
	uint64_t destination_mac;
	uint64_t source_mac;
	bool has_source_mac;
	double seconds;
};

struct loop {
	struct xsk xsk;
	struct datapath path;
	struct director director;
	struct batch batch;
	uint8_t macs[12];
	uint64_t received;
	uint64_t sent;
	uint64_t dropped;
};

static volatile sig_atomic_t stopped;

static void stop(int signal)
{
	(void)signal;
	stopped = 1;
}

static uint64_t clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static always_inline void rewrite_macs(struct loop *loop, enum mode mode)
{
	struct batch *batch = &loop->batch;
	const uint8_t *macs = loop->macs;

	for (uint32_t i = 0; i < batch->count; i++) {
		uint8_t *frame = batch->frames[i], old[6];

		batch->egress[i] = 0;
		if (unlikely(batch->lengths[i] < ETHERNET_BYTES)) {
			batch->egress[i] = DROPPED;
		} else if (mode == MODE_MAC) {
			memcpy(frame, macs, 12);
		} else {
			memcpy(old, frame, 6);
			memcpy(frame, frame + 6, 6);
			memcpy(frame + 6, old, 6);
		}
	}
}

/* Takes no more than the TX ring has room for: what cannot be sent is better lost before it costs anything. */
static always_inline uint32_t receive(struct loop *loop)
{
	struct xsk *xsk = &loop->xsk;
	struct batch *batch = &loop->batch;
	uint32_t first, room = xsk_prod_nb_free(&xsk->tx, XSK_BATCH);
	uint32_t count = xsk_ring_cons__peek(&xsk->rx, room < XSK_BATCH ? room : XSK_BATCH, &first);

	for (uint32_t i = 0; i < count; i++) {
		const struct xdp_desc *desc = xsk_ring_cons__rx_desc(&xsk->rx, first + i);

		batch->frames[i] = xsk->frames + desc->addr;
		batch->lengths[i] = desc->len;
		/* Whoever wrote the packet ran on another core, or it came from a NIC. */
		__builtin_prefetch(batch->frames[i], 1, 3);
	}
	if (count)
		xsk_ring_cons__release(&xsk->rx, count);
	batch->count = count;
	return count;
}

static always_inline uint32_t transmit(struct loop *loop)
{
	struct xsk *xsk = &loop->xsk;
	const struct batch *batch = &loop->batch;
	uint32_t first = 0, sent = 0;

	/* There is room: no more was received. */
	xsk_ring_prod__reserve(&xsk->tx, batch->count, &first);
	for (uint32_t i = 0; i < batch->count; i++) {
		uint64_t address = batch->frames[i] - xsk->frames;

		if (unlikely(batch->egress[i] == DROPPED)) {
			xsk->pool[xsk->pooled++] = address & ~(uint64_t)(XSK_FRAME_BYTES - 1);
			continue;
		}
		*xsk_ring_prod__tx_desc(&xsk->tx, first + sent++) =
			(struct xdp_desc){ .addr = address, .len = batch->lengths[i] };
	}
	/* Gives back what the dropped ones did not need. */
	xsk->tx.cached_prod -= batch->count - sent;
	xsk_ring_prod__submit(&xsk->tx, sent);
	xsk->outstanding += sent;
	return sent;
}

/* One turn: completions, fill ring, a batch from RX to TX, and at most one round of system calls; how many packets it was. */
static always_inline uint32_t turn(struct loop *loop, enum mode mode)
{
	struct xsk *xsk = &loop->xsk;
	uint32_t count, sent;

	xsk_reclaim(xsk);
	xsk_refill(xsk);
	count = receive(loop);
	if (count) {
		if (mode == MODE_DR) {
			int64_t now_ms = clock_ns() / 1000000;

			datapath_process(&loop->path, &loop->batch, now_ms);
			flow_expire(&loop->path.flows, EXPIRY_BUDGET, now_ms);
		} else {
			rewrite_macs(loop, mode);
		}
		sent = transmit(loop);
		loop->received += count;
		loop->sent += sent;
		loop->dropped += count - sent;
	} else {
		xsk_wake_rx(xsk);
		if (mode == MODE_DR)
			flow_expire(&loop->path.flows, EXPIRY_BUDGET, clock_ns() / 1000000);
	}
	xsk_kick(xsk);
	return count;
}

static always_inline void run_mode(struct loop *loop, const struct settings *settings, uint64_t end_ns, enum mode mode)
{
	struct pollfd waited = { .fd = loop->xsk.rx_fd, .events = POLLIN };

	for (uint32_t turns = 0; !stopped; turns++) {
		uint32_t count = turn(loop, mode);

		if (settings->sleeps && !count && !loop->xsk.outstanding)
			poll(&waited, 1, IDLE_WAIT_MS);
		if (unlikely((turns & 1023) == 0 || settings->sleeps) && clock_ns() >= end_ns)
			break;
	}
}

static void run(struct loop *loop, const struct settings *settings, uint64_t end_ns)
{
	if (settings->mode == MODE_DR)
		run_mode(loop, settings, end_ns, MODE_DR);
	else if (settings->mode == MODE_MAC)
		run_mode(loop, settings, end_ns, MODE_MAC);
	else
		run_mode(loop, settings, end_ns, MODE_MACSWAP);
}

/* One service of either protocol at the VIP, whose real servers the given MAC addresses have. */
static void configure(struct loop *loop, const struct settings *settings)
{
	struct maglev_member members[MAX_REALS];

	director_init(&loop->director, 1, 2, 2, 2 * settings->real_count);
	for (int tcp = 0; tcp < 2; tcp++) {
		for (uint32_t i = 0; i < settings->real_count; i++) {
			members[i] = (struct maglev_member){ 0, 0xac100000 + i, settings->port, false,
							     loop->director.real_servers };
			director_add_real(&loop->director, tcp, settings->reals[i], settings->source_mac, 0, 1500);
		}
		director_add_service(&loop->director, &settings->vip, tcp ? IP_TCP : IP_UDP, settings->port,
				     maglev_build(&loop->director.key, members, settings->real_count));
	}
	datapath_init(&loop->path, &loop->director, settings->flows, settings->flows / 4, false);
}

static void attach_redirect(const struct loop *loop, const struct settings *settings)
{
	struct xdp_program program = xdp_load("redirect.bpf.o", "sluice_redirect");
	struct redirect_config config = { .family = 0 };

	if (settings->has_vip) {
		config.family = settings->vip.inet6 ? 6 : 4;
		put16(config.port, settings->port);
		if (settings->vip.inet6) {
			put64(config.vip, settings->vip.high);
			put64(config.vip + 8, settings->vip.low);
		} else {
			put32(config.vip, settings->vip.low);
		}
	}
	xdp_set(&program, "config", 0, &config);
	xdp_set(&program, "xsks", settings->xsk.queue, &loop->xsk.rx_fd);
	xdp_attach(&program, interface_index(settings->xsk.interface), settings->generic);
}

static void forward(const struct settings *settings)
{
	struct loop *loop = map_memory(sizeof(*loop), false);
	struct xdp_statistics kernel;
	uint64_t start_ns;
	double seconds;

	put_mac(loop->macs, settings->destination_mac);
	put_mac(loop->macs + 6, settings->source_mac);
	if (settings->mode == MODE_DR)
		configure(loop, settings);
	xsk_init(&loop->xsk, &settings->xsk);
	xsk_refill(&loop->xsk);
	while (loop->xsk.pooled >= XSK_BATCH && xsk_prod_nb_free(&loop->xsk.fill, XSK_BATCH) >= XSK_BATCH)
		xsk_refill(&loop->xsk);
	attach_redirect(loop, settings);
	puts("ready");
	fflush(stdout);
	start_ns = clock_ns();
	run(loop, settings, settings->seconds > 0 ? start_ns + (uint64_t)(settings->seconds * 1e9) : UINT64_MAX);
	seconds = (clock_ns() - start_ns) / 1e9;
	kernel = xsk_statistics(&loop->xsk);
	printf("{\"received\":%" PRIu64 ",\"sent\":%" PRIu64 ",\"dropped\":%" PRIu64 ",\"seconds\":%.3f,\"packetsPerSecond\":%.0f",
	       loop->received, loop->sent, loop->dropped, seconds, loop->sent / seconds);
	printf(",\"sendCalls\":%" PRIu64 ",\"receiveCalls\":%" PRIu64 ",\"txBudget\":%u", loop->xsk.send_calls,
	       loop->xsk.receive_calls, loop->xsk.tx_budget);
	printf(",\"rxDropped\":%llu,\"rxRingFull\":%llu,\"fillRingEmpty\":%llu,\"txInvalid\":%llu", kernel.rx_dropped,
	       kernel.rx_ring_full, kernel.rx_fill_ring_empty_descs, kernel.tx_invalid_descs);
	if (settings->mode == MODE_DR) {
		loop->path.counters.worker[COUNT_forwarded] = loop->sent;
		printf(",\"counters\":");
		counters_print(&loop->path.counters, stdout);
	}
	puts("}");
}

static uint64_t reflected(const struct xdp_program *program)
{
	int processors = libbpf_num_possible_cpus();
	uint64_t *counts = calloc(processors, sizeof(*counts)), sum = 0;
	uint32_t zero = 0;

	if (!counts || bpf_map_lookup_elem(xdp_map(program, "forwarded"), &zero, counts))
		die("map forwarded: %m");
	for (int i = 0; i < processors; i++)
		sum += counts[i];
	free(counts);
	return sum;
}

/* Leaves it all to the XDP program. */
static void reflect(const struct settings *settings)
{
	struct xdp_program program = xdp_load("reflect.bpf.o", "sluice_reflect");
	bool elsewhere = settings->xsk.egress && strcmp(settings->xsk.egress, settings->xsk.interface);
	struct reflect_config config = { .swap = settings->mode == MODE_XDP_MACSWAP, .elsewhere = elsewhere };
	uint64_t start_ns, end_ns, sent;
	double seconds;

	put_mac(config.destination, settings->destination_mac);
	put_mac(config.source, settings->source_mac);
	xdp_set(&program, "config", 0, &config);
	if (elsewhere) {
		uint32_t index = interface_index(settings->xsk.egress);

		xdp_set(&program, "egress", 0, &index);
	}
	xdp_attach(&program, interface_index(settings->xsk.interface), settings->generic);
	puts("ready");
	fflush(stdout);
	start_ns = clock_ns();
	end_ns = settings->seconds > 0 ? start_ns + (uint64_t)(settings->seconds * 1e9) : UINT64_MAX;
	while (!stopped && clock_ns() < end_ns)
		poll(NULL, 0, 10);
	seconds = (clock_ns() - start_ns) / 1e9;
	sent = reflected(&program);
	printf("{\"received\":%" PRIu64 ",\"sent\":%" PRIu64 ",\"dropped\":0,\"seconds\":%.3f,\"packetsPerSecond\":%.0f}\n", sent,
	       sent, seconds, sent / seconds);
}

static const char *const usage =
	"usage: xsk-loop --interface IF --mode MODE [OPTION...]\n"
	"Forwards TCP and UDP. Prints \"ready\" once it does, and a line of JSON at the end, on SIGTERM and SIGINT as well.\n"
	"  --interface IF        packets come in here, and leave here unless --egress says otherwise\n"
	"  --egress IF           packets leave here; the sockets share a UMEM\n"
	"  --queue N             of either interface (0)\n"
	"  --mode dr             parse, connection table, Maglev, MAC addresses: what the director does\n"
	"         mac            set the MAC addresses and do nothing else\n"
	"         macswap        swap them\n"
	"         xdp-mac, xdp-macswap\n"
	"                        the same without leaving the kernel: XDP_TX, or a redirect to --egress\n"
	"  --dst-mac MAC         modes mac and xdp-mac: the frames' new destination\n"
	"  --src-mac MAC         the frames' new source (the egress interface's address)\n"
	"  --vip A --port P      mode dr: the service, UDP and TCP; other modes: take nothing but its packets\n"
	"  --real MAC            mode dr: a real server; once for each\n"
	"  --flows N             mode dr: room in the connection table (1048576)\n"
	"  --copy, --zero-copy   bind the socket that way and no other (what the kernel chooses)\n"
	"  --need-wakeup, --no-need-wakeup\n"
	"                        whether the kernel says when it wants a system call (it does)\n"
	"  --busy-poll BUDGET    prefer busy polling, so many packets a system call\n"
	"  --busy-poll-usecs N   for so long a call (20)\n"
	"  --tx-budget N         frames that a system call sends in copy mode, on kernels that can be told (64)\n"
	"  --ring-size N         entries of each ring, a power of two (2048)\n"
	"  --sleep               wait in poll() when nothing comes, instead of looking again\n"
	"  --generic             attach the XDP program in generic mode\n"
	"  --seconds S           end after so long (on a signal)\n";

static uint32_t number(const char *option, const char *text, uint32_t least, uint32_t most)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (*end || !*text || *text == '-' || value < least || value > most)
		die("--%s %s: must be a number from %u to %u", option, text, least, most);
	return value;
}

static uint64_t mac(const char *option, const char *text)
{
	unsigned int octets[6];
	uint64_t mac = 0;
	int end = 0;

	if (sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x%n", &octets[0], &octets[1], &octets[2], &octets[3], &octets[4], &octets[5],
		   &end) != 6 ||
	    text[end])
		die("--%s %s: must be a MAC address, as 02:00:00:00:00:01", option, text);
	for (int i = 0; i < 6; i++)
		mac = mac << 8 | octets[i];
	return mac;
}

static struct address parse_address(const char *text)
{
	uint8_t octets[16];

	if (inet_pton(AF_INET, text, octets) == 1)
		return (struct address){ 0, get32(octets), false };
	if (inet_pton(AF_INET6, text, octets) == 1)
		return (struct address){ get64(octets), get64(octets + 8), true };
	die("--vip %s: must be an IPv4 or IPv6 address", text);
}

static enum mode parse_mode(const char *text)
{
	static const char *const names[] = { "dr", "mac", "macswap", "xdp-mac", "xdp-macswap" };

	for (uint32_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (!strcmp(text, names[i]))
			return i;
	}
	die("--mode %s: must be dr, mac, macswap, xdp-mac or xdp-macswap", text);
}

static bool set_socket_option(struct xsk_settings *xsk, const char *name, const char *text)
{
	if (!strcmp(name, "interface"))
		xsk->interface = text;
	else if (!strcmp(name, "egress"))
		xsk->egress = text;
	else if (!strcmp(name, "queue"))
		xsk->queue = number(name, text, 0, 63);
	else if (!strcmp(name, "copy"))
		xsk->bind_flags |= XDP_COPY;
	else if (!strcmp(name, "zero-copy"))
		xsk->bind_flags |= XDP_ZEROCOPY;
	else if (!strcmp(name, "need-wakeup"))
		xsk->bind_flags |= XDP_USE_NEED_WAKEUP;
	else if (!strcmp(name, "no-need-wakeup"))
		xsk->bind_flags &= ~XDP_USE_NEED_WAKEUP;
	else if (!strcmp(name, "busy-poll"))
		xsk->busy_poll_budget = number(name, text, 1, 65535);
	else if (!strcmp(name, "busy-poll-usecs"))
		xsk->busy_poll_usecs = number(name, text, 1, 1000000);
	else if (!strcmp(name, "tx-budget"))
		xsk->tx_budget = number(name, text, 32, 1 << 15);
	else if (!strcmp(name, "ring-size"))
		xsk->ring_size = number(name, text, XSK_BATCH, 1 << 15);
	else
		return false;
	return true;
}

static void set_option(struct settings *settings, const char *name, const char *text)
{
	if (set_socket_option(&settings->xsk, name, text))
		return;
	if (!strcmp(name, "mode")) {
		settings->mode = parse_mode(text);
	} else if (!strcmp(name, "generic")) {
		settings->generic = true;
	} else if (!strcmp(name, "sleep")) {
		settings->sleeps = true;
	} else if (!strcmp(name, "vip")) {
		settings->vip = parse_address(text);
		settings->has_vip = true;
	} else if (!strcmp(name, "port")) {
		settings->port = number(name, text, 1, 65535);
	} else if (!strcmp(name, "flows")) {
		settings->flows = number(name, text, 1, 1 << 28);
	} else if (!strcmp(name, "real")) {
		if (settings->real_count == MAX_REALS)
			die("--real: %d at the most", MAX_REALS);
		settings->reals[settings->real_count++] = mac(name, text);
	} else if (!strcmp(name, "dst-mac")) {
		settings->destination_mac = mac(name, text);
	} else if (!strcmp(name, "src-mac")) {
		settings->source_mac = mac(name, text);
		settings->has_source_mac = true;
	} else if (!strcmp(name, "seconds")) {
		settings->seconds = number(name, text, 1, 86400);
	} else {
		fputs(usage, stdout);
		exit(0);
	}
}

static void complete(struct settings *settings)
{
	const struct xsk_settings *xsk = &settings->xsk;

	if (!xsk->interface)
		die("--interface is missing; see --help");
	if ((xsk->bind_flags & XDP_COPY) && (xsk->bind_flags & XDP_ZEROCOPY))
		die("--copy and --zero-copy exclude each other");
	if (xsk->ring_size & (xsk->ring_size - 1))
		die("--ring-size %u: must be a power of two", xsk->ring_size);
	if (settings->has_vip && !settings->port)
		die("--vip needs --port");
	if (settings->mode == MODE_DR && (!settings->has_vip || !settings->real_count))
		die("--mode dr needs --vip, --port and a --real");
	if ((settings->mode == MODE_MAC || settings->mode == MODE_XDP_MAC) && !settings->destination_mac)
		die("this mode needs --dst-mac");
	if (!settings->has_source_mac)
		settings->source_mac = interface_mac(xsk->egress ? xsk->egress : xsk->interface);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "interface", required_argument, NULL, 0 }, { "egress", required_argument, NULL, 0 },
		{ "queue", required_argument, NULL, 0 },     { "mode", required_argument, NULL, 0 },
		{ "dst-mac", required_argument, NULL, 0 },   { "src-mac", required_argument, NULL, 0 },
		{ "vip", required_argument, NULL, 0 },	     { "port", required_argument, NULL, 0 },
		{ "real", required_argument, NULL, 0 },	     { "flows", required_argument, NULL, 0 },
		{ "copy", no_argument, NULL, 0 },	     { "zero-copy", no_argument, NULL, 0 },
		{ "need-wakeup", no_argument, NULL, 0 },     { "no-need-wakeup", no_argument, NULL, 0 },
		{ "busy-poll", required_argument, NULL, 0 }, { "busy-poll-usecs", required_argument, NULL, 0 },
		{ "tx-budget", required_argument, NULL, 0 }, { "ring-size", required_argument, NULL, 0 },
		{ "sleep", no_argument, NULL, 0 },	     { "generic", no_argument, NULL, 0 },
		{ "seconds", required_argument, NULL, 0 },   { "help", no_argument, NULL, 0 },
		{ 0 },
	};
	static struct settings settings = {
		.xsk = { .ring_size = 2048, .tx_budget = XSK_BATCH, .busy_poll_usecs = 20,
			 .bind_flags = XDP_USE_NEED_WAKEUP },
		.flows = 1 << 20,
	};
	struct sigaction action = { .sa_handler = stop };
	int option, index;

	program_name = "xsk-loop";
	opterr = 0;
	while ((option = getopt_long(argc, argv, "", options, &index)) != -1) {
		if (option)
			die("%s: no such option, or its value is missing; see --help", argv[optind - 1]);
		set_option(&settings, options[index].name, optarg);
	}
	if (optind < argc)
		die("%s: takes no arguments but options; see --help", argv[optind]);
	complete(&settings);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	if (settings.mode >= MODE_XDP_MAC)
		reflect(&settings);
	else
		forward(&settings);
	return 0;
}
