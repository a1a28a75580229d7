/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Loads an XDP program of bench/bpf, sets it up and attaches it by a link, which goes with the process however that ends. */
#ifndef BASELINE_XDP_H
#define BASELINE_XDP_H

#include <errno.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "memory.h"

struct xdp_program {
	struct bpf_object *object;
	const char *name;
	int fd;
};

/* From the object file beside the running program, as bench/baseline/build puts it there. */
static inline struct xdp_program xdp_load(const char *file, const char *name)
{
	struct xdp_program program = { .name = name };
	struct bpf_program *entry;
	char path[4096];
	ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 1);
	char *slash;

	if (length < 0)
		die("/proc/self/exe: %m");
	path[length] = '\0';
	slash = strrchr(path, '/');
	snprintf(slash + 1, sizeof(path) - (slash + 1 - path), "%s", file);
	libbpf_set_print(NULL);
	program.object = bpf_object__open_file(path, NULL);
	if (!program.object)
		die("%s: %m; bench/baseline/build makes it", path);
	if (bpf_object__load(program.object))
		die("%s: the kernel does not load it: %m (root is needed)", path);
	entry = bpf_object__find_program_by_name(program.object, name);
	if (!entry)
		die("%s: has no program %s", path, name);
	program.fd = bpf_program__fd(entry);
	return program;
}

static inline int xdp_map(const struct xdp_program *program, const char *name)
{
	int fd = bpf_object__find_map_fd_by_name(program->object, name);

	if (fd < 0)
		die("%s has no map %s", program->name, name);
	return fd;
}

static inline void xdp_set(const struct xdp_program *program, const char *map, uint32_t key, const void *value)
{
	if (bpf_map_update_elem(xdp_map(program, map), &key, value, 0))
		die("map %s of %s: %m", map, program->name);
}

static inline void xdp_attach(const struct xdp_program *program, uint32_t interface, bool generic)
{
	LIBBPF_OPTS(bpf_link_create_opts, options, .flags = generic ? XDP_FLAGS_SKB_MODE : XDP_FLAGS_DRV_MODE);

	if (bpf_link_create(program->fd, interface, BPF_XDP, &options) < 0)
		die("interface %u: %s XDP program not attached: %m", interface, generic ? "generic" : "native");
}

static inline uint32_t interface_index(const char *name)
{
	uint32_t index = if_nametoindex(name);

	if (!index)
		die("%s: no such interface in this network namespace", name);
	return index;
}

/* An interface's MAC address, first octet most significant. */
static inline uint64_t interface_mac(const char *name)
{
	struct ifreq request = { 0 };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	uint64_t mac = 0;

	snprintf(request.ifr_name, IFNAMSIZ, "%s", name);
	if (fd < 0 || ioctl(fd, SIOCGIFHWADDR, &request))
		die("MAC address of %s: %m", name);
	close(fd);
	for (int i = 0; i < 6; i++)
		mac = mac << 8 | (uint8_t)request.ifr_hwaddr.sa_data[i];
	return mac;
}

#endif
