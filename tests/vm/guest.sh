#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# guest.sh [TEST...] - inside the VM: the tests named, or all.  NAME.sh is one, too.

cd "$(dirname "$0")" || exit
case ${1-} in
*.sh) exec "./$1" ;;
esac
if [ $# -gt 0 ]; then
	modprobe quic	# some begin with a sysctl; life.sh sees it load itself
	exec "$API" "$@"
fi
status=0
./life.sh || status=1
./foreign.sh || status=1
./kconsumer.sh || status=1
./async.sh || status=1
./spread.sh || status=1
"$API" || status=1
exit $status
