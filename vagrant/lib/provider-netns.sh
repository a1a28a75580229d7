# shellcheck shell=bash
# The provider "netns": a host is a network namespace of this machine, the switch is a bridge in one more. Interfaces are
# born inside their namespaces, so the machine's own network sees nothing of the lab.
#
# A provider offers: provider_check, provider_create, provider_destroy, provider_is_up, provider_exists HOST,
# provider_processes HOST, provider_run HOST CMD... (in the foreground) and provider_enter HOST CMD... (which replaces
# the shell).

namespace() {
    echo "$LAB_NAME-$1"
}

provider_check() {
    local tool
    for tool in ip ethtool nsenter nginx python3 sysctl; do
        command -v "$tool" >/dev/null || die "$tool is missing; run: vagrant/lab setup"
    done
}

provider_exists() {
    [[ -e /run/netns/$(namespace "$1") ]]
}

# Not `ip netns exec`: that mounts a fresh /sys and so hides /sys/fs/bpf.
provider_run() {
    local host=$1
    shift
    nsenter --net="/run/netns/$(namespace "$host")" -- "$@"
}

provider_enter() {
    local host=$1
    shift
    exec nsenter --net="/run/netns/$(namespace "$host")" -- "$@"
}

provider_is_up() {
    local host
    for host in switch "${HOSTS[@]}"; do
        provider_exists "$host" && provider_run "$host" true 2>/dev/null || return 1
    done
}

provider_create() {
    local host
    for host in switch "${HOSTS[@]}"; do
        # The state folder precedes the first namespace, and provider_destroy has removed ours: this one is foreign.
        ! provider_exists "$host" || die "namespace $(namespace "$host") exists and is not this lab's; use another --name"
    done
    create_switch
    for host in "${HOSTS[@]}"; do
        plug_in "$host"
    done
}

create_switch() {
    ip netns add "$(namespace switch)"
    provider_run switch sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
    # No querier lives here, so the bridge must not prune the multicast that neighbour discovery needs.
    provider_run switch ip link add br0 type bridge stp_state 0 forward_delay 0 mcast_snooping 0
    provider_run switch ip link set br0 up
}

plug_in() {
    local host=$1 queues=1
    [[ ${ROLE[$host]} != director ]] || queues=$LAB_QUEUES
    ip netns add "$(namespace "$host")"
    ip link add eth1 address "${MAC[$host]}" netns "$(namespace "$host")" \
        numtxqueues "$queues" numrxqueues "$queues" type veth \
        peer name "$host" netns "$(namespace switch)" numtxqueues "$queues" numrxqueues "$queues"
    # A real wire carries whole checksums and no super-frames: without this the director would forward packets whose
    # checksum the sender left to hardware that is not there.
    provider_run "$host" ethtool -K eth1 tx off >/dev/null
    # GRO switches the port's NAPI on, without which a veth takes no frames that XDP sends; what GRO merges, the port's
    # disabled transmit offloads cut up again on the way out.
    provider_run switch ethtool -K "$host" tx off gro on >/dev/null
    provider_run switch ip link set "$host" master br0 up
}

# Ends every process of the lab's namespaces, then removes them. Namespaces are found by the lab's own names only.
provider_destroy() {
    local host pids
    pids=$(lab_processes)
    if [[ -n $pids ]]; then
        # shellcheck disable=SC2086 # a list of numbers
        kill -TERM $pids 2>/dev/null || true
        if ! wait_until 5 no_lab_processes; then
            pids=$(lab_processes)
            # shellcheck disable=SC2086
            [[ -z $pids ]] || kill -KILL $pids 2>/dev/null || true
            wait_until 5 no_lab_processes || say "processes that cannot be killed: $(lab_processes)"
        fi
    fi
    for host in "${HOSTS[@]}" switch; do
        ! provider_exists "$host" || ip netns del "$(namespace "$host")"
    done
}

# The process ids of a host, one a line. A zombie has no namespaces any more and is not among them.
provider_processes() {
    ! provider_exists "$1" || ip netns pids "$(namespace "$1")" 2>/dev/null
}

# The processes of all hosts, on one line.
lab_processes() {
    local host
    for host in switch "${HOSTS[@]}"; do
        provider_processes "$host"
    done | xargs
}

no_lab_processes() {
    [[ -z $(lab_processes) ]]
}
