# shellcheck shell=bash
# What every host has in common: addresses, routes and sysctls of its interfaces. Sourced by the scripts of the roles, which
# get the path of a host.env as their argument and use commands of the host they run on, nothing else.
set -euo pipefail
# shellcheck source=/dev/null
source "${1:?usage: $0 HOST_ENV}"

configure_network() {
    local interface ipv4 ipv6 port
    [[ $MACHINE == no ]] || name_interfaces
    ip link set lo up
    sysctl -qw net.ipv4.conf.all.rp_filter=1 net.ipv4.ip_forward=0 net.ipv6.conf.all.forwarding=0
    for port in "${PORTS[@]}"; do
        read -r interface ipv4 ipv6 _ <<<"$port"
        sysctl -qw \
            "net.ipv4.conf.$interface.rp_filter=1" \
            "net.ipv6.conf.$interface.accept_ra=0" \
            "net.ipv6.conf.$interface.accept_dad=0" \
            "net.ipv6.conf.$interface.dad_transmits=0"
        ip link set "$interface" up
        ip address replace "$ipv4" dev "$interface"
        ip -6 address replace "$ipv6" dev "$interface" nodad
    done
    configure_routes
}

# Which of a machine's interfaces is which: by its MAC. In two steps, since one may have the name that another is to get.
name_interfaces() {
    local interface mac port card
    for port in "${PORTS[@]}"; do
        read -r interface _ _ mac <<<"$port"
        for card in /sys/class/net/*; do
            [[ $(cat "$card/address") != "$mac" || ${card##*/} == "$interface" ]] || rename "${card##*/}" "lab-$interface"
        done
    done
    for port in "${PORTS[@]}"; do
        read -r interface _ _ mac <<<"$port"
        [[ ! -e /sys/class/net/lab-$interface ]] || rename "lab-$interface" "$interface"
        if [[ $(cat "/sys/class/net/$interface/address" 2>/dev/null) != "$mac" ]]; then
            echo "$HOST has no interface of the MAC address $mac" >&2
            exit 1
        fi
    done
}

rename() {
    ip link set "$1" down
    ip link set "$1" name "$2"
}

configure_routes() {
    local destination gateway route
    for route in "${ROUTES[@]}"; do
        read -r destination gateway <<<"$route"
        if [[ $gateway == *:* ]]; then
            ip -6 route replace "$destination" via "$gateway"
        else
            ip route replace "$destination" via "$gateway"
        fi
    done
}

# Puts the VIP on an interface. As a deprecated address IPv6 never chooses it as the source of the host's own traffic.
add_vip() {
    ip address replace "$VIP4/32" dev "$1"
    ip -6 address replace "$VIP6/128" dev "$1" nodad preferred_lft 0
}

# Local addresses of FULLNAT: the kernel answers ARP and neighbour discovery for them, and is not to choose them itself.
add_lips() {
    local lip interface address
    for lip in "${LIPS[@]}"; do
        read -r interface address <<<"$lip"
        if [[ $address == *:* ]]; then
            ip -6 address replace "$address/128" dev "$interface" nodad preferred_lft 0
        else
            ip address replace "$address/32" dev "$interface"
        fi
    done
}
