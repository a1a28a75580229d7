/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * How far a flow has come: IPVS's states of TCP, and UDP's one, with their default timeouts. Which state follows goes by who sent
 * the packet: a director that replies bypass sees the client alone (INPUT_ONLY).
 */
#ifndef BASELINE_FLOW_STATE_H
#define BASELINE_FLOW_STATE_H

#include "packet.h"

enum flow_state {
	STATE_NONE,
	SYN_RECV,
	ESTABLISHED,
	FIN_WAIT,
	TIME_WAIT,
	CLOSE,
	UDP_SEEN,
	SYN_SENT,
	CLOSE_WAIT,
	STATES,
};

enum flow_event { EVENT_SYN, EVENT_FIN, EVENT_ACK, EVENT_RST, EVENT_OTHER, EVENT_DATAGRAM, EVENTS };

enum flow_sender { CLIENT_ALONE, CLIENT, SERVER, SENDERS };

#define ALL_CLOSE { CLOSE, CLOSE, CLOSE, CLOSE, CLOSE, CLOSE, UDP_SEEN, CLOSE, CLOSE }
#define AS_BEFORE { UDP_SEEN, SYN_RECV, ESTABLISHED, FIN_WAIT, TIME_WAIT, CLOSE, UDP_SEEN, SYN_SENT, CLOSE_WAIT }

static const uint8_t flow_next[SENDERS][EVENTS][16] = {
	[CLIENT_ALONE] = {
		[EVENT_SYN] = { SYN_RECV, SYN_RECV, ESTABLISHED, SYN_RECV, SYN_RECV, SYN_RECV, UDP_SEEN },
		[EVENT_FIN] = { CLOSE, TIME_WAIT, FIN_WAIT, FIN_WAIT, TIME_WAIT, CLOSE, UDP_SEEN },
		[EVENT_ACK] = { ESTABLISHED, ESTABLISHED, ESTABLISHED, FIN_WAIT, TIME_WAIT, CLOSE, UDP_SEEN },
		[EVENT_RST] = { CLOSE, SYN_RECV, CLOSE, CLOSE, CLOSE, CLOSE, UDP_SEEN },
		[EVENT_OTHER] = ALL_CLOSE,
		[EVENT_DATAGRAM] = AS_BEFORE,
	},
	[CLIENT] = {
		[EVENT_SYN] = { SYN_RECV, SYN_RECV, ESTABLISHED, SYN_RECV, SYN_RECV, SYN_RECV, UDP_SEEN, ESTABLISHED, SYN_RECV },
		[EVENT_FIN] = { CLOSE, TIME_WAIT, CLOSE_WAIT, TIME_WAIT, TIME_WAIT, CLOSE, UDP_SEEN, SYN_SENT, CLOSE_WAIT },
		[EVENT_ACK] = { ESTABLISHED, ESTABLISHED, ESTABLISHED, FIN_WAIT, TIME_WAIT, CLOSE, UDP_SEEN, SYN_SENT,
				CLOSE_WAIT },
		[EVENT_RST] = { CLOSE, SYN_RECV, CLOSE, CLOSE, CLOSE, CLOSE, UDP_SEEN, CLOSE, CLOSE },
		[EVENT_OTHER] = ALL_CLOSE,
		[EVENT_DATAGRAM] = AS_BEFORE,
	},
	[SERVER] = {
		[EVENT_SYN] = { SYN_SENT, SYN_RECV, ESTABLISHED, SYN_SENT, SYN_SENT, SYN_SENT, UDP_SEEN, SYN_SENT, SYN_SENT },
		[EVENT_FIN] = { TIME_WAIT, TIME_WAIT, FIN_WAIT, FIN_WAIT, TIME_WAIT, CLOSE, UDP_SEEN, SYN_SENT, TIME_WAIT },
		[EVENT_ACK] = { ESTABLISHED, ESTABLISHED, ESTABLISHED, FIN_WAIT, TIME_WAIT, CLOSE, UDP_SEEN, SYN_SENT,
				CLOSE_WAIT },
		[EVENT_RST] = { CLOSE, CLOSE, CLOSE, CLOSE, TIME_WAIT, CLOSE, UDP_SEEN, SYN_SENT, CLOSE },
		[EVENT_OTHER] = ALL_CLOSE,
		[EVENT_DATAGRAM] = AS_BEFORE,
	},
};

#undef ALL_CLOSE
#undef AS_BEFORE

static const uint32_t flow_default_timeout_ms[16] = {
	[SYN_RECV] = 60000, [ESTABLISHED] = 900000, [FIN_WAIT] = 120000, [TIME_WAIT] = 120000,
	[CLOSE] = 10000, [UDP_SEEN] = 300000, [SYN_SENT] = 120000, [CLOSE_WAIT] = 60000,
};

/* What a flow in a state adds to its real server's word: one flow, and above it one active connection. */
static const uint64_t flow_share[16] = {
	[STATE_NONE] = (uint64_t)1 << 32 | 1, [SYN_RECV] = (uint64_t)1 << 32 | 1, [ESTABLISHED] = (uint64_t)1 << 32 | 1,
	[FIN_WAIT] = 1, [TIME_WAIT] = 1, [CLOSE] = 1, [UDP_SEEN] = 1, [SYN_SENT] = (uint64_t)1 << 32 | 1, [CLOSE_WAIT] = 1,
};

static always_inline enum flow_event flow_event(const struct packet *packet)
{
	uint8_t flags = packet->tcp_flags;

	if (packet->protocol != IP_TCP)
		return EVENT_DATAGRAM;
	if (flags & TCP_RST)
		return EVENT_RST;
	if (flags & TCP_SYN)
		return EVENT_SYN;
	if (flags & TCP_FIN)
		return EVENT_FIN;
	return flags & TCP_ACK ? EVENT_ACK : EVENT_OTHER;
}

#endif
