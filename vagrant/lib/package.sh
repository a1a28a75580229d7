# shellcheck shell=bash
# The Debian package: made, and installed on a clean Debian whose systemd runs it in the lab, as a person with the README would.

PACKAGE_NAME=sluice-director
# The Debian that the package is tried on, made once for all labs: minbase, systemd, and the packages that it depends on not yet unpacked.
PACKAGE_SUITE=${PACKAGE_SUITE:-bookworm}
PACKAGE_CACHE=/var/cache/sluice-lab
PACKAGE_DEPENDS=(libxdp1 libbpf1 zlib1g iproute2 nftables)
# Of systemd-analyze security, 0 to 10: how much a service could do to the machine.
MAX_EXPOSURE=${MAX_EXPOSURE:-2.9}

lab_package() {
    lab_setup
    if ! package_is_fresh; then
        local started=$SECONDS
        JAVA_HOME=$JDK "$BASE_DIR/src/main/deb/build" >/dev/null
        say "made $(basename "$(package_file)") in $((SECONDS - started)) s"
    fi
    package_file
}

package_file() {
    find "$BASE_DIR/target" -maxdepth 1 -name "${PACKAGE_NAME}_*.deb" -print -quit 2>/dev/null
}

package_is_fresh() {
    local package
    package=$(package_file)
    [[ -n $package ]] && [[ -z $(find "$BASE_DIR"/{target/sluice/lib,src/main/deb,docs,README.md,CHANGES.md} -newer "$package" -print -quit) ]]
}

clean_debian() {
    local tar=$PACKAGE_CACHE/$PACKAGE_SUITE.tar
    [[ -z $(find "$tar" -mtime -14 2>/dev/null) ]] || return 0
    say "making a clean Debian ($PACKAGE_SUITE) in $PACKAGE_CACHE, once for two weeks"
    mkdir -p "$PACKAGE_CACHE"
    mmdebstrap --quiet --variant=minbase --include=systemd,systemd-sysv --skip=cleanup/apt,cleanup/reproducible \
        --customize-hook="chroot \"\$1\" apt-get -o APT::Install-Recommends=true install -q -y --download-only ${PACKAGE_DEPENDS[*]}" \
        "$PACKAGE_SUITE" "$tar.$$.tar" </dev/null >"$PACKAGE_CACHE/$PACKAGE_SUITE.log" 2>&1 || {
        cat "$PACKAGE_CACHE/$PACKAGE_SUITE.log" >&2
        die "no clean Debian: see above"
    }
    mv "$tar.$$.tar" "$tar"
}

# readme_block NUMBER LANGUAGE: a block of the README's section "From the package".
readme_block() {
    awk -v number="$1" -v language="$2" '
        /^## / { inside = $0 == "## From the package" }
        inside && /^```/ {
            if (open) { open = 0; next }
            open = 1; blocks++
            if (blocks == number && substr($0, 4) != language) exit 1
            next
        }
        inside && open && blocks == number' "$BASE_DIR/README.md"
}

lab_package_test() {
    require_root
    install_packages
    lab_package >/dev/null
    clean_debian
    trap 'machine_down || true; lab_down >&2 || true' EXIT
    lab_up >&2
    machine_up
    say "a clean Debian has booted"
    FAILURES=0
    try_package
    try_install
    try_service
    try_restart
    try_reload
    try_watchdog
    try_upgrade
    try_removal
    machine_down
    lab_down >&2
    trap - EXIT
    ((FAILURES == 0)) || die "$FAILURES checks of the package FAILED"
    printf '\n%sThe package is right.%s\n' "$GREEN" "$PLAIN"
}

# --- a machine: Debian's systemd as process 1 of namespaces of its own, on the network of the lab's director

machine_up() {
    MACHINE_ROOT=$(mktemp -d /var/tmp/sluice-package-XXXXXX)
    tar -C "$MACHINE_ROOT" -xf "$PACKAGE_CACHE/$PACKAGE_SUITE.tar"
    # A person answers apt's question with yes.
    echo 'APT::Get::Assume-Yes "true";' >"$MACHINE_ROOT/etc/apt/apt.conf.d/yes"
    cp "$(package_file)" "$MACHINE_ROOT/root/"
    MACHINE_FILES=$LAB_STATE/machine-files
    machine_files >"$MACHINE_FILES"
    # The kernel's control groups of version 2, wherever this machine has them: Debian's systemd wants no other. What the unit locks away
    # is locked away inside; from outside, bpf(2) is all that nspawn would not grant.
    SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1 systemd-nspawn --quiet --directory "$MACHINE_ROOT" --boot --register=no --keep-unit \
        --machine="$LAB_NAME" --network-namespace-path="/run/netns/$(namespace "$DIRECTOR")" --capability=all \
        --system-call-filter=bpf --link-journal=no --resolv-conf=off --timezone=off --console=pipe \
        </dev/null >"$LAB_STATE/machine.log" 2>&1 &
    MACHINE_PID=$!
    wait_until 30 machine_has_booted || {
        cat "$LAB_STATE/machine.log" >&2
        die "the Debian of the package's test did not boot"
    }
}

machine_has_booted() {
    local state
    MACHINE_INIT=$(cat "/proc/$MACHINE_PID/task/$MACHINE_PID/children" 2>/dev/null)
    MACHINE_INIT=${MACHINE_INIT%% *}
    [[ -n $MACHINE_INIT ]] || return 1
    state=$(machine systemctl is-system-running 2>/dev/null) || true
    [[ $state == running || $state == degraded ]]
}

# Runs a command on the machine.
machine() {
    nsenter --target "$MACHINE_INIT" --mount --uts --ipc --net --pid --cgroup --root --wd -- \
        env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 TERM=dumb \
        DEBIAN_FRONTEND=noninteractive "$@" </dev/null
}

# A line of shell as it would be typed there.
machine_types() {
    machine sh -c "cd /root && $1"
}

machine_down() {
    [[ -n ${MACHINE_ROOT:-} ]] || return 0
    if [[ -n ${MACHINE_PID:-} ]] && kill -0 "$MACHINE_PID" 2>/dev/null; then
        # nspawn hands SIGRTMIN+4 on: power off.
        kill -KILL "${MACHINE_INIT:-$MACHINE_PID}" 2>/dev/null || true
        wait "$MACHINE_PID" 2>/dev/null || true
    fi
    rm -rf "$MACHINE_ROOT"
    MACHINE_ROOT=''
}

# What is there, but for what a package manager writes about itself.
machine_files() {
    find "$MACHINE_ROOT" -xdev \( -path '*/var/lib/dpkg' -o -path '*/var/cache' -o -path '*/var/log' -o -path '*/var/lib/apt' \
        -o -path '*/proc' -o -path '*/sys' -o -path '*/dev' -o -path '*/tmp' \) -prune -o -printf '/%P\n' | sort
}

unit() {
    machine systemctl show --value -p "$1" sluice
}

# --- the file by itself

try_package() {
    heading "The package as Debian's tools see it"
    expect "lintian finds no error" shows_no_lintian_error
    expect "shellcheck finds nothing in its scripts" \
        shellcheck "$BASE_DIR"/src/main/deb/{build,manual,postinst,prerm,postrm} "$BASE_DIR/src/main/dist/bin/sluice"
    dpkg-deb -f "$(package_file)" Package Version Architecture Depends Installed-Size
}

shows_no_lintian_error() {
    lintian --allow-root --fail-on error "$(package_file)" 2>&1
}

# --- what a person does, and what comes of it

try_install() {
    local command
    heading "Installed by the README's first command"
    command=$(readme_block 1 sh)
    expect "the README's first command is one line" is_one_line "$command"
    expect "$command" machine_types "$command"
    expect "nothing has started, nothing is enabled: $(unit ActiveState), $(unit UnitFileState)" \
        test "$(unit ActiveState) $(unit UnitFileState)" == "inactive disabled"
    expect "started without an edit, it says what is missing" says_what_is_missing
    expect "and does not try again" test "$(unit ActiveState) $(unit NRestarts)" == "failed 0"
    machine systemctl reset-failed sluice
    expect "systemd understands every line of the unit" is_silent machine systemd-analyze verify --man=no sluice.service
    expect "a clean file system: dpkg finds every file as it was packed" machine dpkg --verify "$PACKAGE_NAME"
    expect "man pages: sluice(8), sluice.toml(5)" machine test -s /usr/share/man/man8/sluice.8.gz -a -s /usr/share/man/man5/sluice.toml.5.gz
}

is_one_line() {
    [[ -n $1 && $1 != *$'\n'* ]]
}

is_silent() {
    local said
    if ! said=$("$@" 2>&1) || [[ -n $said ]]; then
        echo "$said"
        return 1
    fi
}

says_what_is_missing() {
    ! machine systemctl start sluice || return 1
    machine journalctl -q -o cat -u sluice | tee /dev/stderr | grep -q 'sluice.toml:.*interfaces'
}

try_service() {
    local command pid status
    heading "Started by the README's second command, with the README's configuration"
    readme_block 2 toml >"$MACHINE_ROOT/root/edited"
    expect "the README has a configuration" test -s "$MACHINE_ROOT/root/edited"
    # Into the file that is there, as an editor does: it keeps its owner.
    machine_types 'cat edited >/etc/sluice/sluice.toml'
    command=$(readme_block 3 sh)
    expect "the README's second command is one line" is_one_line "$command"
    expect "$command" machine_types "$command"
    expect "it is ready when the command returns" test "$(unit ActiveState) $(unit SubState)" == "active running"
    machine systemctl --no-pager status sluice | sed -n '1,12p' || true
    expect "systemctl status: $(unit StatusText)" grep -q '2 of 2 real servers in service' <<<"$(unit StatusText)"
    shares "60 requests by weight, 2 to 1"

    pid=$(unit ExecMainPID)
    status=$(machine cat "/proc/$pid/status")
    expect "its user is sluice" test "$(machine stat -c %U "/proc/$pid")" == sluice
    expect "its capabilities are CAP_NET_ADMIN, CAP_NET_RAW, CAP_IPC_LOCK, CAP_BPF and CAP_PERFMON" \
        grep -qx 'CapEff:.000000c000007000' <<<"$status"
    expect "and it can gain no other" grep -qx 'CapBnd:.000000c000007000' <<<"$status"
    expect "the start-up cache fits what was installed" machine grep -q '/usr/lib/sluice/lib/sluice.aot' "/proc/$pid/maps"
    expect "connections are in shared memory, nobody else's" \
        test "$(machine stat -c '%U %a' /dev/shm/sluice)" == "sluice 700"
    security
}

# shares DESCRIPTION: sixty requests, as the README's weights have it.
shares() {
    local answers
    answers=$(http_requests 60 "$VIP4" 80)
    expect "$1: $(sort <<<"$answers" | uniq -c | xargs)" \
        test "$(count_of rs1 "$answers") $(count_of rs2 "$answers")" == "40 20"
}

security() {
    local line
    machine systemd-analyze security --no-pager sluice >"$LAB_STATE/security" || true
    grep -E '^✗' "$LAB_STATE/security" | cut -c1-110 || true
    line=$(grep 'Overall exposure level' "$LAB_STATE/security") || true
    line=$(sed -E 's/.*: ([0-9.]+).*/\1/' <<<"$line")
    expect "systemd-analyze security: exposure $line, at most $MAX_EXPOSURE" \
        awk -v found="${line:-10}" -v most="$MAX_EXPOSURE" 'BEGIN { exit !(found <= most) }'
}

# A download of some seconds, begun before and ended after what is to be survived: begin_download, then expect shows_download.
begin_download() {
    rm -f "$LAB_STATE"/download*
    (
        provider_run "$CLIENT" curl -sS --max-time 150 --limit-rate "${1:-150k}" "http://$VIP4/big" >"$LAB_STATE/download" \
            2>"$LAB_STATE/download.err" && result=0 || result=$?
        echo "$result" >"$LAB_STATE/download.exit"
    ) &
    wait_until 5 test -s "$LAB_STATE/download"
}

shows_download() {
    [[ ! -e $LAB_STATE/download.exit ]] || {
        echo "the download was over before"
        return 1
    }
    wait_until 150 test -s "$LAB_STATE/download.exit"
    echo "curl's exit code $(cat "$LAB_STATE/download.exit" "$LAB_STATE/download.err"), $(stat -c %s "$LAB_STATE/download") bytes"
    [[ $(cat "$LAB_STATE/download.exit") == 0 && $(stat -c %s "$LAB_STATE/download") == 1048576 ]]
}

try_restart() {
    local before
    heading "systemctl restart, with a connection open"
    before=$(unit ExecMainPID)
    begin_download
    expect "systemctl restart sluice" machine systemctl restart sluice
    expect "another process directs" test "$(unit ExecMainPID)" != "$before"
    expect "it took the XDP program over, without CAP_SYS_ADMIN" journal_says 'took over from XDP program "sluice_steer"'
    expect "and the connections" journal_says 'took over [1-9][0-9]* connection'
    expect "the download goes on to its end" shows_download
    shares "requests by weight, as before"
}

# journal_says PATTERN: since the service was started last.
journal_says() {
    machine journalctl -q -o cat "_SYSTEMD_INVOCATION_ID=$(unit InvocationID)" | grep -E "$1"
}

try_reload() {
    heading "systemctl reload"
    local answers before
    before=$(unit ExecMainPID)
    machine sed -i 's/weight = 2/weight = 0/' /etc/sluice/sluice.toml
    expect "systemctl reload sluice" machine systemctl reload sluice
    answers=$(http_requests 20 "$VIP4" 80)
    expect "the real server of weight 0 gets no connection: $(sort <<<"$answers" | uniq -c | xargs)" \
        test "$(count_of rs1 "$answers") $(count_of rs2 "$answers")" == "0 20"
    expect "systemctl status says so" wait_until 3 status_says '1 of 2 real servers in service'
    machine sed -i 's/weight = 0/wieght = 2/' /etc/sluice/sluice.toml
    expect "a wrong file is refused" fails machine systemctl reload sluice
    expect "and changes nothing: the same process, ready" test "$(unit ExecMainPID) $(unit SubState)" == "$before running"
    machine sed -i 's/wieght = 2/weight = 2/' /etc/sluice/sluice.toml
    expect "put right, it is taken" machine systemctl reload sluice
}

status_says() {
    grep -q "$1" <<<"$(unit StatusText)"
}

fails() {
    ! "$@"
}

# A debugger holds one worker: everything else of the process goes on.
try_watchdog() {
    heading "The watchdog: one worker is held"
    local pid holder
    machine mkdir -p /run/systemd/system/sluice.service.d
    printf '[Service]\nWatchdogSec=2s\n' >"$MACHINE_ROOT/root/watchdog.conf"
    machine cp /root/watchdog.conf /run/systemd/system/sluice.service.d/test.conf
    machine systemctl daemon-reload
    machine systemctl restart sluice
    pid=$(unit ExecMainPID)
    sleep 5
    expect "while all turns, 5 s are no reason to end it" test "$(unit ExecMainPID) $(unit NRestarts)" == "$pid 0"
    coproc HOLDER { "$BASE_DIR/src/test/scripts/stick" "$(host_pid "$pid")" sluice-worker-0; }
    holder=$HOLDER_PID
    expect "worker 0 is held" wait_until 5 holds_worker "$(host_pid "$pid")"
    read -r -t 5 -u "${HOLDER[0]}" || true
    expect "systemd ends it and starts it anew" wait_until 15 has_restarted "$pid"
    kill "$holder" 2>/dev/null || true
    expect "because of the watchdog" machine_types "journalctl -q -o cat -u sluice | grep -i 'watchdog timeout'"
    expect "and it had said which worker" machine_types "journalctl -q -o cat -u sluice | grep 'worker 0 has completed no duty cycle'"
    expect "it directs again" wait_until 20 unit_is_running
    shares "requests by weight, as before"
    machine rm /run/systemd/system/sluice.service.d/test.conf
    machine systemctl daemon-reload
    machine systemctl restart sluice
}

# The number that a process of the machine has here.
host_pid() {
    local process
    for process in /proc/[0-9]*; do
        if grep -qE "^NSpid:.*[[:space:]]$1\$" "$process/status" 2>/dev/null &&
            [[ $(readlink "$process/ns/pid") == "$(readlink "/proc/$MACHINE_INIT/ns/pid")" ]]; then
            echo "${process#/proc/}"
            return
        fi
    done
}

holds_worker() {
    local status
    for status in "/proc/$1"/task/*/status; do
        if grep -q '^Name:.sluice-worker-0' "$status" && grep -q '^State:.t' "$status"; then
            return 0
        fi
    done
    return 1
}

has_restarted() {
    [[ $(unit NRestarts) -ge 1 && $(unit ExecMainPID) != "$1" ]]
}

unit_is_running() {
    [[ $(unit SubState) == running ]]
}

# The same package under a later version.
try_upgrade() {
    local before new version
    heading "An upgrade, with a connection open"
    new=$LAB_STATE/upgrade
    dpkg-deb -R "$(package_file)" "$new"
    version=$(sed -n 's/^Version: //p' "$new/DEBIAN/control")+1
    sed -i "s/^Version: .*/Version: $version/" "$new/DEBIAN/control"
    rm -f "$MACHINE_ROOT/root/$PACKAGE_NAME"_*.deb
    dpkg-deb --root-owner-group -Znone --build "$new" "$MACHINE_ROOT/root/${PACKAGE_NAME}_${version}_$(dpkg --print-architecture).deb" >/dev/null
    rm -rf "$new"
    before=$(unit ExecMainPID)
    # Longer than dpkg takes.
    begin_download 25k
    expect "$(readme_block 1 sh)" machine_types "$(readme_block 1 sh)"
    expect "version $version is there" test "$(installed_version)" == "$version"
    expect "the configuration is the edited one" machine grep -q 'weight = 2' /etc/sluice/sluice.toml
    expect "another process directs" test "$(unit ExecMainPID)" != "$before"
    expect "and took the traffic over" journal_says 'took over from XDP program'
    expect "the download goes on to its end" shows_download
    shares "requests by weight, as before"
}

installed_version() {
    # shellcheck disable=SC2016 # dpkg expands it
    machine dpkg-query -W -f '${Version}' "$PACKAGE_NAME"
}

try_removal() {
    local left
    heading "Removed"
    expect "apt remove $PACKAGE_NAME" machine apt-get remove "$PACKAGE_NAME"
    expect "no director runs, and no XDP program is left" fails has_xdp
    expect "the kernel answers for the VIP now" is_refused "$VIP4" 80
    expect "the configuration is kept" machine test -s /etc/sluice/sluice.toml
    expect "apt purge $PACKAGE_NAME" machine apt-get purge "$PACKAGE_NAME"
    left=$(machine find / -xdev \( -path /proc -o -path /sys -o -path /root -o -path /var/log -o -path /var/cache \) -prune -o -iname '*sluice*' -print
        machine ls -A /dev/shm /run/sluice 2>/dev/null | grep sluice || true
        machine getent passwd sluice || true
        machine getent group sluice || true)
    expect "nothing of it is left: files, user, group, shared memory" test -z "$left"
    [[ -z $left ]] || echo "$left"
    expect "installed once more, it works as the first time" machine_types "$(readme_block 1 sh)"
    expect "and goes in one step" machine apt-get purge "$PACKAGE_NAME"
}

has_xdp() {
    machine ip link show dev eth1 | tee /dev/stderr | grep -q xdp
}
