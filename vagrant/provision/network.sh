# shellcheck shell=bash
# What every host has in common: addresses and sysctls of its interface. Sourced by the scripts of the roles, which get
# the path of a host.env as their argument and use commands of the host they run on, nothing else.
set -euo pipefail
# shellcheck source=/dev/null
source "${1:?usage: $0 HOST_ENV}"

configure_network() {
    ip link set lo up
    sysctl -qw \
        net.ipv4.conf.all.rp_filter=1 \
        "net.ipv4.conf.$INTERFACE.rp_filter=1" \
        net.ipv4.ip_forward=0 \
        net.ipv6.conf.all.forwarding=0 \
        "net.ipv6.conf.$INTERFACE.accept_ra=0" \
        "net.ipv6.conf.$INTERFACE.accept_dad=0" \
        "net.ipv6.conf.$INTERFACE.dad_transmits=0"
    ip link set "$INTERFACE" up
    ip address replace "$IPV4" dev "$INTERFACE"
    ip -6 address replace "$IPV6" dev "$INTERFACE" nodad
}

# Puts the VIP on an interface. As a deprecated address IPv6 never chooses it as the source of the host's own traffic.
add_vip() {
    ip address replace "$VIP4/32" dev "$1"
    ip -6 address replace "$VIP6/128" dev "$1" nodad preferred_lft 0
}
