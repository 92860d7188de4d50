#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# run.sh SECONDS JOBS DIR TARGET... - fuzz each target that long, JOBS at a
# time; print TAP 13. Programs are DIR/TARGET_fuzz, DIR/seeds/TARGET is the
# corpus to start from. What is found on the way stays in DIR/corpus/TARGET; an
# input that fails is left in DIR/TARGET.failed, what was said in DIR/TARGET.log.

seconds=$1 jobs=$2 dir=$3
shift 3
least=1000	# runs: less would mean it hardly started

fuzz() {
	mkdir -p "$dir/corpus/$1"
	rm -f "$dir/$1.failed"
	"$dir/$1_fuzz" -max_total_time="$seconds" -print_final_stats=1 \
		-timeout=20 -rss_limit_mb=2048 -max_len=4096 \
		-exact_artifact_path="$dir/$1.failed" \
		"$dir/corpus/$1" "$dir/seeds/$1" >"$dir/$1.log" 2>&1
	echo $? >"$dir/$1.status"
}

report() {
	status=$(cat "$dir/$1.status")
	runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$dir/$1.log")
	if [ "$status" = 0 ] && [ "${runs:-0}" -ge $least ]; then
		echo "ok $2 - fuzz: $1"
	else
		failed=$((failed + 1))
		tail -n 40 "$dir/$1.log" | sed 's/^/# /'
		[ -e "$dir/$1.failed" ] && echo "# input: $dir/$1.failed"
		echo "not ok $2 - fuzz: $1"
	fi
	echo "# $1: ${runs:-0} runs, exit status $status"
}

echo "TAP version 13"
echo "1..$#"
total=0 failed=0
while [ $# -gt 0 ]; do
	batch='' n=0
	while [ $# -gt 0 ] && [ $n -lt "$jobs" ]; do
		fuzz "$1" &
		batch="$batch $1" n=$((n + 1))
		shift
	done
	wait
	for target in $batch; do
		total=$((total + 1))
		report "$target" $total
	done
done
[ $failed = 0 ]
