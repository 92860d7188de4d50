# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154
#
# peers.sh - sourced by guest.sh: how each server is started, each client called.
#
# $work/www is what the servers serve, $work/{ca,cert,key}.pem are theirs.
# A server's output goes to $dir/server.log, and quicserve's events to
# $dir/server.json; a client's output to $dir/client.log, and quicget's report
# to $dir/report. $loud makes ngtcp2 log its packets.

gnutls_base=NORMAL:-VERS-ALL:+VERS-TLS1.3:-CIPHER-ALL

make_certificates() {
	cat >"$work/ca.cfg" <<-END
		cn = "interop CA"
		ca
		cert_signing_key
	END
	cat >"$work/cert.cfg" <<-END
		cn = "interop server"
		ip_address = "$v4"
		ip_address = "$v6"
		signing_key
		tls_www_server
	END
	{
		for name in ca other-ca; do
			certtool --generate-privkey --key-type ecdsa \
				--outfile "$work/$name.key" &&
				certtool --generate-self-signed \
					--template "$work/ca.cfg" \
					--load-privkey "$work/$name.key" \
					--outfile "$work/$name.pem" || return
		done
		certtool --generate-privkey --key-type ecdsa \
			--outfile "$work/key.pem" &&
			certtool --generate-certificate \
				--template "$work/cert.cfg" \
				--load-privkey "$work/key.pem" \
				--load-ca-certificate "$work/ca.pem" \
				--load-ca-privkey "$work/ca.key" \
				--outfile "$work/cert.pem"
	} >"$work/certtool.log" 2>&1
}

# ---- servers -----------------------------------------------------------------

nginx_configuration() {
	cat <<-END
		daemon off;
		user root;
		worker_processes 1;
		pid $dir/nginx.pid;
		error_log stderr info;
		events { worker_connections 256; }
		http {
			access_log off;
			client_body_temp_path $dir/nginx-body;
			proxy_temp_path $dir/nginx-proxy;
			fastcgi_temp_path $dir/nginx-fastcgi;
			uwsgi_temp_path $dir/nginx-uwsgi;
			scgi_temp_path $dir/nginx-scgi;
			server {
				listen $port quic;
				listen [::]:$port quic;
				quic_gso on;
				ssl_protocols TLSv1.3;
				ssl_certificate $work/cert.pem;
				ssl_certificate_key $work/key.pem;
				root $work/www;
			}
		}
	END
}

start_server() { # KIND NAMESPACE
	local quiet=(--no-quic-dump --no-http-dump)
	# Not in_ns: $! must be the server, not a shell around it.
	local enter=(nsenter --net="/run/netns/$2")

	! is_listening "$2" || return
	[ "$loud" ] || quiet=(-q)
	: >"$dir/server.log"
	: >"$dir/server.json"
	case $1 in
	quicserve)
		"${enter[@]}" quicserve -v -p "$port" --cert "$work/cert.pem" \
			--key "$work/key.pem" --json-log "$dir/server.json" \
			"$work/www" &
		;;
	gtlsserver)
		"${enter[@]}" gtlsserver "${quiet[@]}" -d "$work/www" '*' "$port" \
			"$work/key.pem" "$work/cert.pem" &
		;;
	nginx)
		nginx_configuration >"$dir/nginx.conf"
		"${enter[@]}" nginx -e stderr -c "$dir/nginx.conf" &
		;;
	esac >>"$dir/server.log" 2>&1
	server_pid=$!
	wait_for 30 $server_pid is_listening "$2"
}

stop_server() {
	[ "$server_pid" ] || return 0
	kill "$server_pid" 2>/dev/null
	wait "$server_pid" 2>/dev/null
	server_pid=
}

# ---- clients -----------------------------------------------------------------

# fetch CLIENT NAMESPACE SECONDS ADDRESS FILE... - into $dir/out, and verify the
# server where the client can. $only is the cipher to offer, $ca whom to trust.
fetch() {
	local client=$1 ns=$2 limit=$3 address=$4 host=$4 urls=() file
	local command=(nsenter --net="/run/netns/$ns" timeout -k 5 "$limit")
	local options=()

	[ "${host#*:}" = "$host" ] || host="[$host]"
	for file in "${@:5}"; do
		urls+=("https://$host:$port/$file")
	done
	rm -rf "$dir/out" "$dir/report"
	mkdir "$dir/out"
	case $client in
	gtlsclient)
		[ -z "$only" ] || options=(--ciphers="$gnutls_base:+$only")
		[ "$loud" ] && options+=(--no-quic-dump --no-http-dump) ||
			options+=(-q)
		"${command[@]}" gtlsclient "${options[@]}" \
			--exit-on-all-streams-close --download="$dir/out" \
			"$address" "$port" "${urls[@]}"
		;;
	curl)
		[ -z "$only" ] ||
			options=(--tls13-ciphers "TLS_${only//-/_}_SHA256")
		[ ${#urls[@]} = 1 ] || options+=(--parallel --parallel-max 50)
		# Without a post-quantum key share its ClientHello is one packet.
		[ -z "$loud" ] || options+=(--curves X25519)
		"${command[@]}" curl --http3-only --no-progress-meter --fail \
			--verbose --cacert "$work/$ca.pem" "${options[@]}" \
			--remote-name-all --output-dir "$dir/out" "${urls[@]}"
		;;
	quicget*)
		[ -z "$only" ] || options=(--ciphers "${only,,}")
		[ "$client" = quicget ] || options+=(--alpn hq)
		"${command[@]}" quicget --json --ca "$work/$ca.pem" \
			--timeout 60 "${options[@]}" -O "$dir/out" \
			"${urls[@]}" >"$dir/report"
		;;
	esac >>"$dir/client.log" 2>&1
}
