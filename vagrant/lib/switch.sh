# shellcheck shell=bash
# The switch of providers whose networks are on this machine: a namespace with a bridge for each network, and a port for each
# interface of a host. It ends with all that runs in the lab's namespaces.

namespace() {
    echo "$LAB_NAME-$1"
}

# A bridge for each network: the first one's is br0.
create_switch() {
    local number
    ip netns add "$(namespace switch)"
    in_switch sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
    for number in "${!NETWORKS[@]}"; do
        # No querier lives here, so the bridge must not prune the multicast that neighbour discovery needs.
        in_switch ip link add "br$number" type bridge stp_state 0 forward_delay 0 mcast_snooping 0
        in_switch ip link set "br$number" up
    done
}

bridge_of() {
    local number
    for number in "${!NETWORKS[@]}"; do
        [[ ${NETWORKS[$number]} != "$1" ]] || echo "br$number"
    done
}

in_switch() {
    nsenter --net="/run/netns/$(namespace switch)" -- "$@"
}

# Lines "PORT BYTES_SENT BYTES_RECEIVED" by the counters of the switch's ports, whatever XDP does behind them.
switch_counters() {
    in_switch ip -s -j link show |
        jq -r '.[] | select(.master) | "\(.ifname) \(.stats64.rx.bytes) \(.stats64.tx.bytes)"'
}

provider_cable() {
    in_switch ip link set "$1" "$2"
}

end_lab_processes() {
    local pids
    pids=$(lab_processes)
    [[ -n $pids ]] || return 0
    # shellcheck disable=SC2086 # a list of numbers
    kill -TERM $pids 2>/dev/null || true
    if ! wait_until 5 no_lab_processes; then
        pids=$(lab_processes)
        # shellcheck disable=SC2086
        [[ -z $pids ]] || kill -KILL $pids 2>/dev/null || true
        wait_until 5 no_lab_processes || say "processes that cannot be killed: $(lab_processes)"
    fi
}

# The process ids of a namespace, one a line. A zombie has no namespaces any more and is not among them.
provider_processes() {
    [[ ! -e /run/netns/$(namespace "$1") ]] || ip netns pids "$(namespace "$1")" 2>/dev/null
}

# The processes of all hosts, on one line, and those on record whose namespace has lost its name: what is on record counts
# while it has a file of the lab's state open, ids being used again.
lab_processes() {
    local host file pid
    {
        for host in switch "${HOSTS[@]}"; do
            provider_processes "$host"
        done
        for file in "$LAB_STATE"/*/*.pid; do
            pid=$(cat "$file" 2>/dev/null) || continue
            [[ -z $(find "/proc/$pid/fd" -lname "$LAB_STATE/*" -print -quit 2>/dev/null) ]] || echo "$pid"
        done
    } | sort -u | xargs
}

no_lab_processes() {
    [[ -z $(lab_processes) ]]
}
