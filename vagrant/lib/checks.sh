# shellcheck shell=bash
# What a scenario shows and checks once its director runs, each part for IPv4 and for IPv6.

SCENARIO_REQUESTS=60
NARROW_MTU=1400

on_client() {
    provider_run "$CLIENT" "$@"
}

check_http() {
    local vip
    for vip in "$VIP4" "$VIP6"; do
        heading "HTTP by weight: $SCENARIO_REQUESTS requests to http://$(in_url "$vip")/"
        ANSWERED[$vip]=$(http_requests "$SCENARIO_REQUESTS" "$(in_url "$vip")" 80)
        show_weighted "$SCENARIO_REQUESTS" "${ANSWERED[$vip]}"
    done
}

# One connection, as the client and as its real server see it.
check_wire() {
    local vip seen real_server port=40001 client_port
    for vip in "$VIP4" "$VIP6"; do
        port=$((port + 1))
        heading "One connection on the wire: curl --local-port $port http://$(in_url "$vip")/"
        if [[ $METHOD == fullnat ]]; then
            begin_to_watch "tcp and port $port" "tcp and port 8080 and ($(lips "$vip" | sed 's/^/host /; $!s/$/ or/' | xargs))"
        else
            begin_to_watch "tcp and port $port"
        fi
        real_server=$(on_client curl -sS --max-time 5 --local-port "$port" "http://$(in_url "$vip")/") || true
        seen=$(end_to_watch)
        # The handshake, from whose addresses everything else follows; a line for every host that it passes.
        grep -E 'Flags \[S' <<<"$seen" | sed -E 's/, (seq|cksum).*//' || true
        client_port=$(rip "$CLIENT" "$vip").$port
        expect "the client talks to the VIP, and nobody else answers it" \
            test "$(peers "$CLIENT" "$port" "$seen")" == "$client_port $vip.80"
        if [[ $METHOD == fullnat ]]; then
            expect "$real_server hears a local address of the director's, to its own address and port" \
                hears_lip "$vip" "$real_server" "$seen"
        elif [[ $METHOD == nat ]]; then
            expect "$real_server hears the client itself, to its own address and port" \
                test "$(peers "$real_server" "$port" "$seen")" == "$client_port $(rip "$real_server" "$vip").8080"
        else
            expect "$real_server hears the client itself, to the VIP" \
                test "$(peers "$real_server" "$port" "$seen")" == "$client_port $vip.80"
        fi
        expect "the connection, as the director knows it: ipvsadm -Lnc" shows_connection "$vip" "$port" "$real_server"
    done
}

# shows_connection VIP CLIENT_PORT REAL_SERVER
shows_connection() {
    local real_port=80 client
    ! translates || real_port=8080
    client=$(endpoint "$(rip "$CLIENT" "$1")" "$2")
    sluice_command ipvsadm -Lnc >"$LAB_STATE/connections"
    grep -F "$client " "$LAB_STATE/connections" | tee /dev/stderr |
        grep -F " $(endpoint "$1" 80) " | grep -qF " $(endpoint "$(rip "$3" "$1")" "$real_port")"
}

# hears_lip VIP REAL_SERVER SEEN
hears_lip() {
    local ends lip
    ends=$(peers "$2" "none" "$3")
    for lip in $(lips "$1"); do
        [[ $ends == "$lip".*" $(rip "$2" "$1").8080" || $ends == "$(rip "$2" "$1").8080 $lip".* ]] || continue
        return
    done
    return 1
}

# begin_to_watch FILTER [FILTER_AT_REAL_SERVERS]: what matches at the client and at the real servers is written down from now on.
begin_to_watch() {
    local host
    WATCHED=()
    for host in "$CLIENT" "${REAL_SERVERS[@]}"; do
        rm -f "$LAB_STATE/$host/watch".*
        provider_run "$host" tcpdump --immediate-mode -lnt -i eth1 "$(watch_filter "$host" "$@")" \
            >"$LAB_STATE/$host/watch.out" 2>"$LAB_STATE/$host/watch.err" &
        WATCHED+=($!)
    done
    for host in "$CLIENT" "${REAL_SERVERS[@]}"; do
        wait_until 5 grep -qs 'listening on' "$LAB_STATE/$host/watch.err" || die "tcpdump does not listen on $host"
    done
}

# watch_filter HOST FILTER [FILTER_AT_REAL_SERVERS]
watch_filter() {
    if [[ $1 == "$CLIENT" ]]; then echo "$2"; else echo "${3:-$2}"; fi
}

# What was seen, each line after the name of its host.
end_to_watch() {
    local host
    sleep 0.2
    kill "${WATCHED[@]}"
    wait "${WATCHED[@]}" || true
    for host in "$CLIENT" "${REAL_SERVERS[@]}"; do
        sed "s/^/$(printf '  %-7s' "$host")/; s/IP6\{0,1\} //" "$LAB_STATE/$host/watch.out"
    done
}

# peers HOST CLIENT_PORT SEEN: the two ends of all that a host saw, the client's first; more than two when there are more.
peers() {
    awk -v host="$1" '$1 == host { print $2; sub(/:$/, "", $4); print $4 }' <<<"$3" | sort -u |
        awk -v end=".$2" '{ if (substr($0, length($0) - length(end) + 1) == end) first = first $0 " "; else rest = rest $0 " " }
            END { sub(/ $/, "", rest); print first rest }'
}

# check_download SIZE
check_download() {
    local vip size=$1 sum before after port started
    sum=$(sha256sum <"$LAB_DOWNLOAD")
    for vip in "$VIP4" "$VIP6"; do
        heading "A download of $size: curl http://$(in_url "$vip")/download | sha256sum"
        before=$(switch_counters)
        started=${EPOCHREALTIME/./}
        expect "its SHA-256 is that of the file: ${sum:0:16}..." is_downloaded "$(in_url "$vip")" "$sum"
        started=$((${EPOCHREALTIME/./} - started))
        after=$(switch_counters)
        printf '  %d ms, %d MB/s; the bytes that the hosts sent and received meanwhile:\n' \
            $((started / 1000)) $(($(stat -c %s "$LAB_DOWNLOAD") / started))
        while read -r port _; do
            printf '  %-15s %14d %14d\n' "$port" \
                "$(passed "$port" 2 "$before" "$after")" "$(passed "$port" 3 "$before" "$after")"
        done <<<"$after"
        if translates; then
            expect "the reply came through the director, which gave it the VIP for its source" \
                test "$(director_received "$before" "$after")" -ge "$(stat -c %s "$LAB_DOWNLOAD")"
        else
            expect "the reply went past the director: it saw less than a tenth of what the client got" \
                test $(($(director_received "$before" "$after") * 10)) -lt "$(passed "$CLIENT" 3 "$before" "$after")"
        fi
    done
}

# is_downloaded URL_HOST SUM
is_downloaded() {
    [[ $(on_client curl -sS --fail --max-time 600 "http://$1/download" | sha256sum) == "$2" ]]
}

# passed PORT COLUMN BEFORE AFTER
passed() {
    echo $(($(counter_of "$1" "$2" "$4") - $(counter_of "$1" "$2" "$3")))
}

director_received() {
    local interface sum=0
    for interface in $(ports_of "$DIRECTOR" | cut -d ' ' -f 1); do
        sum=$((sum + $(passed "$(switch_port "$DIRECTOR" "$interface")" 3 "$1" "$2")))
    done
    echo "$sum"
}

check_udp() {
    local vip datagrams
    datagrams=$((4 * $(weight_sum)))
    for vip in "$VIP4" "$VIP6"; do
        heading "UDP by weight: $datagrams datagrams from as many client ports to $(endpoint "$vip" 7)"
        show_weighted "$datagrams" "$(ask udp "$vip" 7 "$datagrams" 20000 | cut -d ' ' -f 2)"
    done
}

# An error is of use to its receiver only when both what it quotes and who seems to send it are what the receiver knows.
check_icmp_errors() {
    local vip error port
    for vip in "$VIP4" "$VIP6"; do
        heading "ICMP errors: what a host is told about its packets, and by whom ($vip)"
        error='3 3'
        [[ $vip != *:* ]] || error='1 4'
        expect "nobody listens on the real servers' port 9009: the client hears \"port unreachable\" from the VIP" \
            test "$(ask closed "$vip" 9)" == "$vip $error"
        port=$(ask leave "$vip" 7)
        expect "a client is gone before its answer comes: the real server that sent it hears \"port unreachable\"" \
            wait_until 5 has_heard_of "$vip" "$port"
    done
}

# has_heard_of VIP CLIENT_PORT: of the client, or of whom it takes for the client.
has_heard_of() {
    local peer
    if [[ $METHOD != fullnat ]]; then
        real_servers_log udp-echo | grep -qx "ICMP error about an answer to $(rip "$CLIENT" "$1") port $2"
        return
    fi
    for peer in $(lips "$1"); do
        ! real_servers_log udp-echo | grep -q "ICMP error about an answer to $peer port" || return 0
    done
    return 1
}

# real_servers_log NAME: what all real servers have in a log of theirs.
real_servers_log() {
    local host
    for host in "${REAL_SERVERS[@]}"; do
        provider_run "$host" cat "$HOST_STATE/$host/$1.log" 2>/dev/null || true
    done
}

# Both sides send full packets until a router tells them what fits.
check_path_mtu() {
    local vip host
    for vip in "$VIP4" "$VIP6"; do
        heading "Path MTU, the client's side: $NARROW_MTU bytes on the link from the router to the client ($vip)"
        set_mtu router eth1 "$NARROW_MTU"
        expect "downloads from all real servers are whole" are_whole "$vip" "$(weight_sum)"
        for host in "${REAL_SERVERS[@]}"; do
            expect "$host has heard of it: $(narrow_route "$host" "$vip")" test -n "$(narrow_route "$host" "$vip")"
        done
        set_mtu router eth1 1500
        forget_path_mtus

        heading "Path MTU, the real servers' side: $NARROW_MTU bytes on the link from gate to rs3 ($vip)"
        set_mtu gate eth2 "$NARROW_MTU"
        for host in "${REAL_SERVERS[@]}"; do
            expect "an upload arrives as it was sent" test "$(ask upload "$vip" 8090 1000000)" == same
        done
        expect "the client has heard of it: $(route_to "$CLIENT" "$vip")" knows_mtu "$CLIENT" "$vip" "$NARROW_MTU"
        set_mtu gate eth2 1500
        forget_path_mtus
    done
}

# Or a host would announce what it has learned as its MSS, and nobody would send anything that does not fit.
forget_path_mtus() {
    local host
    for host in "$CLIENT" "${REAL_SERVERS[@]}"; do
        provider_run "$host" ip route flush cache
        provider_run "$host" ip -6 route flush cache
    done
}

# set_mtu HOST INTERFACE BYTES: of the host's end of a link, which decides what it sends there.
set_mtu() {
    provider_run "$1" ip link set "$2" mtu "$3"
}

# are_whole VIP COUNT
are_whole() {
    [[ $(on_client curl -sS --fail --max-time 20 -H 'Connection: close' "http://$(in_url "$1")/big?[1-$2]" | wc -c) == \
        $(($2 * 1048576)) ]]
}

route_to() {
    provider_run "$1" ip route get "$2" | xargs
}

# knows_mtu HOST ADDRESS BYTES
knows_mtu() {
    [[ $(route_to "$1" "$2") == *"mtu $3"* ]]
}

# narrow_route REAL_SERVER VIP: what it knows of the way to the client, or to those whom it takes for the client.
narrow_route() {
    local peer peers
    peers=$(rip "$CLIENT" "$2")
    [[ $METHOD != fullnat ]] || peers=$(lips "$2")
    for peer in $peers; do
        if knows_mtu "$1" "$peer" "$NARROW_MTU"; then
            route_to "$1" "$peer"
            return
        fi
    done
}

# FTP says addresses and ports in its commands and answers, so a director has to read and change them.
check_ftp() {
    local vip
    for vip in "$VIP4" "$VIP6"; do
        heading "FTP: ftp://$(in_url "$vip")/big"
        expect "passive, the client connects to the VIP: EPSV" is_fetched "$vip" --ftp-pasv
        expect "active, the VIP connects to the client: EPRT" is_fetched "$vip" --ftp-port -
        [[ $vip != *:* ]] || continue
        expect "passive, in the commands of RFC 959: PASV" is_fetched "$vip" --ftp-pasv --disable-epsv
        expect "active, in the commands of RFC 959: PORT" is_fetched "$vip" --ftp-port - --disable-eprt
    done
}

# is_fetched VIP CURL_OPTION...: two files by one control connection, the first of which tells whose the second has to be.
is_fetched() {
    local url name state=$HOST_STATE/$CLIENT
    url=ftp://$(in_url "$1")
    shift
    on_client curl -sS --fail --max-time 10 "$@" \
        "$url/name" -o "$state/ftp.name" "$url/big" -o "$state/ftp.big" || return 1
    name=$(on_client cat "$state/ftp.name")
    [[ $(on_client sha256sum "$state/ftp.big" | cut -d ' ' -f 1) == \
        "$(provider_run "$name" sha256sum "$HOST_STATE/$name/www/big" | cut -d ' ' -f 1)" ]]
}

# The limits of NAT: who gets an answer depends on the way that answers take.
check_who_can_ask() {
    local vip
    if [[ -z ${IPV4[router]:-} ]]; then
        return
    fi
    for vip in "$VIP4" "$VIP6"; do
        if [[ $(ports_of "$DIRECTOR" | wc -l) == 1 ]]; then
            heading "One arm: a client in the network of the real servers, which is the router here ($vip)"
            expect "the real server answers it directly, from an address that it has not asked" \
                test "$(asks_from router "$(in_url "$vip")")" == 28
            route_by_director add "$vip"
            expect "a route to this one host through the director, on each real server and gate, is the remedy" \
                test "$(asks_from router "$(in_url "$vip")")" == 0
            route_by_director del "$vip"
        else
            heading "Two arms: the real servers are in a network that no client reaches ($vip)"
            expect "the router knows no way to $(rip "${REAL_SERVERS[0]}" "$vip"): the client hears \"network unreachable\"" \
                test "$(asks_from "$CLIENT" "$(in_url "$(rip "${REAL_SERVERS[0]}" "$vip")"):8080")" == 7
        fi
    done
}

# asks_from HOST URL [CURL_OPTION...]: curl's exit code; 0 answered, 7 refused, 28 not answered in time.
asks_from() {
    local result=0
    provider_run "$1" curl -sS --max-time 2 "http://$2/" "${@:3}" >/dev/null 2>&1 || result=$?
    echo "$result"
}

# Hairpin: a real server that asks the service. Whether it gets an answer depends on the way that answers take, too.
check_hairpin() {
    local vip
    for vip in "$VIP4" "$VIP6"; do
        heading "Hairpin: real servers as clients of their own service ($vip)"
        expect "rs1 gets no answer: who is in its network answers it directly, and it cannot be asked in its own name" \
            test -z "$(hairpin rs1 "$vip" 1)"
        expect "rs3 is beyond gate: answers to it come through the director, all but its own" \
            test "$(hairpin rs3 "$vip" "$(weight_sum)")" == "$(all_by_weight rs1 rs2)"
        expect "the director's own host: its kernel has the VIP and no such port, and the connection is refused" \
            test "$(asks_from "$DIRECTOR" "$(in_url "$vip")")" == 7
    done
}

# hairpin REAL_SERVER VIP COUNT: who answers so many requests of a real server's at the same time, in the order of names.
hairpin() {
    provider_run "$1" curl -sS --parallel --parallel-immediate --max-time 1.5 -H 'Connection: close' \
        "http://$(in_url "$2")/[1-$3]" 2>/dev/null | sort | xargs
}

# The names of these real servers, each as often as its weight says.
all_by_weight() {
    local host names=''
    for host in "$@"; do
        names+=$(yes "$host" | head -n "${WEIGHT[$host]}")$'\n'
    done
    xargs <<<"$names"
}

# route_by_director add|del VIP: the route to the router through the DIP, on the hosts that share its network.
route_by_director() {
    local vip=$2 port host network router
    router=$(ports_of router | awk -v vip="$vip" '$2 == "lan" { print vip ~ /:/ ? $4 "/128" : $3 "/32" }')
    for port in "${PORTS[@]}"; do
        read -r host _ network _ <<<"$port"
        [[ $network == lan && (${ROLE[$host]} == real-server || $host == gate) ]] || continue
        provider_run "$host" ip route "$1" "$router" via "$(rip "$DIRECTOR" "$vip")"
    done
}

check_counters() {
    heading "Packets and bytes of both directions: ipvsadm -Ln --stats"
    sluice_command ipvsadm -Ln --stats --exact >"$LAB_STATE/stats" || true
    cat "$LAB_STATE/stats"
    expect "every service has seen requests and replies" both_directions
}

# Conns InPkts OutPkts InBytes OutBytes, of the services.
both_directions() {
    awk '/^(TCP|UDP) / { services++; if ($4 > 0 && $5 > 0) both++ }
        END { exit !(services && services == both) }' "$LAB_STATE/stats"
}
