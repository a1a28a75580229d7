#!/usr/bin/env bash
# A client has an address and knows nothing of directors.
# shellcheck source-path=SCRIPTDIR source=network.sh
source "$(dirname "$0")/network.sh" "$1"

configure_network
