#!/bin/bash
# Ray on machines that are reached by ssh, without a scheduler:
#
#   deploy/ssh/cluster.sh up hosts.txt         # a host a line; the first is the head
#   frostline run my.yaml --address HEAD:6379 --store /shared/store       # on any of them
#   deploy/ssh/cluster.sh down hosts.txt
#
# Each host has the checkout at the same path (FROSTLINE_CHECKOUT, by default this one) with its .venv, and sees the store.
# Ray's ports must be open between the hosts and closed to everybody else.
set -euo pipefail

usage="usage: cluster.sh up|down HOSTS_FILE"
action=${1:?$usage}
file=${2:?$usage}
checkout=${FROSTLINE_CHECKOUT:-$(cd "$(dirname "$0")/../.." && pwd)}
port=${RAY_PORT:-6379}
token=$HOME/.ray/auth_token

mapfile -t hosts < <(grep -v -e '^#' -e '^[[:space:]]*$' "$file")
[ "${#hosts[@]}" -gt 0 ] || { echo "cluster.sh: $file names no host" >&2; exit 2; }
head=${hosts[0]}

on() { # HOST COMMAND: in the checkout, asking for the token
    ssh -o BatchMode=yes "$1" "cd '$checkout' && export RAY_AUTH_MODE=token PATH=\"\$PWD/.venv/bin:\$PATH\" && $2"
}

case $action in
up)
    [ -f "$token" ] || (umask 077 && "$checkout/.venv/bin/ray" get-auth-token --generate >/dev/null)
    for host in "${hosts[@]}"; do
        # By standard input: what stands on a command line is seen by every user of the host.
        ssh -o BatchMode=yes "$host" 'umask 077 && mkdir -p ~/.ray && cat > ~/.ray/auth_token' <"$token"
    done
    on "$head" "ray start --head --port=$port --include-dashboard=false --disable-usage-stats"
    for host in "${hosts[@]:1}"; do
        on "$host" "ray start --address='$head:$port' --disable-usage-stats"
    done
    echo "up, on any of its hosts: frostline run SWEEP --store STORE --address $head:$port"
    ;;
down)
    for host in "${hosts[@]}"; do
        on "$host" "ray stop" || echo "cluster.sh: $host did not answer" >&2
    done
    ;;
*)
    echo "$usage" >&2
    exit 2
    ;;
esac
