/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * AF_XDP on libxdp's rings: one UMEM, a socket that receives and one that sends, which are the same unless frames leave by another
 * interface; the pool of free frames; and the system calls, made as few as may be.
 */
#ifndef BASELINE_XSK_H
#define BASELINE_XSK_H

#include <sys/resource.h>
#include <xdp/xsk.h>

#include "xdp.h"

#define XSK_FRAME_BYTES 2048
#define XSK_BATCH 64
/* What a sendto sends in copy mode unless told otherwise: TX_BATCH_SIZE in net/xdp/xsk.c. */
#define KERNEL_TX_BATCH 32

#ifndef SO_PREFER_BUSY_POLL
#define SO_PREFER_BUSY_POLL 69
#endif
#ifndef SO_BUSY_POLL_BUDGET
#define SO_BUSY_POLL_BUDGET 70
#endif
/* Linux 6.17. */
#ifndef XDP_MAX_TX_SKB_BUDGET
#define XDP_MAX_TX_SKB_BUDGET 9
#endif

struct xsk_settings {
	const char *interface;
	const char *egress;
	uint32_t queue;
	uint32_t ring_size;
	uint32_t tx_budget;
	uint32_t busy_poll_budget;
	uint32_t busy_poll_usecs;
	uint16_t bind_flags;
};

struct xsk {
	uint8_t *frames;
	struct xsk_umem *umem;
	struct xsk_socket *rx_socket;
	struct xsk_socket *tx_socket;
	struct xsk_ring_cons rx;
	struct xsk_ring_prod tx;
	struct xsk_ring_prod fill;
	struct xsk_ring_cons completion;
	/* Of the socket that only sends: nothing is ever put in. */
	struct xsk_ring_prod unused_fill;
	struct xsk_ring_cons unused_completion;
	int rx_fd;
	int tx_fd;
	bool busy_poll;
	/* Without need-wakeup nothing says when the kernel must be told. */
	bool always_kick;
	/* Frames that a sendto sends in copy mode. */
	uint32_t tx_budget;
	uint64_t *pool;
	uint32_t pooled;
	/* Frames in the TX ring or with the kernel. */
	uint32_t outstanding;
	uint64_t send_calls;
	uint64_t receive_calls;
};

static inline void xsk_option(int fd, int level, int option, int value, const char *name)
{
	if (setsockopt(fd, level, option, &value, sizeof(value)))
		die("%s %d: %m", name, value);
}

static inline struct xsk_socket *xsk_open(struct xsk *xsk, const struct xsk_settings *settings, const char *interface,
					  bool receives, bool sends)
{
	const struct xsk_socket_config config = {
		.rx_size = settings->ring_size,
		.tx_size = settings->ring_size,
		.libxdp_flags = XSK_LIBXDP_FLAGS__INHIBIT_PROG_LOAD,
		.bind_flags = settings->bind_flags,
	};
	struct xsk_socket *socket;
	int error;

	/* A queue whose last socket has just closed is busy for some milliseconds. */
	for (int attempt = 0; attempt < 100; attempt++) {
		error = xsk_socket__create_shared(&socket, interface, settings->queue, xsk->umem,
						  receives ? &xsk->rx : NULL, sends ? &xsk->tx : NULL,
						  receives ? &xsk->fill : &xsk->unused_fill,
						  sends ? &xsk->completion : &xsk->unused_completion, &config);
		if (error != -EBUSY)
			break;
		usleep(5000);
	}
	if (error)
		die("%s, queue %u: no AF_XDP socket: %s", interface, settings->queue, strerror(-error));
	return socket;
}

static inline void xsk_set_busy_poll(int fd, const struct xsk_settings *settings)
{
	xsk_option(fd, SOL_SOCKET, SO_PREFER_BUSY_POLL, 1, "SO_PREFER_BUSY_POLL");
	xsk_option(fd, SOL_SOCKET, SO_BUSY_POLL, settings->busy_poll_usecs, "SO_BUSY_POLL");
	xsk_option(fd, SOL_SOCKET, SO_BUSY_POLL_BUDGET, settings->busy_poll_budget, "SO_BUSY_POLL_BUDGET");
}

static inline void xsk_init(struct xsk *xsk, const struct xsk_settings *settings)
{
	/* A fill and a TX ring full, and what a batch holds. */
	uint32_t frames = 2 * settings->ring_size + 2 * XSK_BATCH;
	const struct xsk_umem_config config = {
		.fill_size = settings->ring_size,
		.comp_size = settings->ring_size,
		.frame_size = XSK_FRAME_BYTES,
	};
	const struct rlimit unlimited = { RLIM_INFINITY, RLIM_INFINITY };
	bool elsewhere = settings->egress && strcmp(settings->egress, settings->interface);
	int budget = settings->tx_budget, error;

	memset(xsk, 0, sizeof(*xsk));
	setrlimit(RLIMIT_MEMLOCK, &unlimited);
	xsk->frames = map_memory((size_t)frames * XSK_FRAME_BYTES, true);
	xsk->pool = calloc(frames, sizeof(*xsk->pool));
	if (!xsk->pool)
		die("no memory for %u frames", frames);
	while (xsk->pooled < frames) {
		xsk->pool[xsk->pooled] = (uint64_t)xsk->pooled * XSK_FRAME_BYTES;
		xsk->pooled++;
	}
	error = xsk_umem__create(&xsk->umem, xsk->frames, (uint64_t)frames * XSK_FRAME_BYTES, &xsk->fill, &xsk->completion,
				 &config);
	if (error)
		die("no UMEM of %u frames: %s", frames, strerror(-error));
	xsk->rx_socket = xsk_open(xsk, settings, settings->interface, true, !elsewhere);
	xsk->tx_socket = elsewhere ? xsk_open(xsk, settings, settings->egress, false, true) : xsk->rx_socket;
	xsk->rx_fd = xsk_socket__fd(xsk->rx_socket);
	xsk->tx_fd = xsk_socket__fd(xsk->tx_socket);
	xsk->busy_poll = settings->busy_poll_budget;
	if (xsk->busy_poll)
		xsk_set_busy_poll(xsk->rx_fd, settings);
	xsk->always_kick = xsk->busy_poll || !(settings->bind_flags & XDP_USE_NEED_WAKEUP);
	xsk->tx_budget = KERNEL_TX_BATCH;
	if (!setsockopt(xsk->tx_fd, SOL_XDP, XDP_MAX_TX_SKB_BUDGET, &budget, sizeof(budget)))
		xsk->tx_budget = budget;
}

/* Takes back the frames that have been sent. */
static always_inline void xsk_reclaim(struct xsk *xsk)
{
	uint32_t first, count;

	if (!xsk->outstanding)
		return;
	count = xsk_ring_cons__peek(&xsk->completion, xsk->outstanding, &first);
	for (uint32_t i = 0; i < count; i++)
		xsk->pool[xsk->pooled++] = *xsk_ring_cons__comp_addr(&xsk->completion, first + i) &
					   ~(uint64_t)(XSK_FRAME_BYTES - 1);
	if (count) {
		xsk_ring_cons__release(&xsk->completion, count);
		xsk->outstanding -= count;
	}
}

/* Gives free frames to the kernel, a batch at a time so that its cache lines change hands seldom. */
static always_inline void xsk_refill(struct xsk *xsk)
{
	uint32_t first = 0, room = xsk_prod_nb_free(&xsk->fill, XSK_BATCH);

	room = room < xsk->pooled ? room : xsk->pooled;
	if (room < XSK_BATCH)
		return;
	xsk_ring_prod__reserve(&xsk->fill, room, &first);
	for (uint32_t i = 0; i < room; i++)
		*xsk_ring_prod__fill_addr(&xsk->fill, first + i) = xsk->pool[--xsk->pooled];
	xsk_ring_prod__submit(&xsk->fill, room);
}

static always_inline uint32_t xsk_unsent(const struct xsk *xsk)
{
	return *xsk->tx.producer - __atomic_load_n(xsk->tx.consumer, __ATOMIC_ACQUIRE);
}

/*
 * Has the kernel send what is in the TX ring. In copy mode a call takes so many frames and no more: it is repeated for as long as the
 * ring shrinks.
 */
static inline void xsk_kick(struct xsk *xsk)
{
	uint32_t unsent = xsk_unsent(xsk);

	while (unsent && (xsk->always_kick || xsk_ring_prod__needs_wakeup(&xsk->tx))) {
		uint32_t before = unsent;

		xsk->send_calls++;
		if (sendto(xsk->tx_fd, NULL, 0, MSG_DONTWAIT, NULL, 0) < 0 && errno != EAGAIN && errno != EBUSY &&
		    errno != ENOBUFS && errno != EINTR)
			die("sendto: %m");
		unsent = xsk_unsent(xsk);
		/* The completion ring may be what is full. */
		xsk_reclaim(xsk);
		if (unsent >= before)
			return;
	}
}

/* When nothing has come: has the driver look, where it must be told. */
static inline void xsk_wake_rx(struct xsk *xsk)
{
	if (xsk->busy_poll || xsk_ring_prod__needs_wakeup(&xsk->fill)) {
		xsk->receive_calls++;
		recvfrom(xsk->rx_fd, NULL, 0, MSG_DONTWAIT, NULL, NULL);
	}
}

static inline struct xdp_statistics xsk_statistics(const struct xsk *xsk)
{
	struct xdp_statistics statistics = { 0 };
	socklen_t length = sizeof(statistics);

	getsockopt(xsk->rx_fd, SOL_XDP, XDP_STATISTICS, &statistics, &length);
	return statistics;
}

#endif
