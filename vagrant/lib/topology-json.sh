# shellcheck shell=bash
# The topology as JSON, for the Vagrantfile: there is one reader of topologies.

# In the order of the topology; "env" is what the host's script gets.
topology_json() {
    local host network separator=''
    printf '{\n  "scenario": %s,\n  "method": %s,\n  "vips": [%s, %s],\n  "networks": [\n' \
        "$(json_string "$LAB_SCENARIO")" "$(json_string "$METHOD")" "$(json_string "$VIP4")" "$(json_string "$VIP6")"
    for network in "${NETWORKS[@]}"; do
        printf '%s    {"name": %s, "ipv4": %s, "ipv6": %s}' "$separator" "$(json_string "$network")" \
            "$(json_string "${PREFIX4[$network]}0/$LENGTH4")" "$(json_string "${PREFIX6[$network]}/$LENGTH6")"
        separator=$',\n'
    done
    printf '\n  ],\n  "hosts": [\n'
    separator=''
    for host in "${HOSTS[@]}"; do
        printf '%s    {\n      "name": %s,\n      "role": %s,\n      "ports": [%s],\n      "env": %s\n    }' "$separator" \
            "$(json_string "$host")" "$(json_string "${ROLE[$host]}")" "$(json_ports "$host")" \
            "$(json_string "$(host_env "$host")")"
        separator=$',\n'
    done
    printf '\n  ]\n}\n'
}

json_ports() {
    local interface network ipv4 ipv6 mac separator=''
    while read -r interface network ipv4 ipv6 mac; do
        printf '%s\n        {"interface": %s, "network": %s, "ipv4": %s, "ipv6": %s, "mac": %s}' "$separator" \
            "$(json_string "$interface")" "$(json_string "$network")" "$(json_string "$ipv4")" "$(json_string "$ipv6")" \
            "$(json_string "$mac")"
        separator=,
    done < <(ports_of "$1")
    printf '\n      '
}

# What topologies and host.env have needs no more escapes than these.
json_string() {
    local text=${1//\\/\\\\}
    text=${text//\"/\\\"}
    printf '"%s"' "${text//$'\n'/\\n}"
}
