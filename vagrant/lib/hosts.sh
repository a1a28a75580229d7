# shellcheck shell=bash
# The life of a lab: built and provisioned, inspected, entered, removed. State lives in /run/sluice-lab/NAME:
#   fingerprint    written last by "up"; its absence marks a lab that was never finished
#   checkout       the checkout that built the lab
#   scenario       whose topology it has; empty for topology.conf
#   director.toml  what the topology means to the director
#   (LAB_DOWNLOAD, beside it, is a file that scenarios have all real servers offer; it may be larger than memory)
#   HOST/          host.env for the provisioning script; logs and pid files of what runs there

lab_up() {
    require_root
    provider_check
    run_locked build_lab
    if [[ $LOCKED_RESULT != 0 ]]; then
        run_locked remove_lab
        die "$LAB_NAME could not be built; what there was of it is removed again"
    fi
}

lab_down() {
    require_root
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
    echo "$LAB_SCENARIO" >"$LAB_STATE/scenario"
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
        sha256sum | sed "s/ .*/ scenario $LAB_SCENARIO queues $LAB_QUEUES/"
}

lab_is_healthy() {
    local host pid_file
    provider_is_up || return 1
    for host in "${REAL_SERVERS[@]}"; do
        [[ -s $LAB_STATE/$host/nginx.pid && -s $LAB_STATE/$host/udp-echo.pid ]] || return 1
        for pid_file in "$LAB_STATE/$host"/*.pid; do
            ! process_is_gone "$(cat "$pid_file")" || return 1
        done
    done
}

# Writes down who the host is, and lets the script of its role do the rest with commands of that host alone.
provision() {
    local host=$1 state=$LAB_STATE/$1 ports='' routes='' lips='' interface ipv4 ipv6 route
    mkdir -p "$state"
    while read -r interface _ ipv4 ipv6 _; do
        ports+=" '$interface $ipv4/$LENGTH4 $ipv6/$LENGTH6'"
    done < <(ports_of "$host")
    for route in "${ROUTES[@]}"; do
        [[ $route != "$host "* ]] || routes+=" '${route#* }'"
    done
    [[ ${ROLE[$host]} != director || ${#LIPS[@]} == 0 ]] || lips=$(printf " '%s'" "${LIPS[@]}")
    cat >"$state/host.env" <<ENV
HOST=$host
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
STATE=$state
DOWNLOAD=$LAB_DOWNLOAD
ENV
    provider_run "$host" "$LAB_DIR/provision/${ROLE[$host]}.sh" "$state/host.env"
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
    local host processes pid result=0
    printf '%-10s %-12s %-14s %-16s %s\n' HOST ROLE IPV4 IPV6 RUNS
    for host in "${HOSTS[@]}"; do
        processes=''
        for pid in $(provider_processes "$host"); do
            processes+="$(cat "/proc/$pid/comm" 2>/dev/null)($pid) "
        done
        printf '%-10s %-12s %-14s %-16s %s\n' \
            "$host" "${ROLE[$host]}" "${IPV4[$host]}" "${IPV6[$host]}" "${processes:--}"
    done
    if director_is_running; then
        echo "director: running, log $LAB_STATE/$DIRECTOR/sluice.log"
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
    require_root
    local host=$1
    shift
    [[ $host == switch || -n ${ROLE[$host]:-} ]] || die "there is no host $host; there are: ${HOSTS[*]} switch"
    provider_exists "$host" || die "$LAB_NAME is not up; run: vagrant/lab --name $LAB_NAME up"
    export SLUICE_SOCKET=$LAB_STATE/sluice.sock
    provider_enter "$host" "$@"
}
