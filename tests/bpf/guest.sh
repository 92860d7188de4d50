#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# guest.sh - the cases that match $PATTERN, inside the VM. TAP on stdout.
#
# A case is a function case_NAME, named after the clause of the contract
# (kernel/recovery/cc.h) that it holds the kernel to; it fails by its status. What
# controls is the sender of a file over lo: quicserve.

set -u
pattern=${PATTERN-*}
many=${MANY:-1000}
work=$(mktemp -d)
number=0 failed=0
port=4433
shipped=/usr/lib/quic/bpf

until_true() { # COMMAND...
	for _ in $(seq "${PATIENCE-600}"); do
		"$@" && return
		sleep 0.05
	done
	echo "# never true: $*"
	return 1
}

server_pid=
stop_server() {
	[ -z "$server_pid" ] || kill "$server_pid" 2>/dev/null
	[ -z "$server_pid" ] || wait "$server_pid" 2>/dev/null
	server_pid=
}

serve() { # OPTION...
	stop_server
	: >"$work/server.log"
	port=$((port + 1))
	quicserve -v -a 127.0.0.1 -p "$port" "$@" "$work/site" 2>"$work/server.log" &
	server_pid=$!
	until_true grep -q serving "$work/server.log"
}

fetch() { # FILE [NAME]: as NAME
	timeout 100 quicget -q -k -o "$work/${2-got}" "https://127.0.0.1:$port/$1" \
		>"$work/get.log" 2>&1 && cmp "$work/site/$1" "$work/${2-got}" && return
	sed 's/^/# /' "$work/get.log"
	return 1
}

load() { # NAME
	quicctl cc load "$OBJECTS/$1.bpf.o" >"$work/load.log" 2>&1 && return
	tail -n 30 "$work/load.log" | sed 's/^/# /'
	return 1
}

# The kernel does not take it, and the author reads why: TEXT.
refused() { # NAME TEXT [USUAL]
	if quicctl cc load "$OBJECTS/$1.bpf.o" >"$work/load.log" 2>&1; then
		echo "# $1 was taken"
		return 1
	fi
	dmesg | tail -n 3 >>"$work/load.log"
	grep -q "$2" "$work/load.log" && ! cc "$1" | grep -q . && return
	tail -n 30 "$work/load.log" | sed 's/^/# /'
	return 1
}

unload() { # NAME
	quicctl cc unload "$1" >"$work/load.log" 2>&1 && return
	sed 's/^/# /' "$work/load.log"
	return 1
}

# /proc/net/quic/cc: the row of NAME, or its column.
cc() { # NAME [COLUMN]
	awk -v name="$1" -v column="${2-}" '
		NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i }
		$1 == name { print column ? $at[column] : $0 }' /proc/net/quic/cc
}

more_than() { # N VALUE
	[ -n "$2" ] && [ "$2" -gt "$1" ] && return
	echo "# not more than $1: $2"
	return 1
}

is() { # VALUE WANTED
	[ "$1" = "$2" ] && return
	echo "# $1, not $2"
	return 1
}

# Why NAME lost connections: "KIND CODE" of the newest row.
exit_of() { # NAME
	awk -v name="$1" '$1 == name { row = $2 " " $3 } END { print row }' \
		/proc/net/quic/cc_exits
}

counter() { # NAME
	awk -v name="$1" '$1 == name { print $2 }' /proc/net/quic/stats
}

# A variable of the program, as bpftool shows it.
variable() { # OBJECT NAME
	bpftool map dump name "${1:0:8}.bss" 2>/dev/null |
		sed -n "s/.*\"$2\": \([0-9]*\).*/\1/p"
}

# One transfer under NAME, which is loaded for it.
under() { # NAME FILE
	load "$1" && serve --cc "$1" && fetch "$2"
}

# ---- what a program may leave out, and is given ---------------------------------

case_cc_only_a_name_is_needed() {
	under minimal small && is "$(cc minimal KIND)" bpf &&
		is "$(cc minimal FALLBACKS)" 0 && is "$(exit_of minimal)" "" &&
		unload minimal
}

case_cc_every_callback_is_called() {
	under every_op large || return
	stop_server
	more_than 0 "$(variable every_op sents)" &&
		more_than 0 "$(variable every_op ackeds)" &&
		more_than 0 "$(variable every_op inits)" &&
		is "$(variable every_op fresh)" "$(variable every_op inits)" &&
		until_true released && unload every_op
}

released() {
	[ "$(variable every_op releases)" = "$(variable every_op inits)" ]
}

# ---- clamps -------------------------------------------------------------------------

case_cc_zero_cwnd_is_clamped() {
	under zero_cwnd large && more_than 1 "$(cc zero_cwnd CWND_RAISED)" &&
		is "$(exit_of zero_cwnd)" "starved 0" && unload zero_cwnd
}

case_cc_huge_cwnd_is_clamped() {
	under huge_cwnd large && more_than 1 "$(cc huge_cwnd CWND_LOWERED)" &&
		is "$(exit_of huge_cwnd)" "" && unload huge_cwnd
}

case_cc_zero_pacing_is_derived() {
	under zero_pacing small && is "$(exit_of zero_pacing)" "" && unload zero_pacing
}

case_cc_slow_pacing_is_raised() {
	under slow_pacing large && more_than 1 "$(cc slow_pacing PACING_RAISED)" &&
		is "$(exit_of slow_pacing)" "starved 1" && unload slow_pacing
}

# ---- the guard ------------------------------------------------------------------------

case_cc_starving_falls_back() {
	local before
	before=$(counter QuicCcFallbacks)
	under never_grows large && is "$(exit_of never_grows)" "starved 0" &&
		more_than 0 "$(cc never_grows FALLBACKS)" &&
		more_than "$before" "$(counter QuicCcFallbacks)" &&
		dmesg | grep -q 'congestion control never_grows lost connection' &&
		unload never_grows
}

case_cc_program_gives_up() {
	under gives_up large && is "$(exit_of gives_up)" "gave-up 4711" || return
	more_than 0 "$(variable gives_up exits)" &&
		is "$(variable gives_up code)" 4711 && unload gives_up
}

case_cc_slow_program_is_retired() {
	local sysctl=/proc/sys/net/quic
	under slow large && is "$(exit_of slow)" "slow 0" &&
		more_than 15 "$(cc slow LATE)" && is "$(cc slow RETIRED)" 1 &&
		more_than 0 "$(cc slow FALLBACKS)" || return
	# nobody gets it any more, and it can be removed
	! timeout 20 quicserve -a 127.0.0.1 -p 4432 --cc slow "$work/site" 2>"$work/load.log" &&
		! echo slow 2>/dev/null >"$sysctl/congestion_control" &&
		! grep -q slow "$sysctl/available_congestion_control" &&
		unload slow && load slow && is "$(cc slow RETIRED)" 0 && unload slow
}

case_cc_exit_is_traced() {
	local trace=/sys/kernel/tracing
	[ -d "$trace/events" ] || mount -t tracefs tracefs "$trace"
	echo 1 >"$trace/events/quic/quic_cc_exit/enable" || return
	under never_grows large || return
	echo 0 >"$trace/events/quic/quic_cc_exit/enable"
	grep -q 'from=never_grows to=cubic kind=starved' "$trace/trace" &&
		unload never_grows
}

# ---- removal, update -----------------------------------------------------------------

busy() { # HOW-MANY
	[ "$(cc "$1" USERS)" -ge "$2" ]
}

case_cc_unregister_under_load() {
	local before i pids=()
	before=$(counter QuicCcMoved)
	load every_op && serve --cc every_op || return
	for i in {1..12}; do
		fetch large "got$i" & pids+=($!)
	done
	until_true busy every_op 6 && unload every_op || return
	is "$(cc every_op)" "" || return
	for i in "${pids[@]}"; do
		wait "$i" || return
	done
	more_than "$before" "$(counter QuicCcMoved)" &&
		is "$(exit_of every_op)" "unregistered 0"
}

acks_more_than() { # N
	[ "$(variable every_op ackeds)" -gt "$1" ]
}

# Both ends of each; all are open before the first request.
case_cc_unregister_with_thousands() {
	local before sysctl=/proc/sys/net/quic/congestion_control client status
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
		-subj /CN=localhost -addext subjectAltName=IP:127.0.0.1 -days 2 \
		-keyout "$work/key.pem" -out "$work/cert.pem" 2>/dev/null
	before=$(counter QuicCcMoved)
	load every_op && echo every_op >"$sysctl" || return
	quicperf server -p 5001 --cert "$work/cert.pem" --key "$work/key.pem" \
		127.0.0.1 >"$work/server.log" 2>&1 &
	server_pid=$!
	until_true test -s "$work/server.log" || return
	quicperf client -p 5001 --ca "$work/cert.pem" -c "$many" -n 4 -u 100 \
		-d 30000 127.0.0.1 >"$work/perf.log" 2>&1 &
	client=$!
	PATIENCE=4000 until_true busy every_op $((2 * many)) &&
		until_true acks_more_than \
			$(($(variable every_op ackeds) + many / 2)) &&
		is "$(counter QuicCcMoved)" "$before" && unload every_op
	status=$?
	# At once: nobody has it any more, though most have not noticed yet.
	is "$(cc every_op)" "" && ! grep -q every_op "$sysctl" || status=1
	wait "$client" || { sed 's/^/# /' "$work/perf.log"; status=1; }
	stop_server
	[ "$status" = 0 ] &&
		more_than "$many" $(($(counter QuicCcMoved) - before)) &&
		is "$(exit_of every_op)" "unregistered 0"
}

window() { # BYTES: some connection has this window
	awk -v w="$1" 'NR > 1 { for (i = 1; i <= NF; i++) if ($i == w) found = 1 }
		END { exit !found }' /proc/net/quic/conns
}

case_cc_update_takes_connections_along() {
	local pid
	load version_1 && serve --cc version || return
	fetch huge & pid=$!
	until_true window 111111 || return
	quicctl cc load -r "$OBJECTS/version_2.bpf.o" >"$work/load.log" 2>&1 ||
		{ sed 's/^/# /' "$work/load.log"; return 1; }
	until_true window 222222 && wait "$pid" &&
		is "$(exit_of version)" "updated 0" &&
		more_than 0 "$(counter QuicCcUpdated)" && unload version
}

case_cc_module_stays_while_it_is_registered() {
	load minimal || return
	stop_server
	! rmmod quic 2>/dev/null && unload minimal
}

# ---- choice ---------------------------------------------------------------------------

case_cc_default_of_the_namespace() {
	local sysctl=/proc/sys/net/quic/congestion_control
	load minimal && serve && echo minimal >"$sysctl" || return
	! echo nonsense 2>/dev/null >"$sysctl" || return
	grep -q "\<minimal\>" /proc/sys/net/quic/available_congestion_control &&
		is "$(cat "$sysctl")" minimal || return
	# a namespace begins with what the first one has, and has its own then
	ip netns add other
	is "$(ip netns exec other cat "$sysctl")" minimal &&
		ip netns exec other sh -c "echo reno >$sysctl" &&
		is "$(cat "$sysctl")" minimal || return
	ip netns del other
	fetch small && unload minimal && is "$(cat "$sysctl")" cubic && fetch small
}

# By nobody, who has no privilege.
listens() { # ALGORITHM
	port=$((port + 1))
	: >"$work/server.log"
	setpriv --reuid 65534 --regid 65534 --clear-groups quicserve -v -a 127.0.0.1 \
		-p "$port" --cc "$1" /usr/share 2>>"$work/server.log" &
	server_pid=$!
	until_true grep -q -e serving -e permitted "$work/server.log" && stop_server &&
		grep -q serving "$work/server.log"
}

case_cc_choice_wants_privilege() {
	local sysctl=/proc/sys/net/quic/congestion_control
	load minimal && load for_all || return
	# a socket: the kernel's own, and programs that say so
	listens bbr && listens for_all && ! listens minimal &&
		grep -q 'not permitted' "$work/server.log" || return
	# ... and what it would get without asking
	echo minimal >"$sysctl" && listens minimal && echo cubic >"$sysctl" || return
	# a namespace: who owns it and not the machine
	unshare -rn sh -c "echo for_all >$sysctl && echo reno >$sysctl" || return
	! unshare -rn sh -c "echo minimal 2>/dev/null >$sysctl" &&
		unload minimal && unload for_all
}

# A listener's choice is inherited, and then it is gone.
case_cc_missing_is_the_default() {
	local before
	before=$(counter QuicCcMissing)
	load minimal && serve --cc minimal && unload minimal && fetch small &&
		more_than "$before" "$(counter QuicCcMissing)"
}

# ---- what is not taken ------------------------------------------------------------------

case_cc_foreign_field_is_rejected() {
	refused foreign_field 'write to mss of struct quic_cc.*only cwnd, ssthresh, pacing_rate and priv'
}

case_cc_kept_argument_is_rejected() {
	refused kept 'only read is supported\|struct quic_cc can be written to while a call has it'
}

case_cc_foreign_struct_is_rejected() {
	refused foreign_struct 'only struct quic_cc can be written'
}

case_cc_beyond_priv_is_rejected() {
	refused beyond_priv 'only cwnd, ssthresh, pacing_rate and priv'
}

case_cc_not_gpl_is_rejected() {
	refused not_gpl 'GPL'
}

# Callbacks run in softirq, under a spinlock.
case_cc_sleepable_is_rejected() {
	refused sleepable 'unsupported member on_acked'
}

case_cc_no_name_is_rejected() {
	refused no_name 'needs a .name'
}

case_cc_bad_name_is_rejected() {
	refused bad_name 'needs a .name'
}

case_cc_long_name_is_rejected() {
	refused long_name 'needs a .name'
}

case_cc_name_clash_is_rejected() {
	refused clash 'cubic is there already' && is "$(cc cubic KIND)" native
}

case_cc_unknown_flag_is_rejected() {
	refused bad_flags 'flags'
}

# ---- what is shipped ------------------------------------------------------------------

case_cc_shipped_programs_work() {
	local object name
	for object in "$shipped"/cc/*.bpf.o; do
		quicctl cc load "$object" >"$work/load.log" 2>&1 ||
			{ echo "# $object"; tail -n 30 "$work/load.log" | sed 's/^/# /'; return 1; }
		name=$(awk '$2 == "bpf" { print $1 }' /proc/net/quic/cc)
		serve --cc "$name" && fetch medium &&
			is "$(exit_of "$name")" "" && unload "$name" ||
			{ echo "# $object"; return 1; }
	done
}

# ---- connection IDs ---------------------------------------------------------------------

connid() { # NAME COLUMN
	awk -v name="$1" -v column="$2" '
		NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i }
		$1 == name { print $at[column] }' /proc/net/quic/connid
}

use_connid() { # NAME
	echo "$1" >/proc/sys/net/quic/connid
}

# The namespace makes its IDs by the program NAME of OBJECT while COMMAND runs. Stock
# bpftool ends with a fault after it has pinned the link (docs/bpf-ops.md).
with_connid() { # OBJECT NAME COMMAND...
	local status
	(bpftool struct_ops register "$1" "/sys/fs/bpf/$number" || true) \
		>"$work/load.log" 2>&1
	use_connid "$2" || { tail -n 30 "$work/load.log" | sed 's/^/# /'; return 1; }
	"${@:3}"
	status=$?
	stop_server
	rm -r "/sys/fs/bpf/$number"
	[ "$status" = 0 ] && is "$(cat /proc/sys/net/quic/connid)" random
}

fetches() { # HOW-MANY
	serve || return
	for _ in $(seq "$1"); do
		fetch small || return
	done
}

flawless() { # NAME
	more_than 0 "$(connid "$1" CALLS)" && is "$(connid "$1" USED)" 1 &&
		is "$(connid "$1" BAD_LEN)$(connid "$1" BAD_CPU)" 00
}

case_cid_shipped_programs_work() {
	local name
	for name in cpu quic_lb katran; do
		with_connid "$shipped/cid/$name.bpf.o" "$name" works "$name" || return
	done
}

works() { # NAME
	fetches 2 && flawless "$1"
}

# Its own, not the namespace's, and accepted sockets inherit it.
case_cid_socket_option() {
	(bpftool struct_ops register "$OBJECTS/marked.bpf.o" /sys/fs/bpf/own ||
		true) >"$work/load.log" 2>&1
	! quicserve -a 127.0.0.1 -p 4432 --connid nonsense "$work/site" \
		2>"$work/load.log" || return
	serve --connid marked && fetch small && stop_server || return
	is "$(connid marked USED)" 0 && more_than 3 "$(variable marked issues)" &&
		until_true all_retired && is "$(variable marked strange)" 0 ||
		return
	# removed while a listener has it, and loaded again
	serve --connid marked && rm -r /sys/fs/bpf/own && fetch small
}

case_cid_is_told_of_issue_and_retirement() {
	with_connid "$OBJECTS/marked.bpf.o" marked told
}

all_retired() {
	[ "$(variable marked issues)" = "$(variable marked retires)" ]
}

told() {
	fetches 1 && stop_server && more_than 3 "$(variable marked issues)" &&
		until_true all_retired &&
		is "$(variable marked strange)" 0
}

case_cid_too_long_is_rejected() {
	with_connid "$OBJECTS/too_long.bpf.o" too_long falls_back too_long BAD_LEN
}

case_cid_too_short_is_rejected() {
	with_connid "$OBJECTS/too_short.bpf.o" too_short falls_back too_short BAD_LEN
}

# What socket tests expect holds whatever the length of IDs.
socket_tests() { # NAME TEST...
	local status
	SYSCTL=connid=$1 "$API" "${@:2}" >"$work/api.log"
	status=$?
	[ "$status" = 0 ] || grep -v '^ok' "$work/api.log" | sed 's/^/# /'
	return "$status"
}

longest() {
	fetches 2 && flawless longest || return
	stop_server
	socket_tests longest bulk stream handshake cid migrate reset close \
		another_id_leads_the_train
}

case_cid_of_twenty_octets() {
	with_connid "$OBJECTS/longest.bpf.o" longest longest
}

of_any_length() {
	fetches 2 && flawless any_length || return
	stop_server
	socket_tests any_length bulk stream handshake cid migrate
}

case_cid_lengths_side_by_side() {
	with_connid "$OBJECTS/any_length.bpf.o" any_length of_any_length
}

case_cid_of_another_cpu_is_rejected() {
	with_connid "$OBJECTS/wrong_cpu.bpf.o" wrong_cpu falls_back wrong_cpu BAD_CPU
}

case_cid_foreign_field_is_rejected() {
	! quicctl cid load "$OBJECTS/foreign_number.bpf.o" >"$work/load.log" 2>&1 &&
		grep -q 'write to number of struct quic_connid' "$work/load.log" && return
	tail -n 30 "$work/load.log" | sed 's/^/# /'
	return 1
}

case_cid_listener_that_is_none_is_rejected() {
	with_connid "$OBJECTS/no_listener.bpf.o" no_listener chooses_badly
}

chooses_badly() {
	fetches 1 && more_than 0 "$(connid no_listener BAD_LISTENER)"
}

case_cid_collision_is_rejected() {
	with_connid "$OBJECTS/constant.bpf.o" constant collides
}

collided() { [ "$(connid constant COLLISIONS)" -gt 0 ]; }

# Who stands still keeps the only ID there is.
collides() {
	local holder status
	serve || return
	quicget -qk -o /dev/null "https://127.0.0.1:$port/huge" &
	holder=$!
	until_true collided && kill -STOP "$holder"
	fall_back constant COLLISIONS
	status=$?
	kill -KILL "$holder"
	return "$status"
}

case_cid_slow_program_is_retired() {
	with_connid "$OBJECTS/slow_id.bpf.o" slow_id retires &&
		with_connid "$OBJECTS/slow_id.bpf.o" slow_id is_not_retired
}

is_not_retired() {
	is "$(connid slow_id USED) $(connid slow_id RETIRED)" "1 0"
}

retires() {
	falls_back slow_id LATE 15 && is "$(connid slow_id RETIRED)" 1 &&
		! use_connid slow_id 2>"$work/load.log"
}

falls_back() { # NAME COLUMN [MORE-THAN]
	serve && fall_back "$@"
}

fall_back() { # NAME COLUMN [MORE-THAN]
	local before
	before=$(counter QuicConnidFallbacks)
	for _ in {1..12}; do
		fetch small || return
	done
	more_than "${3:-63}" "$(connid "$1" "$2")" &&
		more_than "$before" "$(counter QuicConnidFallbacks)" &&
		is "$(connid "$1" USED)" 0 &&
		dmesg | grep -q "connection IDs of $1 are not used any more"
}

# ---- all --------------------------------------------------------------------------------

mkdir "$work/site"
head -c 30000 /dev/urandom >"$work/site/small"
head -c 300000 /dev/urandom >"$work/site/medium"
head -c 3000000 /dev/urandom >"$work/site/large"
head -c 40000000 /dev/urandom >"$work/site/huge"
ip link set lo up
# A round trip that is longer than a moment: windows fill.
tc qdisc add dev lo root netem delay 2ms limit 100000
mountpoint -q /sys/fs/bpf || mount -t bpf bpf /sys/fs/bpf
modprobe quic

cases=()
for name in $(compgen -A function case_); do
	# shellcheck disable=SC2053 # a pattern
	[[ ${name#case_} == $pattern ]] && cases+=("${name#case_}")
done
echo "TAP version 13"
echo "1..${#cases[@]}"
for name in "${cases[@]}"; do
	number=$((number + 1))
	if "case_$name" 2>&1; then
		echo "ok $number - $name"
	else
		echo "not ok $number - $name"
		failed=1
		tail -n 5 "$work/server.log" | sed 's/^/# /'
		# one that failed leaves nothing behind
		awk '$2 == "bpf" { print $1 }' /proc/net/quic/cc |
			while read -r left; do
				quicctl cc unload "$left" >/dev/null 2>&1
			done
	fi
done
stop_server
exit $failed
