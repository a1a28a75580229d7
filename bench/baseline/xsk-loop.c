// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * The C loop on libxdp: what a forwarder of packets on AF_XDP costs that is not Java. It takes packets from one queue's RX ring, a
 * batch at a time, does to them what its mode says, and puts them into the TX ring of the same interface or of another one.
 */
#include <poll.h>
#include <signal.h>
#include <time.h>

#include "datapath.h"
#include "xsk_options.h"

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

int main(int argc, char **argv)
{
	static struct settings settings = {
		.xsk = { .ring_size = 2048, .tx_budget = XSK_BATCH, .busy_poll_usecs = 20,
			 .bind_flags = XDP_USE_NEED_WAKEUP },
		.flows = 1 << 20,
	};
	struct sigaction action = { .sa_handler = stop };

	program_name = "xsk-loop";
	read_options(&settings, argc, argv);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	if (settings.mode >= MODE_XDP_MAC)
		reflect(&settings);
	else
		forward(&settings);
	return 0;
}
