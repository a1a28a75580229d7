# shellcheck shell=bash
echo
