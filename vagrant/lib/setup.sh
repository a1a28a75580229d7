# shellcheck shell=bash
# What the machine needs: Debian packages, a JDK 25, the built distribution. Nothing is done twice: when all is there,
# a set-up is a few file look-ups and takes no network.

PACKAGES=(
    # build: XDP programs, Java
    clang llvm libbpf-dev libxdp-dev linux-libc-dev gcc libc6-dev make maven
    # run: the libraries that the director loads
    libxdp1 libbpf1 libelf1 bpftool
    # lab and tests
    iproute2 nftables ethtool iputils-ping arping procps util-linux nginx-light python3 python3-scapy tshark tcpdump
    vsftpd curl socat iperf3 jq
    # the Debian package, its man pages, and the clean Debian that it is tried on
    dpkg-dev lowdown mandoc man-db lintian mmdebstrap systemd-container shellcheck zsh
    # servers that health checks are tested against
    openssl dnsmasq-base python3-grpcio python3-aiosmtpd
    # the terminal in which sluice top is looked at
    tmux
    # what benchmarks send with, as their tests see: trafgen, ab
    netsniff-ng apache2-utils
    # what reads vagrant/Vagrantfile (18 MB to download, 85 MB installed, most of it Ruby)
    vagrant vagrant-libvirt
    # metrics and the stats page: promtool, a strict parser of OpenMetrics, a browser
    prometheus python3-prometheus-client chromium chromium-driver fonts-dejavu-core
)

SLUICE=$BASE_DIR/target/sluice/bin/sluice
JDK=''
JDK_HINT='no JDK 25 found: install one (Debian: openjdk-25-jdk or temurin-25-jdk) or point JAVA_HOME at it'

lab_setup() {
    install_packages
    find_jdk || install_jdk
    build_distribution
}

install_packages() {
    local package missing=()
    for package in "${PACKAGES[@]}"; do
        is_installed "$package" || missing+=("$package")
    done
    ((${#missing[@]})) || return 0
    require_root
    say "installing ${missing[*]}"
    apt_install "${missing[@]}"
}

is_installed() {
    [[ $(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null) == installed ]]
}

# Installs without questions and without starting services: the lab's nginx are its own, a system-wide one is not wanted.
apt_install() (
    set -e
    local policy=/usr/sbin/policy-rc.d
    if [[ ! -e $policy ]]; then
        trap 'rm -f "$policy"' EXIT
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod +x "$policy"
    fi
    export DEBIAN_FRONTEND=noninteractive
    if ! command -v tshark >/dev/null && command -v debconf-set-selections >/dev/null; then
        echo 'wireshark-common wireshark-common/install-setuid boolean false' | debconf-set-selections
    fi
    # The lists may be absent or old: refresh them only when the first attempt fails.
    apt-get install -q -y --no-install-recommends "$@" </dev/null >&2 || {
        say "apt-get install failed; once more with fresh package lists"
        apt-get update -q </dev/null >&2
        apt-get install -q -y --no-install-recommends "$@" </dev/null >&2
    }
)

# Sets JDK to the home of a JDK 25 or newer: JAVA_HOME, the java on PATH, or one of /usr/lib/jvm.
find_jdk() {
    local candidate on_path
    [[ -z $JDK ]] || return 0
    on_path=$(readlink -f "$(command -v javac || true)") || on_path=''
    for candidate in "${JAVA_HOME:-}" "${on_path%/bin/javac}" /usr/lib/jvm/*25* /usr/lib/jvm/*; do
        if [[ -n $candidate && -x $candidate/bin/javac && $(jdk_major "$candidate") -ge 25 ]]; then
            JDK=$candidate
            return 0
        fi
    done
    return 1
}

# The major version that a JDK states in its "release" file; 0 without one.
jdk_major() {
    local version
    version=$(sed -n 's/^JAVA_VERSION="\([0-9]*\).*/\1/p' "$1/release" 2>/dev/null) || true
    echo "${version:-0}"
}

install_jdk() {
    local package
    require_root
    apt-get update -q </dev/null >&2 || true
    for package in openjdk-25-jdk-headless temurin-25-jdk; do
        if [[ -n $(apt-cache search --names-only "^$package\$" 2>/dev/null) ]]; then
            say "installing $package"
            apt_install "$package"
            find_jdk || die "$JDK_HINT"
            return
        fi
    done
    die "$JDK_HINT"
}

build_distribution() {
    ! distribution_is_fresh || return 0
    say "building the distribution (the first time takes a few minutes)"
    local stamp=$BASE_DIR/target/.lab-built started=$SECONDS
    mkdir -p "$BASE_DIR/target"
    # The stamp bears the time at which the build started: what is edited meanwhile is newer.
    touch "$stamp.new"
    (cd "$BASE_DIR" && JAVA_HOME=$JDK mvn -q -B -DskipTests -Dspotless.check.skip package </dev/null >&2)
    mv "$stamp.new" "$stamp"
    say "built $(dirname "$(dirname "$SLUICE")") in $((SECONDS - started)) s"
}

# There is a distribution, and no source is newer than its jar or than the last build by the lab.
distribution_is_fresh() {
    local built
    [[ -x $SLUICE ]] || return 1
    for built in "$BASE_DIR"/target/sluice/lib/sluice-*.jar "$BASE_DIR/target/.lab-built"; do
        [[ -e $built ]] || continue
        # What only the package is made of is no part of the distribution.
        [[ -n $(find "$BASE_DIR"/{pom.xml,src/main,bpf,native} -path "$BASE_DIR/src/main/deb" -prune -o -newer "$built" -print -quit) ]] ||
            return 0
    done
    return 1
}
