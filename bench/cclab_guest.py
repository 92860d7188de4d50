# SPDX-License-Identifier: GPL-2.0
"""
cclab_guest.py - what bench/cclab.py runs inside the VM.

The plan is in $PLAN, as JSON, programs to load before in /work/*.bpf.o; each line of
stdout is a cell with what was seen of its flows, as JSON.

     cc1 .. ccN        ccr                      ccd
   +------------+    +-------------------+    +---------------------+
   |  a sender  |----|  router           |----|  receivers          |
   +------------+    |  rate loss buffer->    <- delay: the whole RTT|
                     +-------------------+    +---------------------+

Each sender has a namespace, whose congestion control it gets. Packets leave
the senders singly (gso_max_segs 1), so the router counts, drops and delays
packets and not trains.
"""

import glob
import json
import os
import subprocess
import sys
import time

OUTPUT = 10000                          # bytes per second of the guest's serial port
DEVICES = {"sender": "10.20.%d.1", "router": "10.20.%d.2"}
RECEIVER, GATEWAY = "10.21.0.1", "10.21.0.2"
PACKET = 1500                           # bytes at the bottleneck
LEAST_BUFFER = 10                       # packets
WWW = "/tmp/cclab"
PROGRAMS = "/usr/lib/quic/bpf/cc"


def sh(line, *words):
    subprocess.run([*line.split(), *words], check=True, stdout=subprocess.DEVNULL)


def start(namespace, *words, **files):
    """A process in a namespace; it ends with finish()."""
    return subprocess.Popen(["nsenter", "--net=/run/netns/" + namespace, *words],
                            stdin=subprocess.DEVNULL,
                            **{"stdout": subprocess.DEVNULL, **files})


def finish(processes):
    for process in processes:
        process.terminate()
    for process in processes:
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


# ---- the network --------------------------------------------------------------


def veth(one, address, other, other_address, device):
    sh("ip link add data netns %s type veth peer name %s netns %s" % (one, device, other))
    for name, dev, addr in (one, "data", address), (other, device, other_address):
        sh("ip -n %s addr add %s/24 dev %s" % (name, addr, dev))
        sh("ip -n %s link set %s gso_max_segs 1 up" % (name, dev))


def make(cell, flows):
    for name in ["ccr", "ccd", *("cc%d" % i for i in range(1, flows + 1))]:
        subprocess.run(["ip", "netns", "del", name], stderr=subprocess.DEVNULL, check=False)
        sh("ip netns add " + name)
        sh("ip -n %s link set lo up" % name)
    veth("ccd", RECEIVER, "ccr", GATEWAY, "out")
    sh("ip -n ccd route add default via " + GATEWAY)
    for i in range(1, flows + 1):
        veth("cc%d" % i, "10.20.%d.1" % i, "ccr", "10.20.%d.2" % i, "in%d" % i)
        sh("ip -n cc%d route add default via 10.20.%d.2" % (i, i))
    sh("nsenter --net=/run/netns/ccr sysctl -qw net.ipv4.ip_forward=1")
    product = cell["mbit"] * 1e6 / 8 * cell["rtt_ms"] / 1e3
    buffer = max(LEAST_BUFFER, round(cell["buffer"] * product / PACKET))
    loss = "loss random %g%% seed %d" % (cell["loss"], cell["seed"]) if cell["loss"] else ""
    sh("tc -n ccr qdisc add dev out root netem rate %gmbit limit %d %s" % (
        cell["mbit"], buffer, loss))
    sh("tc -n ccd qdisc add dev data root netem delay %gms limit 1000000" % cell["rtt_ms"])


def remove(flows):
    for name in ["ccr", "ccd", *("cc%d" % i for i in range(1, flows + 1))]:
        sh("ip netns del " + name)


# ---- flows ----------------------------------------------------------------------


class Quic:
    """A download from quicserve in the sender's namespace."""

    def __init__(self, number, name, cell):
        self.namespace = "cc%d" % number
        self.log = "%s/%d.watch" % (WWW, number)
        sh("quicctl -N %s cc use" % self.namespace, name)
        self.server = start(self.namespace, "quicserve", "-p", "4433", WWW,
                            stderr=subprocess.DEVNULL)
        self.number, self.interval, self.processes = number, cell["interval"], []

    def ready(self):
        with open("/proc/%d/net/quic/eps" % self.server.pid, encoding="ascii") as file:
            return len(file.readlines()) > 1

    def begin(self, seconds):
        with open(self.log, "w", encoding="ascii") as log:
            watch = start(self.namespace, "quicctl", "-j", "cc", "watch", "-i",
                          str(self.interval), stdout=log)
        get = start("ccd", "timeout", str(seconds), "quicget", "-q", "--insecure", "-o",
                    "/dev/null", "https://10.20.%d.1:4433/data" % self.number,
                    stderr=subprocess.DEVNULL)
        self.processes = [get, watch]

    def end(self, began):
        finish([*self.processes, self.server])
        points = []
        with open(self.log, encoding="ascii") as log:
            for line in log:
                if line[-1] != "\n":
                    break               # cut off while it was written
                look = json.loads(line)
                for c in look["connections"]:
                    points.append({
                        "t": (look["time_ns"] - began) / 1e9, "bytes": c["acked"],
                        "lost": c["lost"], "cwnd": c["cwnd"], "rtt_us": c["srtt_us"],
                        "latest_rtt_us": c["latest_rtt_us"], "pacing": c["pacing_rate"]})
        return points


class Tcp:
    """iperf3, which sends from the sender's namespace and tells what it sees."""

    def __init__(self, number, name, cell):
        self.namespace, self.name, self.number = "cc%d" % number, name, number
        self.interval, self.process = max(0.1, cell["interval"]), None
        self.log = "%s/%d.iperf" % (WWW, number)
        self.server = start("ccd", "iperf3", "-s", "-p", str(5200 + number),
                            stderr=subprocess.DEVNULL)
        self.began = 0

    def ready(self):
        return subprocess.run(["ss", "-N", "ccd", "-tlnH", "sport", "=", str(5200 + self.number)],
                              stdout=subprocess.PIPE, check=True).stdout

    def begin(self, seconds):
        self.began = time.monotonic_ns()
        with open(self.log, "w", encoding="ascii") as log:
            self.process = start(self.namespace, "iperf3", "-J", "-c", RECEIVER, "-p",
                                 str(5200 + self.number), "-t", str(round(seconds)), "-i",
                                 str(self.interval), "-l", "8K", "-C", self.name, stdout=log)

    def end(self, began):
        self.process.wait(60)
        finish([self.server])
        with open(self.log, encoding="ascii") as log:
            told = json.load(log)
        if told.get("error"):
            raise RuntimeError("iperf3: " + told["error"])
        points, total, lost = [], 0, 0
        for interval in told["intervals"]:
            stream = interval["streams"][0]
            # It counts what it has written: some of that has not arrived yet.
            total += stream["bytes"]
            lost += stream["retransmits"] * 1448
            points.append({"t": (self.began - began) / 1e9 + stream["end"], "bytes": total,
                           "lost": lost, "cwnd": stream["snd_cwnd"], "rtt_us": stream["rtt"],
                           "latest_rtt_us": stream["rtt"], "pacing": 0})
        return points


KINDS = {"quic": Quic, "tcp": Tcp}


def run(cell):
    """The flows begin one after the other, and end together."""
    make(cell, len(cell["flows"]))
    flows = []
    for number, flow in enumerate(cell["flows"], 1):
        kind, name = flow.split("/")
        flows.append(KINDS[kind](number, name, cell))
    while not all(flow.ready() for flow in flows):
        if any(flow.server.poll() is not None for flow in flows):
            sys.exit("cclab: a server did not start")
        time.sleep(0.05)
    began = time.monotonic_ns()
    for number, flow in enumerate(flows):
        wait = began / 1e9 + number * cell["stagger"] - time.monotonic()
        time.sleep(max(0, wait))
        flow.begin(cell["seconds"] - number * cell["stagger"])
    time.sleep(max(0, began / 1e9 + cell["seconds"] - time.monotonic()))
    result = {"cell": cell, "points": [flow.end(began) for flow in flows]}
    remove(len(flows))
    return result


def load(names):
    """BPF controllers: what the author has named, then those of the plan that nobody has
    registered yet.  What is called as a native one is in the file of that name."""
    for file in sorted(glob.glob("/work/*.bpf.o")):
        sh("quicctl cc load", file)
    listed = json.loads(subprocess.check_output(["quicctl", "-j", "cc"]))
    there = {row["name"] for row in listed}
    for name in names:
        if name not in there:
            sh("quicctl cc load", "%s/%s.bpf.o" % (PROGRAMS, name.removeprefix("bpf_")))


def main():
    plan = json.loads(os.environ["PLAN"])
    sh("modprobe -a aesni_intel quic sch_netem tcp_bbr")
    os.makedirs(WWW, exist_ok=True)
    with open(WWW + "/data", "w", encoding="ascii") as file:
        file.truncate(1 << 40)
    load(sorted({f.split("/")[1] for c in plan for f in c["flows"] if f[:5] == "quic/"}))
    for number, cell in enumerate(plan, 1):
        print("cclab: %d of %d: %s" % (number, len(plan), json.dumps(cell)), file=sys.stderr)
        line = json.dumps(run(cell))
        print(line, flush=True)
        time.sleep(len(line) / OUTPUT)  # not beside the next one


main()
