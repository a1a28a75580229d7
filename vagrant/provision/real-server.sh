#!/usr/bin/env bash
# A real server for DR: it takes packets to the VIP as its own and is silent about it on the wire. Runs nginx and a UDP
# echo, both of which say which real server answered.
# shellcheck source-path=SCRIPTDIR source=network.sh
source "$(dirname "$0")/network.sh" "$1"

write_nginx_config() {
    local port
    mkdir -p "$STATE/www" "$STATE/tmp"
    head -c 1048576 /dev/zero | tr '\0' '.' >"$STATE/www/big"
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
    access_log $STATE/access.log;
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
            echo "        listen $port backlog=4096;"
            echo "        listen [::]:$port backlog=4096;"
        done
        cat <<NGINX
        location / {
            return 200 "$HOST\n";
        }
        location = /big {
            root $STATE/www;
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

start_udp_echo() {
    ! is_alive "$STATE/udp-echo.pid" || return 0
    local port
    # shellcheck disable=SC2086 # the ports are words
    setsid "$(dirname "$0")/udp-echo" "$HOST" "${IPV4%/*}" "${IPV6%/*}" "$VIP4" "$VIP6" -- $UDP_PORTS \
        </dev/null >"$STATE/udp-echo.log" 2>&1 &
    echo $! >"$STATE/udp-echo.pid"
    for port in $UDP_PORTS; do
        for _ in {1..100}; do
            [[ -z $(ss -Hlun "sport = :$port") ]] || continue 2
            sleep 0.05
        done
        echo "udp-echo does not listen on port $port: $(cat "$STATE/udp-echo.log")" >&2
        exit 1
    done
}

configure_network
# Before the VIP exists, or a first ARP answer may slip out (kernel: Documentation/networking/ip-sysctl.rst).
sysctl -qw \
    net.ipv4.conf.all.arp_ignore=1 "net.ipv4.conf.$INTERFACE.arp_ignore=1" \
    net.ipv4.conf.all.arp_announce=2 "net.ipv4.conf.$INTERFACE.arp_announce=2"
add_vip lo
write_nginx_config
start_nginx
start_udp_echo
