#!/usr/bin/env bash
# Runs a command that installs packages of Debian's, as root, so that no service of theirs is started, now or with the machine: the
# tests start what they need, for themselves. Services that were there before stay as they are.
#   without_services.sh COMMAND...
set -euo pipefail

[ $# -ge 1 ] || { echo "usage: without_services.sh COMMAND..." >&2; exit 2; }
policy=/usr/sbin/policy-rc.d
enabled() { find /etc/systemd/system -type l \( -name '*.service' -o -name '*.socket' \) -printf '%f\n' 2>/dev/null | sort -u; }

before=$(enabled)
if [ ! -e "$policy" ]; then
  trap 'rm -f "$policy"' EXIT
  # 101: it is not to be started (invoke-rc.d, deb-systemd-invoke).
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod 755 "$policy"
fi
"$@"
if command -v systemctl >/dev/null 2>&1; then
  comm -13 <(echo "$before") <(enabled) | while read -r unit; do
    systemctl disable --quiet "$unit" || true # another name of one that is disabled already
  done
fi
