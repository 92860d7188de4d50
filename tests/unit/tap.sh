#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# tap.sh PROGRAM... - run programs that print a TAP plan and unnumbered TAP
# lines; join them to one TAP 13 document on stdout. A program that dies, or
# prints fewer results than it planned, or exits non-zero without saying why,
# is a failed result of its own. Exit status 1 if anything failed.

for program; do
	echo "begin $(basename "$program")"
	"$program"
	echo "end $?"
done | awk '
	function result(ok, text) {
		printf "%sok %d - %s: %s\n", ok ? "" : "not ", ++total, name, text
		fflush()
		if (!ok) { failed++; bad++ }
		seen++
	}
	BEGIN { print "TAP version 13" }
	/^begin / { name = $2; plan = -1; seen = bad = 0; next }
	/^1\.\.[0-9]+$/ { plan = substr($0, 4) + 0; next }
	/^ok - / { result(1, substr($0, 6)); next }
	/^not ok - / { result(0, substr($0, 10)); next }
	/^end / {
		if (seen != plan)
			result(0, "planned " plan " results, gave " seen \
				", exit status " $2)
		else if ($2 != 0 && !bad)
			result(0, "exit status " $2)
		next
	}
	{ print; fflush() }
	END {
		printf "1..%d\n", total
		printf "# %d passed, %d failed\n", total - failed, failed
		exit failed > 0
	}'
