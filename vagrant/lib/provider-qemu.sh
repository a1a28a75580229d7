# shellcheck shell=bash
# The provider "qemu": a host is a virtual machine of QEMU's that boots Debian. Its cards are virtio-net, each a tap that is a port
# of the same switch that namespaces have; one card more, which no network of the topology knows, is the way in by ssh. All of it
# runs in the switch's namespace, so that ending what runs there ends the lab. What the functions are for: provider-netns.sh.

# shellcheck source=switch.sh
source "$LAB_DIR/lib/switch.sh"
# shellcheck source=ssh.sh
source "$LAB_DIR/lib/ssh.sh"
# shellcheck source=qemu-image.sh
source "$LAB_DIR/lib/qemu-image.sh"

# Machines take minutes to boot: other labs are not to wait for that.
LAB_LOCK=$LAB_ROOT/.$LAB_NAME.lock
LAB_ACCEL=${LAB_ACCEL:-tcg}
QEMU_PACKAGES=(qemu-system-x86 mmdebstrap e2fsprogs zstd lz4 xz-utils openssh-client iproute2 jq)
# Of all machines but directors, and of these, in MiB; QEMU's translated code comes on top.
MEMORY=256 DIRECTOR_MEMORY=1536
WAY_IN_MAC=02:5f:00:00:00:01 WAY_IN=fe80::5f:ff:fe00:1

provider_requires_root() {
    require_root
}

# Emulation is slow, and the last real server shows nothing that the others do not; with translation it is behind a router.
provider_leaves_out() {
    local out=()
    read -ra out <<<"$(hosts_of_role director-standby)"
    translates || ((${#REAL_SERVERS[@]} < 3)) || out+=("${REAL_SERVERS[-1]}")
    echo "${out[*]}"
}

provider_set_up() {
    local package missing=()
    lab_package >/dev/null
    for package in "${QEMU_PACKAGES[@]}"; do
        is_installed "$package" || missing+=("$package")
    done
    if ((${#missing[@]})); then
        require_root
        say "installing ${missing[*]}"
        apt_install "${missing[@]}"
    fi
    image_build
}

provider_check() {
    local tool
    for tool in qemu-system-x86_64 ssh ip jq nsenter; do
        command -v "$tool" >/dev/null || die "$tool is missing; run: vagrant/lab --provider qemu setup"
    done
    [[ -n $(package_file) ]] || die "the Debian package is not made; run: vagrant/lab --provider qemu setup"
    [[ -c /dev/net/tun ]] || die "/dev/net/tun is missing, which the machines' cards need: modprobe tun"
    if [[ $LAB_ACCEL == kvm ]] && ! [[ -r /dev/kvm && -w /dev/kvm ]]; then
        die "--accel kvm: this machine has no usable /dev/kvm; use --accel tcg"
    fi
    if [[ ! -f $(image_folder)/root.img ]]; then
        for tool in "${IMAGE_TOOLS[@]}"; do
            command -v "$tool" >/dev/null || die "$tool is missing; run: vagrant/lab --provider qemu setup"
        done
        image_build
    fi
}

provider_create() {
    local host port
    [[ ! -e /run/netns/$(namespace switch) ]] ||
        die "namespace $(namespace switch) exists and is not this lab's; use another --name"
    create_switch
    for port in "${PORTS[@]}"; do
        # shellcheck disable=SC2086 # the fields are words
        plug_in $port
    done
    for host in "${HOSTS[@]}"; do
        mkdir -p "$LAB_STATE/$host"
        lay_way_in "$host"
        start_machine "$host"
    done
    for host in "${HOSTS[@]}"; do
        await_machine "$host"
    done
    say "${#HOSTS[@]} machines booted after $SECONDS s: ${HOSTS[*]}"
}

# plug_in HOST INTERFACE NETWORK IPV4 IPV6 MAC
plug_in() {
    local port
    port=$(switch_port "$1" "$2")
    add_tap "$1" "$port"
    in_switch ip link set "$port" master "$(bridge_of "$3")" up
}

# add_tap HOST NAME
add_tap() {
    if (($(queues_of "$1") > 1)); then
        in_switch ip tuntap add dev "$2" mode tap multi_queue
    else
        in_switch ip tuntap add dev "$2" mode tap
    fi
}

queues_of() {
    if [[ ${ROLE[$1]} == director* ]]; then echo "$LAB_QUEUES"; else echo 1; fi
}

lay_way_in() {
    in_switch ip tuntap add dev "mgmt-$1" mode tap
    in_switch sysctl -qw "net.ipv6.conf.mgmt-$1.disable_ipv6=0" "net.ipv6.conf.mgmt-$1.accept_dad=0"
    in_switch ip link set "mgmt-$1" up
}

start_machine() {
    local host=$1 state=$LAB_STATE/$1 memory=$MEMORY processors=1 image queues number=0 interface mac port
    image=$(image_folder)
    [[ ${ROLE[$host]} != director* ]] || memory=$DIRECTOR_MEMORY processors=2
    local -a machine=(
        qemu-system-x86_64 -name "$LAB_NAME-$host" -nodefaults -no-user-config -display none
        -machine q35 -m "$memory" -smp "$processors"
        -kernel "$image/vmlinux" -initrd "$image/initrd"
        -append "root=/dev/vda rw quiet console=ttyS0 systemd.hostname=$host systemd.show_status=no net.ifnames=1 panic=-1"
        -no-reboot -serial "file:$state/console.log"
        -drive "file=$image/root.img,format=raw,if=none,id=root,snapshot=on" -device virtio-blk-pci,drive=root,addr=0x2
        -netdev "tap,id=mgmt,ifname=mgmt-$host,script=no,downscript=no"
        -device "virtio-net-pci,netdev=mgmt,mac=$WAY_IN_MAC,addr=0x3,romfile="
        -device virtio-rng-pci,addr=0x4
        -daemonize -pidfile "$state/qemu.pid"
    )
    if [[ $LAB_ACCEL == kvm ]]; then
        machine+=(-accel kvm -cpu host)
    else
        # One thread for all processors: the JVM patches code that another processor may be running, which x86 allows and
        # QEMU's processors in threads of their own do not get right (SIGILL in compiled code, one start in ten).
        machine+=(-accel "tcg,thread=single,tb-size=$((processors * 128))" -cpu max)
    fi
    queues=$(queues_of "$host")
    while read -r interface _ _ _ mac; do
        port=$(switch_port "$host" "$interface")
        machine+=(
            -netdev "tap,id=net$number,ifname=$port,script=no,downscript=no$( ((queues == 1)) || echo ",queues=$queues")"
            -device "virtio-net-pci,netdev=net$number,mac=$mac,addr=$((16 + number)),romfile=$(
                ((queues == 1)) || echo ",mq=on,vectors=$((2 * queues + 2))"
            )"
        )
        number=$((number + 1))
    done < <(ports_of "$host")
    # What a machine writes to its disk goes to a file here that has no name: it is gone with the machine.
    TMPDIR=/var/tmp in_switch nice -n 2 "${machine[@]}" 2>"$state/qemu.log" ||
        die "QEMU did not start $host: $(tail -n 1 "$state/qemu.log")"
}

# Until its sshd lets us in.
await_machine() {
    local host=$1
    if ! wait_until "$BOOT_PATIENCE" answers_or_is_gone "$host" || ! machine_runs "$host"; then
        tail -n 5 "$LAB_STATE/$host/console.log" >&2
        die "$host did not boot; its console: $LAB_STATE/$host/console.log"
    fi
}

# Times LAB_PATIENCE, in seconds.
BOOT_PATIENCE=60

answers_or_is_gone() {
    ! machine_runs "$1" || machine_ssh "$1" true 2>/dev/null || { sleep 1 && false; }
}

machine_runs() {
    local pid
    pid=$(cat "$LAB_STATE/$1/qemu.pid" 2>/dev/null) && ! process_is_gone "$pid"
}

# One connection for each host, which all commands share: a handshake takes an emulated processor a second.
machine_ssh() {
    local host=$1 image
    image=$(image_folder)
    shift
    in_switch ssh -F /dev/null -q -o BatchMode=yes -o ConnectTimeout=10 -o ServerAliveInterval=20 -o ServerAliveCountMax=6 \
        -o ControlMaster=auto -o ControlPersist=600 -o "ControlPath=$LAB_STATE/$host/ssh" \
        -o HostKeyAlias=sluice-lab -o "UserKnownHostsFile=$image/known_hosts" -o StrictHostKeyChecking=yes \
        -o IdentitiesOnly=yes -i "$image/key" -l root "$WAY_IN%mgmt-$host" "$@"
}

machine_root() {
    :
}

provider_exists() {
    if [[ $1 == switch ]]; then [[ -e /run/netns/$(namespace switch) ]]; else machine_runs "$1"; fi
}

provider_is_up() {
    local host
    for host in "${HOSTS[@]}"; do
        machine_runs "$host" && provider_run "$host" true 2>/dev/null || return 1
    done
}

provider_destroy() {
    end_lab_processes
    [[ ! -e /run/netns/$(namespace switch) ]] || ip netns del "$(namespace switch)"
}
