#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# guest.sh [CASE...] - inside the VM: rule breakers against quicserve, then
# against quicget. TAP on stdout.

set -u
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
number=0 failed=0
port=4433

until_true() { # COMMAND...
	for _ in {1..400}; do
		"$@" && return
		sleep 0.05
	done
	echo "# never true: $*"
	return 1
}

# Number the results of both roles through.
collect() { # FILE
	local line

	while read -r line; do
		case $line in
		TAP* | 1..*) ;;
		ok* | not*)
			number=$((number + 1))
			echo "${line%% [0-9]*} $number - ${line#* - }"
			;;
		*) echo "$line" ;;
		esac
	done <"$1"
}

against() { # ROLE ARGUMENT...
	python3 "$here/conformance.py" "$@" >"$work/$1.tap" 2>"$work/$1.err" || failed=1
	collect "$work/$1.tap"
	sed 's/^/# /' "$work/$1.err"
}

echo 'TAP version 13'
modprobe aesni_intel 2>/dev/null
modprobe quic || exit
ip link set lo up
mkdir "$work/site"
echo hello >"$work/site/file"
quicserve -v -a 127.0.0.1 -p $port --cert "$OUT/vm/cert.pem" --key "$OUT/vm/key.pem" \
	"$work/site" 2>"$work/server.log" &
server_pid=$!
until_true grep -q serving "$work/server.log" || exit
against server 127.0.0.1 $port "$@"
kill -0 "$server_pid" || failed=1
kill "$server_pid"
against client "$OUT/vm/cert.pem" "$OUT/vm/key.pem" "$@"
echo "1..$number"
exit $failed
