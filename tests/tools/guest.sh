#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# guest.sh - the cases that match $PATTERN, inside the VM. TAP on stdout.
#
# A case is a function case_NAME whose comment line above says what it shows; it
# fails by its status. Sections are those of RFC 9110 unless another is named.

set -u
shopt -s extglob
pattern=${PATTERN-*}
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
number=0 failed=0
url=https://127.0.0.1:4433

server_pid=
start_server() { # OPTION...
	! kill -0 "$server_pid" 2>/dev/null || kill -KILL "$server_pid"
	: >"$work/server.log"
	quicserve -v -a 127.0.0.1 "$@" "$work/site" 2>"$work/server.log" &
	server_pid=$!
	until_true grep -q serving "$work/server.log"
}

until_true() { # COMMAND...
	for _ in {1..400}; do
		"$@" && return
		sleep 0.05
	done
	echo "# never true: $*"
	return 1
}

# The response fields go to $work/fields, the content to $work/content.
ask() { # PATH OPTION...
	curl -sk --http3-only --max-time 60 -D "$work/fields" \
		-o "$work/content" "$url$1" "${@:2}" ||
		{ echo "# curl: exit status $?"; return 1; }
	tr -d '\r' <"$work/fields" >"$work/fields.txt"
}

is_status() { # CODE
	grep -q "^HTTP/3 $1 " "$work/fields.txt" && return
	echo "# not $1, but: $(head -n 1 "$work/fields.txt")"
	return 1
}

field() { # NAME
	sed -n "s/^$1: //p" "$work/fields.txt"
}

has() { # NAME VALUE
	[ "$(field "$1")" = "$2" ] && return
	echo "# $1: $(field "$1"), not $2"
	return 1
}

lacks() { # NAME
	[ -z "$(field "$1")" ] && return
	echo "# there is a $1: $(field "$1")"
	return 1
}

same() { # FILE: the content is that of FILE
	cmp "$work/content" "$1" | sed 's/^/# /'
	cmp -s "$work/content" "$1"
}

result() { # STATUS NAME
	number=$((number + 1))
	[ "$1" = 0 ] || failed=1
	[ "$1" = 0 ] && echo "ok $number - $2" || {
		echo "not ok $number - $2"
		tail -n 20 "$work/server.log" | sed 's/^/# /'
	}
}

# ---- files ---------------------------------------------------------------------

case_fields() {
	ask /page.html && is_status 200 && has content-type text/html &&
		has content-length 6 && has accept-ranges bytes &&
		has last-modified 'Sun, 06 Nov 1994 08:49:37 GMT' &&
		[ -n "$(field etag)" ] && [ -n "$(field date)" ] &&
		same "$work/site/page.html"
}

case_head() {
	ask /big -I && is_status 200 && has content-length 5000000 &&
		[ -n "$(field etag)" ] && grep -q 'HEAD /big 200, 0 bytes' "$work/server.log"
}

case_empty_file() {
	ask /empty && is_status 200 && has content-length 0 && [ ! -s "$work/content" ]
}

case_index() {
	ask /sub/ && is_status 200 && same "$work/site/sub/index.html"
}

# A relative link on the page must lead into the directory.
case_directory_without_slash() {
	ask /sub && is_status 301 && has location /sub/
}

case_listing() {
	ask / && is_status 200 && has content-type 'text/html; charset=utf-8' &&
		grep -q '<a href="./sub/">sub/</a>' "$work/content" &&
		grep -q '5000000' "$work/content" && ! grep -q hidden "$work/content"
}

case_errors() {
	ask /none && is_status 404 && has content-length 14 &&
		grep -q '^404 Not Found$' "$work/content" &&
		ask /none -I && is_status 404 && has content-length 14 &&
		ask /page.html -X POST -d x=1 && is_status 405 && has allow 'GET, HEAD' &&
		ask /page.html -H "cookie: $(head -c 70000 /dev/zero | tr '\0' x)" &&
		is_status 431 && ask /%zz && is_status 400
}

case_nothing_outside() {
	ask /../secret --path-as-is && is_status 404 &&
		ask /%2e%2e/secret && is_status 404 && ask /out && is_status 404
}

# ---- ranges (section 14) ---------------------------------------------------------

part() { # RANGE FIRST LENGTH
	ask /big -r "$1" && is_status 206 && has content-length "$3" &&
		has content-range "bytes $2-$(($2 + $3 - 1))/5000000" &&
		tail -c "+$(($2 + 1))" "$work/site/big" | head -c "$3" >"$work/part" &&
		same "$work/part"
}

case_range() {
	part 0-0 0 1 && part 1000-1999 1000 1000 && part 4999999- 4999999 1 &&
		part 100000- 100000 4900000 && part -70000 4930000 70000
}

case_range_refused() {
	ask /big -r 5000000- && is_status 416 && has content-range 'bytes */5000000' &&
		ask /big -r 5-6,0-1 && is_status 200 && same "$work/site/big" &&
		ask /big -r -5,0-1 && is_status 200 && same "$work/site/big"
}

case_if_range() {
	ask /big -I && etag=$(field etag) &&
		ask /big -r 0-9 -H "If-Range: $etag" && is_status 206 &&
		ask /big -r 0-9 -H 'If-Range: "other"' && is_status 200
}

# ---- conditions (section 13) -------------------------------------------------------

case_not_modified() {
	ask /page.html && etag=$(field etag) &&
		ask /page.html -H "If-None-Match: $etag" && is_status 304 &&
		has etag "$etag" && lacks content-length &&
		ask /page.html -H 'If-None-Match: "other"' && is_status 200 &&
		ask /page.html -H 'If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT' &&
		is_status 304 &&
		ask /page.html -H 'If-Modified-Since: Sun, 06 Nov 1994 08:49:36 GMT' &&
		is_status 200
}

case_precondition_failed() {
	ask /page.html -H 'If-Match: "other"' && is_status 412 &&
		ask /page.html -H 'If-Unmodified-Since: Sun, 06 Nov 1994 08:49:36 GMT' &&
		is_status 412
}

# Another content, another tag.
case_changed_file() {
	echo one >"$work/site/changing"
	ask /changing && etag=$(field etag) || return
	echo two >"$work/site/changing"
	ask /changing -H "If-None-Match: $etag" && is_status 200 &&
		same "$work/site/changing"
}

# ---- the client: what it asks for --------------------------------------------------

get() { # OPTION... PATH: into $work/got
	rm -f "$work/got"
	quicget -qk -o "$work/got" "${@:1:$#-1}" "$url${*: -1}"
}

bytes() { # FILE FIRST LENGTH
	tail -c "+$(($2 + 1))" "$1" | head -c "$3"
}

case_get_range() {
	local big=$work/site/big

	get --range 1000-1999 /big && cmp "$work/got" <(bytes "$big" 1000 1000) &&
		get --range 4999990- /big && cmp "$work/got" <(bytes "$big" 4999990 10) &&
		get --range -70000 /big && cmp "$work/got" <(bytes "$big" 4930000 70000) || return
	get --range 5000000- /big
	[ $? = 7 ] && [ ! -e "$work/got" ]
}

# The first LENGTH bytes are there, of a file that had this tag.
begin_part() { # FILE LENGTH ETAG
	bytes "$work/site/$1" 0 "$2" >"$work/got.part"
	python3 -c 'import os, sys; os.setxattr(sys.argv[1], "user.quicget.etag",
		sys.argv[2].encode())' "$work/got.part" "$3"
}

continued() { # FILE STATUS BYTES: that came
	: >"$work/server.log"
	get --continue "/$1" && cmp "$work/got" "$work/site/$1" && [ ! -e "$work/got.part" ] &&
		until_true grep -q "GET /$1 $2, $3 bytes" "$work/server.log" || return
	[ "$(python3 -c 'import os, sys; print(os.listxattr(sys.argv[1]))' "$work/got")" = '[]' ]
}

# Sections 13.1.5 and 14: the rest, if it is the rest of the same file; else all.
case_get_continue() {
	local etag

	ask /big -I && etag=$(field etag) || return
	begin_part big 1000000 "$etag" && continued big 206 4000000 &&
		begin_part big 1000000 '"other"' && continued big 200 5000000 || return
	bytes "$work/site/big" 7 1000000 >"$work/got.part"	# whatever that is
	continued big 200 5000000 && begin_part big 5000000 "$etag" && continued big 416 26
}

# The digest is of the whole file.
case_get_continue_digest() {
	ask /big -I && begin_part big 1000000 "$(field etag)" || return
	quicget -k --json --sha256 -C -o "$work/got" "$url/big" >"$work/report" &&
		grep -q "$(sha256sum <"$work/site/big" | cut -d' ' -f1)" "$work/report"
}

# What has come stays.
case_get_interrupted() {
	local pid

	rm -f "$work/got" "$work/got.part"
	quicget -qk -C -o "$work/got" "$url/huge" &
	pid=$!
	until_true [ -s "$work/got.part" ] && kill -INT "$pid" && ! wait "$pid" &&
		[ -s "$work/got.part" ] && [ ! -e "$work/got" ] || return
	: >"$work/server.log"
	get -C /huge && cmp "$work/got" "$work/site/huge" &&
		grep -q 'GET /huge 206' "$work/server.log"
}

case_get_head() {
	get -I /big >"$work/shown" && [ ! -e "$work/got" ] &&
		head -n 1 "$work/shown" | grep -qx 'HTTP/3 200' &&
		grep -qx 'content-length: 5000000' "$work/shown" &&
		[ -z "$(tail -n 1 "$work/shown")" ] || return
	get -I /none >"$work/shown"
	[ $? = 7 ] && grep -qx 'HTTP/3 404' "$work/shown"
}

case_get_include() {
	quicget -qki -o - "$url/page.html" >"$work/shown" &&
		grep -qx 'content-type: text/html' "$work/shown" &&
		[ "$(tail -n 2 "$work/shown")" = $'\n<html' ]
}

case_get_if_none_match() {
	ask /page.html -I || return
	get --if-none-match "$(field etag)" /page.html && [ ! -e "$work/got" ] &&
		get --if-none-match '"other"' /page.html &&
		cmp "$work/got" "$work/site/page.html"
}

case_get_header() {
	get --header 'User-Agent: somebody' --header 'Referer: http://b/' /page.html &&
		until_true grep -q '"http://b/" "somebody"$' "$work/access.log" || return
	for wrong in 'Connection: close' ':path: /' $'a: b\nc: d'; do
		get --header "$wrong" /page.html 2>"$work/usage"
		[ $? = 1 ] || return
	done
	get --alpn hq --header 'a: b' /page.html 2>"$work/usage"
	[ $? = 1 ]
}

# ---- the server as a program ---------------------------------------------------------

case_two_protocols() {
	quicget -qk -o "$work/h3" "$url/big" && quicget -qk --alpn hq -o "$work/hq" "$url/big" &&
		cmp "$work/h3" "$work/site/big" && cmp "$work/hq" "$work/site/big"
}

# RFC 9218: what is urgent comes first, whoever asked first.
case_priorities() {
	python3 "$here/priority.py" 127.0.0.1 4433
}

# A thread waits for the others' connections, too: all have some.
case_threads() {
	local jobs=() status=0

	for i in {1..60}; do
		quicget -qk -o "$work/many.$i" "$url/page.html" &
		jobs+=($!)
	done
	for i in "${jobs[@]}"; do
		wait "$i" || status=1
	done
	for i in {1..60}; do
		cmp "$work/many.$i" "$work/site/page.html" || status=1
	done
	local tasks=("/proc/$server_pid/task"/*)
	[ ${#tasks[@]} = 5 ] || status=1
	# Every worker has used the processor: fields 14 and 15 of stat.
	for task in "${tasks[@]}"; do
		[ "${task##*/}" = "$server_pid" ] ||
			awk '{ exit !($14 + $15) }' "$task/stat" || status=1
	done
	return "$status"
}

case_access_log() {
	: >"$work/access.log"
	ask /page.html -A 'agent "x"' -e http://a/ && ask /none && ask /big -r 0-99 || return
	until_true [ "$(grep -c . "$work/access.log")" = 3 ] || return
	local when='\[[0-3][0-9]/[A-Z][a-z][a-z]/20[0-9][0-9]:[0-9:]* [+-][0-9]*\]'
	sed 's/^/# /' "$work/access.log"
	grep -qx "127.0.0.1 - - $when \"GET /page.html HTTP/3.0\" 200 6 \"http://a/\" \"agent \\\\x22x\\\\x22\"" \
		"$work/access.log" &&
		grep -q '"GET /none HTTP/3.0" 404 14 "-" "curl/' "$work/access.log" &&
		grep -q '"GET /big HTTP/3.0" 206 100 ' "$work/access.log"
}

# A log that was moved away gets no more lines after SIGHUP.
case_log_rotation() {
	mv "$work/access.log" "$work/access.log.1"
	local lines
	lines=$(wc -l <"$work/access.log.1")
	kill -HUP "$server_pid"
	until_true [ -e "$work/access.log" ] && ask /page.html &&
		until_true grep -q page.html "$work/access.log" &&
		[ "$(wc -l <"$work/access.log.1")" = "$lines" ]
}

make_cert() { # NAME
	printf 'cn = "%s"\ndns_name = "localhost"\nip_address = "127.0.0.1"\nca\n' \
		"$1" >"$work/$1.cfg"
	{
		certtool --generate-privkey --key-type ecdsa --outfile "$work/$1.key" &&
			certtool --generate-self-signed --template "$work/$1.cfg" \
				--load-privkey "$work/$1.key" --outfile "$work/$1.pem"
	} >"$work/certtool.log" 2>&1 || cat "$work/certtool.log"
}

trusts() { # NAME
	quicget -q --ca "$work/$1.pem" -o "$work/trusted" "$url/page.html" 2>"$work/trust.log"
}

use_cert() { # NAME
	cp "$work/$1.pem" "$work/used.pem"
	cp "$work/$1.key" "$work/used.key"
	kill -HUP "$server_pid"
}

# New connections have the new one; what cannot be used changes nothing.
case_certificate_reload() {
	trusts one || return
	use_cert two
	until_true trusts two && ! trusts one || return
	echo rubbish >"$work/used.pem"
	kill -HUP "$server_pid"
	until_true grep -q 'old certificate is kept' "$work/server.log" && trusts two || return
	cp "$work/one.pem" "$work/used.pem"	# whose key is another
	kill -HUP "$server_pid"
	until_true [ "$(grep -c 'old certificate is kept' "$work/server.log")" = 2 ] &&
		trusts two
}

slowly() { # RATE FILE: in the background
	rm -f "$work/slow"
	curl -sk --http3-only --limit-rate "$1" -o "$work/slow" "$url/$2" &
	slow_pid=$!
	until_true [ -s "$work/slow" ]
}

# RFC 9114 section 5.2: what is under way is finished, nobody else comes in.
case_graceful_shutdown() {
	slowly 2M big && kill "$server_pid" || return
	sleep 1
	! ask /page.html >/dev/null && wait "$slow_pid" && cmp "$work/slow" "$work/site/big" &&
		wait "$server_pid"
}

# PINGs, and an answer that nobody reads, do not keep a connection; a slow reader does.
case_stuck() {
	local held
	slowly 100k medium || return
	held=$(python3 "$here/keeps.py" 4433 /huge 30) || return
	echo "# $held s"
	[ "$held" -ge 2 ] && [ "$held" -le 15 ] && wait "$slow_pid" &&
		cmp "$work/slow" "$work/site/medium"
}

# What is said of a stream that is over costs nothing.
case_reset_streams() {
	local grown
	grown=$(python3 "$here/resets.py" 4433 "$server_pid") || return
	echo "# $grown KiB"
	[ "$grown" -lt 400 ]
}

# Of two addresses the second answers: what went to the first as early data goes again.
case_early_elsewhere() {
	rm -f "$work/session"
	echo '::1 elsewhere' >"$work/hosts"
	echo '127.0.0.1 elsewhere' >>"$work/hosts"
	mount --bind "$work/hosts" /etc/hosts || return
	get_elsewhere && get_elsewhere --early-data
	local status=$?
	umount /etc/hosts
	return "$status"
}

get_elsewhere() { # OPTION...
	quicget -qk --timeout 10 --session "$work/session" "$@" -o "$work/got" \
		https://elsewhere:4433/page.html && cmp "$work/got" "$work/site/page.html"
}

# Who resumes is asked for no certificate: a session without one is for -k alone.
case_unverified_session() {
	rm -f "$work/session"
	quicget -qk --session "$work/session" -o "$work/got" "$url/page.html" || return
	! quicget -q --session "$work/session" -o "$work/got" "$url/page.html" &&
		quicget -qk --session "$work/session" -o "$work/got" "$url/page.html"
}

case_second_signal() {
	slowly 100k huge && kill "$server_pid" || return
	sleep 1
	kill -0 "$server_pid" && kill "$server_pid" && wait "$server_pid" && ! wait "$slow_pid"
}

case_grace_ends() {
	slowly 100k huge && kill "$server_pid" && wait "$server_pid" && ! wait "$slow_pid"
}

case_idle_shutdown() {
	kill "$server_pid" && wait "$server_pid"
}

# Fetches one after the other until there is a file $work/enough.
visitor() {
	until [ -e "$work/enough" ]; do
		if quicget -qk -o /dev/null "$url/page.html"; then
			echo x >>"$work/fetched"
		else
			echo x >>"$work/failed"
		fi
	done
}

more_fetched() { # HOW-MANY
	[ "$(wc -l <"$work/fetched")" -ge "$1" ]
}

# A new process takes over: no client fails, and what is under way is finished. Proof of
# an address is good for both.
case_restart() {
	local old=$server_pid visitors=() before
	rm -f "$work/enough" "$work/fetched" "$work/failed"
	: >"$work/fetched"
	for _ in 1 2 3; do
		visitor & visitors+=($!)
	done
	slowly 2M big && until_true more_fetched 10 || return
	quicserve -v -a 127.0.0.1 "$@" "$work/site" 2>"$work/second.log" &
	server_pid=$!
	until_true grep -q serving "$work/second.log" && kill "$old" || return
	before=$(wc -l <"$work/fetched")
	wait "$slow_pid" && cmp "$work/slow" "$work/site/big" && wait "$old" || return
	until_true more_fetched $((before + 10))
	: >"$work/enough"
	wait "${visitors[@]}"
	[ ! -e "$work/failed" ] && grep -q 'GET /page.html' "$work/second.log" && return
	echo "# $(wc -l <"$work/fetched") fetched, $(wc -l <"$work/failed") not"
	return 1
}

# RFC 9114 section 5.2: what the old process has not begun is asked of the new one.
case_asked_again() {
	local old=$server_pid client
	mkfifo "$work/pipe" || return
	quicget -qk -o - -o - "$url/big" "$url/page.html" >"$work/pipe" &
	client=$!
	exec 9<"$work/pipe"
	head -c 1 <&9 >"$work/got"
	quicserve -v -a 127.0.0.1 "$@" "$work/site" 2>"$work/second.log" &
	server_pid=$!
	until_true grep -q serving "$work/second.log" && kill "$old" || return
	sleep 1
	cat <&9 >>"$work/got"
	exec 9<&-
	wait "$client" && cat "$work/site/big" "$work/site/page.html" | cmp - "$work/got" &&
		grep -q 'GET /page.html' "$work/second.log"
}

# RFC 9114 section 4.1.1: a rejected request is asked again, but not for ever.
case_rejected() {
	local pid status=0
	python3 -B "$here/rejects.py" 4440 "$work/one.pem" "$work/one.key" 2 >"$work/rejects.log" &
	pid=$!
	until_true grep -q serving "$work/rejects.log" &&
		quicget -qk -o - https://127.0.0.1:4440/ >"$work/got" &&
		[ "$(cat "$work/got")" = here ] || status=1
	kill "$pid"
	python3 -B "$here/rejects.py" 4441 "$work/one.pem" "$work/one.key" 100 >"$work/never.log" &
	pid=$!
	until_true grep -q serving "$work/never.log" &&
		! quicget -qk -o - https://127.0.0.1:4441/ 2>"$work/said" &&
		grep -q 'shutting down' "$work/said" || status=1
	kill "$pid"
	[ "$status" = 0 ] || sed 's/^/# /' "$work/said"
	return "$status"
}

# ---- go ------------------------------------------------------------------------------

run_cases() { # NAME...
	local name start
	for name; do
		# shellcheck disable=SC2254 # a pattern is meant
		case $name in
		$pattern) ;;
		*) continue ;;
		esac
		start=$SECONDS
		# shellcheck disable=SC2086 # options of the case
		case_$name
		result $? "${name//_/ }"
		echo "# $((SECONDS - start)) s"
	done
}

make_site() {
	mkdir "$work/site" "$work/site/sub"
	echo '<html' >"$work/site/page.html"
	touch -d '1994-11-06T08:49:37Z' "$work/site/page.html"
	head -c 5000000 /dev/urandom >"$work/site/big"
	head -c 600000 /dev/urandom >"$work/site/medium"
	head -c 130000 /dev/urandom >"$work/site/buffered"
	truncate -s 100M "$work/site/huge"
	: >"$work/site/empty"
	echo index >"$work/site/sub/index.html"
	echo x >"$work/site/.hidden"
	echo secret >"$work/secret"
	ln -s ../secret "$work/site/out"
}

echo 'TAP version 13'
modprobe aesni_intel 2>/dev/null
modprobe quic || exit
ip link set lo up
make_site
make_cert one
make_cert two
cp "$work/one.pem" "$work/used.pem"
cp "$work/one.key" "$work/used.key"
start_server --listings --threads 4 --access-log "$work/access.log" \
	--cert "$work/used.pem" --key "$work/used.key" || exit
run_cases fields head empty_file index directory_without_slash listing errors \
	nothing_outside range range_refused if_range not_modified \
	precondition_failed changed_file get_range get_continue get_continue_digest \
	get_interrupted get_head get_include get_if_none_match get_header two_protocols \
	priorities threads access_log \
	log_rotation certificate_reload graceful_shutdown
for case in second_signal grace_ends idle_shutdown; do
	start_server --grace 3 && run_cases $case
done
start_server --timeout 3 --early-data && run_cases stuck reset_streams early_elsewhere \
	unverified_session
start_server --reuseport && run_cases 'asked_again --reuseport' rejected
for options in '--per-cpu --retry' '--reuseport --threads 1'; do
	# shellcheck disable=SC2086 # they are words
	start_server $options && run_cases "restart $options"
done
! kill -0 "$server_pid" 2>/dev/null || kill -KILL "$server_pid"
echo "1..$number"
exit $failed
