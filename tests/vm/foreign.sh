#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# foreign.sh - compiles and runs programs here in the guest, with nothing but
# what is installed: <linux/quic.h> alone, and libquic by pkg-config. One
# transfers data with structs of its own, as old programs have them. TAP.

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

result() { # STATUS NUMBER NAME
	[ "$1" = 0 ] && echo "ok $2 - $3" || echo "not ok $2 - $3"
	[ "$1" = 0 ] || failed=1
}

cat >"$work/kernel.c" <<'END'
#include <linux/quic.h>
#ifndef IPPROTO_QUIC
#error no macro
#endif
int main(void)
{
	struct quic_config config = { .version = QUIC_VERSION_V1 };
	int fd = socket(AF_INET, SOCK_DGRAM, IPPROTO_QUIC);

	return setsockopt(fd, SOL_QUIC, QUIC_SOCKOPT_CONFIG, &config,
			  sizeof(config)) != 0;
}
END
cat >"$work/library.c" <<'END'
#define QUIC_OLD_FLAG_NAMES
#include <netinet/quic.h>
#include <string.h>
int main(void)
{
	quic_set_log_level(7);
	return MSG_STREAM_NEW != MSG_QUIC_STREAM_NEW ||
	       !strlen(quic_strerror(-22)) ||
	       quic_client_handshake(-1, NULL, NULL, NULL) >= 0;
}
END

echo 'TAP version 13'
gcc -Wall -Wextra -Werror -o "$work/kernel" "$work/kernel.c" && "$work/kernel"
result $? 1 'a program of the kernel header alone'
# shellcheck disable=SC2046 # several words
gcc -Wall -Wextra -Werror $(pkg-config --cflags libquic) -o "$work/library" \
	"$work/library.c" $(pkg-config --libs libquic) && "$work/library"
result $? 2 'a program of libquic'
# shellcheck disable=SC2046
gcc $(pkg-config --cflags libquic) -x c++ -fsyntax-only - 2>/dev/null \
	<<<'#include <netinet/quic.h>' || ! command -v g++ >/dev/null
result $? 3 'C++ takes the headers'
modprobe quic
ip link set lo up
echo test:30313233343536373839616263646566 >"$work/psk"
number=4
for names in NEW_NAMES OLD_NAMES; do
	# shellcheck disable=SC2046
	gcc -Wall -Wextra -Werror -D$names -DQUIC_OLD_FLAG_NAMES \
		$(pkg-config --cflags libquic) -o "$work/transfer" \
		foreign_transfer.c $(pkg-config --libs libquic) &&
		timeout 60 "$work/transfer" "$work/psk"
	result $? $number "a transfer with old structs, $names"
	number=$((number + 1))
done
echo 1..5
exit $failed
