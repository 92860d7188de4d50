# SPDX-License-Identifier: GPL-2.0
"""
guest.py count|profile|clock|memory|scale|lookup - what bench/run.py runs inside the VM.

The plan is in the environment: SCENARIOS, names of scenarios.py; ROUNDS;
TRANSPORTS and CONNECTIONS for some. Each line of $RESULTS/bench.samples is a
sample, as JSON; $RESULTS/bench.facts has what this machine is. Failures are told
at the end, and by the exit status.
"""

import json
import os
import re
import subprocess
import sys
import time

import clocked
import counting
import ends
import facts
import memory
import scenarios
import topology

RESULTS = os.environ.get("RESULTS", "/results")
ROUNDS = int(os.environ.get("ROUNDS", "1"))
TRANSPORTS = os.environ.get("TRANSPORTS", "").split()
SECONDS = 3                             # of a sample by the clock
LOOKUPS = "1000,10000,100000,1000000"


def load_modules():
    """Without udev nothing loads aesni_intel, and then AES is generic C."""
    subprocess.run(["modprobe", "-a", "aesni_intel", "tls", "quic", "sch_netem"], check=True)
    with open("/proc/crypto", encoding="ascii") as file:
        if "generic-gcm-aesni" not in file.read():
            sys.exit("no AES instructions here: nothing would be comparable")


def each_mode(run):
    started = time.monotonic()
    for name in os.environ["SCENARIOS"].split():
        scenario = scenarios.TABLE[name]
        for mode in scenario.modes:
            print("bench: %s, %s (%.0f s of guest time)" % (
                name, mode, time.monotonic() - started), file=sys.stderr)
            run(scenario, mode)


def count(emit):
    counting_all = counting.Counting(emit, ROUNDS, RESULTS, TRANSPORTS)
    each_mode(counting_all.run)
    return counting_all.failed


def profile(emit):
    counting_all = counting.Counting(emit, 1, RESULTS, TRANSPORTS or scenarios.TLS,
                                     profiles=True)
    each_mode(counting_all.run)
    return counting_all.failed


def new_clocked(emit):
    return clocked.Clocked(emit, ends.Namespace("srv"), ends.Namespace("cli"), topology.SERVER,
                           topology.PORT, ROUNDS, SECONDS)


def clock(emit):
    clocks = new_clocked(emit)

    def run(scenario, mode):
        topology.make(mode, scenario.mtu, scenario.link)
        if scenario.steer:
            topology.steer()
        clocks.run(scenario, mode)

    each_mode(run)
    return clocks.failed


def scale(emit):
    """The same work with one processor and with two, in turn."""
    clocks = new_clocked(emit)
    row = scenarios.TABLE["scale"]
    everything = os.sched_getaffinity(0)
    for mode in row.modes:
        topology.make(mode, row.mtu, row.link)
        for _ in range(ROUNDS):
            for transport in row.transports:
                for cpus in 1, 2:
                    os.sched_setaffinity(0, set(range(cpus)))
                    clocks.sample(clocks.user(transport), row, mode, cpus,
                                  "scale-%d-cpus" % cpus)
    os.sched_setaffinity(0, everything)
    return clocks.failed


def idle(emit):
    measure = memory.Memory(emit, int(os.environ["CONNECTIONS"]))
    failed = []
    for transport in TRANSPORTS or scenarios.TLS:
        try:
            measure.run(transport)
        except ends.Failed as why:
            failed.append("%s idle: %s" % (transport, why))
    return failed


def lookup(emit):
    """A module does it while it is loaded, and never stays."""
    path = "build/%s/bench/lookup/lookup.ko" % ".".join(os.uname().release.split(".")[:2])
    subprocess.run(["insmod", path, "sizes=" + LOOKUPS], stderr=subprocess.DEVNULL, check=False)
    log = subprocess.run(["dmesg"], check=True, text=True, stdout=subprocess.PIPE).stdout
    found = re.findall(r"lookup: (\d+) (\d+)$", log, re.M)
    for size, picoseconds in found:
        emit({"transport": "quic", "scenario": "lookup-" + size, "mode": "default",
              "lookup_ns": int(picoseconds) / 1000})
    missed = re.findall(r"lookup: .* not found", log)
    return missed if len(found) == len(LOOKUPS.split(",")) else ["lookup: " + log[-500:]]


KINDS = {"count": count, "profile": profile, "clock": clock, "scale": scale, "memory": idle,
         "lookup": lookup}


def main(kind):
    load_modules()
    with open(RESULTS + "/bench.facts", "w", encoding="utf-8") as file:
        json.dump(facts.local(), file)
    with open(RESULTS + "/bench.samples", "a", encoding="utf-8", buffering=1) as samples:
        failed = KINDS[kind](lambda sample: samples.write(json.dumps(sample) + "\n"))
    topology.remove()
    for failure in failed:
        print("bench:", failure, file=sys.stderr)
    sys.exit(bool(failed))


main(*sys.argv[1:])
