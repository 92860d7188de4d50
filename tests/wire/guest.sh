#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# guest.sh [TEST...] - inside the VM: both roles against aioquic. TAP on stdout.
#
#      namespace server                  namespace client
#   +---------------------+           +--------------------+
#   |  10.8.0.1/24   data ------------- data  10.8.0.2/24  |
#   |  quicserve          |           |  against_server.py |
#   |  against_client.py  |           |  quicget           |
#   |  against_reader.py  |           |                    |
#   +---------------------+           +--------------------+

set -u
here=$(dirname "$(readlink -f "$0")")
server=10.8.0.1 port=4433 early=4434 long=4435
work=$(mktemp -d)
export PYTHONDONTWRITEBYTECODE=1

ip netns add server
ip netns add client
ip link add data netns server type veth peer name data netns client
ip -n server addr add $server/24 dev data
ip -n client addr add 10.8.0.2/24 dev data
ip -n client addr add 10.8.0.3/24 dev data
for ns in server client; do
	ip -n $ns link set lo up
	ip -n $ns link set data up
done
mkdir "$work/site"
head -c 100000 /dev/urandom >"$work/site/small"
head -c 400000 /dev/urandom >"$work/site/large"

modprobe quic
serve()
{
	local log=$work/server.$1

	ip netns exec server quicserve -a $server -p "$@" "$work/site" 2>"$log" &
	server_pids+=($!)
	for _ in {1..200}; do
		grep -q serving "$log" && break
		sleep 0.05
	done
}

cert=(--cert "$OUT/vm/cert.pem" --key "$OUT/vm/key.pem")
names=$(printf ',DNS:host%04d.example.org' {1..1000})
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=long \
	-keyout "$work/long.key" -out "$work/long.pem" -addext "subjectAltName=${names#,}" \
	2>"$work/openssl" || cat "$work/openssl" >&2
server_pids=()
serve $port "${cert[@]}"
serve $early --early-data "${cert[@]}"
serve $long --cert "$work/long.pem" --key "$work/long.key"

status=0
ip netns exec client python3 "$here/against_server.py" $server $port "$@" >"$work/a" || status=1
ip netns exec client python3 "$here/against_server_paths.py" $server $port "$@" >"$work/d" ||
	status=1
ip netns exec client python3 "$here/against_early_server.py" $server $early "$@" >"$work/c" ||
	status=1
[ ! -e "$here/against_client.py" ] ||
	ip netns exec server python3 "$here/against_client.py" $server "$OUT/vm/cert.pem" \
		"$OUT/vm/key.pem" "$@" >"$work/b" || status=1
kill "${server_pids[@]}"
ip netns exec server python3 "$here/against_reader.py" "$OUT/vm/cert.pem" "$OUT/vm/key.pem" \
	"$@" >"$work/e" || status=1

# One numbering for all programs.
echo 'TAP version 13'
cat "$work/a" "$work/d" "$work/c" "$work/b" "$work/e" 2>/dev/null | grep -v -e '^TAP' -e '^1\.\.' | awk '
	/^(not )?ok / { sub(/ok [0-9]+/, "ok " ++n) }
	{ print }
	END { print "1.." n }'
exit $status
