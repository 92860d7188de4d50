#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# guest.sh - what tests/bench/run runs inside the VM. TAP on stdout.
#
# First the protocol with another implementation, then the driver over ssh:
#
#     machine srv  10.9.0.1 ---- veth ---- 10.9.0.2  machine cli, and bench/run.py

set -u
cd "$(dirname "$0")/../.." || exit
work=$(mktemp -d)
out=$work/bench.json
number=0 failed=0
trap 'rm -rf "$work"' EXIT

check() { # WHAT COMMAND...
	local what=$1
	shift
	number=$((number + 1))
	if "$@" >"$work/said" 2>&1; then
		echo "ok $number - $what"
	else
		echo "not ok $number - $what"
		sed 's/^/# /' "$work/said"
		failed=1
	fi
}

make_machines() {
	modprobe -a aesni_intel tls quic
	for name in srv cli; do ip netns add $name; done
	ip link add data netns srv type veth peer name data netns cli
	ip -n srv addr add 10.9.0.1/24 dev data
	ip -n cli addr add 10.9.0.2/24 dev data
	ssh-keygen -q -t ed25519 -N '' -f "$work/host"
	ssh-keygen -q -t ed25519 -N '' -f "$work/user"
	mkdir -p /run/sshd
	for name in srv cli; do
		ip -n $name link set lo up
		ip -n $name link set data up
		ip netns exec $name /usr/sbin/sshd -f /dev/null -h "$work/host" -o StrictModes=no \
			-o "AuthorizedKeysFile=$work/user.pub" -o "PidFile=$work/$name.pid"
	done
}

# Waits for each machine's ssh server, too.
measure() { # OPTION...
	ip netns exec cli python3 -B bench/run.py --client root@10.9.0.2 --output "$out" \
		--ssh-option StrictHostKeyChecking=no --ssh-option UserKnownHostsFile=/dev/null \
		--ssh-option LogLevel=ERROR --ssh-option "IdentityFile=$work/user" "$@"
}

figures() { # PYTHON, of rows and machine
	python3 -c "import json
with open('$out') as file:
    bench = json.load(file)
machine = bench['machine']
rows = {(r['transport'], r['scenario'], r['mode'], r['metric']): r['value'] for r in bench['rows']}
assert $1, bench"
}

no_server() {
	! pgrep -x quicperf
}

fails() {
	! "$@"
}

make_certificate() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost \
		-addext subjectAltName=DNS:localhost,IP:127.0.0.1 -days 30 \
		-keyout "$work/key.pem" -out "$work/cert.pem" 2>/dev/null
}

# A process that says that it is ready; its id in $server.
start() { # COMMAND...
	: >"$work/ready"
	"$@" >"$work/ready" &
	server=$!
	for _ in {1..400}; do
		! grep -q ready "$work/ready" || return 0
		sleep 0.05
	done
	return 1
}

with_server() { # SERVER-OPTION... -- COMMAND...
	local options=() status
	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	shift
	start "${options[@]}" && "$@"
	status=$?
	kill "$server"
	wait "$server"
	return "$status"
}

quicperf_server() {
	echo quicperf server -p 5001 --cert "$work/cert.pem" --key "$work/key.pem" 127.0.0.1
}

quicperf_client() { # OPTION...
	timeout 60 quicperf client -p 5001 --ca "$work/cert.pem" "$@" 127.0.0.1
}

peer() { # ROLE
	echo python3 -B tests/bench/perf_peer.py "$1" 127.0.0.1 5001 "$work/cert.pem" \
		"$work/key.pem"
}

resumes() { # OPTION...
	quicperf_client "$@" | tee /dev/stderr | grep -q '"resumed": 5,'
}

echo 'TAP version 13'
make_machines
make_certificate
# shellcheck disable=SC2046 # words
{
	check 'aioquic asks quicperf' with_server $(quicperf_server) -- timeout 60 $(peer client)
	check 'quicperf asks aioquic' with_server $(peer server) -- \
		quicperf_client -s 4 -n 3 -u 20000 -d 20000
	check 'streams take turns, in both directions at once' with_server $(quicperf_server) -- \
		quicperf_client -c 3 -s 100 -n 5 -u 10000 -d 20000
	for transport in tcp ktls quic; do
		check "$transport: a file is sent, by both" with_server $(quicperf_server) \
			-t $transport --sendfile -- \
			quicperf_client -t $transport --sendfile -n 3 -u 300000 -d 300000
		check "$transport: threads, connections by the clock" with_server $(quicperf_server) \
			-t $transport --threads 2 -- quicperf_client -t $transport --threads 2 \
			-c 4 -n 0 --rate 50 --duration 1
	done
	for transport in ktls quic; do
		check "$transport: sessions are resumed" with_server $(quicperf_server) \
			-t $transport --tickets -- resumes -t $transport --repeat 5 --resume -u 100
	done
	for cipher in aes-256-gcm chacha20-poly1305; do
		check "kTLS with $cipher" with_server $(quicperf_server) -t ktls --cipher $cipher -- \
			quicperf_client -t ktls --cipher $cipher -u 100000 -d 100000
	done
}
check 'two machines are measured' measure --server root@10.9.0.1 --seconds 1 --rounds 2 \
	bulk-down
for transport in kquic ktls tcp; do
	check "$transport has moved bytes" figures \
		"rows['$transport', 'bulk-down', 'wire', 'bits_per_second'] > 0"
done
check 'two rounds have a least and a greatest' figures \
	"0 < rows['kquic', 'bulk-down', 'wire', 'bits_per_second_min'] \
	<= rows['kquic', 'bulk-down', 'wire', 'bits_per_second_max']"
check 'both machines are described' figures \
	"all(m['nic.driver'] == 'veth' and m['nic.offload.generic-segmentation-offload'] == 'on' \
	and m['kernel'] and m['cpu'] for m in (machine['server'], machine['client']))"
check 'requests and handshakes are measured, and drawn' measure --server root@10.9.0.1 \
	--seconds 1 --plots request handshake mtu-9000-down --rounds 1
check 'requests have latencies' figures \
	"rows['kquic', 'request', 'wire', 'latency_us_p50'] \
	<= rows['kquic', 'request', 'wire', 'latency_us_p999']"
check 'handshakes have a rate' figures \
	"rows['kquic', 'handshake', 'wire', 'connections_per_second'] > 0"
check 'an MTU that is not there is not measured' figures \
	"not [row for row in rows if row[1] == 'mtu-9000-down']"
check 'the plot of the requests is a PNG file' grep -q PNG "$work/plots/requests.png"
check 'nothing is left running' no_server
check 'a machine that is not there is an error' fails measure --server root@10.9.0.3
echo "1..$number"
kill "$(cat "$work/srv.pid")" "$(cat "$work/cli.pid")"
exit $failed
