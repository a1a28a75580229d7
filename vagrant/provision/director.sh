#!/usr/bin/env bash
# The director owns the VIP: its kernel answers ARP, neighbour discovery and ping for it. It forwards nothing by kernel.
# shellcheck source-path=SCRIPTDIR source=network.sh
source "$(dirname "$0")/network.sh" "$1"

configure_network
add_vip "$INTERFACE"
add_lips
# libxdp keeps what it knows of its dispatchers there.
mountpoint -q /sys/fs/bpf || mount -t bpf bpf /sys/fs/bpf
