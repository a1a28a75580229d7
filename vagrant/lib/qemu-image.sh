# shellcheck shell=bash
# What the machines of the provider "qemu" boot, made once from Debian's packages and kept in /var/cache/sluice-lab:
#   root.img       a file system with systemd, sshd, and all packages of provision/packages
#   vmlinux        its kernel, unpacked: unpacking takes an emulated processor longer than booting
#   initrd         with what finds the disk, nothing else
#   key, key.pub   root's, by which the lab gets in
#   known_hosts    the machines' host key

IMAGE_CACHE=/var/cache/sluice-lab
IMAGE_SUITE=${SLUICE_LAB_SUITE:-bookworm}
# The machine itself, beside what provision/packages names.
IMAGE_PACKAGES=(systemd-sysv udev dbus openssh-server linux-image-cloud-amd64 initramfs-tools zstd arping nftables iperf3 jq)
IMAGE_TOOLS=(mmdebstrap mke2fs zstd lz4 xz ssh-keygen)

# To be raised when something below changes what is in the image.
IMAGE_VERSION=2

# Where the image of this suite, version and these packages is.
image_folder() {
    local key
    key=$(image_packages | sha256sum)
    echo "$IMAGE_CACHE/$IMAGE_SUITE-$IMAGE_VERSION-${key:0:12}"
}

image_packages() {
    {
        printf '%s\n' "${IMAGE_PACKAGES[@]}"
        sed '/^#/d' "$LAB_DIR/provision/packages" | cut -d ' ' -f 2- | xargs -n 1
    } | sort -u
}

# image_build: by one lab command at a time.
image_build() {
    local folder
    folder=$(image_folder)
    [[ ! -f $folder/root.img ]] || return 0
    mkdir -p "$IMAGE_CACHE"
    (
        flock -n 9 || say "another lab command is making the machines' image; waiting for it"
        flock -w 1800 9 || die "another lab command has been holding $IMAGE_CACHE/lock for half an hour"
        [[ ! -f $folder/root.img ]] || exit 0
        say "making the machines' image: Debian $IMAGE_SUITE in $folder (some minutes, once)"
        find "$IMAGE_CACHE" -maxdepth 1 -name 'qemu-build.*' -exec rm -rf {} +
        IMAGE_WORK=$(mktemp -d "$IMAGE_CACHE/qemu-build.XXXXXX")
        trap 'rm -rf "$IMAGE_WORK"' EXIT
        trap 'exit 130' INT
        trap 'exit 143' TERM HUP
        image_make "$IMAGE_WORK" 9<&-
        rm -rf "$folder"
        mv "$IMAGE_WORK/image" "$folder"
        say "made $folder in $SECONDS s ($(du -sh "$folder" | cut -f 1))"
    ) 9>"$IMAGE_CACHE/lock"
}

# image_make FOLDER: everything in FOLDER/image.
image_make() {
    local work=$1 image=$1/image root=$1/root log=$1/mmdebstrap.log
    mkdir -p "$image"
    ssh-keygen -q -t ed25519 -N '' -C sluice-lab -f "$image/key"
    ssh-keygen -q -t ed25519 -N '' -C sluice-lab -f "$work/host-key"
    image_files "$work"
    if ! nice mmdebstrap --mode=root --variant=minbase --format=directory --aptopt='APT::Install-Recommends "false"' \
        --include="$(image_packages | paste -sd ,)" \
        --essential-hook="tar -C '$work/files' -cf - . | tar -C \"\$1\" --no-same-owner -xf -" \
        "$IMAGE_SUITE" "$root" </dev/null >"$log" 2>&1; then
        tail -n 5 "$log" >&2
        die "Debian $IMAGE_SUITE could not be installed into the image: mmdebstrap says why; it needs a way to Debian's mirrors"
    fi
    install -m 600 "$work/host-key" "$root/etc/ssh/ssh_host_ed25519_key"
    install -m 644 "$work/host-key.pub" "$root/etc/ssh/ssh_host_ed25519_key.pub"
    install -D -m 600 "$image/key.pub" "$root/root/.ssh/authorized_keys"
    awk '{ print "sluice-lab", $1, $2 }' "$work/host-key.pub" >"$image/known_hosts"
    image_units "$root"
    image_kernel "$root" "$image"
    rm -rf "$root"/{boot,var/cache/apt,var/lib/apt/lists}/*
    # Sparse; what the machines write goes to a file of each of them.
    mke2fs -q -t ext4 -O ^has_journal -m 0 -L sluice-lab -d "$root" "$image/root.img" 3G >/dev/null
}

# Files that are to be there before packages are configured.
image_files() {
    local etc=$1/files/etc modules=$1/files/usr/share/initramfs-tools/modules.d
    mkdir -p "$modules" "$etc"/{initramfs-tools/conf.d,ssh/sshd_config.d,udev/rules.d} \
        "$etc"/systemd/{system,network,journald.conf.d,system.conf.d}
    # Other modules come when there is a file system to load them from.
    printf 'MODULES=list\nCOMPRESS=zstd\n' >"$etc/initramfs-tools/conf.d/sluice-lab"
    printf '%s\n' virtio_pci virtio_blk ext4 >"$modules/sluice-lab"
    cat >"$etc/ssh/sshd_config.d/sluice-lab.conf" <<'SSHD'
HostKey /etc/ssh/ssh_host_ed25519_key
UseDNS no
UsePAM no
MaxSessions 100
MaxStartups 100
SSHD
    # The card in slot 3 is the lab's own way in. All others keep the names that udev gives them.
    cat >"$etc/systemd/network/10-sluice-lab.link" <<'LINK'
[Match]
Path=pci-0000:00:03.0

[Link]
Name=mgmt0
LINK
    # Its address is the link-local one that follows from the MAC: none of the topology's is needed, nor a route. The unit starts when
    # the card appears: who waits for a device gives up after a while, and an emulated processor may take longer.
    cat >"$etc/udev/rules.d/80-sluice-lab.rules" <<'RULES'
ACTION!="remove", SUBSYSTEM=="net", ENV{ID_PATH}=="pci-0000:00:03.0", TAG+="systemd", ENV{SYSTEMD_WANTS}+="sluice-lab-way-in.service"
RULES
    cat >"$etc/systemd/system/sluice-lab-way-in.service" <<'UNIT'
[Unit]
Description=The lab's way in

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/sbin/sysctl -qw net.ipv6.conf.mgmt0.accept_ra=0 net.ipv6.conf.mgmt0.accept_dad=0
ExecStart=/sbin/ip link set mgmt0 up
UNIT
    printf '[Manager]\nDefaultTimeoutStartSec=15min\nDefaultDeviceTimeoutSec=15min\n' >"$etc/systemd/system.conf.d/sluice-lab.conf"
    printf '/dev/vda / ext4 rw,noatime 0 1\n' >"$etc/fstab"
    printf '[Journal]\nStorage=volatile\nRuntimeMaxUse=32M\n' >"$etc/systemd/journald.conf.d/sluice-lab.conf"
}

# What a machine that lives for minutes does without.
image_units() {
    local root=$1 unit
    chroot "$root" systemctl -q enable ssh.service
    for unit in nginx vsftpd; do
        chroot "$root" systemctl -q disable "$unit" 2>/dev/null || true
    done
    for unit in apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer fstrim.timer \
        systemd-networkd-wait-online.service systemd-pstore.service; do
        ln -sf /dev/null "$root/etc/systemd/system/$unit"
    done
}

# The kernel itself is the payload of Debian's vmlinuz, packed (kernel: Documentation/arch/x86/boot.rst, setup_sects,
# payload_offset and payload_length).
image_kernel() {
    local root=$1 image=$2 packed start length
    packed=$(find "$root/boot" -name 'vmlinuz-*' | sort -V | tail -n 1)
    cp "$(find "$root/boot" -name 'initrd.img-*' | sort -V | tail -n 1)" "$image/initrd"
    start=$((($(number_at "$packed" $((0x1f1)) 1) + 1) * 512 + $(number_at "$packed" $((0x248)) 4)))
    length=$(number_at "$packed" $((0x24c)) 4)
    # Unpackers complain of what follows, which is the unpacked size.
    dd if="$packed" of="$image/payload" bs=1M iflag=skip_bytes,count_bytes skip="$start" count="$length" status=none
    case $(od -An -t x1 -N 4 "$image/payload" | tr -d ' ') in
        28b52ffd) zstd -q -d -c --long=31 <"$image/payload" ;;
        02214c18) lz4 -q -d -c <"$image/payload" ;;
        fd377a58) xz -q -d -c --single-stream <"$image/payload" ;;
        1f8b*) gzip -q -d -c <"$image/payload" ;;
    esac >"$image/vmlinux" 2>/dev/null || true
    rm "$image/payload"
    [[ $(head -c 4 "$image/vmlinux" | tail -c 3) == ELF ]] || die "${packed##*/} could not be unpacked"
}

# number_at FILE OFFSET BYTES
number_at() {
    od -An -t "u$3" -j "$2" -N "$3" "$1" | tr -d ' '
}
