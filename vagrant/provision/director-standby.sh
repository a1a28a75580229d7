#!/usr/bin/env bash
# A second director: all that the first one has, but for the VIP.
# shellcheck source-path=SCRIPTDIR source=network.sh
source "$(dirname "$0")/network.sh" "$1"

configure_network
mountpoint -q /sys/fs/bpf || mount -t bpf bpf /sys/fs/bpf
