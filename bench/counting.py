# SPDX-License-Identifier: GPL-2.0
"""
Counting instructions, in a VM in which guest time is their number.

With one processor and 1 ns per instruction, the time that a transfer takes, less
the time in which the processor had nothing to do, is what both ends together
execute. Each scenario is run with n and with 2n of what it counts; the
difference has no beginning and no end in it.
"""

import collections
import json
import os
import re
import subprocess
import time

import ends
import peers
import topology

COUNTERS = "/proc/net/quic/stats"
PROGRAMS = "/usr/lib/quic/bpf/"
ENDS = ("srv", "cli")
PROFILE_TIMES = 4                       # n, so that there are thousands of samples


def idle_ns():
    with open("/proc/timer_list", encoding="ascii") as file:
        return sum(int(n) for n in re.findall(r"idle_sleeptime\s*:\s*(\d+)", file.read()))


def counters(namespaces):
    """kquic's, of all ends together."""
    total = collections.Counter()
    for end in namespaces:
        total.update({name: int(value) for name, value in
                      (line.split() for line in end.read(COUNTERS).splitlines())})
    return total


def write_modules(path):
    """Where they lie: name, size, address."""
    with open("/proc/modules", encoding="ascii") as modules, \
            open(path, "w", encoding="ascii") as out:
        for line in modules:
            words = line.split()
            out.write(" ".join((words[0], words[1], words[5])) + "\n")


class Counting:
    """All transports in all scenarios of one boot; samples go to emit()."""

    def __init__(self, emit, rounds, results, wanted, profiles=False):
        """results: a directory; wanted: transports and peers, or empty for all."""
        self.emit, self.rounds = emit, rounds
        self.results, self.wanted, self.profiles = results, wanted, profiles
        self.namespaces = [ends.Namespace(name) for name in ENDS]
        self.loaded = set()
        self.failed = []

    def users(self, scenario):
        """Who is to run it."""
        where = (*self.namespaces, topology.SERVER, topology.PORT)
        for transport in scenario.transports:
            if not self.wanted or transport in self.wanted:
                yield peers.Quicperf(transport, *where)
        for name in scenario.peers:
            if not self.wanted or name in self.wanted:
                yield peers.OTHERS[name](*where)

    def sample(self, user, scenario, mode, n):
        before, idle = counters(self.namespaces), idle_ns()
        report = user.transfer(scenario, n)
        idle = idle_ns() - idle
        after = counters(self.namespaces)
        after.subtract(before)
        self.emit(dict(report, transport=user.name, scenario=scenario.name, mode=mode,
                       unit=scenario.unit, link=scenario.link,
                       idle_ns=report.get("cpu_idle_ns", idle),
                       counters={k: v for k, v in after.items() if v}))

    def profile(self, user, scenario, mode, n):
        """The same with perf looking on, by a clock that counts instructions."""
        name = "bench-profile.%s.%s.%s" % (scenario.name, mode, user.name)
        data = self.namespaces[1].work + "/perf.data"
        # A frequency that has nothing in common with the kernel's own timers.
        report = json.loads(self.namespaces[1].run(
            ["perf", "record", "-q", "-e", "cpu-clock", "-F", "4999", "-a", "-o", data, "--",
             *user.command(user.options(scenario, n))]))
        with open(os.path.join(self.results, name), "w", encoding="utf-8") as out:
            script = subprocess.Popen(["perf", "script", "-i", data, "-F", "ip,sym"], text=True,
                                      stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
            for line in script.stdout:
                if line.strip():
                    out.write(" ".join(line.split()[:2]) + "\n")
            script.wait()
        os.unlink(data)
        write_modules(os.path.join(self.results, "bench-profile.modules"))
        self.emit(dict(report, transport=user.name, scenario=scenario.name, mode=mode,
                       unit=scenario.unit, profile=name))

    def one(self, user, scenario, mode):
        """A server, and transfers from it until it can go again."""
        held = None
        user.start(scenario)
        try:
            if scenario.idle:
                held = user.hold(scenario.idle)
            # What is done only once; a device's first key makes the crypto API test
            # what seals with it, for a third of a second.
            once = 4 * scenario.n if mode == "offload" else scenario.n // 8
            user.transfer(scenario, max(1, once))
            if self.profiles:
                self.profile(user, scenario, mode, PROFILE_TIMES * scenario.n)
                return
            for n in scenario.n, 2 * scenario.n:
                self.sample(user, scenario, mode, n)
        finally:
            if held:
                ends.stop(held)
            user.stop()

    def run(self, scenario, mode):
        topology.make(mode, scenario.mtu, scenario.link)
        if scenario.steer:
            topology.steer()
        if scenario.program and scenario.program not in self.loaded:
            subprocess.run(["quicctl", "cc", "load", PROGRAMS + scenario.program],
                           check=True, stdout=subprocess.DEVNULL)
            self.loaded.add(scenario.program)
        if scenario.sysctl:
            for end in self.namespaces:
                end.run(["sysctl", "-qw", *scenario.sysctl.split()])
        users = list(self.users(scenario))
        time.sleep(1)                   # what the kernel does behind our back; it costs nothing
        for _ in range(self.rounds):
            for user in users:
                try:
                    self.one(user, scenario, mode)
                except ends.Failed as why:
                    self.failed.append("%s %s (%s): %s" % (user.name, scenario.name, mode, why))
        topology.remove()
