# shellcheck shell=bash
# Reads topology.conf into arrays that the other parts use:
#   HOSTS[]  ROLE[host]  IPV4[host]  IPV6[host]  MAC[host]  WEIGHT[real server]   SERVICES[] ("tcp 80 wrr")
#   LENGTH4 LENGTH6 (prefix lengths)  VIP4 VIP6

declare -a HOSTS=() SERVICES=()
declare -A ROLE=() IPV4=() IPV6=() MAC=() WEIGHT=()
LENGTH4='' LENGTH6='' VIP4='' VIP6=''

read_topology() {
    local file=$1 line_number=0 keyword arguments
    while read -r keyword arguments; do
        line_number=$((line_number + 1))
        # shellcheck disable=SC2086 # the arguments are words
        case $keyword in
            '' | \#*) ;;
            network) read_network $arguments ;;
            vip) read_vip $arguments ;;
            host) read_host $arguments ;;
            service) read_service $arguments ;;
            *) false ;;
        esac || die "$file:$line_number: cannot read \"$keyword $arguments\"; the head of the file explains the format"
    done <"$file"
    [[ -n $LENGTH4 && -n $LENGTH6 && -n $VIP4 && -n $VIP6 ]] ||
        die "$file: needs a network and a vip for IPv4 and for IPv6"
    DIRECTOR=$(hosts_of_role director)
    CLIENT=$(hosts_of_role client)
    read -ra REAL_SERVERS <<<"$(hosts_of_role real-server)"
    [[ $DIRECTOR == [a-z]* && $DIRECTOR != *' '* && $CLIENT == [a-z]* && $CLIENT != *' '* ]] ||
        die "$file: needs one host of role client and one of role director"
    ((${#REAL_SERVERS[@]} >= 2)) || die "$file: needs two or more hosts of role real-server"
}

read_network() {
    [[ $# == 1 && $1 == */* ]] || return 1
    if [[ $1 == *:* ]]; then LENGTH6=${1#*/}; else LENGTH4=${1#*/}; fi
}

read_vip() {
    [[ $# == 1 ]] || return 1
    if [[ $1 == *:* ]]; then VIP6=$1; else VIP4=$1; fi
}

read_host() {
    [[ $# == 5 || $# == 6 ]] || return 1
    [[ $1 =~ ^[a-z][a-z0-9]{0,12}$ && $1 != switch && -z ${ROLE[$1]:-} ]] || return 1
    [[ $2 == client || $2 == director || $2 == real-server ]] || return 1
    [[ $3 =~ ^[0-9.]+$ && $4 == *:* && $5 =~ ^([0-9a-f]{2}:){5}[0-9a-f]{2}$ && ${6:-1} =~ ^[0-9]+$ ]] || return 1
    HOSTS+=("$1")
    ROLE[$1]=$2 IPV4[$1]=$3 IPV6[$1]=$4 MAC[$1]=$5
    [[ $2 != real-server ]] || WEIGHT[$1]=${6:-1}
}

read_service() {
    [[ $# == 3 && ($1 == tcp || $1 == udp) && $2 =~ ^[0-9]+$ && $3 =~ ^[a-z]+$ ]] || return 1
    SERVICES+=("$1 $2 $3")
}

hosts_of_role() {
    local host found=()
    for host in "${HOSTS[@]}"; do
        [[ ${ROLE[$host]} != "$1" ]] || found+=("$host")
    done
    echo "${found[*]}"
}

# The ports of all services of a protocol, one a line.
service_ports() {
    local service protocol port
    for service in "${SERVICES[@]}"; do
        read -r protocol port _ <<<"$service"
        [[ $protocol != "$1" ]] || echo "$port"
    done
}

# port_of PROTOCOL SCHEDULER: the port of the first such service, for the demo.
port_of() {
    local service protocol port scheduler
    for service in "${SERVICES[@]}"; do
        read -r protocol port scheduler <<<"$service"
        if [[ $protocol == "$1" && $scheduler == "$2" ]]; then
            echo "$port"
            return
        fi
    done
    die "topology.conf declares no $1 service with the scheduler $2"
}

draw_topology() {
    local host
    printf '%s%-12s %-20s %-22s %-20s%s\n' "$BOLD" 'host' 'IPv4' 'IPv6' 'MAC of eth1' "$PLAIN"
    for host in "${HOSTS[@]}"; do
        printf '%-12s %-20s %-22s %-20s' "$host" "${IPV4[$host]}/$LENGTH4" "${IPV6[$host]}/$LENGTH6" "${MAC[$host]}"
        [[ ${ROLE[$host]} != real-server ]] || printf 'weight %s' "${WEIGHT[$host]}"
        printf '\n'
    done
    printf '%-12s %-20s %-22s on %s (answers ARP) and on lo of the real servers (silent)\n' \
        VIP "$VIP4" "$VIP6" "$DIRECTOR"
    printf '\n   %-26s%-26s' "$CLIENT" "$DIRECTOR"
    printf '%-8s' "${REAL_SERVERS[@]}"
    printf '\n     |                         |                         '
    printf '|       %.0s' "${REAL_SERVERS[@]}"
    printf '\n  ===+======= switch ==========+=========================='
    printf '+=======%.0s' "${REAL_SERVERS[@]}"
    cat <<'ARROWS'

     1 --- request to VIP ---->
                               2 --- same packet, to the MAC ---->
                                     of one real server
     <----------------- reply from VIP, past the director ------ 3
ARROWS
}
