# SPDX-License-Identifier: GPL-2.0
"""
Measuring by the clock: on two machines with their NICs, or between namespaces
of a VM that runs at the machine's own speed.

Transports take turns, each for some seconds, as often as there are rounds; so
what changes on the machines meanwhile changes all of them.
"""

import ends
import peers

TICKS = 100                             # USER_HZ, of /proc/stat
STAT = "/proc/stat"
COUNTERS = "/proc/net/quic/stats"


def busy_seconds(end):
    """Of all processors, since boot: softirqs are charged to no process."""
    words = end.read(STAT).splitlines()[0].split()[1:]
    user, nice, system, _, _, irq, softirq = (int(word) for word in words[:7])
    return (user + nice + system + irq + softirq) / TICKS


def counters(end):
    return {name: int(value) for name, value in
            (line.split() for line in end.read(COUNTERS).splitlines())}


class Clocked:
    """Scenarios between two ends; samples go to emit()."""

    def __init__(self, emit, server, client, address, port, rounds, seconds,
                 programs=("quicperf",) * 2):
        self.emit, self.rounds, self.seconds = emit, rounds, seconds
        self.ends = {"server": server, "client": client}
        self.users = {}
        self.where = (server, client, address, port, programs)
        self.failed = []

    def user(self, transport):
        if transport not in self.users:
            self.users[transport] = peers.Quicperf(transport, *self.where)
        return self.users[transport]

    def look(self):
        return ({name: busy_seconds(end) for name, end in self.ends.items()},
                {name: counters(end) for name, end in self.ends.items()})

    def sample(self, user, scenario, mode, threads=1, label=None):
        user.start(scenario, threads)
        try:
            busy, before = self.look()
            report = user.timed(scenario, self.seconds, threads)
            busy_after, after = self.look()
        finally:
            user.stop()
        report.update(transport=user.name, scenario=label or scenario.name, mode=mode,
                      unit=scenario.unit)
        total = {}
        for name in self.ends:
            report[name + "_busy_s"] = busy_after[name] - busy[name]
            for counter, value in after[name].items():
                total[counter] = total.get(counter, 0) + value - before[name].get(counter, 0)
        report["counters"] = total
        self.emit(report)

    def run(self, scenario, mode):
        for _ in range(self.rounds):
            for transport in scenario.transports:
                try:
                    self.sample(self.user(transport), scenario, mode)
                except ends.Failed as why:
                    self.failed.append("%s %s (%s): %s" % (
                        transport, scenario.name, mode, why))
