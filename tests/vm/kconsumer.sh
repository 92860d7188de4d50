#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# kconsumer.sh - loads a module that uses QUIC sockets inside the kernel: its
# loading is the test. TAP.

module=$(dirname "$API")/kconsumer/kconsumer.ko
failed=0

echo 'TAP version 13'
modprobe quic
ip link set lo up
if insmod "$module" && rmmod kconsumer; then
	echo "ok 1 - kconsumer_connects_and_transfers"
else
	dmesg | grep 'kconsumer' | tail -n 5 | sed 's/^/# /'
	echo "not ok 1 - kconsumer_connects_and_transfers"
	failed=1
fi
echo 1..1
exit $failed
