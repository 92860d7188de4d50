#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# shellcheck source-path=SCRIPTDIR
#
# guest.sh - the cases that match $PATTERN, inside a VM that has everything installed.
#
# Peers are ngtcp2 (gtlsclient, gtlsserver), curl (OpenSSL's QUIC), nginx, and
# kquic itself over HTTP/3 and HTTP/0.9. Every case fetches files and compares
# them; where kquic is the server or the client, it also tells how many
# connections there were, and with which protocol and cipher. A server lives
# as long as consecutive cases want it. Each 30 % loss case has a world of its
# own, and they run at the same time, for they wait most of it.
#
# TAP on stdout. A failing case shows the ends of both logs, the counters that
# moved, and what the kernel said meanwhile.

set -u
shopt -s extglob
cd "$(dirname "$0")/../.." || exit
. tests/interop/world.sh
. tests/interop/peers.sh

pattern=${PATTERN-*}
work=$(mktemp -d)
dir=$work/one
many=(m{00..49})
in_a_row=10

pairs=(
	gtlsclient-quicserve
	curl-quicserve
	quicget-quicserve
	quicget.hq-quicserve
	quicget-gtlsserver
	quicget-nginx
)

# What each world is for, in this order.
declare -A cases=(
	[plain]='handshake untrusted 10MiB 50streams chacha20 ipv6'
	[segs1]='10MiB-segs1 50streams-segs1'
	[first]='first-lost'
	[loss2]='loss2'
)
worlds=(plain segs1 first loss2)

server_pid='' server_is='' loud='' only='' ca=ca
n=0 failed=0

# ---- results -----------------------------------------------------------------

result() { # STATUS NAME
	n=$((n + 1))
	if [ "$1" = 0 ]; then
		echo "ok $n - $2"
	else
		echo "not ok $n - $2"
		failed=1
	fi
	[ ! -e "$dir/why" ] || sed 's/^/# /' "$dir/why"
}

why() { # TEXT...: the case failed
	echo "$*" >>"$dir/why"
	return 1
}

diagnose() { # WORLD
	echo "-- client:"
	tail -n 25 "$dir/client.log"
	[ ! -s "$dir/report" ] || cat "$dir/report"
	echo "-- server:"
	tail -n "+$((log_lines + 1))" "$dir/server.log" | tail -n 25
	tail -n "+$((json_lines + 1))" "$dir/server.json" | tail -n 10
	echo "-- counters:"
	moved_counters "$1" "$dir/counters"
	losses "$1"
	echo "-- kernel:"
	dmesg | tail -n "+$((dmesg_lines + 1))" | tail -n 40
} >>"$dir/why" 2>&1

# ---- checks ------------------------------------------------------------------

same_files() { # FILE...
	local list

	list=$(ls -A "$dir/out")
	[ "$list" = "$(printf '%s\n' "$@")" ] || {
		why "files: ${list//$'\n'/ }"
		return
	}
	(cd "$work/www" && sha256sum "$@") |
		(cd "$dir/out" && sha256sum --check --quiet --strict) \
			>>"$dir/why" 2>&1 ||
		why "the files differ"
}

# Both ends of ours tell: COUNT connections, PROTOCOL, CIPHER (patterns), and
# which family.
facts() { # CLIENT SERVER COUNT PROTOCOL CIPHER FAMILY
	local lines address

	address=$([ "$6" = 6 ] && echo '\[fd00:9::' || echo '\(10.9.0\|::ffff:10\)')
	if [ "$2" = quicserve ]; then
		lines=$(tail -n "+$((json_lines + 1))" "$dir/server.json" |
			grep '"event":"connected"')
		[ "$(grep -c . <<<"$lines")" = "$3" ] ||
			why "quicserve saw $(grep -c . <<<"$lines") connections" \
				"instead of $3" || return
		[ "$(grep "\"peer\":\"$address" <<<"$lines" |
			grep "\"alpn\":\"$4\"" | grep -c "\"cipher\":\".*$5")" = "$3" ] ||
			why "quicserve saw: $lines" || return
	fi
	case $1 in quicget*)
		[ "$(grep -c '"handshake_ms":' "$dir/report")" = 1 ] ||
			why "not one connection" || return
		grep -q "\"alpn\": *\"$4\"" "$dir/report" &&
			grep -q "\"cipher\": *\".*$5" "$dir/report" &&
			grep -q "\"address\": *\"$address" "$dir/report" ||
			why "quicget reports another connection" || return
		;;
	esac
}

# ---- cases -------------------------------------------------------------------

# transfer CLIENT SERVER WORLD ADDRESS FILE... - one connection, equal files.
transfer() {
	local family=4 protocol=h3

	[ "${1#*.}" != hq ] || protocol=hq-interop
	[ "${4#*:}" = "$4" ] || family=6
	fetch "$1" "$3.c" 120 "${@:4}" || why "$1: exit status $?" || return
	same_files "${@:5}" &&
		facts "$1" "$2" 1 "$protocol" "$(tr - . <<<"$only")" $family
}

# The wrong CA: the client must say no, and have nothing.
refusal() { # CLIENT WORLD
	local ca=other-ca want=6 status

	[ "$1" != curl ] || want=60
	fetch "$1" "$2.c" 60 "$v4" f1k
	status=$?
	[ $status = $want ] || why "exit status $status, expected $want" || return
	[ -z "$(ls -A "$dir/out")" ] || why 'it has files'
}

lost_some() { # WORLD
	losses "$1" >>"$dir/why"
	[ "$(losses "$1" | grep -c 'of [1-9]')" = 2 ] ||
		why 'the losses of a direction are not counted' || return
	losses "$1" | grep -q ': [1-9]' || why 'nothing was lost'
}

run_case() { # CLIENT SERVER CASE WORLD
	local only='' status

	rm -f "$dir/why"
	: >"$dir/client.log"
	mark "$4"
	case $3 in
	handshake) transfer "$1" "$2" "$4" "$v4" f1k ;;
	untrusted) refusal "$1" "$4" ;;
	10MiB*) transfer "$1" "$2" "$4" "$v4" f10m ;;
	50streams*) transfer "$1" "$2" "$4" "$v4" "${many[@]}" ;;
	chacha20)
		only=CHACHA20-POLY1305
		transfer "$1" "$2" "$4" "$v4" f1m
		;;
	ipv6) transfer "$1" "$2" "$4" "$v6" f1m ;;
	first-lost)
		lose_first "$4.s" && transfer "$1" "$2" "$4" "$v4" f1k
		;;
	loss2) transfer "$1" "$2" "$4" "$v4" f2m && lost_some "$4" ;;
	esac
	status=$?
	[ $status = 0 ] || diagnose "$4"
	return $status
}

mark() { # WORLD: what diagnose and facts count from
	log_lines=$(wc -l <"$dir/server.log")
	json_lines=$(wc -l <"$dir/server.json")
	dmesg_lines=$(dmesg | wc -l)
	save_counters "$1" "$dir/counters"
}

# Many handshakes in a row through a link that loses 30 %, 300 s for all.
#
# OpenSSL's client sends nothing but PINGs when its timer fires, each after
# twice the time, and gives up 30 s after it last heard of the server: now and
# then that is bad luck, with any server: two failures of all are forgiven.
lossy_handshakes() { # CLIENT SERVER WORLD
	local deadline=$((SECONDS + 300)) i left status=1 loud=1 again=0

	start_server "$2" "$3.s" || why 'the server did not come up' || return
	: >"$dir/client.log"
	mark "$3"
	for ((i = 1; i <= in_a_row; i++)); do
		left=$((deadline - SECONDS))
		[ $left -gt 0 ] || why 'the time is over' || break
		until fetch "$1" "$3.c" $left "$v4" f1k; do
			if [ "$1" != curl ] || [ $((again++)) = 2 ]; then
				why "connection $i: $1 gave up"
				break 2
			fi
			left=$((deadline - SECONDS))
			[ $left -gt 0 ] || why 'the time is over' || break 2
		done
		same_files f1k || why "of connection $i" || break
	done
	if [ $i -gt $in_a_row ] && lost_some "$3" &&
		{ [ $again -gt 0 ] || facts "$1" "$2" $in_a_row h3 '' 4; }
	then
		status=0
	else
		diagnose "$3"
	fi
	echo "$((i - 1)) connections in $((SECONDS - deadline + 300)) s," \
		"$again more that failed" >>"$dir/why"
	stop_server
	return $status
}

# ---- all of them -------------------------------------------------------------

wanted() { # NAME
	# shellcheck disable=SC2254 # a pattern is meant
	case $1 in
	gtlsclient-*-untrusted | quicget.hq-*-untrusted | *.hq-*-loss30) return 1 ;;
	$pattern) ;;
	*) return 1 ;;
	esac
}

plan() {
	local pair world case count=0

	for pair in "${pairs[@]}"; do
		# shellcheck disable=SC2048 # words are meant
		for case in ${cases[*]} loss30; do
			! wanted "$pair-$case" || count=$((count + 1))
		done
	done
	echo "1..$count"
}

need_server() { # KIND WORLD
	if [ "$server_is" = "$1 $2" ] && kill -0 "$server_pid" 2>/dev/null; then
		return
	fi
	stop_server
	server_is="$1 $2"
	start_server "$1" "$2.s" || echo "# $1 did not come up"
}

transfers() {
	local server world pair case client

	for server in quicserve gtlsserver nginx; do
		for world in "${worlds[@]}"; do
			for pair in "${pairs[@]}"; do
				[ "${pair#*-}" = $server ] || continue
				client=${pair%-*}
				for case in ${cases[$world]}; do
					wanted "$pair-$case" || continue
					need_server $server "$world"
					run_case "$client" $server "$case" "$world"
					result $? "$pair-$case"
				done
			done
		done
	done
	stop_server
}

handshakes() {
	local pair jobs=() names=() i status

	for pair in "${pairs[@]}"; do
		wanted "$pair-loss30" || continue
		make_world "$pair" loss30 || exit
		mkdir "$work/$pair"
		(
			dir=$work/$pair server_pid=
			lossy_handshakes "${pair%-*}" "${pair#*-}" "$pair"
		) &
		jobs+=($!) names+=("$pair")
	done
	for i in "${!jobs[@]}"; do
		wait "${jobs[i]}"
		status=$?
		dir=$work/${names[i]}
		result $status "${names[i]}-loss30"
	done
}

echo 'TAP version 13'
plan
modprobe aesni_intel 2>/dev/null
modprobe quic || exit
mkdir "$dir" "$work/www"
make_certificates || { cat "$work/certtool.log" >&2; exit 1; }
for file in 1k:1024 1m:$((1 << 20)) 2m:$((2 << 20)) 10m:$((10 << 20)); do
	head -c "${file#*:}" /dev/urandom >"$work/www/f${file%:*}"
done
for file in "${many[@]}"; do
	head -c 20000 /dev/urandom >"$work/www/$file"
done
for world in "${worlds[@]}"; do
	make_world "$world" "$world" || exit
done
transfers
handshakes
exit $failed
