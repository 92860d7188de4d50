#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# life.sh - the module's life: load, unload, namespaces that end, processes
# that are killed. TAP on stdout.
#
# The namespaces `server` and `client` are joined by a veth pair:
#
#      namespace server                namespace client
#   +-------------------+           +-------------------+
#   |  10.8.0.1/24   data ---------- data   10.8.0.2/24  |
#   +-------------------+           +-------------------+

set -u
port=4433 number=0 failed=0
work=$(mktemp -d)
files=$(dirname "$API")

result() { # STATUS NAME
	number=$((number + 1))
	[ "$1" = 0 ] || failed=1
	[ "$1" = 0 ] && echo "ok $number - $2" || echo "not ok $number - $2"
}

try() { # NAME COMMAND...
	local name=$1
	shift
	"$@"
	result $? "$name"
}

say() { echo "# $*"; }

# The time limit of a condition; it is only spent when something is wrong.
until_true() { # COMMAND...
	for _ in {1..400}; do
		"$@" && return
		sleep 0.05
	done
	say "never true: $*"
	return 1
}

# ---- topology ----------------------------------------------------------------

make_network() {
	ip netns add server
	ip netns add client
	ip link add data netns server type veth peer name data netns client
	ip -n server addr add 10.8.0.1/24 dev data
	ip -n client addr add 10.8.0.2/24 dev data
	for ns in server client; do
		ip -n $ns link set lo up
		ip -n $ns link set data up
	done
}

server_pid=
start_server() {
	# One that a failed test left behind.
	[ -z "$server_pid" ] || stop_server
	: >"$work/server.log"
	ip netns exec server quicserve -a 10.8.0.1 -p "$port" \
		--cert "$files/cert.pem" --key "$files/key.pem" "$work/site" \
		2>"$work/server.log" &
	server_pid=$!
	until_true grep -q serving "$work/server.log" ||
		{ sed 's/^/# /' "$work/server.log"; return 1; }
}

stop_server() {
	kill "$server_pid" 2>/dev/null
	wait "$server_pid" 2>/dev/null
	server_pid=
}

get() { # FILE
	timeout 20 ip netns exec client quicget --insecure -o "$work/out" \
		"https://10.8.0.1:$port/$1" >"$work/client.log" 2>&1
}

fetch() {
	rm -f "$work/out"
	if ! get small || ! cmp -s "$work/out" "$work/site/small"; then
		sed 's/^/# /' "$work/client.log"
		return 1
	fi
}

# ---- load and unload -----------------------------------------------------------

loaded() { [ -d /sys/module/quic ]; }
unloads() { ! loaded || rmmod quic 2>/dev/null; }
not_loaded() { ! loaded; }

autoload() {
	until_true unloads
	python3 -c "import socket; socket.socket($1, socket.$2, 261)" && loaded
}

in_use() {
	modprobe quic
	python3 -c '
import socket, subprocess, sys
s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM, 261)
s.bind(("::1", 0))
s.listen(1)
r = subprocess.run(["rmmod", "quic"], capture_output=True, text=True)
sys.exit(r.returncode == 0 or "in use" not in r.stderr)' && loaded
}

in_use_by_connections() {
	local status=0

	modprobe quic
	start_server || return
	ip netns exec client quicget --insecure -o /dev/null \
		"https://10.8.0.1:$port/big" >/dev/null 2>&1 &
	local client_pid=$!
	until_true established server || status=1
	! rmmod quic 2>/dev/null || status=1
	loaded || status=1
	wait "$client_pid" || status=1
	stop_server
	until_true unloads || status=1
	return "$status"
}

established() { # NAMESPACE
	ip netns exec "$1" awk '
		/QuicConnCurrentEstabs/ { found = $2 > 0 }
		END { exit !found }' /proc/net/quic/snmp
}

# With traffic between: what one life leaves behind trips the next.
reload() {
	for _ in {1..20}; do
		modprobe quic && start_server && fetch || return
		stop_server
		until_true unloads || return
		not_loaded || return
	done
}

# ---- sockets -----------------------------------------------------------------

no_sockets() {
	! awk '/^QUIC/ && $3 > 0 { found = 1 } END { exit !found }' /proc/net/protocols
}

# ---- namespaces --------------------------------------------------------------------

# Each has one end of a veth pair whose other end is here: it vanishes when the
# last socket has let its namespace go, not before.
watch() {
	ip link add "watch-$1" type veth peer name watch netns "$1"
}

gone() {
	! ip link show watch-server >/dev/null 2>&1 &&
		! ip link show watch-client >/dev/null 2>&1
}

# Both ends live in namespaces that are deleted while data flows.
namespace_ends() {
	make_network
	watch server
	watch client
	start_server || return
	ip netns exec client quicget --insecure -o /dev/null \
		"https://10.8.0.1:$port/huge" >/dev/null 2>&1 &
	local client_pid=$!
	until_true established client || return
	until_true established server || return
	# The names go first, then the processes: the sockets end in namespaces
	# that nobody else holds.
	ip netns del server
	ip netns del client
	if gone; then
		say 'the namespaces went before their sockets'
		return 1
	fi
	kill -9 "$server_pid" "$client_pid"
	wait "$server_pid" "$client_pid" 2>/dev/null
	server_pid=
	until_true gone
}

namespace_ends_often() {
	for _ in {1..5}; do
		namespace_ends || return
	done
}

# ---- SIGKILL -------------------------------------------------------------------------

# At a moment that differs each time, of the handshake or shortly after.
random_pause() {
	sleep "0.$(printf %03d $((RANDOM % 120)))"
}

kill_clients() {
	start_server || return
	for _ in {1..50}; do
		ip netns exec client quicget --insecure -o /dev/null \
			"https://10.8.0.1:$port/small" >/dev/null 2>&1 &
		local pid=$!
		random_pause
		kill -9 "$pid" 2>/dev/null
		wait "$pid" 2>/dev/null
	done
	# The server has outlived them all.
	fetch
	local status=$?
	stop_server
	return "$status"
}

kill_servers() {
	for _ in {1..25}; do
		start_server || return
		ip netns exec client quicget --insecure -o /dev/null \
			"https://10.8.0.1:$port/small" >/dev/null 2>&1 &
		local pid=$!
		random_pause
		kill -9 "$server_pid" "$pid" 2>/dev/null
		wait "$server_pid" "$pid" 2>/dev/null
		server_pid=
	done
	start_server && fetch
	local status=$?
	stop_server
	return "$status"
}

# ---- go ----------------------------------------------------------------------------------

mkdir "$work/site"
head -c 10000 /dev/urandom >"$work/site/small"
truncate -s 20M "$work/site/big"
truncate -s 20G "$work/site/huge"

echo 'TAP version 13'
try 'not loaded after boot' not_loaded
try 'loads itself for an IPv4 stream socket' autoload socket.AF_INET SOCK_STREAM
try 'loads itself for an IPv4 dgram socket' autoload socket.AF_INET SOCK_DGRAM
try 'loads itself for an IPv6 stream socket' autoload socket.AF_INET6 SOCK_STREAM
try 'loads itself for an IPv6 dgram socket' autoload socket.AF_INET6 SOCK_DGRAM
try 'is in use while there is a socket' in_use
try 'unloads when the socket is closed' until_true unloads
make_network
try 'is in use while there are connections' in_use_by_connections
try 'reloads twenty times with traffic' reload
modprobe quic
try 'outlives clients that are killed' kill_clients
try 'outlives servers that are killed' kill_servers
try 'leaves no socket behind' until_true no_sockets
ip netns del server
ip netns del client
try 'lets namespaces go with live connections' namespace_ends_often
try 'unloads at last' until_true unloads
echo "1..$number"
rm -rf "$work"
exit $failed
