#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Measure kquic, kernel TLS, TCP and other QUICs; see --help and docs/BENCH.md."""

import argparse
import json
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(HERE)
sys.dont_write_bytecode = True
sys.path.insert(0, HERE)

import buckets  # noqa: E402
import figures  # noqa: E402
import gate  # noqa: E402
import plot  # noqa: E402
import scenarios  # noqa: E402
import table  # noqa: E402

RESULTS = os.path.join(TOP, "build", "results")
BASELINE = os.path.join(HERE, "baseline.json")
LIMIT = 3000                            # seconds of a boot
KINDS = ("count", "profile", "memory", "scale", "clock")
PROFILED = ("bulk-down", "request", "handshake")
IDLE_CONNECTIONS = 10000


def arguments():
    parser = argparse.ArgumentParser(
        prog="bench/run.py", description="What bytes, requests and handshakes cost over kquic, "
        "kernel TLS, TCP, and other QUICs. KERNEL=bpo measures on the backports kernel.")
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--lab", action="store_true",
                       help="between namespaces of a VM, mostly by counting instructions")
    parser.add_argument("--kind", metavar="KIND", action="append", choices=KINDS,
                        help="in the lab only that, may be repeated: " + ", ".join(KINDS))
    parser.add_argument("--group", default="", help="scenarios of one group: quick, gate, wall")
    parser.add_argument("--transport", action="append", default=[],
                        help="profile and memory: of that, may be repeated (ktls, quic)")
    parser.add_argument("--connections", type=int, default=IDLE_CONNECTIONS,
                        help="memory: how many are idle (%d)" % IDLE_CONNECTIONS)
    parser.add_argument("--rounds", type=int, default=1, help="repetitions (1)")
    parser.add_argument("--lines", type=int, default=0, help="profile: show so many symbols")
    parser.add_argument("--gate", action="store_true",
                        help="compare with bench/baseline.json: TAP")
    parser.add_argument("--write-baseline", action="store_true")
    parser.add_argument("--output", default=os.path.join(RESULTS, "bench.json"),
                        help="file for the figures (build/results/bench.json)")
    parser.add_argument("scenario", nargs="*", help="names of bench/scenarios.py; default: all")
    return parser.parse_args()


def fresh(name):
    path = os.path.join(RESULTS, name)
    if os.path.exists(path):
        os.unlink(path)
    return path


class Lab:
    """Boots of the VM, and what they leave."""

    def __init__(self, options):
        self.options = options
        self.facts, self.samples, self.status = {}, [], 0

    def boot(self, kind, chosen):
        facts, samples = fresh("bench.facts"), fresh("bench.samples")
        environment = {
            "SCENARIOS": " ".join(s.name for s in chosen), "ROUNDS": self.options.rounds,
            "TRANSPORTS": " ".join(self.options.transport or scenarios.TLS),
            "CONNECTIONS": self.options.connections}
        command = [TOP + "/tests/lab/run", "-t", str(LIMIT)]
        command += ["--icount"] if kind in ("count", "profile") else ["-m", "6G"]
        for pair in environment.items():
            command += ["-e", "%s=%s" % pair]
        status = subprocess.call([*command, "python3 -B bench/guest.py " + kind], cwd=TOP,
                                 stdout=sys.stderr)
        self.status = self.status or status
        if os.path.exists(facts):
            with open(facts, encoding="utf-8") as file:
                self.facts = json.load(file)
            self.samples += figures.read(samples)

    def kvm(self):
        """Whether the VM runs at this machine's own speed."""
        return subprocess.run(
            ["bash", "-c", '. tests/lab/common; boot=$("$lab/image"); . "$lab/machine"; accel'],
            cwd=TOP, check=True, text=True, stdout=subprocess.PIPE).stdout.strip() == "kvm"

    def run(self):
        options = self.options
        chosen = scenarios.choose(options.scenario, options.group)
        kinds = options.kind or (["count"] if options.group or options.scenario else KINDS)
        for kind in kinds:
            if kind == "profile" and not options.scenario:
                self.boot(kind, [scenarios.TABLE[name] for name in PROFILED])
            elif kind == "clock":
                # Wall-clock under emulation says nothing.
                if self.kvm():
                    self.boot(kind, [s for s in chosen if "wall" in s.groups])
            else:
                self.boot(kind, chosen)


def main():
    options = arguments()
    os.makedirs(RESULTS, exist_ok=True)
    lab = Lab(options)
    lab.run()
    rows = figures.rows([s for s in lab.samples if "profile" not in s])
    profiles = [s for s in lab.samples if "profile" in s]
    rows += buckets.evaluate(TOP, RESULTS, profiles, options.lines)
    with open(options.output, "w", encoding="utf-8") as file:
        json.dump({"machine": lab.facts, "rows": rows}, file, indent=1)
        file.write("\n")
    if options.write_baseline:
        gate.write(BASELINE, lab.facts, rows)
    if options.gate:
        sys.exit(lab.status or not gate.check(BASELINE, rows))
    table.show(rows)
    sys.exit(lab.status)


main()
