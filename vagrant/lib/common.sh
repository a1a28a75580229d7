# shellcheck shell=bash
# Messages, waiting, and the lock that lets only one process at a time build or remove a lab.

if [[ -t 1 && -z ${NO_COLOR:-} ]]; then
    BOLD=$'\e[1m' GREEN=$'\e[32m' RED=$'\e[31m' PLAIN=$'\e[0m'
else
    BOLD='' GREEN='' RED='' PLAIN=''
fi

say() {
    printf 'lab: %s\n' "$*" >&2 || true
}

die() {
    say "$*"
    exit 1
}

require_root() {
    ((EUID == 0)) || die "must run as root: namespaces, interfaces and XDP need it"
}

# How much longer than a namespace of this machine a provider's hosts may take.
LAB_PATIENCE=1

# wait_until SECONDS CMD...: true as soon as CMD is, false when it is not within that time.
wait_until() {
    local deadline=$((SECONDS + $1 * LAB_PATIENCE))
    shift
    until "$@"; do
        ((SECONDS < deadline)) || return 1
        sleep 0.05
    done
}

process_is_gone() {
    [[ ! -d /proc/$1 ]] || [[ $(process_state "$1") == Z ]]
}

# The state letter of /proc/PID/stat, which follows the command name in brackets.
process_state() {
    local stat
    stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 0
    stat=${stat##*) }
    echo "${stat%% *}"
}

# run_locked FUNCTION: in a subshell that holds the lock of all labs and stops at the first command that fails; its exit
# code is left in LOCKED_RESULT, because `run_locked f || ...` would switch that stop off inside f. The lock's descriptor
# is closed inside, or else every server started there would inherit the lock.
run_locked() {
    mkdir -p "$LAB_ROOT"
    [[ $LAB_LOCK == "$LAB_ROOT" ]] || : >>"$LAB_LOCK"
    set +e
    (
        set -e
        flock -w 120 9 || die "another lab command has been holding $LAB_LOCK for two minutes"
        "$@" 9<&-
    ) 9<"$LAB_LOCK"
    LOCKED_RESULT=$?
    set -e
}
