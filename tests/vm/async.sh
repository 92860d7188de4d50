#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# async.sh - packets are protected by an implementation that completes later
# and in reverse order (slowaead): what socket tests expect holds all the same.
# TAP.

set -u
number=0 failed=0
log=$(mktemp)
parameters=/sys/module/slowaead/parameters

result() { # STATUS NAME
	number=$((number + 1))
	[ "$1" = 0 ] && echo "ok $number - $2" && return
	echo "not ok $number - $2"
	failed=1
}

moved() { [ "$(cat $parameters/"$1")" -gt "$2" ]; } # COUNTER SINCE

echo 'TAP version 13'
modprobe quic
insmod "$(dirname "$API")/slowaead/slowaead.ko"
result $? async_loads
sysctl -qw net.quic.async_crypto=1
# Registering has tested it.
was_done=$(cat $parameters/done)
overtaken=$(cat $parameters/overtaken)
busy=$(cat $parameters/busy)
# Not those that count packets, or wait until a buffer is full, or for timers.
for tests in bulk stream key_update file flow; do
	"$API" "$tests" >"$log"
	status=$?
	[ $status = 0 ] || sed 's/^/# /' "$log"
	result $status "async_$tests"
done
moved "done" "$was_done"
result $? async_was_used
moved overtaken "$overtaken"
result $? async_trains_overtook_each_other
moved busy "$busy"
result $? async_backlog_was_used
sysctl -qw net.quic.async_crypto=0
# The last sockets may still be closing.
for _ in {1..400}; do
	rmmod slowaead 2>/dev/null && break
	sleep 0.05
done
[ ! -d $parameters ]
result $? async_keys_are_gone
rm -f "$log"
echo 1..$number
exit $failed
