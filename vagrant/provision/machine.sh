#!/usr/bin/env bash
# Makes a machine a host of the lab: what it needs from Debian, Sluice on directors, then the script of its role, as in a namespace.
# Run as root, with the path of a host.env, from a folder that has all of vagrant/provision. What is there already stays.
# shellcheck source-path=SCRIPTDIR
set -euo pipefail
# shellcheck source=/dev/null
source "${1:?usage: $0 HOST_ENV}"
HERE=$(cd "$(dirname "$0")" && pwd)

wanted_packages() {
    awk -v role="$ROLE" '$1 == "any" || $1 == role { $1 = ""; print }' "$HERE/packages"
}

install_packages() {
    local package missing=()
    for package in $(wanted_packages); do
        [[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) == installed ]] || missing+=("$package")
    done
    ((${#missing[@]})) || return 0
    echo "installing ${missing[*]}"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq </dev/null
    apt-get install -qq -y --no-install-recommends "${missing[@]}" </dev/null >/dev/null
}

# The lab's servers are started by the lab.
disable_services() {
    local unit
    for unit in nginx vsftpd; do
        ! systemctl is-enabled -q "$unit" 2>/dev/null || systemctl disable -q --now "$unit"
    done
}

install_packages
disable_services
mkdir -p "$STATE"
[[ $ROLE != director* ]] || "$HERE/sluice.sh"
exec "$HERE/$ROLE.sh" "$1"
