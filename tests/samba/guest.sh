#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# guest.sh - inside the VM: smbd serves a share, smbclient reads and writes a file,
# both over QUIC in the kernel. TAP on stdout.

set -u
dir=$(mktemp -d)
number=0 failed=0

result() { # STATUS NAME
	number=$((number + 1))
	[ "$1" = 0 ] && echo "ok $number - $2" || echo "not ok $number - $2"
	[ "$1" = 0 ] || failed=1
}

counter() { # NAME
	awk -v name="$1" '$1 == name { print $2 }' /proc/net/quic/snmp
}

listens() {
	for _ in {1..300}; do
		grep -qF 127.0.0.1:443 /proc/net/quic/eps && return
		sleep 0.2
	done
	return 1
}

client() { # COMMANDS
	timeout 100 smbclient -s "$dir/smb.conf" //localhost/share -N \
		--option='client smb transports = quic' \
		--option='tls verify peer = ca_and_name' -c "$1" 2>&1 | sed 's/^/# /'
	return "${PIPESTATUS[0]}"
}

cp -a /kquic/build/samba/. /
ldconfig
modprobe quic
ip link set lo up
mkdir -p "$dir"/{private,lock,state,cache,pid,ncalrpc,share}
chmod 755 "$dir"
install -m 600 "$OUT/vm/key.pem" "$dir/key.pem"
cat >"$dir/smb.conf" <<END
[global]
	server role = standalone server
	map to guest = bad user
	guest account = root
	server smb transports = +quic
	tls enabled = yes
	tls keyfile = $dir/key.pem
	tls certfile = $OUT/vm/cert.pem
	tls cafile = $OUT/vm/ca.pem
	private dir = $dir/private
	lock directory = $dir/lock
	state directory = $dir/state
	cache directory = $dir/cache
	pid directory = $dir/pid
	ncalrpc dir = $dir/ncalrpc
	log file = $dir/log.%m
	load printers = no
	disable spoolss = yes
	bind interfaces only = yes
	interfaces = lo
[share]
	path = $dir/share
	guest ok = yes
	read only = no
END
head -c 4000000 /dev/urandom >"$dir/share/file"

echo 'TAP version 13'
echo "# $(smbd -V)"
smbd -F --no-process-group -s "$dir/smb.conf" --debug-stdout >"$dir/smbd.out" 2>&1 &
server=$!
listens
result $? 'smbd listens on a QUIC socket'
client "get file $dir/got" && cmp "$dir/got" "$dir/share/file"
result $? 'smbclient reads a file over QUIC'
client "put $dir/got other" && cmp "$dir/share/other" "$dir/share/file"
result $? 'smbclient writes a file over QUIC'
[ "$(counter QuicConnActiveEstabs)" -ge 2 ] && [ "$(counter QuicConnPassiveEstabs)" -ge 2 ]
result $? 'both ends were sockets of the kernel'
[ "$failed" = 0 ] || tail -n 40 "$dir/smbd.out" | sed 's/^/# /'
kill "$server"
echo "1..$number"
exit "$failed"
