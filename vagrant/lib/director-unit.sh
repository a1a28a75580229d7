# shellcheck shell=bash
# Sluice on a director that is a machine: a unit of its systemd. What lib/director.sh does in a namespace.

DIRECTOR_UNIT=sluice
HOST_CONFIG=/etc/sluice/sluice.toml

unit_property() {
    provider_run "$DIRECTOR" systemctl show -P "$1" "$DIRECTOR_UNIT"
}

director_log() {
    echo "log: vagrant/lab --name $LAB_NAME exec $DIRECTOR journalctl -u $DIRECTOR_UNIT"
}

director_is_running() {
    provider_run "$DIRECTOR" systemctl is-active -q "$DIRECTOR_UNIT"
}

director_start() {
    local started=$SECONDS
    provider_is_up || die "$LAB_NAME is not up; run: vagrant/lab $(this_lab) up"
    ! director_is_running || die "the director is running already (process $(unit_property MainPID))"
    provider_put "${DIRECTOR_CONFIG:-$LAB_STATE/director.toml}" "$DIRECTOR" "$HOST_CONFIG"
    if ! provider_run "$DIRECTOR" systemctl start "$DIRECTOR_UNIT" || ! wait_until 60 director_is_ready_or_gone ||
        ! director_is_running; then
        director_journal >&2
        provider_run "$DIRECTOR" systemctl stop "$DIRECTOR_UNIT" || true
        die "the director did not become ready: see above"
    fi
    say "director ready after $((SECONDS - started)) s (process $(unit_property MainPID), unit $DIRECTOR_UNIT)"
}

director_is_ready_or_gone() {
    ! director_is_running || director_journal | grep -cw ready >/dev/null
}

# What it has said since it was started.
director_journal() {
    provider_run "$DIRECTOR" journalctl -q -o cat "_SYSTEMD_INVOCATION_ID=$(unit_property InvocationID)"
}

# director_stop [--release]
director_stop() {
    local result
    director_is_running || die "the director is not running"
    provider_run "$DIRECTOR" systemctl stop "$DIRECTOR_UNIT"
    result=$(unit_property Result)
    [[ $result == success ]] || die "the director did not end cleanly: $result; $(director_log)"
    say "director stopped"
    [[ ${1:-} != --release ]] || sluice_release
}

sluice_release() {
    local interface
    for interface in $(ports_of "$DIRECTOR" | cut -d ' ' -f 1); do
        say "$(sluice_command release --interface "$interface")"
    done
}

sluice_command() {
    provider_run "$DIRECTOR" env "SLUICE_SOCKET=$HOST_SOCKET" "$HOST_SLUICE" "$@"
}
