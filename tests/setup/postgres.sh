#!/usr/bin/env bash
# A throwaway PostgreSQL cluster in a directory, on a free port of 127.0.0.1.
#   start DIR    makes the cluster (DIR is empty or absent), starts it and prints the URL of a superuser
#   durable DIR  the same, and what is committed is safe on disk, with buffers for a large database, reached by its Unix socket:
#                for measuring
#   replicated DIR  as start, one that standbys can follow
#   standby DIR PRIMARY  a standby of the one in PRIMARY, on a port of its own: prints its URL
#   promote DIR  makes a standby the primary
#   stop DIR     stops it, ending every connection; the data stay
#   resume DIR   starts it again, on the same port, and prints the same URL
#   where        prints the directory of PostgreSQL's programs, or says that there is none
# To be rid of it: stop, then remove DIR. Run as root, the server itself runs as the user postgres, who must be able to
# enter DIR's parent. Unless it is durable, nothing is kept safe on disk (fsync is off): for tests only.
set -euo pipefail

fail() { echo "postgres.sh: $*" >&2; exit 1; }

# The newest server installed. Debian and Red Hat keep each version in a directory of its own, outside the search path.
find_programs() {
  local initdb
  initdb=$({ compgen -G '/usr/lib/postgresql/*/bin/initdb' || compgen -G '/usr/pgsql-*/bin/initdb' || command -v initdb || true; } |
    sort -V | tail -n 1)
  [ -n "$initdb" ] || fail "PostgreSQL's initdb is neither in /usr/lib/postgresql, /usr/pgsql-* nor in the search path" \
    "(Debian: apt-get update && apt-get install --no-install-recommends postgresql)"
  echo "${initdb%/initdb}"
}

if [ "${1:-}" = where ]; then find_programs; exit; fi
usage="postgres.sh start|durable|replicated|promote|stop|resume DIR, postgres.sh standby DIR PRIMARY, or postgres.sh where"
verb=${1:-}
[ $# -eq $([ "$verb" = standby ] && echo 3 || echo 2) ] || fail "usage: $usage"
bin=$(find_programs)
if [ "$(id -u)" -eq 0 ] && ! id -u postgres >/dev/null 2>&1; then
  fail "PostgreSQL does not run as root, and there is no user postgres here to run it as: make one, or be another user"
fi
mkdir -p "$2"
dir=$(cd "$2" && pwd)

# Runs a command as the user who owns the cluster: never root, PostgreSQL refuses that.
as_owner() {
  if [ "$(id -u)" -eq 0 ]; then
    (cd "$dir" && runuser -u postgres -- "$@")
  else
    "$@"
  fi
}

launch() { # PORT
  local options="-c listen_addresses=127.0.0.1 -c port=$1 -c unix_socket_directories=$dir"
  options+=" -c max_connections=200"
  if [ -e "$dir/durable" ]; then
    options+=" -c shared_buffers=1GB"
  else
    # Little is written ahead and little of it is kept, as the directory may be small.
    options+=" -c fsync=off -c synchronous_commit=off -c full_page_writes=off"
    options+=" -c max_wal_size=128MB"
    if [ -e "$dir/replicated" ]; then
      options+=" -c wal_level=replica -c max_wal_senders=5 -c hot_standby=on"
    else
      options+=" -c wal_level=minimal -c max_wal_senders=0"
    fi
  fi
  as_owner "$bin/pg_ctl" start --silent --wait --pgdata="$dir/data" --log="$dir/log" --options="$options" </dev/null >&2
}

free_port() { # below the range from which the system gives ports to clients
  local port
  for _ in $(seq 100); do
    port=$((20000 + RANDOM % 12000))
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo "$port"; return; }
  done
  fail "no free port found"
}

# Starts it on a free port, and says where it is.
open_up() {
  local attempt port host=127.0.0.1
  # Another program may take the port between the look and the start: then another one is tried.
  for attempt in 1 2 3 4 5; do
    port=$(free_port)
    if launch "$port"; then break; fi
    [ "$attempt" -lt 5 ] || { cat "$dir/log" >&2; fail "the server does not start"; }
  done
  echo "$port" >"$dir/port"
  if [ -e "$dir/durable" ]; then host=${dir//\//%2F}; fi
  (umask 077 && echo "postgres://symbolon:$(cat "$dir/password")@$host:$port/postgres" >"$dir/url")
  cat "$dir/url"
}

case $verb in
  start | durable | replicated)
    [ ! -e "$dir/data" ] || fail "$dir holds a cluster already"
    password=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
    if [ "$(id -u)" -eq 0 ]; then chown postgres: "$dir"; fi
    (umask 077 && echo "$password" >"$dir/password")
    if [ "$(id -u)" -eq 0 ]; then chown postgres: "$dir/password"; fi
    as_owner "$bin/initdb" --pgdata="$dir/data" --username=symbolon --pwfile="$dir/password" --auth=scram-sha-256 \
      --encoding=UTF8 --locale=C --no-sync >"$dir/initdb.log" 2>&1 || { cat "$dir/initdb.log" >&2; fail "initdb failed"; }
    if [ "$verb" != start ]; then touch "$dir/$verb"; fi
    open_up
    ;;
  standby)
    [ ! -e "$dir/data" ] || fail "$dir holds a cluster already"
    primary=$(cd "$3" && pwd)
    if [ "$(id -u)" -eq 0 ]; then chown postgres: "$dir"; fi
    (umask 077 && cp "$primary/password" "$dir/password")
    touch "$dir/replicated"
    PGPASSWORD=$(cat "$primary/password") as_owner "$bin/pg_basebackup" --pgdata="$dir/data" --host=127.0.0.1 \
      --port="$(cat "$primary/port")" --username=symbolon --wal-method=stream --checkpoint=fast --write-recovery-conf \
      --no-sync >"$dir/basebackup.log" 2>&1 || { cat "$dir/basebackup.log" >&2; fail "pg_basebackup failed"; }
    open_up
    ;;
  promote)
    as_owner "$bin/pg_ctl" promote --silent --wait --pgdata="$dir/data"
    ;;
  resume)
    launch "$(cat "$dir/port")" || { cat "$dir/log" >&2; fail "the server does not start again"; }
    cat "$dir/url"
    ;;
  stop)
    as_owner "$bin/pg_ctl" stop --silent --wait --mode=fast --pgdata="$dir/data"
    ;;
  *) fail "usage: $usage" ;;
esac
