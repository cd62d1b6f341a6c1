#!/usr/bin/env bash
# Runs a command for which one file stands in place of another: in a mount namespace of its own, so that nobody else sees it. As
# root, or where the system lets users have namespaces.
#   in_place_of.sh PLACE FILE COMMAND...
set -euo pipefail

[ $# -ge 3 ] || { echo "usage: in_place_of.sh PLACE FILE COMMAND..." >&2; exit 2; }
command -v unshare >/dev/null 2>&1 || { echo "there is no unshare here (Debian: util-linux)" >&2; exit 1; }
enter=(unshare --mount)
if [ "$(id -u)" -ne 0 ]; then enter=(unshare --map-root-user --mount); fi
# shellcheck disable=SC2016 # the inner shell expands it
exec "${enter[@]}" bash -c 'place=$0 file=$1; shift; mount --bind "$file" "$place" && exec "$@"' "$@"
