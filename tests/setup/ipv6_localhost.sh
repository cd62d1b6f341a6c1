#!/usr/bin/env bash
# Runs a command on a machine whose /etc/hosts calls ::1 localhost before 127.0.0.1, as Debian's installer and Docker write it.
#   ipv6_localhost.sh COMMAND...
#   ipv6_localhost.sh            only whether it can: where not, it says why, and its status is 1
set -euo pipefail

here=$(dirname "$0")
hosts=$(mktemp)
trap 'rm -f "$hosts"' EXIT
printf '::1 localhost ip6-localhost ip6-loopback\n127.0.0.1 localhost\n' >"$hosts"
chmod 644 "$hosts"

if [ $# -gt 0 ]; then
  "$here/in_place_of.sh" /etc/hosts "$hosts" "$@" # not by exec: the file is removed afterwards
  exit
fi
no() { echo "$*" >&2; exit 1; }
grep -q '^0\{31\}1 ' /proc/net/if_inet6 2>/dev/null || no "this machine has no address ::1"
reason=$("$here/in_place_of.sh" /etc/hosts "$hosts" true 2>&1) || no "one file cannot stand in place of another: $reason"
