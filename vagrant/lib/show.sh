# shellcheck shell=bash
# What the demo and the scenarios have in common: they show something, check what they show, and keep the score.

FAILURES=0

heading() {
    printf '\n%s== %s%s\n' "$BOLD" "$*" "$PLAIN"
}

# expect DESCRIPTION CMD...: runs the command, shows what it prints unless it is only a condition, and keeps the score.
expect() {
    local description=$1 output
    shift
    if output=$("$@" 2>&1); then
        [[ $1 != sluice_command && $1 != shows_* ]] || echo "$output"
        echo "${GREEN}ok${PLAIN}      $description"
    else
        [[ -z $output ]] || echo "$output"
        echo "${RED}FAILED${PLAIN}  $description"
        FAILURES=$((FAILURES + 1))
    fi
}

weight_sum() {
    local weight sum=0
    for weight in "${WEIGHT[@]}"; do
        sum=$((sum + weight))
    done
    echo "$sum"
}

# http_requests COUNT VIP PORT: the names of the real servers that answered, one a line; a connection for each request.
http_requests() {
    provider_run "$CLIENT" curl -sS --fail --fail-early --max-time 5 -H 'Connection: close' \
        "http://$2:$3/[1-$1]" || true
}

# ask tcp|udp VIP PORT COUNT [FIRST_CLIENT_PORT]: lines "CLIENT_PORT REAL_SERVER".
ask() {
    provider_run "$CLIENT" "$HOST_LAB_DIR/provision/ask" "$@" || true
}

is_refused() {
    [[ $(curl_result "$@") == 7 ]]
}

is_unanswered() {
    [[ $(curl_result "$@") == 28 ]]
}

# curl's exit code: 7 when the connection is refused, 28 when nobody answers in time.
curl_result() {
    local result=0
    provider_run "$CLIENT" curl -sS --max-time 3 "http://$1:$2/" >/dev/null 2>&1 || result=$?
    echo "$result"
}

count_of() {
    grep -cx "$1" <<<"$2" || true
}

# A table of real servers: what each should have answered by its weight, and what it did.
show_weighted() {
    local requests=$1 answers=$2 host weight count sum exact=true
    sum=$(weight_sum)
    for host in "${REAL_SERVERS[@]}"; do
        weight=${WEIGHT[$host]}
        count=$(count_of "$host" "$answers")
        show_bar "$host" "$weight" "$count"
        ((count * sum == requests * weight)) || exact=false
    done
    expect "all $requests answered, exactly by weight" "$exact"
}

show_counts() {
    local host
    for host in "${REAL_SERVERS[@]}"; do
        show_bar "$host" "${WEIGHT[$host]}" "$(count_of "$host" "$1")"
    done
}

show_bar() {
    local bar
    printf -v bar '%*s' "$3" ''
    printf '  %-8s weight %-4s %4d  %s\n' "$1" "$2" "$3" "${bar// /#}"
}

counter_of() {
    awk -v port="$1" -v column="$2" '$1 == port { print $column }' <<<"$3"
}

# The end: whether all expectations held, and what to do next if so.
show_verdict() {
    echo
    if ((FAILURES)); then
        echo "${RED}$FAILURES expectation(s) failed${PLAIN} after $SECONDS s"
        return 1
    fi
    echo "${GREEN}all as expected${PLAIN} after $SECONDS s; $1"
}
