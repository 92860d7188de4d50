#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""
xdp_guest.py [--counting] [--here] - run each XDP program on frames, many times; what one
run takes, less what an empty program takes. --counting: the clock counts instructions.
--here: without the functions of quic.ko, as far as that goes.
"""

import json
import os
import subprocess
import sys

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(TOP, "tests", "xdp"))
MODULE = "--here" not in sys.argv
if MODULE:      # before the programs are loaded, which the imports do: they use its functions
    subprocess.run(["modprobe", "-a", "aesni_intel", "quic"], check=True)

import bpf  # noqa: E402
import frames  # noqa: E402
import quiclb  # noqa: E402
import test_guard  # noqa: E402
import test_steer  # noqa: E402
if MODULE:
    import test_lb  # noqa: E402

UNIT = "instructions" if "--counting" in sys.argv else "ns"
# In one call, where a run leaves the frame as it was: so short that some are not
# interrupted. The least of all calls is what counts.
REPEAT = 1000
CALLS = 400
ID = b"\0" + b"\x21" * 7
KEY = quiclb.KEY
ONE_PASS = quiclb.Conf(2, 8, 8, KEY, cpu_at=1)
FOUR_PASSES = quiclb.Conf(0, 3, 4, KEY, cpu_at=3)
IN_PLAIN = quiclb.Conf(1, 3, 4, None, cpu_at=3)


def cost(program, frame, verdict):
    got, out, _ = program.run(frame)
    if bpf.VERDICTS[got] != verdict:
        sys.exit("verdict %s instead of %s" % (bpf.VERDICTS[got], verdict))
    if out == frame:
        return min(program.run(frame, REPEAT)[2] for _ in range(CALLS // 4))
    return min(program.run(frame)[2] for _ in range(CALLS))


def cases():
    """(program, what, function that sets it up, frame, verdict)"""
    steer, guard = test_steer, test_guard
    short, frame, initial = frames.short, frames.frame, frames.initial

    def steering(name, scheme, data, confs=(), verdict="pass"):
        return ("steer", name, lambda: steer.configure(scheme, confs=confs), data, verdict)
    yield steering("not for the port", steer.CPU, frame(short(ID), dport=5000))
    yield steering("plain CPU, home", steer.CPU, frame(short(ID)))
    yield steering("plain CPU, home, IPv6", steer.CPU, frame(short(ID), 6))
    if os.cpu_count() > 1:              # not where instructions are counted
        yield steering("plain CPU, moved", steer.CPU, frame(short(b"\1" + ID[1:])),
                       verdict="redirect")
    yield steering("QUIC-LB, plain", steer.LB, frame(short(IN_PLAIN.make(0))), (IN_PLAIN,))
    yield steering("QUIC-LB, one pass", steer.LB, frame(short(ONE_PASS.make(0))), (ONE_PASS,))
    yield steering("QUIC-LB, four passes", steer.LB, frame(short(FOUR_PASSES.make(0))),
                   (FOUR_PASSES,))
    if MODULE:
        yield steering("look-up, not known", steer.TABLE, frame(short(ID)))
    yield steering("Initial, by address", steer.CPU, frame(initial()))

    def guarding(name, data, verdict, **set_up):
        return ("guard", name, lambda: guard.configure(**set_up), data, verdict)
    yield guarding("short header", frame(short(ID)), "pass")
    yield guarding("Initial", frame(initial()), "pass")
    yield guarding("Initial, buckets", frame(initial()), "pass", rate=1 << 30)
    yield guarding("no QUIC", frame(b"\0"), "drop")
    if not MODULE:
        return
    yield guarding("Retry", frame(initial()), "tx", flags=guard.RETRY)
    yield guarding("Version Negotiation", frame(frames.unknown_version()), "tx")

    lb = test_lb

    def balancing(name, data, encap=lb.IPIP):
        return ("lb", name, lambda: lb.configure(encap), data, "tx")
    yield balancing("Initial, by the ring", frame(initial()))
    yield balancing("four passes, IPIP", frame(short(lb.CONF.encode(lb.SERVER_IDS[0]))))
    yield balancing("four passes, GUE", frame(short(lb.CONF.encode(lb.SERVER_IDS[0]))), lb.GUE)


def main():
    programs = {"steer": test_steer.program, "guard": test_guard.program}
    if MODULE:
        programs["lb"] = test_lb.program
    empty = bpf.Empty()
    base = cost(empty, frames.frame(frames.short(ID)), "pass")
    once = min(empty.run(frames.frame(frames.initial()))[2] for _ in range(CALLS))
    rows = []
    print("%-8s %-26s %8s" % ("program", "packet", UNIT))
    print("%-8s %-26s %8d" % ("(empty)", "", base))
    for name, what, set_up, frame, verdict in cases():
        set_up()
        program = programs[name]
        figure = cost(program, frame, verdict) - (base if verdict != "tx" else once)
        rows.append({"program": name, "packet": what, UNIT: figure})
        print("%-8s %-26s %8d" % (name, what, figure), flush=True)
    with open(os.path.join(os.environ.get("RESULTS", "."), "bench-xdp.json"), "w",
              encoding="ascii") as file:
        json.dump({"kernel": os.uname().release, "empty": base, "rows": rows}, file, indent=1)
        file.write("\n")


main()
