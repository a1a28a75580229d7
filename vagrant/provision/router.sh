#!/usr/bin/env bash
# A router between its networks, by its kernel alone: it knows nothing of VIPs.
# shellcheck source-path=SCRIPTDIR source=network.sh
source "$(dirname "$0")/network.sh" "$1"

configure_network
# Loose: what comes by one way may be answered by another.
sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 net.ipv4.conf.all.rp_filter=2
