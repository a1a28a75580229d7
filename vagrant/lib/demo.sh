# shellcheck shell=bash
# One minute that shows what Sluice does, and checks what it shows: every "ok" is an assertion, and the exit code tells
# whether all of them held.

DEMO_REQUESTS=60
DEMO_FIRST_PORT=20001

lab_demo() {
    provider_requires_root
    trap demo_clean_up EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
    provider_set_up
    lab_up

    heading "The lab"
    draw_topology
    cat <<'ARROWS'

     1 --- request to VIP ---->
                               2 --- same packet, to the MAC ---->
                                     of one real server
     <----------------- reply from VIP, past the director ------ 3
ARROWS
    heading "The director starts"
    director_start
    expect "the kernel still answers ping to the VIP" provider_run "$CLIENT" ping -c 1 -W 2 -q "$VIP4"

    local wrr_port maglev_port udp_port datagrams before after
    wrr_port=$(port_of tcp wrr) maglev_port=$(port_of tcp maglev) udp_port=$(port_of udp wrr)

    heading "Weighted round robin (wrr): $DEMO_REQUESTS HTTP requests from the client to $VIP4:$wrr_port"
    show_weighted "$DEMO_REQUESTS" "$(http_requests "$DEMO_REQUESTS" "$VIP4" "$wrr_port")"
    heading "The same over IPv6, to [$VIP6]:$wrr_port"
    show_weighted "$DEMO_REQUESTS" "$(http_requests "$DEMO_REQUESTS" "[$VIP6]" "$wrr_port")"
    datagrams=$((4 * $(weight_sum)))
    heading "UDP echo: $datagrams datagrams from as many client ports to $VIP4:$udp_port"
    show_weighted "$datagrams" "$(ask udp "$VIP4" "$udp_port" "$datagrams" | cut -d " " -f 2)"

    heading "Consistent hashing (maglev): the client's port decides, $VIP4:$maglev_port"
    before=$(ask tcp "$VIP4" "$maglev_port" "$DEMO_REQUESTS" "$DEMO_FIRST_PORT")
    show_hashed "$before"

    heading "Direct routing: replies bypass the director"
    show_bypass

    heading "The counters (sluice stats)"
    expect "the director tells its counters" sluice_command stats
    expect "every packet is accounted for" sluice_command stats --balance

    heading "A real server dies, and comes back"
    show_failure "$wrr_port"

    heading "A restart of the director"
    director_stop
    expect "without a director no client of the VIP is answered, nor reset" is_unanswered "$VIP4" "$wrr_port"
    director_start
    show_weighted "$DEMO_REQUESTS" "$(http_requests "$DEMO_REQUESTS" "$VIP4" "$wrr_port")"
    after=$(ask tcp "$VIP4" "$maglev_port" "$DEMO_REQUESTS" "$DEMO_FIRST_PORT")
    show_hashed "$after"
    expect "every packet since the restart is accounted for" sluice_command stats --balance
    expect "maglev sends every client port to the same real server as before, from an empty connection table" \
        test "$before" == "$after"
    director_stop --release
    expect "released, the VIP is the kernel's, which has no server there" is_refused "$VIP4" "$wrr_port"

    echo
    show_verdict "look around yourself: vagrant/lab up --director"
}

demo_clean_up() {
    trap '' INT TERM HUP PIPE
    lab_down
}

show_hashed() {
    local answers host count everyone=true
    answers=$(cut -d ' ' -f 2 <<<"$1")
    for host in "${REAL_SERVERS[@]}"; do
        count=$(count_of "$host" "$answers")
        show_bar "$host" "${WEIGHT[$host]}" "$count"
        ((count)) || everyone=false
    done
    echo "client ports to real servers: $(head -n 6 <<<"$1" | sed 's/ /→/' | xargs) ..."
    expect "all $DEMO_REQUESTS answered" test "$(grep -c . <<<"$1")" == "$DEMO_REQUESTS"
    expect "every real server has its part" "$everyone"
}

# The switch counts what passes each of its ports, whatever XDP does behind them.
show_bypass() {
    local host before after answer sent received director_in client_in downloads=5
    before=$(switch_counters)
    answer=$(provider_run "$CLIENT" curl -sS --fail --max-time 20 -H 'Connection: close' \
        "http://$VIP4:$(port_of tcp wrr)/big?[1-$downloads]" | wc -c) || true
    after=$(switch_counters)
    printf '%s  %-10s %18s %18s   (bytes on the switch during %d downloads of 1 MiB)%s\n' \
        "$BOLD" host 'sent by it' 'sent to it' "$downloads" "$PLAIN"
    for host in "${HOSTS[@]}"; do
        sent=$(($(counter_of "$host" 2 "$after") - $(counter_of "$host" 2 "$before")))
        received=$(($(counter_of "$host" 3 "$after") - $(counter_of "$host" 3 "$before")))
        printf '  %-10s %18d %18d\n' "$host" "$sent" "$received"
        [[ $host != "$DIRECTOR" ]] || director_in=$received
        [[ $host != "$CLIENT" ]] || client_in=$received
    done
    expect "$downloads downloads arrived whole" test "$answer" == $((downloads * 1048576))
    expect "the director saw the requests only: less than a tenth of what the client received" \
        test $((director_in * 10)) -lt "$client_in"
}

# Checks come with a reload, nginx of one real server is killed and started again, and no request fails in between but for those
# that are under way when it dies.
show_failure() {
    local port=$1 victim=${REAL_SERVERS[0]} checked=$LAB_STATE/checked.toml answers
    with_checks "$LAB_STATE/director.toml" >"$checked"
    expect "a check of every real server comes with a reload: sluice reload $(basename "$checked")" \
        sluice_command reload "$checked"
    provider_run "$victim" bash -c "kill \$(cat '$HOST_STATE/$victim/nginx.pid')"
    expect "nginx on $victim is killed, and out of service within seconds" wait_until 10 is_in_state "$victim" down
    expect "the table that ipvsadm -Ln shows is without it" sluice_command ipvsadm -Ln -t "$VIP4:$port"
    answers=$(http_requests "$DEMO_REQUESTS" "$VIP4" "$port")
    show_counts "$answers"
    expect "all $DEMO_REQUESTS requests answered by the others" \
        test "$(grep -c . <<<"$answers") $(count_of "$victim" "$answers")" == "$DEMO_REQUESTS 0"
    provider_run "$victim" nginx -e "$HOST_STATE/$victim/error.log" -c "$HOST_STATE/$victim/nginx.conf"
    expect "nginx is started again, and back in service" wait_until 10 is_in_state "$victim" up
    expect "what happened (sluice health --history)" sluice_command health --history
    show_weighted "$DEMO_REQUESTS" "$(http_requests "$DEMO_REQUESTS" "$VIP4" "$port")"
}

# A configuration with a health check in each of its TCP services.
with_checks() {
    awk -v slow="$([[ $LAB_MACHINES == no ]] || echo 1)" '
        { print }
        /^protocol = / { tcp = /"tcp"/ }
        /^scheduler = / && tcp {
            print "  [[service.check]]"
            print "  type = \"http\""
            print "  interval = " (slow ? 4 : 0.5)
            print "  retry_interval = " (slow ? 2 : 0.3)
            print "  timeout = " (slow ? 3 : 0.5)
            print "  fall = 2"
            print "  rise = 2"
        }' "$1"
}

# is_in_state HOST up|down: whether all services say so of a real server that has been checked.
is_in_state() {
    local host=$1 state=$2
    [[ $(sluice_command health --json | jq -r --arg v4 "${IPV4[$host]}" --arg v6 "${IPV6[$host]}" '
        [.services[].realServers[]
            | select((.address == $v4 or .address == $v6) and (.checks | length) > 0) | .state]
        | unique | join(",")') == "$state" ]]
}
