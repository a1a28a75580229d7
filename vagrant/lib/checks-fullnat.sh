# shellcheck shell=bash
# What FULLNAT alone has: real servers anywhere, of either family, that can be told who the client is.

check_fullnat() {
    check_other_family
    check_hairpin_by_lip
    check_client_address
    check_syn_proxy
    check_lost_and_found
}

# VIP and real servers of different families: each packet gets the other kind of header, and what ICMP says the other's words.
check_other_family() {
    local vip name error sum narrow datagrams
    sum=$(sha256sum <"$LAB_DOWNLOAD")
    datagrams=$((2 * $(weight_sum)))
    for vip in "$VIP4" "$VIP6"; do
        name=NAT46 error='3 3' narrow=$((NARROW_MTU - 20))
        [[ $vip != *:* ]] || name=NAT64 error='1 4' narrow=$((NARROW_MTU + 20))
        heading "$name: $(endpoint "$vip" 81) and real servers as $(rip rs1 "$vip" other-family)"
        show_weighted "$datagrams" "$(http_requests "$datagrams" "$(in_url "$vip")" 81)"
        expect "a download's SHA-256 is that of the file" is_downloaded "$(in_url "$vip"):81" "$sum"
        expect "an upload arrives as it was sent" test "$(ask upload "$vip" 8091 1000000)" == same
        show_weighted "$datagrams" "$(ask udp "$vip" 17 "$datagrams" 21000 | cut -d ' ' -f 2)"
        expect "nobody listens on a port: the client hears \"port unreachable\" from the VIP, in its own family's words" \
            test "$(ask closed "$vip" 19)" == "$vip $error"
        set_mtu gate eth2 "$NARROW_MTU"
        for _ in "${REAL_SERVERS[@]}"; do
            expect "an upload arrives, with $NARROW_MTU bytes on the link from gate to rs3" \
                test "$(ask upload "$vip" 8091 1000000)" == same
        done
        expect "the client has heard of it, as $narrow in its own family: $(route_to "$CLIENT" "$vip")" \
            knows_mtu "$CLIENT" "$vip" "$narrow"
        set_mtu gate eth2 1500
        forget_path_mtus
    done
}

# Answers go to the director whoever asks.
check_hairpin_by_lip() {
    local vip host
    for vip in "$VIP4" "$VIP6"; do
        heading "Clients of all kinds: answers take the way by the director, whoever asked ($vip)"
        for host in rs1 rs3; do
            expect "$host, a client of its own service, is answered by all real servers, itself included" \
                test "$(hairpin "$host" "$vip" "$(weight_sum)")" == "$(all_by_weight "${REAL_SERVERS[@]}")"
        done
        expect "the director's own host: its kernel has the VIP and no such port, and the connection is refused" \
            test "$(asks_from "$DIRECTOR" "$(in_url "$vip")")" == 7
        expect "the way from real servers to clients is not the director's: a client can ask a RIP past it" \
            test "$(asks_from "$CLIENT" "$(in_url "$(rip rs1 "$vip")"):8080")" == 0
    done
}

# In the real servers' logs all clients are the director, unless they are told.
check_client_address() {
    local vip client port=50000 log
    for vip in "$VIP4" "$VIP6"; do
        client=$(rip "$CLIENT" "$vip")
        heading "Who the client is, told by the director to the real server ($vip)"
        port=$((port + 1))
        expect "a request from $client port $port, with client_address = \"proxy\"" \
            test "$(asks_from "$CLIENT" "$(in_url "$vip"):82" --local-port "$port")" == 0
        expect "nginx logs peer, and client by proxy_protocol: $(said proxy " $client $port\$")" \
            is_said_of_lip "$vip" "$(said proxy " $client $port\$")"
        port=$((port + 1))
        expect "a request from $client port $port, with client_address = \"toa\"" \
            test "$(asks_from "$CLIENT" "$(in_url "$vip"):83" --local-port "$port")" == 0
        log=$(said toa " says $client $port kind 254\$")
        expect "the TCP option at the real server: $log" is_said_of_lip "$vip" "$log"
    done
}

# said proxy|toa PATTERN: what the real servers' logs have of it, once.
said() {
    wait_until 3 is_in_log "$@" || return 0
    real_servers_log "$1" | grep -- "$2" | head -n 1
}

is_in_log() {
    real_servers_log "$1" | grep -q -- "$2"
}

# is_said_of_lip VIP LINE: it begins with a local address and a port.
is_said_of_lip() {
    local peer=${2%% *} lip
    for lip in $(lips "$1"); do
        [[ $peer != "$lip" ]] || return 0
    done
    return 1
}

# The local addresses of a VIP's family.
lips() {
    local lip
    for lip in "${LIPS[@]}"; do
        lip=${lip#* }
        [[ $1 == *:* && $lip != *:* || $1 != *:* && $lip == *:* ]] || echo "$lip"
    done
}

check_syn_proxy() {
    local vip sum
    sum=$(sha256sum <"$LAB_DOWNLOAD")
    for vip in "$VIP4" "$VIP6"; do
        heading "SYN proxy: the director completes the handshake before a real server hears of it ($vip)"
        show_counts "$(http_requests 12 "$(in_url "$vip")" 84)"
        expect "a download's SHA-256 is that of the file" is_downloaded "$(in_url "$vip"):84" "$sum"
    done
}

# A switch's port is all that is switched off: a check has to find out.
check_lost_and_found() {
    local vip
    heading "A real server is lost, beyond a router: its checks fail, and it leaves its services"
    provider_cable rs2 down
    for vip in "$VIP4" "$VIP6"; do
        expect "all is answered by the others ($(endpoint "$vip" 85))" wait_until 15 answer_by_weight "$vip" 85 rs1 rs3
    done
    provider_cable rs2 up
    for vip in "$VIP4" "$VIP6"; do
        expect "it is back, with its share ($(endpoint "$vip" 85))" wait_until 15 answer_by_weight "$vip" 85 "${REAL_SERVERS[@]}"
    done
}

# answer_by_weight VIP PORT REAL_SERVER...
answer_by_weight() {
    local vip=$1 port=$2 names
    shift 2
    names=$(all_by_weight "$@")
    [[ $(provider_run "$CLIENT" curl -sS --max-time 1 -H 'Connection: close' \
        "http://$(in_url "$vip"):$port/[1-$(wc -w <<<"$names")]" 2>/dev/null | sort | xargs) == "$names" ]]
}
