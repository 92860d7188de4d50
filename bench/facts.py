# SPDX-License-Identifier: GPL-2.0
"""
Facts about a machine that a figure depends on.

Collected by one shell script, so that it works the same here and over ssh.
"""

import json
import subprocess

# Prints NAME=VALUE lines. $1: the address of the other end, or nothing.
SCRIPT = r"""
say() { printf '%s=%s\n' "$1" "$2"; }
say kernel "$(uname -r)"
say machine "$(uname -m)"
say cpu "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)"
say cpus "$(nproc)"
say memory_kib "$(sed -n 's/^MemTotal: *\([0-9]*\).*/\1/p' /proc/meminfo)"
say command_line "$(cat /proc/cmdline)"
say governor "$(cat /sys/devices/system/cpu/cpu0/cpufreq/scaling_governor 2>/dev/null)"
say virtual "$(grep -qw hypervisor /proc/cpuinfo && echo yes || echo no)"
for file in /sys/devices/system/cpu/vulnerabilities/*; do
	[ -e "$file" ] && say "mitigation.${file##*/}" "$(cat "$file")"
done
for name in ipv4.tcp_congestion_control ipv4.tcp_rmem ipv4.tcp_wmem core.rmem_max core.wmem_max \
	core.default_qdisc quic.congestion_control quic.quic_rmem quic.quic_wmem quic.ack_frequency; do
	file=/proc/sys/net/$(echo "$name" | tr . /)
	[ -e "$file" ] && say "sysctl.net.$name" "$(tr '\t' ' ' <"$file")"
done
say quic_module "$(modinfo -F srcversion quic 2>/dev/null)"
say quicperf "$(quicperf --version 2>/dev/null)"
[ -n "$1" ] || exit 0
dev=$(ip -o route get "$1" | sed -n 's/.* dev \([^ ]*\).*/\1/p')
say nic.device "$dev"
say nic.mtu "$(cat "/sys/class/net/$dev/mtu")"
say nic.speed_mbit "$(cat "/sys/class/net/$dev/speed" 2>/dev/null)"
say nic.gso_max_segs "$(ip -d link show "$dev" | sed -n 's/.*gso_max_segs \([0-9]*\).*/\1/p')"
say nic.qdisc "$(ip link show "$dev" | sed -n 's/.* qdisc \([^ ]*\).*/\1/p')"
ethtool -i "$dev" 2>/dev/null | sed -n 's/^\([a-z-]*\): \(.\)/nic.\1=\2/p'
ethtool -k "$dev" 2>/dev/null | sed -n 's/^\t*\([a-z0-9-]*\): \(o[nf]*.*\)/nic.offload.\1=\2/p'
ethtool -l "$dev" 2>/dev/null | sed -n 's/^Combined:\t*/nic.channels=/p' | tail -n 1
"""


def parse(text):
    """{name: value}, of what has one."""
    pairs = (line.partition("=") for line in text.splitlines())
    return {name: value for name, sep, value in pairs if sep and value}


def local():
    return parse(subprocess.run(["sh", "-c", SCRIPT, "facts", ""], check=True, text=True,
                                capture_output=True).stdout)


def of_end(end, other):
    """Of the machine behind one end of a measurement; other: the address it talks to."""
    return parse(end.run(["sh", "-c", SCRIPT, "facts", other]))


if __name__ == "__main__":
    print(json.dumps(local(), indent=1))
