#!/usr/bin/env bash
# Installs the service by the commands of docs/operations.md in a container in which systemd is process 1, and looks at what systemd makes
# of it. The container has this machine's files, but keeps what it writes in memory, and no network but its own loopback.
#   systemd.sh BINARY
# Where that cannot be done it says why, and its status is 77.
set -euo pipefail

repo=$(cd "$(dirname "$0")/../.." && pwd)
no() { echo "$*"; exit 77; }

if [ "${1:-}" = inside ]; then
  cd /repo
  status() { systemctl show --value --property "$1" symbolon; }
  fail() { echo "failed: $*"; systemctl status --no-pager --lines 20 symbolon || true; exit 1; }
  within() { # SECONDS COMMAND...: until it succeeds
    local end=$((SECONDS + $1))
    while ! "${@:2}"; do [ $SECONDS -lt $end ] || fail "within $1 s: ${*:2}"; sleep 0.1; done
  }
  is() { [[ "$(status "$1")" == $2 ]]; } # PROPERTY PATTERN
  answers() { [ "$(curl --silent --output /dev/null --write-out '%{http_code}' "${@:2}")" = "$1" ]; }

  configure() { printf 'issuer = "https://id.example.com"\ntrusted_proxies = ["127.0.0.1"]\n%s\n' "$*" >/etc/symbolon.toml; }
  configure
  sed -n '/^### As a service of systemd/,/^#\{2,3\} [^A]/p' docs/operations.md | sed -n '1,/^```$/{/^```sh/,/^```$/p}' |
    grep -v '^```\|^editor ' >/commands
  [ "$(wc -l </commands)" -ge 6 ] || fail "docs/operations.md has no commands"
  bash -e /commands 2>&1 || fail "a command of docs/operations.md"
  is ActiveState active && is StatusText serving || fail "not ready when it counts as started"
  answers 200 http://127.0.0.1:8080/readyz || fail "/readyz"
  echo 'started'

  kill -KILL "$(status MainPID)"
  is_started_again() { is NRestarts 1 && is ActiveState active; }
  within 10 is_started_again
  systemctl reload symbolon && is StatusText serving || fail "reload"
  systemctl stop symbolon
  is Result success && is StatusText stopping || fail "stop"
  echo 'started again after a crash, reloaded and stopped'

  configure 'database_url = "postgres://symbolon:x@127.0.0.1:5999/symbolon"'
  systemctl start --no-block symbolon
  within 10 is StatusText 'waiting for the database: *refused*'
  is ActiveState activating || fail "started without a database"
  answers 200 http://127.0.0.1:8080/healthz && answers 503 http://127.0.0.1:8080/readyz || fail "health while it waits"
  systemctl stop symbolon
  echo 'waited for a database, and said so'

  configure
  install -m 644 packaging/systemd/symbolon.socket /etc/systemd/system/
  systemctl daemon-reload && systemctl start symbolon.socket
  is ActiveState inactive || fail "started before anyone connects"
  [ "$(stat --format '%a %G' /run/symbolon.sock)" = '660 www-data' ] || fail "the mode of the socket"
  by_socket() { answers 200 --max-time 20 --unix-socket /run/symbolon.sock http://localhost/healthz; }
  by_socket || fail "the socket"
  is ActiveState active || fail "not started by the socket"
  systemctl restart symbolon &
  for _ in $(seq 20); do by_socket || fail "refused during a restart"; done
  wait
  echo 'started by its socket, which outlives it'
  exit 0
fi

[ "$(id -u)" -eq 0 ] || no "it needs root"
command -v systemd-nspawn >/dev/null || no "systemd-nspawn is not installed (Debian: systemd-container)"
[ -x /lib/systemd/systemd ] || no "systemd is not installed"
if [ -z "${OWN_MOUNTS:-}" ]; then
  unshare --mount true 2>/dev/null || no "mounts of its own are not allowed"
  OWN_MOUNTS=1 exec unshare --mount --propagation private "$0" "$@"
fi

place=$(mktemp -d)
trap 'umount --lazy "$place" 2>/dev/null; rmdir "$place"' EXIT
mount -t tmpfs tmpfs "$place"
mkdir "$place"/{upper,work,root}
mount -t overlay overlay -o "lowerdir=/,upperdir=$place/upper,workdir=$place/work" "$place/root" 2>/dev/null ||
  no "an overlay over the files of this machine is not allowed"
root=$place/root
mkdir -p "$root/repo/target/release" "$root/repo/tests/setup"
cp -r "$repo/packaging" "$repo/docs" "$root/repo/"
cp "$1" "$root/repo/target/release/symbolon"
cp "$0" "$root/repo/tests/setup/"
rm -f "$root/etc/fstab" "$root/etc/sysusers.d/symbolon.conf" "$root"/etc/systemd/system/symbolon.*
: >"$root/etc/machine-id"
cat >"$root/etc/systemd/system/tried.service" <<'UNIT'
[Unit]
SuccessAction=poweroff-force
FailureAction=poweroff-force
[Service]
Type=oneshot
ExecStart=/bin/sh -c '/repo/tests/setup/systemd.sh inside >/tried.log 2>&1; echo $? >/tried.status'
UNIT
timeout --kill-after 5 120 systemd-nspawn --quiet --register=no --keep-unit --private-network --link-journal=no \
  --directory "$root" --console=pipe --boot systemd.unit=tried.service >"$place/boot.log" 2>&1 </dev/null || true
[ -e "$root/tried.status" ] || no "systemd does not start in a container here: $(tail -n 1 "$place/boot.log")"
cat "$root/tried.log"
exit "$(cat "$root/tried.status")"
