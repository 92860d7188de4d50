# SPDX-License-Identifier: GPL-2.0
"""
Measuring by the clock: on two machines with their NICs, or between namespaces
of a VM that runs at the machine's own speed.

Transports take turns, each for some seconds, as often as there are rounds; so
what changes on the machines meanwhile changes all of them.
"""

import collections

import ends
import peers

TICKS = 100                             # USER_HZ, of /proc/stat
LOOK = "head -n 1 /proc/stat; cat /proc/net/quic/stats 2>/dev/null || :"


def look(end):
    """Seconds that processors were busy, since boot, and kquic's counters.

    Of the whole machine: softirqs are charged to no process.
    """
    first, *lines = end.run(["sh", "-c", LOOK]).splitlines()
    user, nice, system, _, _, irq, softirq = (int(word) for word in first.split()[1:8])
    return ((user + nice + system + irq + softirq) / TICKS,
            {name: int(value) for name, value in (line.split() for line in lines)})


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

    def sample(self, user, scenario, mode, threads=1, label=None):
        user.start(scenario, threads)
        try:
            before = {name: look(end) for name, end in self.ends.items()}
            report = user.timed(scenario, self.seconds, threads)
            after = {name: look(end) for name, end in self.ends.items()}
        finally:
            user.stop()
        total = collections.Counter()
        for name in self.ends:
            report[name + "_busy_s"] = after[name][0] - before[name][0]
            total.update(after[name][1])
            total.subtract(before[name][1])
        self.emit(dict(report, transport=user.name, scenario=label or scenario.name, mode=mode,
                       unit=scenario.unit, counters=dict(total)))

    def run(self, scenario, mode):
        for _ in range(self.rounds):
            for transport in scenario.transports:
                try:
                    self.sample(self.user(transport), scenario, mode)
                except ends.Failed as why:
                    self.failed.append("%s %s (%s): %s" % (
                        transport, scenario.name, mode, why))
