#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# shellcheck source-path=SCRIPTDIR
#
# guest-profile.sh TRANSPORT DIRECTION BYTES MODE... - what bench/profile runs
# inside the VM.
#
# Samples a bulk transfer by the clock, which counts instructions here. For
# each veth mode leaves in $RESULTS: bench-profile.MODE.json, quicperf's report,
# and bench-profile.MODE.samples, an address and a symbol per line; and where
# the modules lie, in bench-profile.modules.

. "$(dirname "$0")/guest-common.sh"

transport=$1 direction=$2 bytes=$3
out=${RESULTS:-/results}/bench-profile
shift 3

load_modules
make_certificates
for mode; do
	make_network "$mode"
	start_quicperf "$transport"
	run_quicperf "$transport" "$direction" 1M >/dev/null
	# A frequency that has nothing in common with the kernel's own timers.
	perf record -q -e cpu-clock -F 4999 -a -o "$work/perf.data" -- \
		ip netns exec cli quicperf client -t "$transport" \
		-d "$direction" -n "$bytes" -p $port --ca "$work/cert.pem" \
		$server >"$out.$mode.json" 2>"$work/client.log" || fail perf
	perf script -i "$work/perf.data" -F ip,sym 2>/dev/null |
		awk '{ print $1, $2 }' >"$out.$mode.samples"
	stop_server
	remove_network
done
awk '{ print $1, $2, $6 }' /proc/modules >"$out.modules"
