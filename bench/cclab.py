# SPDX-License-Identifier: GPL-2.0
"""
The laboratory for authors of congestion control: bench/run.py --cc NAME...

Each NAME, native or a BPF program, of bpf/cc or of a file of one's own, meets each
network of a grid of bandwidth, round trip time, loss and buffer, alone and beside
each competitor. It runs in a sealed VM, in virtual time: a slow host takes longer and
measures the same, and with the same seed two runs are equal. Figures go to
build/results/cc.json, curves of window, pacing, round trip time and throughput to
build/results/cc/. cclab_guest.py has the network.
"""

import itertools
import json
import os
import re
import subprocess
import sys

import plot

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(HERE)
RESULTS = os.path.join(TOP, "build", "results")
CHARACTERS = re.compile(r"(quic|tcp)/[A-Za-z0-9_.-]{1,15}")

# ---- the plan ------------------------------------------------------------------


def add_arguments(parser):
    """The grid; every option takes several values, separated by commas."""
    parser.add_argument("--program", metavar="FILE", action="append", default=[],
                        help="an object file of BPF programs to load before, may be repeated")
    parser.add_argument("--mbit", default="20", help="bandwidths, Mbit/s (20)")
    parser.add_argument("--rtt", default="40", help="round trip times, ms (40)")
    parser.add_argument("--loss", default="0", help="random losses, percent (0)")
    parser.add_argument("--buffer", default="1",
                        help="buffers, in products of bandwidth and delay (1)")
    parser.add_argument("--against", default="none,self,tcp/cubic,tcp/bbr",
                        help="competitors: none, self, quic/NAME, tcp/NAME "
                        "(none,self,tcp/cubic,tcp/bbr)")
    parser.add_argument("--duration", type=float, default=10,
                        help="seconds of each cell (10)")
    parser.add_argument("--stagger", type=float, default=1,
                        help="a competitor begins so many seconds later (1)")
    parser.add_argument("--interval", type=float, default=0.1,
                        help="seconds between two points of a curve (0.1)")
    parser.add_argument("--seed", type=int, default=1, help="of losses and of all that is random (1)")


def competitors(name, against):
    mine = "quic/" + name
    for other in against.split(","):
        flows = [mine] if other == "none" else [mine, mine if other == "self" else other]
        for flow in flows:
            if not CHARACTERS.fullmatch(flow):
                sys.exit("cclab: %s is no flow: quic/NAME or tcp/NAME" % flow)
        yield flows


def cells(names, options):
    """One run each."""
    def numbers(text):
        return [float(word) for word in text.split(",")]

    for mbit, rtt, loss, buffer, name in itertools.product(
            numbers(options.mbit), numbers(options.rtt), numbers(options.loss),
            numbers(options.buffer), names):
        for flows in competitors(name, options.against):
            yield {"mbit": mbit, "rtt_ms": rtt, "loss": loss, "buffer": buffer,
                   "flows": flows, "seconds": options.duration, "stagger": options.stagger,
                   "interval": options.interval, "seed": options.seed}


# ---- figures -------------------------------------------------------------------


def title(cell):
    return "%g Mbit/s, %g ms, %g %% lost, buffer %g: %s" % (
        cell["mbit"], cell["rtt_ms"], cell["loss"], cell["buffer"], " + ".join(cell["flows"]))


def rate(points):
    """Bits per second between the first and the last."""
    if len(points) < 2 or points[-1]["t"] <= points[0]["t"]:
        return 0.0
    return 8 * (points[-1]["bytes"] - points[0]["bytes"]) / (points[-1]["t"] - points[0]["t"])


def jain(rates):
    """1: all get the same; 1/n: one gets all."""
    square = sum(r * r for r in rates)
    return sum(rates) ** 2 / (len(rates) * square) if square else 0.0


def evaluate(sample):
    """Of the second half, when all have begun and slow start is over."""
    cell = sample["cell"]
    flows = []
    for name, points in zip(cell["flows"], sample["points"]):
        half = [p for p in points if p["t"] >= cell["seconds"] / 2]
        if not half:
            sys.exit("cclab: nothing was seen of %s in: %s" % (name, title(cell)))
        good, lost = (half[-1][key] - half[0][key] for key in ("bytes", "lost"))
        flows.append({
            "flow": name, "bits_per_second": round(rate(half)),
            "rtt_ms": round(sum(p["latest_rtt_us"] for p in half) / 1e3 / len(half), 2),
            "lost_percent": round(100 * lost / max(1, good + lost), 3)})
    rates = [f["bits_per_second"] for f in flows]
    return {**cell, "results": flows, "utilization": round(sum(rates) / cell["mbit"] / 1e6, 3),
            "jain": round(jain(rates), 3)}


def show(rows):
    form = "%6s %6s %5s %6s  %-16s %9s %8s %7s %6s %6s"
    print(form % ("Mbit/s", "RTT ms", "lost", "buffer", "flow", "gets", "RTT", "lost", "used",
                  "Jain"))
    for row in rows:
        cell = ["%g" % row[key] for key in ("mbit", "rtt_ms", "loss", "buffer")]
        for flow in row["results"]:
            print(form % (*cell, flow["flow"], "%.2f M" % (flow["bits_per_second"] / 1e6),
                          flow["rtt_ms"], "%.2f %%" % flow["lost_percent"],
                          "%.0f %%" % (100 * row["utilization"]), row["jain"]))
            cell = [""] * 4
            row = {**row, "jain": ""} if len(row["results"]) > 1 else row


# ---- curves --------------------------------------------------------------------

# TCP's pacing rate is not among what iperf3 tells.
CURVES = (("throughput, Mbit/s", lambda p, rate: rate / 1e6),
          ("cwnd, KiB", lambda p, _: p["cwnd"] / 1024),
          ("pacing, Mbit/s", lambda p, _: p["pacing"] * 8 / 1e6),
          ("RTT, ms", lambda p, _: p["latest_rtt_us"] / 1e3))
SMOOTH = 5                              # points of which throughput is a mean


def block(name, points, value):
    yield "$%s << EOD" % name
    for i, point in enumerate(points):
        yield "%.3f %.6g" % (point["t"], value(point, rate(points[max(0, i - SMOOTH):i + 1])))
    yield "EOD"


def script(sample):
    """A gnuplot script with its data; @ is its name."""
    cell, lines = sample["cell"], ["# gnuplot; made by bench/cclab.py"]
    for c, (_, value) in enumerate(CURVES):
        for f, points in enumerate(sample["points"]):
            lines += block("c%df%d" % (c, f), points, value)
    for suffix, terminal in (("png", "pngcairo noenhanced"), ("svg", "svg noenhanced")):
        lines += ['set terminal %s size 900,%d' % (terminal, 230 * len(CURVES)),
                  'set output "@.%s"' % suffix,
                  'set multiplot layout %d,1 title "%s"' % (len(CURVES), title(cell)),
                  "set xrange [0:%g]" % cell["seconds"], "set yrange [0:*]", "set grid"]
        for c, (label, _) in enumerate(CURVES):
            lines += ['set ylabel "%s"' % label, "plot " + ", ".join(
                '$c%df%d using 1:2 with lines title "%d %s"' % (c, f, f + 1, flow)
                for f, flow in enumerate(cell["flows"]))]
        lines.append("unset multiplot")
    return "\n".join(lines) + "\n"


def file_name(cell):
    return "-".join(["%g" % cell[key] for key in ("mbit", "rtt_ms", "loss", "buffer")] +
                    cell["flows"]).replace("/", "_")


# ---- the run -------------------------------------------------------------------


def boot(plan, options, limit):
    """What was seen of each cell, and the exit status."""
    command = [TOP + "/tests/lab/run", "--sealed", str(options.seed), "-t", str(limit),
               "-e", "PLAN=" + json.dumps(plan)]
    for program in options.program:
        if not program.endswith(".bpf.o"):
            sys.exit("cclab: %s: the name of a program ends in .bpf.o" % program)
        command += ["-f", os.path.abspath(program)]
    with subprocess.Popen([*command, "python3 -B bench/cclab_guest.py"], cwd=TOP, text=True,
                          stdout=subprocess.PIPE) as guest:
        return [json.loads(line) for line in guest.stdout if line.endswith("\n")], guest.wait()


def run(names, options):
    """Everything; returns the exit status."""
    plan = list(cells(names, options))
    os.makedirs(RESULTS, exist_ok=True)
    # Wall-clock: virtual seconds take ten times as long on a busy host.
    samples, status = boot(plan, options, 120 + int(len(plan) * (options.duration + 5) * 20))
    rows = [evaluate(sample) for sample in samples]
    with open(os.path.join(RESULTS, "cc.json"), "w", encoding="utf-8") as out:
        json.dump({"cells": rows, "curves": samples}, out)
        out.write("\n")
    show(rows)
    plot.draw_scripts(TOP, os.path.join(RESULTS, "cc"),
                      [(file_name(s["cell"]), script(s)) for s in samples])
    return status or len(rows) != len(plan)
