#!/usr/bin/env bash
# Sluice on a director that is a machine: the package, which lies in the folder above this one as sluice.deb. Its unit "sluice" is not
# started yet.
set -euo pipefail
FROM=$(cd "$(dirname "$0")/.." && pwd)

# Of one version there may be many builds.
install_package() {
    [[ $(sha256sum <"$FROM/sluice.deb") != "$(cat "$FROM/sluice.installed" 2>/dev/null)" ]] || return 0
    export DEBIAN_FRONTEND=noninteractive
    apt-get install -qq -y --no-install-recommends --reinstall --allow-downgrades "$FROM/sluice.deb" </dev/null >/dev/null
    sha256sum <"$FROM/sluice.deb" >"$FROM/sluice.installed"
}

# Emulated processors are slow.
allow_time() {
    mkdir -p /etc/systemd/system/sluice.service.d
    cat >/etc/systemd/system/sluice.service.d/lab.conf <<'UNIT'
[Service]
TimeoutStartSec=600
TimeoutStopSec=120
WatchdogSec=600
UNIT
    systemctl daemon-reload
}

if [[ -f $FROM/sluice.deb ]]; then
    install_package
elif ! command -v sluice >/dev/null; then
    echo "$FROM/sluice.deb is missing: vagrant/lab package makes target/sluice-director_VERSION_amd64.deb" >&2
    exit 1
fi
allow_time
