# shellcheck shell=bash
# The provider "vagrant": hosts are virtual machines of libvirt's or VirtualBox's, which vagrant/Vagrantfile declares from the same
# topology. Vagrant makes, provisions and removes them; commands reach them by the ssh that it sets up. Needs no root here. What the
# functions are for: provider-netns.sh.

# The user's own, for as long as machines are there, which is longer than /run.
LAB_ROOT=$LAB_DIR/.vagrant/labs
LAB_STATE=$LAB_ROOT/$LAB_NAME
LAB_LOCK=$LAB_ROOT/.$LAB_NAME.lock
LAB_DOWNLOAD=$LAB_STATE/download

# shellcheck source=ssh.sh
source "$LAB_DIR/lib/ssh.sh"

provider_requires_root() {
    :
}

provider_leaves_out() {
    :
}

# Vagrant and what it drives come from Debian or from their makers; none is installed here.
provider_set_up() {
    provider_check
    lab_package >/dev/null
}

provider_check() {
    local tool
    for tool in vagrant ssh jq; do
        command -v "$tool" >/dev/null || die "$tool is missing; install it (Debian: vagrant vagrant-libvirt openssh-client jq)"
    done
    if ! command -v VBoxManage >/dev/null && ! command -v virsh >/dev/null && [[ ! -S /run/libvirt/libvirt-sock ]]; then
        die "there is neither libvirt nor VirtualBox for Vagrant to use (Debian: libvirt-daemon-system and vagrant-libvirt)"
    fi
}

in_vagrant() {
    SLUICE_LAB=$LAB_NAME SLUICE_SCENARIO=$LAB_SCENARIO SLUICE_WITHOUT=$LAB_WITHOUT SLUICE_QUEUES=$LAB_QUEUES \
        VAGRANT_CWD=$LAB_DIR VAGRANT_DOTFILE_PATH=$LAB_DIR/.vagrant/$LAB_NAME vagrant "$@" </dev/null
}

provider_create() {
    local host
    in_vagrant up >&2
    in_vagrant ssh-config >"$LAB_STATE/ssh-config"
    for host in "${HOSTS[@]}"; do
        provider_run "$host" true || die "$host cannot be reached by ssh"
    done
}

# `vagrant up` has done it.
provider_provision() {
    :
}

machine_ssh() {
    local host=$1
    shift
    ssh -F "$LAB_STATE/ssh-config" -q -o ControlMaster=auto -o ControlPersist=600 \
        -o "ControlPath=${XDG_RUNTIME_DIR:-/tmp}/sluice-lab-%C" "$host" "$@"
}

machine_root() {
    echo "sudo -n"
}

in_switch() {
    die "machines of Vagrant's have no switch of ours to run ${1:-a command} on"
}

# As the hosts count: there is no switch to ask.
switch_counters() {
    local host interface
    for host in "${HOSTS[@]}"; do
        while read -r interface _; do
            provider_run "$host" ip -s -j link show dev "$interface" </dev/null |
                jq -r --arg port "$(switch_port "$host" "$interface")" '.[] | "\($port) \(.stats64.tx.bytes) \(.stats64.rx.bytes)"'
        done < <(ports_of "$host")
    done
}

# What the host's script configured goes with the link, and comes back with it.
provider_cable() {
    provider_run "$1" ip link set eth1 "$2"
    [[ $2 == down ]] || provider_run "$1" "$HOST_LAB_DIR/provision/machine.sh" "$HOST_LAB_DIR/host.env"
}

provider_exists() {
    [[ $1 != switch && -f $LAB_STATE/ssh-config ]]
}

provider_is_up() {
    local host
    for host in "${HOSTS[@]}"; do
        provider_exists "$host" && provider_run "$host" true 2>/dev/null || return 1
    done
}

provider_destroy() {
    in_vagrant destroy -f >&2
    rm -rf "$LAB_DIR/.vagrant/$LAB_NAME"
}
