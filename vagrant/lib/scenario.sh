# shellcheck shell=bash
# Scenarios: the topologies of LVS, each declared in scenarios/NAME.conf, built, shown and checked from its beginning. What is
# done is the same for all of them as far as the method allows; lib/checks.sh has the parts.

# choose_scenario COMMAND SCENARIO: reads the topology that the command is about: the scenario's, or that of the lab that is
# up, or topology.conf.
choose_scenario() {
    local command=$1 built
    LAB_SCENARIO=$2
    if [[ $LAB_MACHINES == yes && -z $LAB_SCENARIO && $command != scenario ]]; then
        LAB_SCENARIO=dr
    fi
    if built=$(cat "$LAB_STATE/scenario" 2>/dev/null); then
        if [[ $command == up || $command == demo || $command == scenario ]]; then
            [[ $built == "$LAB_SCENARIO" ]] ||
                die "$LAB_NAME is up with the topology of ${built:-topology.conf}; run: vagrant/lab --name $LAB_NAME down"
        fi
        LAB_SCENARIO=$built
    fi
    [[ -z $LAB_SCENARIO || -f $LAB_DIR/scenarios/$LAB_SCENARIO.conf ]] ||
        die "there is no scenario $LAB_SCENARIO; there are: $(scenario_names | xargs)"
    read_topology "$LAB_DIR/${LAB_SCENARIO:+scenarios/}${LAB_SCENARIO:-topology}.conf"
    choose_hosts
}

# Those of the topology, without those that are not wanted.
choose_hosts() {
    local host built
    if built=$(cat "$LAB_STATE/without" 2>/dev/null); then
        LAB_WITHOUT=$built
    else
        LAB_WITHOUT=${LAB_WITHOUT:-$(provider_leaves_out)}
    fi
    for host in $LAB_WITHOUT; do
        [[ $host == none ]] || leave_out "$host"
    done
}

scenario_names() {
    local file
    for file in "$LAB_DIR"/scenarios/*.conf; do
        basename "$file" .conf
    done
}

# lab_scenario SIZE KEEP
lab_scenario() {
    local size=$1 keep=$2
    if [[ -z $LAB_SCENARIO ]]; then
        list_scenarios
        return
    fi
    provider_requires_root
    trap 'scenario_clean_up '"$keep" EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
    provider_set_up
    lab_up
    offer_download "$size"

    printf '\n%s\n\n' "$(scenario_summary "$LAB_DIR/scenarios/$LAB_SCENARIO.conf")"
    draw_topology
    show_gateways
    if [[ $LAB_MACHINES == yes ]]; then
        [[ $METHOD != tun ]] || show_tunnels
        reference_ipvs
    fi
    show_rules
    [[ $METHOD != tun || $LAB_MACHINES == yes ]] || set_up_tunnels
    check_http
    check_wire
    check_download "$size"
    check_udp
    if translates; then
        check_icmp_errors
        check_path_mtu
        ! has_service tcp 21 || check_ftp
        case $METHOD in
            nat)
                check_who_can_ask
                check_hairpin
                ;;
            fullnat) check_fullnat ;;
        esac
        check_counters
    fi
    heading "Every packet's fate: sluice stats --balance"
    expect "the sums of all packets come out exactly" sluice_command stats --balance
    [[ $LAB_MACHINES == no ]] || check_machines
    if [[ $keep == yes ]]; then
        show_verdict "it stays up: vagrant/lab --name $LAB_NAME exec $CLIENT curl http://$VIP4/"
        return
    fi
    director_stop --release
    show_verdict "look around yourself: vagrant/lab --provider $LAB_PROVIDER scenario $LAB_SCENARIO --keep"
}

# offer_download SIZE: a file that all real servers have.
offer_download() {
    local host
    head -c "$1" /dev/urandom >"$LAB_DOWNLOAD"
    for host in "${REAL_SERVERS[@]}"; do
        provider_put "$LAB_DOWNLOAD" "$host" "$HOST_DOWNLOAD"
    done
}

scenario_clean_up() {
    trap '' INT TERM HUP PIPE
    [[ $1 != yes ]] || return 0
    [[ $METHOD != tun || $LAB_MACHINES == yes ]] || take_down_tunnels
    lab_down
}

# The first comment of a topology: what it is.
scenario_summary() {
    awk '/^#\|/ || !/^#/ || /^#$/ { exit } { sub(/^# ?/, ""); print }' "$1"
}

list_scenarios() {
    local name
    for name in $(scenario_names); do
        printf '%s%s%s\n' "$BOLD" "$name" "$PLAIN"
        scenario_summary "$LAB_DIR/scenarios/$name.conf" | sed 's/^/    /'
    done
}

# What ipvsadm is told, for both VIPs, one command a line.
scenario_rules() {
    local service vip
    for vip in "$VIP4" "$VIP6"; do
        for service in "${SERVICES[@]}"; do
            # shellcheck disable=SC2086 # the fields are words
            is_in_file $service || service_rules "$vip" $service
        done
    done
}

# Whether ipvsadm has no words for a service.
is_in_file() {
    [[ ${5:-} == proxy || ${5:-} == toa || ${5:-} == check ]]
}

# service_rules VIP PROTOCOL PORT SCHEDULER REAL_PORT [WHAT]
service_rules() {
    local -A option=([dr]=-g [tun]=-i [nat]=-m [fullnat]=-b)
    local host syn_proxy='' service
    service="-${2:0:1} $(endpoint "$1" "$3")"
    [[ ${6:-} != syn-proxy ]] || syn_proxy=' -j enable'
    echo "-A $service -s $4$syn_proxy"
    for host in "${REAL_SERVERS[@]}"; do
        echo "-a $service -r $(endpoint "$(rip "$host" "$1" "${6:-}")" "$5") ${option[$METHOD]} -w ${WEIGHT[$host]}"
    done
}

# endpoint ADDRESS PORT: with the brackets that IPv6 needs before a port.
endpoint() {
    if [[ $1 == *:* ]]; then echo "[$1]:$2"; else echo "$1:$2"; fi
}

# As it stands in a URL.
in_url() {
    if [[ $1 == *:* ]]; then echo "[$1]"; else echo "$1"; fi
}

# rip HOST VIP [other-family]: the real server's address in the VIP's family, or in the other one.
rip() {
    if [[ (${3:-} != other-family && $2 == *:*) || (${3:-} == other-family && $2 != *:*) ]]; then
        echo "${IPV6[$1]}"
    else
        echo "${IPV4[$1]}"
    fi
}

# The routes by which replies find the director, as the real servers and the routers before them have them.
show_gateways() {
    local host
    case $METHOD in
        nat) heading "The way back: a default route on each real server, which ends at the director (the DIP)" ;;
        fullnat) heading "The real servers' default routes, which do not lead to the director: nothing on them is about it" ;;
        *) return 0 ;;
    esac
    for host in "${REAL_SERVERS[@]}"; do
        printf '  %-6s %s\n' "$host" "$(provider_run "$host" ip route show default)" \
            "" "$(provider_run "$host" ip -6 route show default | sed 's/ metric.*//')"
    done
}

# The director begins without services, and learns them from ipvsadm.
show_rules() {
    local rules service
    heading "The director starts, and ipvsadm tells it what to do"
    {
        director_lines
        for service in "${SERVICES[@]}"; do
            # shellcheck disable=SC2086 # the fields are words
            ! is_in_file $service || service_lines $service
        done
    } >"$LAB_STATE/scenario.toml"
    DIRECTOR_CONFIG=$LAB_STATE/scenario.toml
    director_start
    show_file
    rules=$(scenario_rules)
    grep -vF '[' <<<"$rules" | sed 's/^/  ipvsadm /'
    expect "these and the same for IPv6, $(wc -l <<<"$rules") commands by one: ipvsadm -R" sluice_command ipvsadm -R <<<"$rules"
    expect "the table that it shows: ipvsadm -Ln" sluice_command ipvsadm -Ln
}

# What ipvsadm has no words for, or need not say again and again.
show_file() {
    ((${#LIPS[@]})) || return 0
    echo "  in its configuration file:"
    grep -A 1 '^\[director.fullnat\]' "$LAB_STATE/scenario.toml" | sed 's/^/    /'
    awk '/^address/ { address = $0 } /^client_address/ { print "    " address ": " $0 }' "$LAB_STATE/scenario.toml"
}

# The kernel here may have no tunnel devices; the command finds what takes the outer headers off.
set_up_tunnels() {
    local host
    heading "Real servers that take the outer header off: sluice real-server setup --method tun"
    for host in "${REAL_SERVERS[@]}"; do
        expect "$host" real_server "$host" setup --method tun --vip "$VIP4" --vip "$VIP6"
    done
}

# With what it has written down about it outside of the lab.
take_down_tunnels() {
    local host
    for host in "${REAL_SERVERS[@]}"; do
        ! provider_exists "$host" || real_server "$host" undo >/dev/null || true
    done
}

# real_server HOST COMMAND OPTION...
real_server() {
    local host=$1 command=$2
    shift 2
    find_jdk || die "$JDK_HINT"
    JAVA_HOME=$JDK provider_run "$host" "$SLUICE" real-server "$command" --interface eth1 "$@"
}
