# shellcheck shell=bash
# Reads topology.conf, or that of a scenario, into arrays that the other parts use:
#   HOSTS[]  ROLE[host]  WEIGHT[real server]  IPV4[host] IPV6[host] MAC[host] (of eth1, without prefix length)
#   PORTS[] ("rs1 eth1 lan 10.0.0.11 fd00:51::11 02:51:00:00:00:11")  NETWORKS[]  ROUTES[] ("rs1 default 10.0.0.2")
#   SERVICES[] ("tcp 80 wrr 8080 proxy")  METHOD  VIP4 VIP6  LIPS[] ("eth2 10.0.1.201")  DRAWING

# Of all networks.
LENGTH4=24 LENGTH6=64

declare -a HOSTS=() PORTS=() NETWORKS=() ROUTES=() SERVICES=() LIPS=()
declare -A ROLE=() IPV4=() IPV6=() MAC=() WEIGHT=() PREFIX4=() PREFIX6=()
VIP4='' VIP6='' METHOD=dr DRAWING=''

read_topology() {
    local file=$1
    read_lines "$file"
    [[ -n $VIP4 && -n $VIP6 ]] || die "$file: needs a vip for IPv4 and one for IPv6"
    DIRECTOR=$(hosts_of_role director)
    CLIENT=$(hosts_of_role client)
    read -ra REAL_SERVERS <<<"$(hosts_of_role real-server)"
    [[ $DIRECTOR == [a-z]* && $DIRECTOR != *' '* && $CLIENT == [a-z]* && $CLIENT != *' '* ]] ||
        die "$file: needs one host of role client and one of role director"
    ((${#REAL_SERVERS[@]} >= 2)) || die "$file: needs two or more hosts of role real-server"
}

# leave_out HOST: of the topology that has been read.
leave_out() {
    local each kept
    [[ -n ${ROLE[$1]:-} ]] || die "--without $1: there is no host $1; there are: ${HOSTS[*]}"
    [[ ${ROLE[$1]} == real-server || ${ROLE[$1]} == director-standby ]] ||
        die "--without $1: a lab needs its ${ROLE[$1]}; real servers and a second director can be left out"
    kept=() && for each in "${HOSTS[@]}"; do [[ $each == "$1" ]] || kept+=("$each"); done
    HOSTS=("${kept[@]}")
    kept=() && for each in "${PORTS[@]}"; do [[ $each == "$1 "* ]] || kept+=("$each"); done
    PORTS=("${kept[@]}")
    unset "ROLE[$1]" "WEIGHT[$1]"
    read -ra REAL_SERVERS <<<"$(hosts_of_role real-server)"
    ((${#REAL_SERVERS[@]} >= 2)) || die "--without $1: two or more real servers have to stay"
}

read_lines() {
    local file=$1 line_number=0 keyword arguments
    [[ -r $file ]] || die "$file: no such topology"
    DRAWING+=$(sed -n 's/^#|//p' "$file")
    while read -r keyword arguments; do
        line_number=$((line_number + 1))
        # shellcheck disable=SC2086 # the arguments are words
        case $keyword in
            '' | \#*) ;;
            network) read_network $arguments ;;
            vip) read_vip $arguments ;;
            lip) read_lip $arguments ;;
            host) read_host $arguments ;;
            port) read_port $arguments ;;
            route) read_route $arguments ;;
            method) read_method $arguments ;;
            service) read_service $arguments ;;
            include) read_lines "$(dirname "$file")/$arguments" ;;
            *) false ;;
        esac || die "$file:$line_number: cannot read \"$keyword $arguments\"; the head of topology.conf explains the format"
    done <"$file"
}

read_network() {
    [[ $# == 3 && $1 =~ ^[a-z][a-z0-9]{0,9}$ && -z ${PREFIX4[$1]:-} ]] || return 1
    [[ $2 == *.0/$LENGTH4 && $3 == *::/$LENGTH6 ]] || return 1
    NETWORKS+=("$1")
    PREFIX4[$1]=${2%0/*} PREFIX6[$1]=${3%/*}
}

read_vip() {
    [[ $# == 1 ]] || return 1
    if [[ $1 == *:* ]]; then VIP6=$1; else VIP4=$1; fi
}

# A local address of FULLNAT, on the director's interface whose network it is of.
read_lip() {
    [[ $# == 1 ]] || return 1
    local port interface network
    for port in "${PORTS[@]}"; do
        read -r _ interface network _ <<<"$port"
        [[ ${ROLE[${port%% *}]} == director ]] || continue
        if [[ $1 == "${PREFIX4[$network]}"* || $1 == "${PREFIX6[$network]}"* ]]; then
            LIPS+=("$interface $1")
            return
        fi
    done
    return 1
}

read_host() {
    [[ $# == 5 || $# == 6 ]] || return 1
    [[ $1 =~ ^[a-z][a-z0-9]{0,9}$ && $1 != switch && -z ${ROLE[$1]:-} ]] || return 1
    [[ $2 =~ ^(client|director|director-standby|router|real-server)$ ]] || return 1
    [[ ${6:-1} =~ ^[0-9]+$ ]] || return 1
    HOSTS+=("$1")
    ROLE[$1]=$2 IPV4[$1]=$3 IPV6[$1]=$4 MAC[$1]=$5
    [[ $2 != real-server ]] || WEIGHT[$1]=${6:-1}
    read_port "$1" "$3" "$4" "$5"
}

read_port() {
    [[ $# == 4 && -n ${ROLE[$1]:-} ]] || return 1
    [[ $2 =~ ^[0-9.]+$ && $3 == *:* && $4 =~ ^([0-9a-f]{2}:){5}[0-9a-f]{2}$ ]] || return 1
    local network port number=1
    for port in "${PORTS[@]}"; do
        [[ $port != "$1 "* ]] || number=$((number + 1))
    done
    for network in "${NETWORKS[@]}"; do
        if [[ $2 == "${PREFIX4[$network]}"* && $3 == "${PREFIX6[$network]}"* ]]; then
            PORTS+=("$1 eth$number $network $2 $3 $4")
            return
        fi
    done
    return 1
}

read_route() {
    [[ $# == 3 && -n ${ROLE[$1]:-} && ($2 == default || $2 == */*) && $3 == *[.:]* ]] || return 1
    ROUTES+=("$*")
}

read_method() {
    [[ $# == 1 && ($1 == dr || $1 == tun || $1 == nat || $1 == fullnat) ]] || return 1
    METHOD=$1
}

read_service() {
    (($# >= 3 && $# <= 5)) || return 1
    [[ ($1 == tcp || $1 == udp) && $2 =~ ^[0-9]+$ && $3 =~ ^[a-z]+$ && ${4:-1} =~ ^[0-9]+$ ]] || return 1
    [[ ${5:-check} =~ ^(other-family|proxy|toa|syn-proxy|check)$ ]] || return 1
    SERVICES+=("$1 $2 $3 ${4:-$2} ${5:-}")
}

# Whether packets to and from real servers have other addresses than those to and from clients.
translates() {
    [[ $METHOD == nat || $METHOD == fullnat ]]
}

# The ports of a host, "eth1 lan 10.0.0.11 fd00:51::11 02:51:00:00:00:11", one a line.
ports_of() {
    local port
    for port in "${PORTS[@]}"; do
        [[ $port != "$1 "* ]] || echo "${port#* }"
    done
}

# The name of an interface's port on the switch.
switch_port() {
    if [[ $2 == eth1 ]]; then echo "$1"; else echo "$1-$2"; fi
}

hosts_of_role() {
    local host found=()
    for host in "${HOSTS[@]}"; do
        [[ ${ROLE[$host]} != "$1" ]] || found+=("$host")
    done
    echo "${found[*]}"
}

# real_ports PROTOCOL [WHAT]: the real servers' ports of all services of a protocol, or of those that are WHAT, one a line.
real_ports() {
    local service protocol port what
    for service in "${SERVICES[@]}"; do
        read -r protocol _ _ port what <<<"$service"
        [[ $protocol != "$1" || ${2:-$what} != "$what" ]] || echo "$port"
    done | sort -nu
}

# has_service PROTOCOL PORT
has_service() {
    local service
    for service in "${SERVICES[@]}"; do
        [[ $service != "$1 $2 "* ]] || return 0
    done
    return 1
}

# port_of PROTOCOL SCHEDULER: the port of the first such service, for the demo.
port_of() {
    local service protocol port scheduler
    for service in "${SERVICES[@]}"; do
        read -r protocol port scheduler _ <<<"$service"
        if [[ $protocol == "$1" && $scheduler == "$2" ]]; then
            echo "$port"
            return
        fi
    done
    die "topology.conf declares no $1 service with the scheduler $2"
}

# A table of the hosts, and the drawing.
draw_topology() {
    local host
    printf '%s%-12s %-20s %-22s %-20s%s\n' "$BOLD" 'host' 'IPv4' 'IPv6' 'MAC of eth1' "$PLAIN"
    for host in "${HOSTS[@]}"; do
        printf '%-12s %-20s %-22s %-20s' "$host" "${IPV4[$host]}/$LENGTH4" "${IPV6[$host]}/$LENGTH6" "${MAC[$host]}"
        [[ ${ROLE[$host]} != real-server ]] || printf 'weight %s' "${WEIGHT[$host]}"
        printf '\n'
    done
    if translates; then
        printf '%-12s %-20s %-22s on %s only\n' VIP "$VIP4" "$VIP6" "$DIRECTOR"
    else
        printf '%-12s %-20s %-22s on %s (answers ARP) and on lo of the real servers (silent)\n' \
            VIP "$VIP4" "$VIP6" "$DIRECTOR"
    fi
    printf '\n%s\n' "$DRAWING"
}
