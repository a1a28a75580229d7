# shellcheck shell=bash
# The provider "netns": a host is a network namespace of this machine, the switch is a bridge in one more. Interfaces are
# born inside their namespaces, so the machine's own network sees nothing of the lab.
#
# A provider offers:
#   provider_requires_root           ends with one line where root is needed and we are not
#   provider_leaves_out              hosts that are left out when nobody says which
#   provider_set_up                  installs what it needs
#   provider_check                   ends with one line when something is missing
#   provider_create                  hosts, plugged into their networks
#   provider_destroy                 all of it; nothing is an error
#   provider_is_up
#   provider_exists HOST
#   provider_provision HOST ENV      runs the script of the host's role there, with that host.env
#   provider_serves HOST             whether a real server's servers run
#   provider_what_runs HOST          for people
#   provider_run HOST CMD...         in the foreground
#   provider_enter HOST CMD...       replaces the shell
#   provider_put FILE HOST PATH      a file of this machine's, for a host to read
#   provider_cable HOST up|down      as if it were pulled at the switch
#   switch_counters                  lines "PORT BYTES_SENT BYTES_RECEIVED", as seen by the hosts
#   director_*, sluice_command       lib/director.sh or lib/director-unit.sh
# and says, in variables,
#   HOST_LAB_DIR HOST_SLUICE HOST_STATE HOST_SOCKET HOST_DOWNLOAD    where hosts have what is ours
#   LAB_MACHINES                     whether hosts have kernels of their own: tunnel devices, IPVS

# shellcheck source=switch.sh
source "$LAB_DIR/lib/switch.sh"

LAB_MACHINES=no
HOST_LAB_DIR=$LAB_DIR
HOST_SLUICE=$SLUICE
HOST_STATE=$LAB_STATE
HOST_SOCKET=$LAB_STATE/sluice.sock
HOST_DOWNLOAD=$LAB_DOWNLOAD

provider_requires_root() {
    require_root
}

provider_leaves_out() {
    :
}

provider_set_up() {
    lab_setup
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

# plug_in HOST INTERFACE NETWORK IPV4 IPV6 MAC
plug_in() {
    local host=$1 interface=$2 mac=$6 queues=1 port
    port=$(switch_port "$host" "$interface")
    [[ ${ROLE[$host]} != director* ]] || queues=$LAB_QUEUES
    ip link add "$interface" address "$mac" netns "$(namespace "$host")" \
        numtxqueues "$queues" numrxqueues "$queues" type veth \
        peer name "$port" netns "$(namespace switch)" numtxqueues "$queues" numrxqueues "$queues"
    # A real wire carries whole checksums and no super-frames: without this the director would forward packets whose
    # checksum the sender left to hardware that is not there.
    provider_run "$host" ethtool -K "$interface" tx off >/dev/null
    # GRO switches the port's NAPI on, without which a veth takes no frames that XDP sends; what GRO merges, the port's
    # disabled transmit offloads cut up again on the way out.
    provider_run switch ethtool -K "$port" tx off gro on >/dev/null
    provider_run switch ip link set "$port" master "$(bridge_of "$3")" up
}

provider_provision() {
    provider_run "$1" "$LAB_DIR/provision/${ROLE[$1]}.sh" "$2"
}

provider_serves() {
    local pid_file
    [[ -s $LAB_STATE/$1/nginx.pid && -s $LAB_STATE/$1/udp-echo.pid ]] || return 1
    for pid_file in "$LAB_STATE/$1"/*.pid; do
        ! process_is_gone "$(cat "$pid_file")" || return 1
    done
}

provider_what_runs() {
    local pid
    for pid in $(provider_processes "$1"); do
        printf '%s(%s) ' "$(cat "/proc/$pid/comm" 2>/dev/null)" "$pid"
    done
}

# One file system: hosts see what this machine sees.
provider_put() {
    [[ $1 == "$3" ]] || cp "$1" "$3"
}

# Ends every process of the lab's namespaces, then removes them. Namespaces are found by the lab's own names only.
provider_destroy() {
    local host
    end_lab_processes
    for host in "${HOSTS[@]}" switch; do
        ! provider_exists "$host" || ip netns del "$(namespace "$host")"
    done
}
