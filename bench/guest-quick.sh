#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# shellcheck source-path=SCRIPTDIR
#
# guest-quick.sh [ROUNDS] - what bench/quick runs inside the VM.
#
# For each veth mode, ROUNDS times: every transport in turn moves N and 2N
# bytes down, in the first round also up. A line of JSON per transfer goes to
# $RESULTS/bench-quick.samples: quicperf's report with the mode, the scenario,
# and the time that the processor was idle meanwhile; with kquic, what its
# counters moved by, of both ends together.

. "$(dirname "$0")/guest-common.sh"

rounds=${1:-2}
samples=${RESULTS:-/results}/bench-quick.samples
mib=$((1 << 20))
small=$((24 * mib)) small_ngtcp2=$((16 * mib))

idle_ns() {
	awk '/idle_sleeptime/ { sum += $3 } END { printf "%.0f", sum }' \
		/proc/timer_list
}

counters() {
	local ns
	for ns in srv cli; do
		ip netns exec $ns cat /proc/net/quic/stats
	done 2>/dev/null
}

# {"QuicTxTrains": 12, ...}
moved() { # BEFORE AFTER
	awk 'NR == FNR { before[$1] += $2; next }
		{ after[$1] += $2 }
		END {
			for (name in after)
				printf "%s\"%s\": %d", n++ ? ", " : "{", name,
					after[name] - before[name]
			print n ? "}" : "{}"
		}' "$1" "$2"
}

sample() { # MODE SCENARIO COMMAND...
	local mode=$1 scenario=$2 idle line
	shift 2
	counters >"$work/before"
	idle=$(idle_ns)
	line=$("$@") || exit 1
	idle=$(($(idle_ns) - idle))
	counters >"$work/after"
	echo "{\"mode\": \"$mode\", \"scenario\": \"$scenario\"," \
		"\"idle_ns\": $idle," \
		"\"counters\": $(moved "$work/before" "$work/after")," \
		"${line#\{}" >>"$samples"
}

# A round is a process of its own: that one transport fails does not keep the
# others from being measured.
quicperf_round() ( # MODE TRANSPORT [up]
	trap stop_server EXIT
	start_quicperf "$2"
	run_quicperf "$2" up $mib >/dev/null	# what is done once only
	for bytes in $small $((2 * small)); do
		sample "$1" bulk run_quicperf "$2" down "$bytes"
		[ -z "${3-}" ] ||
			sample "$1" bulk-up run_quicperf "$2" up "$bytes"
	done
)

# Its client as a user would have it, writing a file (to tmpfs); once also
# dropping what arrives, which is what quicperf does.
ngtcp2_round() ( # MODE [drop]
	trap stop_server EXIT
	start_ngtcp2 $mib $small_ngtcp2 $((2 * small_ngtcp2))
	run_ngtcp2 $mib keep >/dev/null
	for bytes in $small_ngtcp2 $((2 * small_ngtcp2)); do
		sample "$1" bulk run_ngtcp2 "$bytes" keep
		[ -z "${2-}" ] || sample "$1" bulk-drop run_ngtcp2 "$bytes"
	done
)

: >"$samples"
failed=0
load_modules
make_certificates
for mode in default segs1; do
	make_network $mode
	once=once
	for ((round = 0; round < rounds; round++)); do
		for transport in tcp ktls quic; do
			quicperf_round $mode $transport $once || failed=1
		done
		ngtcp2_round $mode $once || failed=1
		once=''
	done
	remove_network
done
exit $failed
