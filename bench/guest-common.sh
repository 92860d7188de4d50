# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# guest-common.sh - sourced in the guest: the network and the ends of a transfer.
#
#      namespace srv                    namespace cli
#   +----------------+               +----------------+
#   |   10.9.0.1/24  |     veth      |   10.9.0.2/24  |
#   |      data -----+---------------+----- data      |
#   +----------------+               +----------------+
#
# In mode `default` a train of packets crosses the veth whole; in mode `segs1`
# (gso_max_segs 1) it is cut into packets before it, as on the way to a NIC.

set -u
work=$(mktemp -d)
server=10.9.0.1 port=4433
priority=NORMAL:-VERS-ALL:+VERS-TLS1.3:-CIPHER-ALL:+AES-128-GCM
server_pid=''

fail() {
	echo "bench: $*" >&2
	[ ! -s "$work/server.log" ] || tail -n 20 "$work/server.log" >&2
	[ ! -s "$work/client.log" ] || tail -n 20 "$work/client.log" >&2
	exit 1
}

stop_server() {
	[ -z "$server_pid" ] || kill "$server_pid" 2>/dev/null
	[ -z "$server_pid" ] || wait "$server_pid" 2>/dev/null
	server_pid=''
}

remove_network() {
	ip netns del srv 2>/dev/null
	ip netns del cli 2>/dev/null
}

# shellcheck disable=SC2317 # called by the trap
cleanup() {
	stop_server
	remove_network
	rm -rf "$work"
}
trap cleanup EXIT

# Without udev nothing loads aesni_intel, and then AES is generic C.
load_modules() {
	modprobe -a aesni_intel tls quic || fail "modprobe"
	grep -q '^driver *: generic-gcm-aesni' /proc/crypto ||
		fail "no AES instructions here: nothing would be comparable"
}

make_network() { # MODE
	local ns
	ip netns add srv
	ip netns add cli
	ip link add data netns srv type veth peer name data netns cli ||
		fail "veth"
	ip -n srv addr add $server/24 dev data
	ip -n cli addr add 10.9.0.2/24 dev data
	for ns in srv cli; do
		[ "$1" != segs1 ] || ip -n $ns link set data gso_max_segs 1 ||
			fail "gso_max_segs"
		ip -n $ns link set lo up
		ip -n $ns link set data up
	done
}

make_certificates() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
		-subj /CN=bench -addext "subjectAltName=IP:$server" -days 30 \
		-keyout "$work/key.pem" -out "$work/cert.pem" \
		2>"$work/openssl.log" || fail "$(cat "$work/openssl.log")"
}

wait_for() { # WHAT COMMAND...
	local what=$1
	shift
	for _ in {1..200}; do
		"$@" && return
		kill -0 "$server_pid" 2>/dev/null || break
		sleep 0.05
	done
	fail "$what did not come up"
}

# ---- quicperf ----------------------------------------------------------------

start_quicperf() { # TRANSPORT
	: >"$work/server.out"
	ip netns exec srv quicperf server -t "$1" -p $port \
		--cert "$work/cert.pem" --key "$work/key.pem" $server \
		>"$work/server.out" 2>"$work/server.log" &
	server_pid=$!
	wait_for "the $1 server" grep -q ready "$work/server.out"
}

run_quicperf() { # TRANSPORT DIRECTION BYTES: one line of JSON
	ip netns exec cli timeout 60 quicperf client -t "$1" -d "$2" -n "$3" -p $port \
		--ca "$work/cert.pem" $server 2>"$work/client.log" ||
		fail "quicperf $1 $2 $3"
}

# ---- ngtcp2 ------------------------------------------------------------------

# shellcheck disable=SC2317 # called by wait_for
gtlsserver_is_up() {
	[ -n "$(ip netns exec srv ss -ulnH "sport = :$port")" ]
}

# Files of that size and name.
start_ngtcp2() { # BYTES...
	local size
	mkdir -p "$work/site" "$work/download"
	for size; do
		head -c "$size" /dev/zero >"$work/site/$size"
	done
	ip netns exec srv gtlsserver -q -d "$work/site" --ciphers "$priority" \
		$server $port "$work/key.pem" "$work/cert.pem" \
		>"$work/server.log" 2>&1 &
	server_pid=$!
	wait_for gtlsserver gtlsserver_is_up
}

# Its clock is the shell's: what starting a process costs cancels out.
run_ngtcp2() { # BYTES [keep]: one line of JSON; keep: the client writes a file
	local start end keep=()
	[ -z "${2-}" ] || keep=(--download "$work/download")
	rm -f "$work/download/$1"
	start=$(date +%s%N)
	ip netns exec cli timeout 60 gtlsclient -q --exit-on-all-streams-close \
		--ciphers "$priority" "${keep[@]}" \
		$server $port "https://$server:$port/$1" \
		>"$work/client.log" 2>&1 || fail "gtlsclient $1"
	end=$(date +%s%N)
	[ -z "${2-}" ] || cmp -s "$work/download/$1" "$work/site/$1" ||
		fail "gtlsclient $1: not what was asked for"
	echo "{\"transport\": \"ngtcp2\", \"direction\": \"down\"," \
		"\"bytes\": $1, \"elapsed_ns\": $((end - start))}"
}
