#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Measure kquic, kernel TLS, TCP and other QUICs; see --help and docs/BENCH.md."""

import argparse
import datetime
import json
import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(HERE)
sys.dont_write_bytecode = True
sys.path.insert(0, HERE)

import buckets  # noqa: E402
import cclab  # noqa: E402
import clocked  # noqa: E402
import ends  # noqa: E402
import facts  # noqa: E402
import figures  # noqa: E402
import gate  # noqa: E402
import plot  # noqa: E402
import scenarios  # noqa: E402
import table  # noqa: E402

RESULTS = os.path.join(TOP, "build", "results")
BASELINE = os.path.join(HERE, "baseline.json")
LIMIT = 3000                            # seconds of a boot
KINDS = ("count", "profile", "lookup", "memory", "scale", "clock")
BY_THE_CLOCK = ("scale", "clock")       # in all others guest time is instructions
PROFILED = ("bulk-down", "request", "handshake")
IDLE_CONNECTIONS = 10000


def arguments():
    parser = argparse.ArgumentParser(
        prog="bench/run.py", description="What bytes, requests and handshakes cost over kquic, "
        "kernel TLS, TCP, and other QUICs. KERNEL=bpo measures on the backports kernel.")
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--lab", action="store_true",
                       help="between namespaces of a VM, mostly by counting instructions")
    where.add_argument("--server", metavar="[USER@]HOST",
                       help="by the clock, between two machines that ssh can reach")
    parser.add_argument("--client", metavar="[USER@]HOST", help="the other one")
    parser.add_argument("--address", help="the server's, as the client sees it (its HOST)")
    parser.add_argument("--port", default="4433", help="the server's (4433)")
    parser.add_argument("--seconds", type=float, default=20, help="a sample by the clock (20)")
    parser.add_argument("--quicperf", default="quicperf", help="the program on both machines")
    parser.add_argument("--ssh-option", action="append", default=[], metavar="OPTION",
                        help="for ssh -o, may be repeated")
    where.add_argument("--cc", metavar="NAME", nargs="+",
                       help="compare these congestion controls over a grid of networks, in a "
                       "VM in virtual time: native ones, programs of bpf/cc, and of --program")
    parser.add_argument("--kind", metavar="KIND", action="append", choices=KINDS,
                        help="in the lab only that, may be repeated: " + ", ".join(KINDS))
    parser.add_argument("--group", default="", help="scenarios of one group: quick, gate, wall, cc")
    parser.add_argument("--transport", action="append", default=[],
                        help="only that, may be repeated: tcp, ktls, quic, ngtcp2, nginx")
    parser.add_argument("--connections", type=int, default=IDLE_CONNECTIONS,
                        help="memory: how many are idle (%d)" % IDLE_CONNECTIONS)
    parser.add_argument("--rounds", type=int, help="repetitions (lab: 1, two machines: 5)")
    parser.add_argument("--lines", type=int, default=0, help="profile: show so many symbols")
    parser.add_argument("--gate", action="store_true",
                        help="compare with bench/baseline.json: TAP")
    parser.add_argument("--write-baseline", action="store_true",
                        help="write bench/baseline.json")
    parser.add_argument("--plots", action="store_true",
                        help="draw plots/*.png and *.svg, beside the file of figures")
    parser.add_argument("--output", default=os.path.join(RESULTS, "bench.json"),
                        help="file for the figures (build/results/bench.json)")
    parser.add_argument("scenario", nargs="*", help="names of bench/scenarios.py; default: all")
    cclab.add_arguments(parser.add_argument_group("the grid of --cc (values separated by commas)"))
    options = parser.parse_args()
    if options.server and not options.client:
        parser.error("--server needs --client")
    if options.plots and not plot.can_draw(TOP, options.output):
        parser.error("--plots: without a gnuplot of its own this machine draws with the lab's, "
                     "which sees the checkout alone: put --output there")
    options.rounds = options.rounds or (5 if options.server else 1)
    if options.gate or options.write_baseline:
        options.group, options.transport = "gate", ["quic"]
        options.output = os.path.join(RESULTS, "bench-gate.json")
    return options


class Lab:
    """Boots of the VM, and what they leave."""

    def __init__(self, options):
        self.options = options
        self.facts, self.samples, self.status = {}, [], 0
        # Of its own, so that several runs do not disturb each other.
        self.results = tempfile.mkdtemp(prefix="bench.", dir=RESULTS)

    def boot(self, kind, chosen):
        about, samples = (os.path.join(self.results, name)
                          for name in ("bench.facts", "bench.samples"))
        environment = {
            "SCENARIOS": " ".join(s.name for s in chosen), "ROUNDS": self.options.rounds,
            "TRANSPORTS": " ".join(self.options.transport),
            "CONNECTIONS": self.options.connections}
        command = [TOP + "/tests/lab/run", "-t", str(LIMIT), "-s", self.results]
        command += [] if kind in BY_THE_CLOCK else ["--icount"]
        command += ["-m", "6G"] if kind == "memory" else []
        for pair in environment.items():
            command += ["-e", "%s=%s" % pair]
        status = subprocess.call([*command, "python3 -B bench/guest.py " + kind], cwd=TOP,
                                 stdout=sys.stderr)
        self.status = self.status or status
        if os.path.exists(about):
            with open(about, encoding="utf-8") as file:
                self.facts = json.load(file)
            self.samples += figures.read(samples)
            os.unlink(about)
            os.unlink(samples)

    def profiles(self):
        """Rows of the profiles that were taken."""
        taken = [s for s in self.samples if "profile" in s]
        return buckets.evaluate(TOP, self.results, taken, self.options.lines)

    def close(self):
        shutil.rmtree(self.results)

    def kvm(self):
        """Whether the VM runs at this machine's own speed."""
        return subprocess.run(
            ["bash", "-c", '. tests/lab/common; boot=$("$lab/image"); . "$lab/machine"; accel'],
            cwd=TOP, check=True, text=True, stdout=subprocess.PIPE).stdout.strip() == "kvm"

    def run(self):
        options = self.options
        chosen = scenarios.choose(options.scenario, options.group)
        if any("offload" in s.modes for s in chosen):
            subprocess.run([TOP + "/tests/lab/chroot", "sh", "-c",
                            'make -s -C tests/quicsim O="$OUT/quicsim" KVER="$KVER"'],
                           cwd=TOP, check=True)
        kinds = options.kind or (["count"] if options.group or options.scenario else KINDS)
        for kind in kinds:
            if kind == "lookup":
                subprocess.run([TOP + "/tests/lab/chroot", "sh", "-c",
                                'make -s -C bench O="$OUT/bench" lookup'], cwd=TOP, check=True)
            if kind == "profile" and not options.scenario:
                self.boot(kind, [scenarios.TABLE[name] for name in PROFILED])
            elif kind == "clock":
                # Wall-clock under emulation says nothing.
                if self.kvm():
                    self.boot(kind, [s for s in chosen if "wall" in s.groups])
            else:
                self.boot(kind, chosen)


class Machines:
    """Two of them, and a network."""

    def __init__(self, options):
        self.options = options
        self.samples, self.status = [], 0
        ssh = [word for option in options.ssh_option for word in ("-o", option)]
        self.server = ends.Host(options.server, ssh)
        self.client = ends.Host(options.client, ssh)
        self.address = options.address or options.server.rpartition("@")[2]
        route = self.client.run(["ip", "-o", "route", "get", self.address]).split()
        source = route[route.index("src") + 1]
        self.facts = {"server": facts.of_end(self.server, source),
                      "client": facts.of_end(self.client, self.address)}

    def carries(self, scenario):
        mtu = min(int(of["nic.mtu"]) for of in self.facts.values())
        if scenario.mtu > mtu:
            print("bench: not run: %s, because the MTU is %d" % (scenario.name, mtu),
                  file=sys.stderr)
        if scenario.steer:
            print("bench: not run: %s; attach it yourself" % scenario.name, file=sys.stderr)
        return scenario.mtu <= mtu and not scenario.steer

    def run(self):
        options = self.options
        clock = clocked.Clocked(self.samples.append, self.server, self.client, self.address,
                                options.port, options.rounds, options.seconds,
                                (options.quicperf,) * 2)
        for scenario in scenarios.choose(options.scenario, options.group or "wall"):
            if self.carries(scenario):
                print("bench: %s" % scenario.name, file=sys.stderr)
                clock.run(scenario, "wire")
        for why in clock.failed:
            print("bench:", why, file=sys.stderr)
        self.status = int(bool(clock.failed))

    def profiles(self):
        return []

    def close(self):
        self.server.close()
        self.client.close()


def main():
    options = arguments()
    os.makedirs(RESULTS, exist_ok=True)
    if options.cc:
        sys.exit(cclab.run(options.cc, options))
    try:
        place = Lab(options) if options.lab else Machines(options)
        place.run()
    except ends.Failed as why:
        sys.exit("bench: %s" % why)
    rows = figures.rows([s for s in place.samples if "profile" not in s]) + place.profiles()
    place.close()
    now = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
    with open(options.output, "w", encoding="utf-8") as file:
        json.dump({"time": now, "machine": place.facts, "rows": rows}, file, indent=1)
        file.write("\n")
    if options.write_baseline:
        gate.write(BASELINE, place.facts, rows)
    if options.gate:
        sys.exit(place.status or not gate.check(BASELINE, rows))
    table.show(rows)
    if options.plots:
        plot.draw(TOP, os.path.join(os.path.dirname(options.output), "plots"), rows)
    sys.exit(place.status)


main()
