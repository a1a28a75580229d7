# shellcheck shell=bash
# Sluice on the lab's director: its configuration from the topology, start, readiness, stop.

DIRECTOR_CONFIG=''

write_director_config() {
    local service
    {
        director_lines
        for service in "${SERVICES[@]}"; do
            # shellcheck disable=SC2086 # the fields are words
            service_lines $service
        done
    } >"$LAB_STATE/director.toml"
}

# Everything but services.
director_lines() {
    cat <<TOML
# Written by vagrant/lab from the topology; the next "up" may overwrite it.
[director]
interfaces = [$(ports_of "$DIRECTOR" | awk '{ printf "%s\"%s\"", (NR > 1 ? ", " : ""), $1 }')]
socket = "$HOST_SOCKET"
# Fixed, so that maglev leads where it led before on machines without a machine id too. Yours is to be secret.
hash_key = "5b6c6c6f5f776f726c645f736c756963"
TOML
    # As the package's own file has it: connections outlive a restart.
    [[ $LAB_MACHINES == no ]] || echo 'flow_table_memory = "shared"'
    ((${#LIPS[@]} == 0)) || cat <<TOML

[director.fullnat]
local_addresses = [$(printf '%s\n' "${LIPS[@]}" | awk '{ printf "%s\"%s\"", (NR > 1 ? ", " : ""), $2 }')]
TOML
}

# service_lines PROTOCOL PORT SCHEDULER REAL_PORT [WHAT]: on both VIPs.
service_lines() {
    local vip host what=${5:-}
    local -A lines=(
        [proxy]='client_address = "proxy"'
        [toa]='client_address = "toa"'
        [syn-proxy]='syn_proxy = true'
        [check]='  [[service.check]]
  type = "tcp"
  interval = 0.5
  retry_interval = 0.3
  timeout = 0.5
  rise = 2
  fall = 2'
    )
    for vip in "$VIP4" "$VIP6"; do
        cat <<TOML

[[service]]
protocol = "$1"
address = "$(endpoint "$vip" "$2")"
scheduler = "$3"
TOML
        [[ -z $what || -z ${lines[$what]:-} ]] || echo "${lines[$what]}"
        for host in "${REAL_SERVERS[@]}"; do
            cat <<TOML
  [[service.real]]
  address = "$(rip "$host" "$vip" "$what")"
  method = "$METHOD"
  weight = ${WEIGHT[$host]}
TOML
            [[ $4 == "$2" ]] || echo "  port = $4"
        done
    done
}

director_log() {
    echo "log $LAB_STATE/$DIRECTOR/sluice.log"
}

director_pid() {
    cat "$LAB_STATE/$DIRECTOR/sluice.pid" 2>/dev/null
}

# A recorded id counts only while that process is on the director: ids are used again.
director_is_running() {
    local pid
    pid=$(director_pid) && [[ -n $pid ]] && provider_processes "$DIRECTOR" | grep -qx "$pid"
}

director_start() {
    require_root
    provider_is_up || die "$LAB_NAME is not up; run: vagrant/lab $(this_lab) up"
    [[ -x $SLUICE ]] || die "$SLUICE is missing; run: vagrant/lab setup"
    ! director_is_running || die "the director is running already (process $(director_pid))"
    find_jdk || die "$JDK_HINT"
    local state=$LAB_STATE/$DIRECTOR config=${DIRECTOR_CONFIG:-$LAB_STATE/director.toml}
    rm -f "$state"/sluice.{pid,exit}
    # Emptied here and not by the redirection below, which happens some time after this shell has looked for "ready".
    : >"$state/sluice.log"
    # The shell in between outlives the director by its exit code; a session of its own keeps Ctrl-C in a demo away from
    # the director, which is to be stopped in order.
    # shellcheck disable=SC2016 # expanded by that shell
    JAVA_HOME=$JDK SLUICE_SOCKET=$LAB_STATE/sluice.sock setsid bash -c '
        state=$1
        shift
        "$@" & echo $! >"$state/sluice.pid"
        wait $! && result=0 || result=$?
        echo $result >"$state/sluice.exit"' \
        director "$state" \
        nsenter --net="/run/netns/$(namespace "$DIRECTOR")" -- "$SLUICE" run --config "$config" \
        </dev/null >"$state/sluice.log" 2>&1 &
    if ! wait_until 30 director_is_ready_or_gone || [[ -f $state/sluice.exit ]]; then
        cat "$state/sluice.log" >&2
        if [[ -f $state/sluice.exit ]]; then
            die "the director ended with exit code $(cat "$state/sluice.exit") before it was ready"
        fi
        ! director_is_running || kill -KILL "$(director_pid)"
        die "the director was not ready within 30 seconds; killed"
    fi
    say "director ready (process $(director_pid), log $state/sluice.log)"
}

director_is_ready_or_gone() {
    local state=$LAB_STATE/$DIRECTOR
    [[ -f $state/sluice.exit ]] || grep -qw ready "$state/sluice.log"
}

# director_stop [--release]: its XDP program stays and drops what is for the VIP, unless it is released.
director_stop() {
    require_root
    local state=$LAB_STATE/$DIRECTOR pid result
    director_is_running || die "the director is not running"
    pid=$(director_pid)
    kill -TERM "$pid"
    wait_until 10 process_is_gone "$pid" || {
        kill -KILL "$pid"
        die "the director did not end within 10 seconds of SIGTERM; killed"
    }
    wait_until 2 test -s "$state/sluice.exit" || die "the director ended, and nobody recorded how"
    result=$(cat "$state/sluice.exit")
    # 143 is how a JVM ends that SIGTERM asked to go and that ran its shutdown hooks.
    [[ $result == 0 || $result == 143 ]] || die "the director ended with exit code $result; log: $state/sluice.log"
    say "director stopped"
    [[ ${1:-} != --release ]] || sluice_release
}

sluice_release() {
    find_jdk || die "$JDK_HINT"
    local interface
    for interface in $(ports_of "$DIRECTOR" | cut -d ' ' -f 1); do
        say "$(sluice_command release --interface "$interface")"
    done
}

# sluice_command ARG...: the command-line client, talking to this lab's director.
sluice_command() {
    JAVA_HOME=$JDK SLUICE_SOCKET=$LAB_STATE/sluice.sock provider_run "$DIRECTOR" "$SLUICE" "$@"
}
