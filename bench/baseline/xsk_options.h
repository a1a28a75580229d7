/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* The command line of xsk-loop. */
#ifndef BASELINE_XSK_OPTIONS_H
#define BASELINE_XSK_OPTIONS_H

#include <arpa/inet.h>
#include <getopt.h>

#include "director.h"
#include "xsk.h"

#define MAX_REALS 1024

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

static inline uint32_t number(const char *option, const char *text, uint32_t least, uint32_t most)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (*end || !*text || *text == '-' || value < least || value > most)
		die("--%s %s: must be a number from %u to %u", option, text, least, most);
	return value;
}

static inline uint64_t mac(const char *option, const char *text)
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

static inline struct address parse_address(const char *text)
{
	uint8_t octets[16];

	if (inet_pton(AF_INET, text, octets) == 1)
		return (struct address){ 0, get32(octets), false };
	if (inet_pton(AF_INET6, text, octets) == 1)
		return (struct address){ get64(octets), get64(octets + 8), true };
	die("--vip %s: must be an IPv4 or IPv6 address", text);
}

static inline enum mode parse_mode(const char *text)
{
	static const char *const names[] = { "dr", "mac", "macswap", "xdp-mac", "xdp-macswap" };

	for (uint32_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (!strcmp(text, names[i]))
			return i;
	}
	die("--mode %s: must be dr, mac, macswap, xdp-mac or xdp-macswap", text);
}

static inline bool set_socket_option(struct xsk_settings *xsk, const char *name, const char *text)
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

static inline void set_option(struct settings *settings, const char *name, const char *text)
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

static inline void complete(struct settings *settings)
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

/* Ends with one line that says why when there is something wrong with them. */
static inline void read_options(struct settings *settings, int argc, char **argv)
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
	int option, index;

	opterr = 0;
	while ((option = getopt_long(argc, argv, "", options, &index)) != -1) {
		if (option)
			die("%s: no such option, or its value is missing; see --help", argv[optind - 1]);
		set_option(settings, options[index].name, optarg);
	}
	if (optind < argc)
		die("%s: takes no arguments but options; see --help", argv[optind]);
	complete(settings);
}

#endif
