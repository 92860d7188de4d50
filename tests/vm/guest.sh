#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# guest.sh [TEST...] - inside the VM: the tests named, or all.

cd "$(dirname "$0")" || exit
if [ $# -gt 0 ]; then
	exec "$API" "$@"
fi
status=0
./life.sh || status=1
./foreign.sh || status=1
./kconsumer.sh || status=1
"$API" || status=1
exit $status
