# shellcheck shell=bash
# What only machines of their own can show: IPVS on the director's machine as the reference, the kernel's tunnel devices, a unit of
# systemd, a cable that is pulled. Parts of a scenario; "test" and "bench".

# REFERENCE[vip], ANSWERED[vip]: who answered, by IPVS and by Sluice, one name a line.
declare -A REFERENCE=() ANSWERED=()

# Before Sluice takes the VIP's packets.
reference_ipvs() {
    local rules vip
    [[ $METHOD != fullnat ]] || return 0
    heading "The reference: IPVS of the kernel on the director's machine, by the same rules"
    rules=$(scenario_rules | sed 's/-s maglev$/-s mh -b mh-port/')
    [[ $METHOD != nat ]] || provider_run "$DIRECTOR" sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
    expect "$(provider_run "$DIRECTOR" uname -r): ipvsadm -R" provider_run "$DIRECTOR" ipvsadm -R <<<"$rules"
    expect "its table: ipvsadm -Ln" shows_ipvs
    for vip in "$VIP4" "$VIP6"; do
        REFERENCE[$vip]=$(http_requests "$SCENARIO_REQUESTS" "$(in_url "$vip")" 80)
        expect "$SCENARIO_REQUESTS requests to http://$(in_url "$vip")/ are answered" \
            test "$(grep -c . <<<"${REFERENCE[$vip]}")" == "$SCENARIO_REQUESTS"
    done
    provider_run "$DIRECTOR" ipvsadm -C
    provider_run "$DIRECTOR" sysctl -qw net.ipv4.ip_forward=0 net.ipv6.conf.all.forwarding=0
}

shows_ipvs() {
    provider_run "$DIRECTOR" ipvsadm -Ln
}

show_tunnels() {
    local host
    heading "Real servers take the outer headers off by their kernels' devices, which have the VIP"
    for host in "${REAL_SERVERS[@]}"; do
        expect "$host" shows_tunnels "$host"
    done
}

shows_tunnels() {
    provider_run "$1" bash -c '
        ip -o address show dev tunl0 && ip -o address show dev ip6tnl0 scope global && sysctl net.ipv4.conf.tunl0.rp_filter' |
        sed -E "s/^[0-9]+: +([a-z0-9]+) +/  \\1  /; s/ *\\\\ *.*//; s/^net/  net/"
}

check_machines() {
    check_unit
    check_driver
    check_against_reference
    [[ $METHOD != tun ]] || check_tunnels
    check_lost_real_server
    check_restart
}

check_unit() {
    heading "The director is a unit of systemd: $(provider_run "$DIRECTOR" dpkg-query -W sluice-director | xargs)"
    expect "systemctl enable --now $DIRECTOR_UNIT" provider_run "$DIRECTOR" systemctl enable -q --now "$DIRECTOR_UNIT"
    expect "it is ready by its own word (Type=notify), with a watchdog, and none of root's" shows_unit
    expect "exposure of at most $MAX_EXPOSURE: systemd-analyze security $DIRECTOR_UNIT" shows_security
}

shows_unit() {
    provider_run "$DIRECTOR" systemctl status --no-pager -n 0 "$DIRECTOR_UNIT" | sed 's/^/  /'
    [[ $(unit_property Type) == notify && $(unit_property User) == sluice && $(unit_property WatchdogUSec) != 0 &&
        $(unit_property NRestarts) == 0 ]]
}

shows_security() {
    local exposure
    exposure=$(provider_run "$DIRECTOR" systemd-analyze security --no-pager "$DIRECTOR_UNIT" | tail -n 1)
    echo "  ${exposure#* }"
    awk -v exposure="$(grep -o '[0-9][0-9]*\.[0-9]' <<<"$exposure")" -v most="$MAX_EXPOSURE" 'BEGIN { exit !(exposure <= most) }'
}

check_driver() {
    heading "The director's card"
    expect "virtio-net, with XDP by its driver (native)" shows_driver
}

shows_driver() {
    local link
    link=$(provider_run "$DIRECTOR" ip link show dev eth1)
    sed 's/^/  /' <<<"$link"
    [[ $(provider_run "$DIRECTOR" ethtool -i eth1) == "driver: virtio_net"* && $link == *'prog/xdp id '* && $link != *xdpgeneric* ]]
}

check_against_reference() {
    local vip host
    [[ $METHOD != fullnat ]] || return 0
    heading "Sluice beside IPVS: who answered $SCENARIO_REQUESTS requests"
    for vip in "$VIP4" "$VIP6"; do
        printf '  %-12s %8s %8s %8s    http://%s/\n' 'real server' weight Sluice IPVS "$(in_url "$vip")"
        for host in "${REAL_SERVERS[@]}"; do
            printf '  %-12s %8d %8d %8d\n' "$host" "${WEIGHT[$host]}" \
                "$(count_of "$host" "${ANSWERED[$vip]}")" "$(count_of "$host" "${REFERENCE[$vip]}")"
        done
        expect "both chose the same real server for each of them" test "${ANSWERED[$vip]}" == "${REFERENCE[$vip]}"
    done
}

check_tunnels() {
    local host
    heading "What came out of the tunnels"
    for host in "${REAL_SERVERS[@]}"; do
        expect "$host: by IPv4 and by IPv6" shows_tunnelled "$host"
    done
}

shows_tunnelled() {
    local device packets
    for device in tunl0 ip6tnl0; do
        packets=$(provider_run "$1" cat "/sys/class/net/$device/statistics/rx_packets")
        printf '  %-8s %6d packets\n' "$device" "$packets"
        ((packets > 0)) || return 1
    done
}

# Checks come with a reload of the unit; the cable of a real server is pulled, and plugged in again.
check_lost_real_server() {
    local vip victim=${REAL_SERVERS[0]} others=("${REAL_SERVERS[@]:1}")
    heading "A real server is lost, and comes back"
    with_checks "$LAB_STATE/director.toml" >"$LAB_STATE/checked.toml"
    provider_put "$LAB_STATE/checked.toml" "$DIRECTOR" "$HOST_CONFIG"
    expect "a check of every real server comes with a reload: systemctl reload $DIRECTOR_UNIT" \
        provider_run "$DIRECTOR" systemctl reload "$DIRECTOR_UNIT"
    expect "all of them are up" wait_until 12 are_in_state up "${REAL_SERVERS[@]}"
    provider_cable "$victim" down
    expect "$victim's cable is pulled, and it is out of service" wait_until 12 are_in_state down "$victim"
    for vip in "$VIP4" "$VIP6"; do
        expect "all is answered by the others ($(endpoint "$vip" 80))" wait_until 6 answer_by_weight "$vip" 80 "${others[@]}"
    done
    provider_cable "$victim" up
    expect "plugged in again, it is back in service" wait_until 12 are_in_state up "$victim"
    for vip in "$VIP4" "$VIP6"; do
        expect "it has its share ($(endpoint "$vip" 80))" wait_until 6 answer_by_weight "$vip" 80 "${REAL_SERVERS[@]}"
    done
}

# are_in_state up|down HOST...
are_in_state() {
    local state=$1 host
    shift
    for host in "$@"; do
        is_in_state "$host" "$state" || return 1
    done
}

# A client that asks twice by one connection, the second time when it is told to.
# shellcheck disable=SC2016 # expanded by the client's shell
TWICE='
    exec 3<>"/dev/tcp/$0/80"
    ask() {
        printf "GET / HTTP/1.1\\r\\nHost: vip\\r\\n\\r\\n" >&3
        while read -r line <&3; do
            [[ $line != [a-z]* ]] || { echo "$line" && return; }
        done
        echo closed
    }
    ask && read -r && ask'

restart_director() {
    provider_run "$DIRECTOR" systemctl restart "$DIRECTOR_UNIT" && return
    provider_run "$DIRECTOR" journalctl --unit "$DIRECTOR_UNIT" --lines 40 --no-pager
    return 1
}

check_restart() {
    local before='' after='' answers asks pid
    heading "The director is restarted under an open connection: systemctl restart $DIRECTOR_UNIT"
    coproc HELD { provider_run "$CLIENT" env LC_ALL=C bash -c "$TWICE" "$VIP4"; }
    pid=$HELD_PID
    # Of their own: bash takes those of a process that has ended away.
    exec {answers}<&"${HELD[0]}" {asks}>&"${HELD[1]}"
    read -r -t 120 before <&"$answers" || true
    expect "a client is connected to ${before:-nobody}" test -n "$before"
    expect "the director starts anew" restart_director
    echo "once more" >&"$asks" || true
    read -r -t 120 after <&"$answers" || true
    expect "the same connection is answered by the same real server" test "${after:-nobody}" == "$before"
    exec {answers}<&- {asks}>&-
    kill "$pid" 2>/dev/null || true
    wait "$pid" || true
    expect "new requests are answered by weight" \
        wait_until 6 answer_by_weight "$VIP4" 80 "${REAL_SERVERS[@]}"
}

# machines_test SCENARIO SIZE: all of it, one scenario after the other, each in labs of its own.
machines_test() {
    local scenario failed=()
    for scenario in ${1:-dr tun}; do
        printf '\n%s==== %s%s\n' "$BOLD" "$scenario" "$PLAIN"
        "$LAB_DIR/lab" --provider "$LAB_PROVIDER" --accel "${LAB_ACCEL:-tcg}" --name "$LAB_NAME-$scenario" \
            --size "$2" scenario "$scenario" || failed+=("$scenario")
    done
    echo
    ((${#failed[@]} == 0)) || die "failed after $SECONDS s: ${failed[*]}"
    say "all of ${1:-dr tun} as expected after $SECONDS s"
}

# machines_bench ARG...: `bench/run forward` on the director's machine, in namespaces of its own there, so that IPVS is the same
# kernel's as what the director runs on. The machine gets the harness and a JDK, at the paths that they have here.
machines_bench() {
    local jars
    provider_is_up || die "$LAB_NAME is not up; run: vagrant/lab $(this_lab) up"
    ! director_is_running || die "the director is running, and takes the processors: vagrant/lab --name $LAB_NAME stop-director"
    find_jdk || die "$JDK_HINT"
    [[ -f $BASE_DIR/target/bench.classpath ]] || die "the harness is not built; run: bench/run setup lab"
    IFS=: read -ra jars <<<"$(cat "$BASE_DIR/target/bench.classpath")"
    say "copying the harness to $DIRECTOR"
    tar -cf - --ignore-failed-read -C / --exclude "${JDK#/}/lib/src.zip" --exclude "${JDK#/}/lib/ct.sym" --exclude "${JDK#/}/jmods" \
        "${JDK#/}" "${jars[@]#/}" \
        "${BASE_DIR#/}"/{bench/run,vagrant/lib,target/bench.classpath,target/classes,target/test-classes,target/sluice} \
        2>/dev/null | machine_ssh "$DIRECTOR" "$(machine_root) tar -C / -xf -"
    provider_run "$DIRECTOR" modprobe -a ip_vs ip_vs_rr veth
    (($#)) || set -- --subjects sluice-dr,ipvs-dr,sluice-tun,ipvs-tun --search none --rounds 3
    provider_run "$DIRECTOR" env JAVA_HOME="$JDK" "$BASE_DIR/bench/run" forward "$@"
}
