/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * What the program is told by the director: dev.sluice.bpf.SteeringMaps creates these maps under the same names and
 * fills them before the program is attached. Their sizes there win over the ones here.
 */
#ifndef SLUICE_MAPS_H
#define SLUICE_MAPS_H

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <bpf/bpf_helpers.h>

#define FAMILY_INET 2
#define FAMILY_INET6 10

/* Network byte order throughout; an IPv4 address is the last four bytes, with twelve zero bytes before it. */
struct service_key {
	__be32 address[4];
	__be16 port; /* 0: every port that no other service of the address and protocol names */
	__u8 protocol;
	__u8 family;
};

/* The value is the director's id of the service; it is there for whoever reads the map with bpftool. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 65536);
	__type(key, struct service_key);
	__type(value, __u32);
} services SEC(".maps");

/*
 * What has a service, for packets without ports; port is 0. TCP, UDP and SCTP are there when the address has a service
 * of the protocol on any port, and stand for its fragments. ESP is there when the address has a service that IKE's
 * packets meet, UDP 500, 4500 or every port, and stands for ESP and AH.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 65536);
	__type(key, struct service_key);
	__type(value, __u32);
} vips SEC(".maps");

/*
 * Real servers whose packets are translated: RIP and RPORT, 0 for every port. What they send is the director's, unless it
 * is sent to the director's host itself.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 65536);
	__type(key, struct service_key);
	__type(value, __u32);
} reals SEC(".maps");

/* What `vips` is to `services`, this is to `reals`. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 65536);
	__type(key, struct service_key);
	__type(value, __u32);
} rips SEC(".maps");

/* The addresses of the director's host, which answers its own checks; port and protocol are 0. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 65536);
	__type(key, struct service_key);
	__type(value, __u32);
} own_addresses SEC(".maps");

struct port_range {
	__u16 first; /* host byte order, as the next */
	__u16 last;
};

/*
 * Addresses that the director gives to clients' connections, and the ports that it gives; port and protocol are 0. They
 * may be the host's own addresses: it keeps the other ports.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 65536);
	__type(key, struct service_key);
	__type(value, struct port_range);
} local_addresses SEC(".maps");

/* Who is spoken to from those: by RIP and protocol, port is 0. Their fragments have no ports to go by. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 65536);
	__type(key, struct service_key);
	__type(value, __u32);
} peers SEC(".maps");

/* By receive queue: the XSK that takes its packets. */
struct {
	__uint(type, BPF_MAP_TYPE_XSKMAP);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, __u32);
} xsks SEC(".maps");

/* One entry: the interface. */
struct nic {
	__u8 mac[ETH_ALEN]; /* its station address; all zero to take frames to any */
	__u8 pass_without_director; /* 0: packets for a service are dropped while no director is there */
	__u8 answers_echo; /* 0: echo requests to VIPs are the kernel's */
	__u32 queues; /* the director's sockets are on the queues below this one */
	__u32 translates; /* 0: there is nothing in `reals` and `local_addresses` */
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct nic);
} nic SEC(".maps");

#endif
