#!/usr/bin/env bash
# A real server. For DR and TUN it takes packets to the VIP as its own and is silent about it on the wire; for NAT and FULLNAT it has its
# own address only. Port 21 is FTP, port 8090 takes uploads, all other TCP ports are HTTP; UDP ports are an echo, but for 9009, where
# nobody listens. All say which real server answers. proxy.log and toa.log have the clients that FULLNAT tells of.
# shellcheck source-path=SCRIPTDIR source=network.sh
source "$(dirname "$0")/network.sh" "$1"

# Translation: packets come to the host's own address.
has_vip() {
    [[ $METHOD != nat && $METHOD != fullnat ]]
}

# The ends of tunnels are the kernel's own devices on a machine of its own; in a namespace `sluice real-server` sees to it.
has_tunnel_devices() {
    [[ $METHOD == tun && $MACHINE == yes ]]
}

# As LVS guides have it. What comes out of a tunnel has a client's address, to which no route leads through the tunnel: the reverse
# path filter has to be loose (2), for of "all" and the device the greater number counts.
open_tunnels() {
    modprobe -a ipip ip6_tunnel
    ip link set tunl0 up
    sysctl -qw net.ipv4.conf.tunl0.rp_filter=2
    ip address replace "$VIP4/32" dev tunl0
    ip link set ip6tnl0 up
    ip -6 address replace "$VIP6/128" dev ip6tnl0 nodad preferred_lft 0
}

write_nginx_config() {
    local port option
    mkdir -p "$STATE/www" "$STATE/tmp"
    head -c 1048576 /dev/urandom >"$STATE/www/big"
    echo "$HOST" >"$STATE/www/name"
    {
        cat <<NGINX
worker_processes 1;
worker_rlimit_nofile 20000;
pid $STATE/nginx.pid;
error_log $STATE/error.log;
events {
    worker_connections 16384;
}
http {
    # What the connection says, then what is said of it.
    log_format proxy '\$remote_addr \$remote_port \$proxy_protocol_addr \$proxy_protocol_port';
    map \$proxy_protocol_addr \$is_proxied {
        default 1;
        '' 0;
    }
    access_log $STATE/access.log;
    access_log $STATE/proxy.log proxy if=\$is_proxied;
    client_body_temp_path $STATE/tmp/body;
    proxy_temp_path $STATE/tmp/proxy;
    fastcgi_temp_path $STATE/tmp/fastcgi;
    uwsgi_temp_path $STATE/tmp/uwsgi;
    scgi_temp_path $STATE/tmp/scgi;
    default_type text/plain;
    add_header X-Real-Server $HOST always;
    add_header X-Request-Path \$request_uri always;
    keepalive_requests 1000000;
    keepalive_timeout 600;
    server {
NGINX
        for port in $TCP_PORTS; do
            [[ $port != 21 && $port != 8090 ]] || continue
            option=''
            [[ " $PROXY_PORTS " != *" $port "* ]] || option=' proxy_protocol'
            echo "        listen $port backlog=4096$option;"
            echo "        listen [::]:$port backlog=4096$option;"
        done
        cat <<NGINX
        location / {
            return 200 "$HOST\n";
        }
        location = /big {
            root $STATE/www;
        }
        location = /download {
            alias $DOWNLOAD;
        }
    }
}
NGINX
    } >"$STATE/nginx.conf"
}

is_alive() {
    [[ -s $1 ]] && kill -0 "$(cat "$1")" 2>/dev/null
}

start_nginx() {
    ! is_alive "$STATE/nginx.pid" || return 0
    nginx -e "$STATE/error.log" -c "$STATE/nginx.conf"
}

# run_server NAME PROTOCOL PORTS CMD...: in the background, until it listens on all of these ports.
run_server() {
    local name=$1 protocol=$2 ports=$3 port
    shift 3
    ! is_alive "$STATE/$name.pid" || return 0
    setsid "$@" </dev/null >"$STATE/$name.log" 2>&1 &
    echo $! >"$STATE/$name.pid"
    for port in $ports; do
        for _ in {1..100}; do
            [[ -z $(ss -Hln "--$protocol" "sport = :$port") ]] || continue 2
            sleep 0.05
        done
        echo "$name does not listen on port $port: $(cat "$STATE/$name.log")" >&2
        exit 1
    done
}

start_udp_echo() {
    local ports=" $UDP_PORTS " addresses=("${IPV4%/*}" "${IPV6%/*}")
    ports=${ports/ 9009 / }
    ! has_vip || addresses+=("$VIP4" "$VIP6")
    # shellcheck disable=SC2086 # the ports are words
    run_server udp-echo udp "$ports" "$(dirname "$0")/udp-echo" "$HOST" "${addresses[@]}" -- $ports
}

# What a kernel module would do for the server: see who the client is.
start_toa_log() {
    # shellcheck disable=SC2086 # the ports are words
    run_server toa tcp '' "$(dirname "$0")/toa-log" "$INTERFACE" $TOA_PORTS
}

# Anonymous, to read only; data connections of active mode come from port 20, as RFC 959 has it.
start_ftp() {
    cat >"$STATE/vsftpd.conf" <<VSFTPD
listen=NO
listen_ipv6=YES
background=NO
anonymous_enable=YES
no_anon_password=YES
local_enable=NO
anon_root=$STATE/www
connect_from_port_20=YES
xferlog_enable=NO
ftpd_banner=$HOST
VSFTPD
    mkdir -p /run/vsftpd/empty
    run_server vsftpd tcp 21 vsftpd "$STATE/vsftpd.conf"
}

configure_network
if has_vip; then
    # Before the VIP exists, or a first ARP answer may slip out (kernel: Documentation/networking/ip-sysctl.rst).
    sysctl -qw \
        net.ipv4.conf.all.arp_ignore=1 "net.ipv4.conf.$INTERFACE.arp_ignore=1" \
        net.ipv4.conf.all.arp_announce=2 "net.ipv4.conf.$INTERFACE.arp_announce=2"
    if has_tunnel_devices; then open_tunnels; else add_vip lo; fi
fi
write_nginx_config
start_nginx
start_udp_echo
[[ " $TCP_PORTS " != *' 8090 '* ]] || run_server receive tcp 8090 "$(dirname "$0")/receive" 8090
[[ " $TCP_PORTS " != *' 21 '* ]] || start_ftp
[[ -z $TOA_PORTS ]] || start_toa_log
