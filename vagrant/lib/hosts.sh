# shellcheck shell=bash
# The life of a lab: built and provisioned, inspected, entered, removed. State lives in /run/sluice-lab/NAME:
#   fingerprint    written last by "up"; its absence marks a lab that was never finished
#   checkout       the checkout that built the lab
#   provider       who made its hosts
#   scenario       whose topology it has; empty for topology.conf
#   without        hosts of the topology that are left out
#   director.toml  what the topology means to the director
#   (LAB_DOWNLOAD, beside it, is a file that scenarios have all real servers offer; it may be larger than memory)
#   HOST/          host.env for the provisioning script; logs and pid files of what runs there

lab_up() {
    provider_requires_root
    provider_check
    run_locked build_lab
    if [[ $LOCKED_RESULT != 0 ]]; then
        run_locked remove_lab
        die "$LAB_NAME could not be built; what there was of it is removed again"
    fi
}

# As lab_up, but one that is interrupted leaves nothing: for who has no clean-up of its own.
lab_up_or_nothing() {
    trap 'lab_up_cut' INT TERM HUP
    lab_up
    trap - INT TERM HUP
}

lab_up_cut() {
    # Nor by who read its messages and has gone.
    trap '' INT TERM HUP PIPE
    say "interrupted; what there is of $LAB_NAME is removed"
    lab_down
    exit 130
}

lab_down() {
    provider_requires_root
    run_locked remove_lab
    [[ $LOCKED_RESULT == 0 ]] || die "$LAB_NAME could not be removed completely; run down again"
    say "$LAB_NAME is down"
}

build_lab() {
    local fingerprint host
    fingerprint=$(lab_fingerprint)
    if [[ $(cat "$LAB_STATE/fingerprint" 2>/dev/null) == "$fingerprint" ]] && lab_is_healthy; then
        say "$LAB_NAME is up already"
        return
    fi
    remove_lab
    mkdir -p "$LAB_STATE"
    echo "$BASE_DIR" >"$LAB_STATE/checkout"
    echo "$LAB_PROVIDER" >"$LAB_STATE/provider"
    echo "$LAB_SCENARIO" >"$LAB_STATE/scenario"
    echo "$LAB_WITHOUT" >"$LAB_STATE/without"
    provider_create
    for host in "${HOSTS[@]}"; do
        provision "$host"
    done
    write_director_config
    echo "$fingerprint" >"$LAB_STATE/fingerprint"
    say "$LAB_NAME is up: ${HOSTS[*]}; VIP $VIP4 and $VIP6"
}

remove_lab() {
    # Without a state folder nothing is ours, whatever the namespaces are called.
    [[ -d $LAB_STATE ]] || return 0
    rm -f "$LAB_STATE/fingerprint"
    provider_destroy
    rm -f "$LAB_DOWNLOAD"
    # Once more when the director, ending, has just written its exit code into it.
    wait_until 2 rm -rf "$LAB_STATE"
}

# A lab is rebuilt when what it was built from has changed.
lab_fingerprint() {
    cat "$LAB_DIR/topology.conf" "$LAB_DIR"/scenarios/*.conf "$LAB_DIR"/lib/provider-*.sh "$LAB_DIR"/provision/* |
        sha256sum | sed "s/ .*/ scenario $LAB_SCENARIO queues $LAB_QUEUES without $LAB_WITHOUT/"
}

lab_is_healthy() {
    local host
    provider_is_up || return 1
    for host in "${REAL_SERVERS[@]}"; do
        provider_serves "$host" || return 1
    done
}

# Writes down who the host is, and lets the script of its role do the rest with commands of that host alone.
provision() {
    local state=$LAB_STATE/$1
    mkdir -p "$state"
    host_env "$1" >"$state/host.env"
    provider_provision "$1" "$state/host.env"
}

# What a host has to know of itself, as its script reads it.
host_env() {
    local host=$1 ports='' routes='' lips='' interface ipv4 ipv6 mac route
    while read -r interface _ ipv4 ipv6 mac; do
        ports+=" '$interface $ipv4/$LENGTH4 $ipv6/$LENGTH6 $mac'"
    done < <(ports_of "$host")
    for route in "${ROUTES[@]}"; do
        [[ $route != "$host "* ]] || routes+=" '${route#* }'"
    done
    [[ ${ROLE[$host]} != director || ${#LIPS[@]} == 0 ]] || lips=$(printf " '%s'" "${LIPS[@]}")
    cat <<ENV
HOST=$host
ROLE=${ROLE[$host]}
MACHINE=$LAB_MACHINES
INTERFACE=eth1
IPV4=${IPV4[$host]}/$LENGTH4
IPV6=${IPV6[$host]}/$LENGTH6
PORTS=($ports )
ROUTES=($routes )
METHOD=$METHOD
VIP4=$VIP4
VIP6=$VIP6
LIPS=($lips )
TCP_PORTS="$(real_ports tcp | xargs)"
UDP_PORTS="$(real_ports udp | xargs)"
PROXY_PORTS="$(real_ports tcp proxy | xargs)"
TOA_PORTS="$(real_ports tcp toa | xargs)"
STATE=$HOST_STATE/$host
DOWNLOAD=$HOST_DOWNLOAD
ENV
}

# The options that name this lab, before it is up.
this_lab() {
    [[ $LAB_PROVIDER == netns ]] || printf -- '--provider %s ' "$LAB_PROVIDER"
    echo "--name $LAB_NAME"
}

lab_status() {
    if [[ ! -f $LAB_STATE/fingerprint ]]; then
        if [[ -d $LAB_STATE ]]; then
            echo "$LAB_NAME: half built; run up or down"
        else
            echo "$LAB_NAME: down"
        fi
        return 1
    fi
    local host processes result=0
    printf '%-10s %-16s %-14s %-16s %s\n' HOST ROLE IPV4 IPV6 RUNS
    for host in "${HOSTS[@]}"; do
        processes=$(provider_what_runs "$host") || processes='not reachable'
        printf '%-10s %-16s %-14s %-16s %s\n' \
            "$host" "${ROLE[$host]}" "${IPV4[$host]}" "${IPV6[$host]}" "${processes:--}"
    done
    if director_is_running; then
        echo "director: running, $(director_log)"
    else
        echo "director: not running"
    fi
    lab_is_healthy || {
        echo "$LAB_NAME: damaged; run up"
        result=1
    }
    return "$result"
}

lab_exec() {
    (($# >= 2)) || die "exec needs a host and a command, for example: vagrant/lab exec $CLIENT ping -c 1 $VIP4"
    provider_requires_root
    local host=$1
    shift
    [[ $host == switch || -n ${ROLE[$host]:-} ]] || die "there is no host $host; there are: ${HOSTS[*]} switch"
    provider_exists "$host" || die "$LAB_NAME is not up; run: vagrant/lab $(this_lab) up"
    export SLUICE_SOCKET=$HOST_SOCKET
    provider_enter "$host" "$@"
}
