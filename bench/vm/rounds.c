// SPDX-License-Identifier: Apache-2.0
/*
 * The measuring part of `bench/run instructions`, inside the virtual machine: sends rounds of frames and says how many
 * instructions the machine spent on them.
 *
 *   rounds GENERATOR NETNS INTERFACE SOURCE_MAC DESTINATION_MAC DESTINATION PORT FLOWS COUNTER WINDOWS REPEATS FEW MANY \
 *          [JVM COMPILATIONS]
 *
 * A round is that many UDP datagrams of 60 octets, of so many flows, sent out of INTERFACE in NETNS, then a sleep long enough
 * for all of them to arrive. GENERATOR is the object file of rounds.bpf.c, which sends them by XDP live frames, or
 * "pktgen", the kernel's own. COUNTER is the file whose number grows by one a frame where they arrive. JVM is the process of a
 * forwarder in Java, COMPILATIONS the file into which it writes a line for each method that it compiles. One line a window, of
 * REPEATS rounds of FEW frames and as many of MANY, goes to standard output:
 *
 *   {"few":..., "many":..., "busyFew":..., "busyMany":..., "sent":..., "arrived":..., "compiled":..., "compiling":...}
 *
 * busy is what the clock advanced less what the processor idled, so with QEMU's -icount shift=0 instructions. What a
 * round costs beside its frames (waking up, going to sleep, reading the clocks) is in both numbers, and their difference is
 * that of REPEATS * (MANY - FEW) frames. compiled is how many compilations began in the window, compiling what the threads that
 * compile have used of it; both are 0 without JVM.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/udp.h>
#include <net/if.h>
#include <netinet/ether.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define BATCH 64
/* Longer than the slowest forwarder needs for a round. */
#define SETTLE_NS 40000000L

/* 198.18.0.1, of the block for benchmarks (RFC 2544). */
#define SOURCE 0xc6120001U
#define FIRST_PORT 1024
#define PORTS 64000U

struct headers {
	struct ethhdr eth;
	struct iphdr ip;
	struct udphdr udp;
} __attribute__((packed));

/* As in rounds.bpf.c. */
struct rounds_config {
	uint32_t flows;
	uint32_t source;
	struct headers headers;
};

static struct {
	struct headers headers;
	uint8_t payload[18];
} __attribute__((packed)) frame;

static const char *interface, *jvm, *compilations;
static int counter_fd, timers_fd, program_fd = -1;
static unsigned int ifindex;
static uint32_t flows;

static void die(const char *what)
{
	fprintf(stderr, "rounds: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t counter(void)
{
	char text[32] = "";

	if (pread(counter_fd, text, sizeof(text) - 1, 0) <= 0)
		die("reading the counter");
	return strtoull(text, NULL, 10);
}

/* Nanoseconds that the one processor has idled: the line idle_sleeptime of /proc/timer_list. */
static uint64_t idle_ns(void)
{
	static char text[1 << 16];
	size_t length = 0;
	ssize_t got;
	char *line;

	if (lseek(timers_fd, 0, SEEK_SET))
		die("/proc/timer_list");
	while ((got = read(timers_fd, text + length, sizeof(text) - 1 - length)) > 0)
		length += got;
	text[length] = 0;
	line = strstr(text, ".idle_sleeptime");
	line = line ? strchr(line, ':') : NULL;
	if (!line) {
		errno = ENODATA;
		die("idle_sleeptime in /proc/timer_list");
	}
	return strtoull(line + 1, NULL, 10);
}

static uint64_t busy_ns(void)
{
	struct timespec now;
	uint64_t idle = idle_ns();

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec - idle;
}

/* Of the JVM: nanoseconds that its compilers' threads have run for. */
static uint64_t compiling_ns(void)
{
	char path[300], name[32];
	struct dirent *task;
	uint64_t sum = 0, own;
	FILE *file;
	DIR *tasks;

	if (!jvm)
		return 0;
	snprintf(path, sizeof(path), "/proc/%s/task", jvm);
	tasks = opendir(path);
	if (!tasks)
		die(path);
	while ((task = readdir(tasks))) {
		snprintf(path, sizeof(path), "/proc/%s/task/%s/comm", jvm, task->d_name);
		file = fopen(path, "r");
		if (!file)
			continue;
		/* "C1 CompilerThre" and "C2 CompilerThre". */
		own = fgets(name, sizeof(name), file) && name[0] == 'C' && !strncmp(name + 2, " Compiler", 9);
		fclose(file);
		snprintf(path, sizeof(path), "/proc/%s/task/%s/schedstat", jvm, task->d_name);
		file = own ? fopen(path, "r") : NULL;
		if (!file)
			continue;
		if (fscanf(file, "%" SCNu64, &own) == 1)
			sum += own;
		fclose(file);
	}
	closedir(tasks);
	return sum;
}

/* Of the JVM: how many compilations have begun. */
static uint64_t compiled(void)
{
	uint64_t lines = 0;
	FILE *file;
	int octet;

	if (!jvm)
		return 0;
	file = fopen(compilations, "r");
	if (!file)
		die(compilations);
	while ((octet = getc(file)) != EOF)
		lines += octet == '\n';
	fclose(file);
	return lines;
}

static void settle(void)
{
	struct timespec time = {.tv_nsec = SETTLE_NS};

	nanosleep(&time, NULL);
}

static void send_live(unsigned int count)
{
	struct xdp_md context = {.data_end = sizeof(frame), .ingress_ifindex = ifindex};
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = &frame, .data_size_in = sizeof(frame), .ctx_in = &context,
		    .ctx_size_in = sizeof(context), .repeat = count, .flags = BPF_F_TEST_XDP_LIVE_FRAMES,
		    .batch_size = BATCH);

	if (bpf_prog_test_run_opts(program_fd, &options))
		die("BPF_PROG_TEST_RUN");
}

/* One command to a file of pktgen's. */
static void pktgen(const char *file, const char *format, ...)
{
	char path[64], command[128];
	va_list arguments;
	int fd, length;

	va_start(arguments, format);
	length = vsnprintf(command, sizeof(command) - 1, format, arguments);
	va_end(arguments);
	/* Without the line's end it would cut off the last letter. */
	command[length++] = '\n';
	snprintf(path, sizeof(path), "/proc/self/net/pktgen/%s", file);
	fd = open(path, O_WRONLY);
	if (fd < 0 || write(fd, command, length) != length) {
		fprintf(stderr, "rounds: %s: %.*s: %s\n", path, length - 1, command, strerror(errno));
		exit(1);
	}
	close(fd);
}

static void send_frames(unsigned int count)
{
	static uint32_t next_source = SOURCE;
	struct in_addr source;

	if (program_fd >= 0) {
		send_live(count);
		return;
	}
	/* Each start begins with the first flow again. */
	if (flows > PORTS) {
		source.s_addr = htonl(next_source++);
		pktgen(interface, "src_min %s", inet_ntoa(source));
		pktgen(interface, "src_max %s", inet_ntoa(source));
	}
	pktgen(interface, "count %u", count);
	/* Returns when all are sent. */
	pktgen("pgctrl", "start");
}

static uint64_t rounds(unsigned int repeats, unsigned int frames)
{
	uint64_t before;

	settle();
	before = busy_ns();
	for (unsigned int i = 0; i < repeats; i++) {
		send_frames(frames);
		settle();
	}
	return busy_ns() - before;
}

static uint16_t header_checksum(const struct iphdr *ip)
{
	const uint8_t *octets = (const uint8_t *)ip;
	uint32_t total = 0;

	for (unsigned int i = 0; i < sizeof(*ip); i++)
		total += octets[i] << (i % 2 ? 0 : 8);
	total = (total & 0xffff) + (total >> 16);
	return htons(~(total + (total >> 16)));
}

static void build_frame(const struct ether_addr *from, const struct ether_addr *to, uint32_t destination, uint16_t port)
{
	struct iphdr ip = {.version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_UDP,
			   .tot_len = htons(sizeof(frame) - sizeof(struct ethhdr)),
			   .saddr = htonl(SOURCE), .daddr = destination};
	struct headers *headers = &frame.headers;

	ip.check = header_checksum(&ip);
	headers->ip = ip;
	memcpy(headers->eth.h_source, from, ETH_ALEN);
	memcpy(headers->eth.h_dest, to, ETH_ALEN);
	headers->eth.h_proto = htons(ETH_P_IP);
	headers->udp = (struct udphdr){.source = htons(FIRST_PORT), .dest = htons(port),
				       .len = htons(sizeof(headers->udp) + sizeof(frame.payload))};
}

static void load_live(const char *file)
{
	struct rounds_config config = {flows, SOURCE, frame.headers};
	struct bpf_object *object = bpf_object__open_file(file, NULL);
	struct bpf_program *program;
	uint32_t zero = 0;

	if (!object || bpf_object__load(object))
		die(file);
	program = bpf_object__find_program_by_name(object, "rounds_send");
	if (!program)
		die("rounds_send");
	program_fd = bpf_program__fd(program);
	if (bpf_map_update_elem(bpf_object__find_map_fd_by_name(object, "config"), &zero, &config, 0))
		die("config");
}

/* The same flows as long as ports suffice; then an address for each round. */
static void load_pktgen(const char *from, const char *to, const char *destination, const char *port)
{
	/* Those of a run before, which would send as well. */
	pktgen("kpktgend_0", "rem_device_all");
	pktgen("kpktgend_0", "add_device %s", interface);
	pktgen(interface, "pkt_size %zu", sizeof(frame));
	pktgen(interface, "delay 0");
	/* Else it holds on to each while it is sent, and whoever changes a header has to clone and copy it first. */
	pktgen(interface, "flag !SHARED");
	pktgen(interface, "src_mac %s", from);
	pktgen(interface, "dst_mac %s", to);
	pktgen(interface, "dst_min %s", destination);
	pktgen(interface, "dst_max %s", destination);
	pktgen(interface, "src_min 198.18.0.1");
	pktgen(interface, "src_max 198.18.0.1");
	pktgen(interface, "udp_dst_min %s", port);
	pktgen(interface, "udp_dst_max %s", port);
	pktgen(interface, "udp_src_min %u", FIRST_PORT);
	pktgen(interface, "udp_src_max %u", FIRST_PORT + (flows < PORTS ? flows : PORTS));
}

static void enter(const char *name)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/var/run/netns/%s", name);
	fd = open(path, O_RDONLY);
	if (fd < 0 || setns(fd, CLONE_NEWNET))
		die(path);
	close(fd);
}

int main(int argc, char **argv)
{
	struct sched_param first = {.sched_priority = 50};
	unsigned int windows, repeats, few, many;
	struct ether_addr from, to;

	if (argc != 14 && argc != 16) {
		fprintf(stderr, "usage: rounds GENERATOR NETNS INTERFACE SOURCE_MAC DESTINATION_MAC DESTINATION PORT FLOWS "
				"COUNTER WINDOWS REPEATS FEW MANY [JVM COMPILATIONS]\n");
		return 2;
	}
	if (!ether_aton_r(argv[4], &from) || !ether_aton_r(argv[5], &to)) {
		fprintf(stderr, "rounds: %s or %s is no MAC address\n", argv[4], argv[5]);
		return 2;
	}
	interface = argv[3];
	flows = atoi(argv[8]);
	build_frame(&from, &to, inet_addr(argv[6]), atoi(argv[7]));
	windows = atoi(argv[10]);
	repeats = atoi(argv[11]);
	few = atoi(argv[12]);
	many = atoi(argv[13]);
	jvm = argv[14];
	compilations = jvm ? argv[15] : NULL;
	counter_fd = open(argv[9], O_RDONLY);
	if (counter_fd < 0)
		die(argv[9]);
	timers_fd = open("/proc/timer_list", O_RDONLY);
	if (timers_fd < 0)
		die("/proc/timer_list");
	enter(argv[2]);
	ifindex = if_nametoindex(interface);
	if (!ifindex)
		die(interface);
	if (strcmp(argv[1], "pktgen"))
		load_live(argv[1]);
	else
		load_pktgen(argv[4], argv[5], argv[6], argv[7]);
	/* The forwarder finds a round whole, as under load, rather than its first frame. */
	if (sched_setscheduler(0, SCHED_FIFO, &first))
		die("SCHED_FIFO");
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (unsigned int i = 0; i < windows; i++) {
		uint64_t arrived = counter(), before = compiled(), compiling = compiling_ns(), busy_few, busy_many;

		busy_few = rounds(repeats, few);
		busy_many = rounds(repeats, many);
		compiling = compiling_ns() - compiling;
		printf("{\"few\":%u,\"many\":%u,\"busyFew\":%" PRIu64 ",\"busyMany\":%" PRIu64, repeats * few,
		       repeats * many, busy_few, busy_many);
		printf(",\"sent\":%" PRIu64 ",\"arrived\":%" PRIu64, (uint64_t)repeats * (few + many),
		       counter() - arrived);
		printf(",\"compiled\":%" PRIu64 ",\"compiling\":%" PRIu64 "}\n", compiled() - before, compiling);
	}
	return 0;
}
