# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034
#
# world.sh - sourced by guest.sh: pairs of network namespaces, counters, waiting.
#
#       NAME.s                         NAME.c
#   +-------------+               +-------------+
#   | 10.9.0.1    |     veth      | 10.9.0.2    |
#   | fd00:9::1 --+---------------+-- fd00:9::2 |
#   +-------------+               +-------------+
#
# The link is one of
#   plain    super-packets cross it whole
#   segs1    each packet crosses it alone
#   first    like plain; lose_first says when
#   lossN    like segs1, and N percent are lost in each direction (loss.bpf.c)

v4=10.9.0.1 v6=fd00:9::1 port=4433
progs=/sys/fs/bpf/interop
objects=build/$(uname -r | cut -d. -f1,2)/interop

in_ns() { # NAMESPACE COMMAND...
	nsenter --net="/run/netns/$1" "${@:2}"
}

make_world() { # NAME LINK
	local end n=0

	for end in s c; do
		ip netns add "$1.$end" || return
	done
	ip link add data netns "$1.s" type veth peer name data netns "$1.c" || return
	for end in s c; do
		n=$((n + 1))
		ip -n "$1.$end" -batch - <<-END || return
			addr add 10.9.0.$n/24 dev data
			addr add fd00:9::$n/64 dev data nodad
			link set lo up
			link set data up
		END
		[ "$2" = plain ] || [ "$2" = first ] ||
			ip -n "$1.$end" link set data gso_max_segs 1 || return
		[ "${2#loss}" = "$2" ] || lose_at "$1.$end" "$2" || return
	done
}

lose_at() { # NAMESPACE LOSS
	local prog=$progs/${1//./_} # no dots there

	mountpoint -q /sys/fs/bpf || mount -t bpf bpf /sys/fs/bpf
	mkdir -p "${prog}_maps"
	bpftool prog load "$objects/$2.bpf.o" "$prog" type classifier \
		pinmaps "${prog}_maps" &&
		in_ns "$1" tc qdisc add dev data clsact &&
		in_ns "$1" tc filter add dev data ingress bpf direct-action \
			object-pinned "$prog"
}

# Lose the next packet to the server, so the first of a connection.
lose_first() { # NAMESPACE
	in_ns "$1" nft -f - <<-END
		table inet lose
		delete table inet lose
		table inet lose {
			chain in {
				type filter hook input priority 0;
				udp dport $port quota 1500 bytes drop
			}
		}
	END
}

# What was lost since the link was made, a line per direction.
losses() { # WORLD
	local end map

	for end in s c; do
		map=$progs/${1//./_}_${end}_maps/loss
		[ ! -e "$map" ] || bpftool -j map dump pinned "$map" |
			sed 's/.*"seen": *\([0-9]*\), *"dropped": *\([0-9]*\).*/lost on the way to '$end': \2 of \1/'
	done
}

# ---- waiting -----------------------------------------------------------------

is_listening() { # NAMESPACE: somebody at the port
	in_ns "$1" grep -q ":$port " /proc/net/quic/eps ||
		[ -n "$(in_ns "$1" ss -ulnH "sport = :$port")" ]
}

wait_for() { # SECONDS PID COMMAND...: as long as PID lives
	local end=$((SECONDS + $1))

	while ! "${@:3}"; do
		if [ $SECONDS -ge $end ] || ! kill -0 "$2" 2>/dev/null; then
			return 1
		fi
		sleep 0.1
	done
}

# ---- counters ----------------------------------------------------------------

save_counters() { # WORLD FILE
	for end in s c; do
		in_ns "$1.$end" cat /proc/net/quic/{snmp,stats} >"$2.$end"
	done
}

# The counters that moved, in one line for each end.
moved_counters() { # WORLD FILE
	for end in s c; do
		in_ns "$1.$end" cat /proc/net/quic/{snmp,stats} |
			awk -v end="$end" '
				NR == FNR { before[$1] = $2; next }
				$2 != before[$1] {
					line = line " " $1 "=" $2 - before[$1]
				}
				END { print "counters of end " end ":" line }
			' "$2.$end" -
	done
}
