#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# spread.sh - packets are sealed and opened by all CPUs: what socket tests expect
# holds all the same, and the module can go when its workers were just busy. TAP.
# What is particular to it: spread_test.c.

set -u
number=0 failed=0
work=$(mktemp -d)
files=$(dirname "$API")

result() { # STATUS NAME
	number=$((number + 1))
	[ "$1" = 0 ] && echo "ok $number - $2" && return
	echo "not ok $number - $2"
	failed=1
}

until_true() { # COMMAND...
	for _ in {1..400}; do
		"$@" && return
		sleep 0.05
	done
	return 1
}

unloads() { rmmod quic 2>/dev/null; }
serving() { grep -q serving "$work/log"; }
spread() { awk '/^QuicCryptoLater/ { n = $2 } END { exit !n }' /proc/net/quic/stats; }

# Both ends are killed while they transfer.
killed() {
	local server client status=0

	modprobe quic
	sysctl -qw net.quic.spread_mbit=1
	: >"$work/log"
	quicserve -a 127.0.0.1 --cert "$files/cert.pem" --key "$files/key.pem" \
		"$work/site" 2>"$work/log" &
	server=$!
	until_true serving || status=1
	quicget --insecure -o /dev/null https://127.0.0.1:4433/huge 2>/dev/null &
	client=$!
	until_true spread || status=1
	kill -9 $server $client
	wait $server $client 2>/dev/null
	until_true unloads && return $status
}

echo 'TAP version 13'
modprobe quic
ip link set lo up
# Not those that count packets, or wait until a buffer is full, or for timers.
for tests in bulk stream key_update file flow; do
	SYSCTL=spread_mbit=1 "$API" "$tests" >"$work/log"
	status=$?
	[ $status = 0 ] || sed 's/^/# /' "$work/log"
	result $status "spread_$tests"
done
mkdir "$work/site"
truncate -s 20G "$work/site/huge"
until_true unloads
result $? spread_sockets_are_gone
for _ in {1..5}; do
	killed || break
done
result $? spread_module_goes_after_trains_under_way
modprobe quic
rm -rf "$work"
echo 1..$number
exit $failed
