#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# guest.sh [CASE...] - inside the VM: attacks on quicserve. TAP on stdout.
#
#      namespace server                  namespace client
#   +-------------------+             +--------------------------------+
#   |  10.8.0.1/24   data ------------ data  10.8.0.2/24               |
#   |  quicserve :4433  |             |  honest quicget, again and again |
#   +-------------------+             |  blast, adversary.py, relay    |
#                                     +--------------------------------+
#
# An honest client fetches a file, over and over: not one of its transfers may
# fail (during floods, the one that is established). Afterwards a new client still connects, memory is back to
# what it was, and the kernel has said nothing (tests/lab/run looks).

set -u
here=$(cd "$(dirname "$0")" && pwd)
port=4433 number=0 failed=0
work=$(mktemp -d)
bin=$OUT/attack
server=10.8.0.1

result() { # STATUS NAME
	number=$((number + 1))
	[ "$1" = 0 ] || failed=1
	[ "$1" = 0 ] && echo "ok $number - $2" || echo "not ok $number - $2"
}

try() { # NAME COMMAND...
	local name=$1 start=$SECONDS
	shift
	"$@"
	result $? "$name"
	say "$((SECONDS - start)) s"
}

say() { echo "# $*"; }

until_true() { # COMMAND...
	for _ in {1..1200}; do
		"$@" && return
		sleep 0.05
	done
	say "never true: $*"
	return 1
}

srv() { ip netns exec server "$@"; }
cli() { ip netns exec client "$@"; }

# ---- topology ----------------------------------------------------------------

make_network() {
	ip netns add server
	ip netns add client
	ip link add data netns server type veth peer name data netns client
	ip -n server addr add $server/24 dev data
	ip -n client addr add 10.8.0.2/24 dev data
	for ns in server client; do
		ip -n $ns link set lo up
		ip -n $ns link set data up
	done
}

server_pid=
start_server() {
	ip netns exec server quicserve -a $server -p $port --cert "$OUT/vm/cert.pem" \
		--key "$OUT/vm/key.pem" "$work/site" 2>"$work/server.log" &
	server_pid=$!
	until_true grep -q serving "$work/server.log"
}

fetch() { # PORT ADDRESS FILE OUT
	timeout $((60 * ${SLOW-1})) ip netns exec client quicget --insecure -o "$4" \
		"https://$2:$1/$3" >"$4.log" 2>&1 && cmp -s "$4" "$work/site/$3" ||
		{ sed 's/^/# /' "$4.log"; return 1; }
}

# ---- the honest client ------------------------------------------------------------

honest() {
	while [ ! -e "$work/stop" ]; do
		if [ -e "$work/pause" ]; then
			sleep 0.1
		elif fetch $port $server small "$work/honest"; then
			echo ok
		else
			echo failed
		fi
	done >"$work/transfers"
}

honest_unharmed() {
	touch "$work/stop"
	wait "$honest_pid"
	say "$(grep -c ok "$work/transfers") transfers, $(grep -c failed "$work/transfers") failed"
	grep -q ok "$work/transfers" && ! grep failed "$work/transfers"
}

# ---- memory -----------------------------------------------------------------------

# KiB that cannot be given back on demand.
memory() {
	awk '/^SUnreclaim:/ { s = $2 } END { print s }' /proc/meminfo
}

# Sockets of the module, over all namespaces: a listener, a connection...
sockets() {
	srv awk '/^QUIC/ { n += $3 } END { print n + 0 }' /proc/net/protocols
}

memory_below() { # KIB
	[ "$(memory)" -lt "$1" ]
}

sockets_at_most() { [ "$(sockets)" -le "$1" ]; }

highest=0
watch_memory() {
	while [ ! -e "$work/unwatch" ]; do
		local now
		now=$(memory)
		[ "$now" -le "$highest" ] || highest=$now
		sleep 0.1
	done
	echo "$highest" >"$work/highest"
}

memory_bounded() {
	local base=$1
	touch "$work/unwatch"
	wait "$watch_pid"
	highest=$(<"$work/highest")
	say "slab: $base KiB before, $highest at most, $(memory) now"
	# A tenth of the memory that this machine has.
	[ $((highest - base)) -lt 200000 ]
}

# ---- attacks ------------------------------------------------------------------------

still_serving() {
	kill -0 "$server_pid" && fetch "$port" "$server" small "$work/after"
}

random_bytes() { cli "$bin/blast" "$server" "$port" random && still_serving; }
odd_headers() { cli "$bin/blast" "$server" "$port" headers && still_serving; }

relay_pid=
start_relay() { # OPTION...
	# No function: $! is to be the relay itself.
	ip netns exec client "$bin/relay" "$@" 5555 "$server" "$port" \
		>"$work/relay.log" &
	relay_pid=$!
	until_true relay_is_up
}

relay_is_up() { cli ss -ulnpH 'sport = :5555' | grep -q "pid=$relay_pid,"; }

# It says what it did; a relay that failed or did nothing is a failure.
stop_relay() {
	kill "$relay_pid" && wait "$relay_pid" && cat "$work/relay.log"
}

record_flight() {
	start_relay -r "$work/flight" || return
	fetch 5555 127.0.0.1 small "$work/recorded"
	local status=$?
	stop_relay && [ "$status" = 0 ] && [ -s "$work/flight" ]
}

hostile_path() {
	local status=0
	for _ in {1..5}; do
		start_relay -m || return
		fetch 5555 127.0.0.1 small "$work/relayed" || status=1
		stop_relay || status=1
	done
	return "$status"
}

hostile_path_long() {
	start_relay -m || return
	fetch 5555 127.0.0.1 medium "$work/relayed"
	local status=$?
	stop_relay && return "$status"
}

# Each flight of a flood is a handshake that the server begins: while it does
# that, a new client waits its turn, and on a slow machine gives up. But what is
# established goes on, and afterwards a new client gets through.
flood() { # WHAT COUNT
	local before status=0

	touch "$work/pause"
	before=$(received)
	fetch "$port" "$server" large "$work/established" &
	local transfer_pid=$!
	until_true transferring "$before" || status=1
	cli "$bin/blast" "$server" "$port" "$1" "$work/flight" "$2" || status=1
	wait "$transfer_pid" || status=1
	until_true still_serving || status=1
	rm "$work/pause"
	return "$status"
}

# Above the threshold the server keeps nothing of those who have not proved their
# address: what is established goes on, and new clients get through meanwhile.
flood_with_retry() {
	local before sent status=0

	srv sysctl -qw net.quic.retry_threshold=64
	touch "$work/pause"
	before=$(received) sent=$(retries)
	fetch "$port" "$server" large "$work/established" &
	local transfer_pid=$!
	until_true transferring "$before" || status=1
	cli "$bin/blast" "$server" "$port" initials "$work/flight" 4000 &
	local blast_pid=$!
	until_true retried "$sent" || status=1
	fetch "$port" "$server" small "$work/meanwhile" || status=1
	wait "$blast_pid" || status=1
	wait "$transfer_pid" || status=1
	say "$(($(retries) - sent)) Retry packets"
	srv sysctl -qw net.quic.retry_threshold=256
	rm "$work/pause"
	return "$status"
}

retries() { srv awk '$1 == "QuicRetriesSent" { print $2 }' /proc/net/quic/stats; }
retried() { [ "$(retries)" -gt $(($1 + 100)) ]; }

received() { cli awk '$1 == "QuicRxDataPackets" { print $2 }' /proc/net/quic/stats; }
transferring() { [ "$(received)" -gt $(($1 + 200)) ]; }

drops() {
	srv awk '/Drop/ && $2 { printf "# %s %d\n", $1, $2 }' \
		/proc/net/quic/stats /proc/net/quic/snmp
}

# ---- go ------------------------------------------------------------------------------

mkdir "$work/site"
head -c 100000 /dev/urandom >"$work/site/small"
head -c 2000000 /dev/urandom >"$work/site/medium"
head -c 30000000 /dev/urandom >"$work/site/large"
modprobe quic
make_network
start_server || exit 2
if [ $# -gt 0 ]; then
	cli python3 "$here/adversary.py" $server $port "$@"
	exit
fi

echo 'TAP version 13'
try 'a client before the attacks' still_serving
until_true sockets_at_most 2
base=$(memory)
watch_memory &
watch_pid=$!
honest &
honest_pid=$!
try 'random bytes of every length' random_bytes
try 'long headers of every kind' odd_headers
try 'a first flight is recorded' record_flight
try 'damaged copies of every datagram' hostile_path
try 'damaged copies in a long transfer' hostile_path_long
try 'first flights from five hundred ports' flood initials 500
try 'four thousand first datagrams' flood halves 4000
try 'four thousand first flights, and Retry' flood_with_retry
cli python3 "$here/adversary.py" $server $port >"$work/adversary"
grep -v -e '^TAP' -e '^1\.\.' "$work/adversary" | while read -r line; do
	case $line in
	ok* | not*) echo "${line%% [0-9]*} - ${line#* - }" ;;
	*) echo "$line" ;;
	esac
done
number=$((number + $(grep -cE '^(not )?ok' "$work/adversary")))
! grep -q '^not ok' "$work/adversary" || failed=1
try 'honest transfers were not harmed' honest_unharmed
try 'memory was bounded' memory_bounded "$base"
try 'a client after the attacks' still_serving
try 'connections of the attackers are gone' until_true sockets_at_most 2
# The debug kernel keeps for long what was freed, and looks for leaks in another way.
[ -n "${SLOW-}" ] || try 'memory is back' until_true memory_below $((base + 16384))
drops
echo "1..$number"
kill "$server_pid"
wait "$server_pid"
exit $failed
