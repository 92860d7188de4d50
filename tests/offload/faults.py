# SPDX-License-Identifier: GPL-2.0
"""
Keys go to devices while memory is short, in the debug kernel: an allocation on their way
there fails, then one that comes later, until nothing is left that could. Offload is a bonus,
so the transfer ends well each time; what else counts is that the kernel has no complaint.

Needs fault injection; see the kernel's Documentation/fault-injection.
"""

import os

from world import Server, counter, device, keys, wait_for

FAULT = "/sys/kernel/debug/failslab/"
STEP = 512              # bytes; then the next allocation, or one soon after it, fails
# The first and the last of kernel/conn/offload_keys.c, as the compiler orders them.
FIRST, LAST = "provide", "quic_offload_free"


def put(name, value):
    with open(FAULT + name, "w", encoding="ascii") as file:
        file.write(str(value))


def left():
    with open(FAULT + "times", encoding="ascii") as file:
        return int(file.read())


def callers():
    """Addresses; what is called from there may fail."""
    with open("/proc/kallsyms", encoding="ascii") as file:
        symbols = sorted((int(line.split()[0], 16), line.split()[2])
                         for line in file if line.endswith("[quic]\n"))
    names = [name for _, name in symbols]
    return symbols[names.index(FIRST)][0], symbols[names.index(LAST) + 1][0]


def test_keys_without_memory():
    assert os.path.exists(FAULT), "this kernel injects no faults; KERNEL=debug does"
    start, end = callers()
    put("require-start", start)
    put("require-end", end)
    put("stacktrace-depth", 32)
    put("verbose", 0)
    put("ignore-gfp-wait", "N")
    faults = 0
    while True:
        with Server() as s:
            put("space", faults * STEP)
            put("times", 1)
            put("probability", 100)
            s.begin("small")
            s.end()
            put("probability", 0)
        if left():
            break
        faults += 1
    refused = sum(counter(ns, "QuicOffloadKeysFailed") for ns in ("srv", "cli"))
    print("  %d faults, %d keys refused" % (faults, refused))
    assert refused > 10 and faults > refused
    wait_for("keys gone", lambda: not keys("srv") and not keys("cli"))
    with Server() as s:
        s.get_by_devices()
    assert device("srv")["tx_packets"] > 500


TESTS = {"keys_without_memory": test_keys_without_memory}
