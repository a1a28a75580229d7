# shellcheck shell=bash
# Hosts that are machines, reached by ssh: commands, files and the scripts of roles. The provider says how, by
#   machine_ssh HOST SSH_ARGUMENT...     ssh with all that it needs to reach the host; arguments are a command's words
#   machine_root                         what makes a command one of root's ("", or "sudo -n")

# shellcheck disable=SC2034 # used by all that deals with hosts
LAB_MACHINES=yes LAB_PATIENCE=10 LAB_SIZE=4M
HOST_LAB_DIR=/opt/sluice-lab
HOST_SLUICE=sluice
HOST_STATE=/run/sluice-lab
HOST_SOCKET=/run/sluice/sluice.sock
HOST_DOWNLOAD=/var/tmp/sluice-lab.download

# shellcheck source=director-unit.sh
source "$LAB_DIR/lib/director-unit.sh"

# What ssh does to a command line: its words are put together with spaces and read by a shell.
quoted() {
    printf '%q ' "$@"
}

provider_run() {
    local host=$1
    shift
    if [[ $host == switch ]]; then
        in_switch "$@"
    else
        machine_ssh "$host" "$(machine_root) $(quoted "$@")"
    fi
}

provider_enter() {
    local host=$1 result=0
    shift
    provider_run "$host" env "SLUICE_SOCKET=$HOST_SOCKET" "$@" || result=$?
    exit "$result"
}

provider_put() {
    machine_ssh "$2" "$(machine_root) $(quoted bash -c "mkdir -p '${3%/*}' && cat >'$3'")" <"$1"
}

provider_provision() {
    local host=$1 env=$2
    tar -C "$LAB_DIR" -cf - provision |
        machine_ssh "$host" "$(machine_root) $(quoted bash -c "mkdir -p $HOST_LAB_DIR && tar -C $HOST_LAB_DIR -xf - --no-same-owner")"
    provider_put "$env" "$host" "$HOST_LAB_DIR/host.env"
    [[ ${ROLE[$host]} != director* ]] || provider_put "$(package_file)" "$host" "$HOST_LAB_DIR/sluice.deb"
    provider_run "$host" "$HOST_LAB_DIR/provision/machine.sh" "$HOST_LAB_DIR/host.env"
}

provider_serves() {
    provider_run "$1" bash -c "for file in $HOST_STATE/$1/*.pid; do kill -0 \$(cat \$file) || exit; done" 2>/dev/null
}

provider_what_runs() {
    provider_run "$1" ps -eo comm=,pid= | awk '/^(nginx|python3|udp-echo|vsftpd|java|sluice) / { printf "%s(%s) ", $1, $2 }'
}
