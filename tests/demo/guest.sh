#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# guest.sh - the demo, inside a VM that has everything installed.
#
#      namespace srv                    namespace cli
#   +----------------+               +----------------+
#   |   10.9.0.1/24  |     veth      |   10.9.0.2/24  |
#   |      data -----+---------------+----- data      |
#   +----------------+               +----------------+
#
# Three runs fetch the same file over HTTP/3: kquic from kquic, kquic from
# ngtcp2, ngtcp2 from kquic. Counters are those of the namespaces our end lives
# in. Sent trains are the server's, received trains the client's; where that
# end is ngtcp2 there are none (null in demo.json).

set -u
results=${RESULTS:-/results}
work=$(mktemp -d)
server=10.9.0.1 port=4433
min=$((64 << 20))
runs=()
server_pid='' status=0

fail() {
	echo "demo: $*" >&2
	[ ! -s "$work/server.log" ] || tail -n 20 "$work/server.log" >&2
	exit 1
}

stop_server() {
	[ -z "$server_pid" ] || kill "$server_pid" 2>/dev/null
	[ -z "$server_pid" ] || wait "$server_pid" 2>/dev/null
	server_pid=''
}

# shellcheck disable=SC2317 # called by the trap
cleanup() {
	stop_server
	ip netns del srv 2>/dev/null
	ip netns del cli 2>/dev/null
	rm -rf "$work"
}
trap cleanup EXIT

make_network() {
	ip netns add srv
	ip netns add cli
	ip link add data netns srv type veth peer name data netns cli
	ip -n srv addr add $server/24 dev data
	ip -n cli addr add 10.9.0.2/24 dev data
	for ns in srv cli; do
		ip -n $ns link set lo up
		ip -n $ns link set data up
	done
}

# The smallest file of at least 64 MiB; where there is none, many in one.
choose_file() {
	file=$(find /usr -xdev -type f -readable -size +$((min / 512 - 1))b \
		-printf '%s %p\n' | sort -n | head -n 1)
	file=${file#* }
	if [ -z "$file" ]; then
		file=$work/site/usr.tar
		mkdir "$work/site"
		tar -cf "$file" /usr/bin /usr/lib 2>/dev/null
	fi
	size=$(stat -c %s "$file")
	[ "$size" -ge $min ] || fail "no file of 64 MiB here"
	# Also reads it into the page cache.
	sum=$(sha256sum <"$file")
}

make_certificates() {
	cat >"$work/ca.cfg" <<-END
	cn = "demo CA"
	ca
	cert_signing_key
	END
	cat >"$work/cert.cfg" <<-END
	cn = "demo"
	ip_address = "$server"
	signing_key
	tls_www_server
	END
	for name in ca key; do
		certtool --generate-privkey --key-type ecdsa --outfile \
			"$work/$name-key.pem"
	done >"$work/certtool.log" 2>&1
	certtool --generate-self-signed --template "$work/ca.cfg" \
		--load-privkey "$work/ca-key.pem" --outfile "$work/ca.pem" \
		>>"$work/certtool.log" 2>&1
	certtool --generate-certificate --template "$work/cert.cfg" \
		--load-privkey "$work/key-key.pem" \
		--load-ca-certificate "$work/ca.pem" \
		--load-ca-privkey "$work/ca-key.pem" --outfile "$work/cert.pem" \
		>>"$work/certtool.log" 2>&1 || fail "$(tail "$work/certtool.log")"
}

# ---- counters ----------------------------------------------------------------

save_counters() { # WHEN
	for ns in srv cli; do
		ip netns exec $ns cat /proc/net/quic/stats >"$work/$ns.$1" \
			2>/dev/null
	done
}

counter() { # NS NAME: how far it moved
	awk -v name="$2" '
		$1 == name { sum += FILENAME ~ /before$/ ? -$2 : $2 }
		END { printf "%d", sum }' "$work/$1.before" "$work/$1.after"
}

ratio() { # PACKETS TRAINS
	awk -v p="$1" -v t="$2" 'BEGIN { if (t) printf "%.1f", p / t
					 else printf "null" }'
}

json_value() { # KEY FILE: of the first one
	[ ! -e "$2" ] ||
		sed -n "s/.*\"$1\": *\"\{0,1\}\([^\",}]*\).*/\1/p" "$2" |
		head -n 1
}

# ---- the ends ----------------------------------------------------------------

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

# shellcheck disable=SC2317 # called by wait_for
gtlsserver_is_up() {
	[ -n "$(ip netns exec srv ss -ulnH "sport = :$port")" ]
}

start_kquic_server() {
	: >"$work/server.json"
	ip netns exec srv quicserve -a "$server" -p "$port" --cert "$work/cert.pem" \
		--key "$work/key-key.pem" --json-log "$work/server.json" \
		"$(dirname "$file")" 2>"$work/server.log" &
	server_pid=$!
	wait_for quicserve grep -qs serving "$work/server.log"
}

start_ngtcp2_server() {
	ip netns exec srv gtlsserver -q -d "$(dirname "$file")" "$server" "$port" \
		"$work/key-key.pem" "$work/cert.pem" >"$work/server.log" 2>&1 &
	server_pid=$!
	wait_for gtlsserver gtlsserver_is_up
}

fetch_by_kquic() {
	ip netns exec cli quicget --ca "$work/ca.pem" --json -O "$work/out" \
		"https://$server:$port/$(basename "$file")" >"$work/report"
}

fetch_by_ngtcp2() {
	ip netns exec cli gtlsclient -q --exit-on-all-streams-close \
		--download "$work/out" "$server" "$port" \
		"https://$server:$port/$(basename "$file")" >"$work/report" 2>&1
}

# ---- a run -------------------------------------------------------------------

# handshake, bytes, ok, tx_*, rx_*, retransmitted, cc
collect() { # SERVER CLIENT
	local facts=$work/report
	[ "$2" = kquic ] || facts=$work/server.json
	handshake=$(json_value handshake_ms "$facts")
	cc=$(json_value congestion_control "$facts")
	bytes=$(stat -c %s "$work/out/$(basename "$file")" 2>/dev/null)
	ok=false
	[ "$(sha256sum 2>/dev/null <"$work/out/$(basename "$file")")" != "$sum" ] ||
		ok=true
	tx_trains=0 tx_packets=0 rx_trains=0 rx_packets=0 again=-
	if [ "$1" = kquic ]; then
		tx_trains=$(counter srv QuicTxDataTrains)
		tx_packets=$(counter srv QuicTxDataPackets)
		again=$(counter srv QuicTxRetransBytes)
	fi
	if [ "$2" = kquic ]; then
		rx_trains=$(counter cli QuicRxDataTrains)
		rx_packets=$(counter cli QuicRxDataPackets)
	fi
	per_tx=$(ratio "$tx_packets" "$tx_trains")
	per_rx=$(ratio "$rx_packets" "$rx_trains")
}

row() {
	printf '%-18s %9s %10s %7s %9s %9s %9s %7s %7s %6s\n' "${@/#null/-}"
}

run() { # SERVER CLIENT
	local name="$2 from $1"

	mkdir -p "$work/out"
	case $1 in
	kquic) start_kquic_server ;;
	ngtcp2) start_ngtcp2_server ;;
	esac
	save_counters before
	if ! case $2 in
		kquic) fetch_by_kquic ;;
		ngtcp2) fetch_by_ngtcp2 ;;
		esac
	then
		tail -n 20 "$work/report" "$work/server.log" >&2
		status=1
	fi
	sleep 0.2 # the last packets are on their way
	save_counters after
	stop_server
	collect "$1" "$2"
	rm -rf "$work/out"
	[ $ok = true ] || status=1
	row "$name" "${handshake:+$(printf %.1f "$handshake")}" "${bytes:-0}" \
		"$tx_trains" "$per_tx" "$rx_trains" "$per_rx" "$again" \
		"${cc:--}" $ok
	runs+=("$(printf '{"name": "%s", "server": "%s", "client": "%s",
    "bytes": %d, "sha256_ok": %s, "handshake_ms": %s,
    "packets_per_train_tx": %s, "packets_per_train_rx": %s,
    "trains_tx": %d, "trains_rx": %d, "retransmitted_bytes": %s,
    "congestion_control": "%s"}' "$name" "$1" "$2" "${bytes:-0}" $ok \
		"${handshake:-null}" "$per_tx" "$per_rx" "$tx_trains" \
		"$rx_trains" "${again/#-/null}" "${cc:-}")")
}

write_json() {
	local IFS=,
	printf '{"file": "%s", "bytes": %d, "kernel": "%s",\n "runs": [\n  %s\n]}\n' \
		"$file" "$size" "$(uname -r)" "${runs[*]}" >"$results/demo.json"
}

modprobe aesni_intel 2>/dev/null
modprobe quic || fail "quic.ko does not load"
make_network
choose_file
make_certificates

echo "$file, $size bytes, HTTP/3 over veth, MTU 1500"
row '' handshake '' sent packets received packets resent congst. ''
row '' ms bytes trains per\ train trains per\ train bytes control sha256
run kquic kquic
run ngtcp2 kquic
run kquic ngtcp2
write_json
exit $status
