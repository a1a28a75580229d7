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
    local host port
    for host in switch "${HOSTS[@]}"; do
        # The state folder precedes the first namespace, and provider_destroy has removed ours: this one is foreign.
        ! provider_exists "$host" || die "namespace $(namespace "$host") exists and is not this lab's; use another --name"
    done
    create_switch
    for host in "${HOSTS[@]}"; do
        ip netns add "$(namespace "$host")"
    done
    for port in "${PORTS[@]}"; do
        # shellcheck disable=SC2086 # the fields are words
        plug_in $port
    done
}

# A bridge for each network: the first one's is br0.
create_switch() {
    local number
    ip netns add "$(namespace switch)"
    provider_run switch sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
    for number in "${!NETWORKS[@]}"; do
        # No querier lives here, so the bridge must not prune the multicast that neighbour discovery needs.
        provider_run switch ip link add "br$number" type bridge stp_state 0 forward_delay 0 mcast_snooping 0
        provider_run switch ip link set "br$number" up
    done
}

# plug_in HOST INTERFACE NETWORK IPV4 IPV6 MAC
plug_in() {
    local host=$1 interface=$2 mac=$6 queues=1 port bridge number
    port=$(switch_port "$host" "$interface")
    for number in "${!NETWORKS[@]}"; do
        [[ ${NETWORKS[$number]} != "$3" ]] || bridge=br$number
    done
    [[ ${ROLE[$host]} != director ]] || queues=$LAB_QUEUES
    ip link add "$interface" address "$mac" netns "$(namespace "$host")" \
        numtxqueues "$queues" numrxqueues "$queues" type veth \
        peer name "$port" netns "$(namespace switch)" numtxqueues "$queues" numrxqueues "$queues"
    # A real wire carries whole checksums and no super-frames: without this the director would forward packets whose
    # checksum the sender left to hardware that is not there.
    provider_run "$host" ethtool -K "$interface" tx off >/dev/null
    # GRO switches the port's NAPI on, without which a veth takes no frames that XDP sends; what GRO merges, the port's
    # disabled transmit offloads cut up again on the way out.
    provider_run switch ethtool -K "$port" tx off gro on >/dev/null
    provider_run switch ip link set "$port" master "$bridge" up
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
