# SPDX-License-Identifier: GPL-2.0
"""
What an idle connection costs its server, in memory of the kernel.

Client and server share a kernel here, and the objects of both are alike. So the
connections are opened, the link is cut, and the server is killed: what is freed
then was the server's, down to the file and its entry in the event loop, and
the clients do not notice.
"""

import collections
import glob
import os
import signal
import subprocess
import time

import ends
import peers
import scenarios
import topology

SETTLE = 5                              # seconds; delayed ACKs, new IDs, RCU
GONE = 60                               # until all that was closed must be freed
KEPT = ("Slab", "MemFree", "Buffers", "Cached", "AnonPages", "KernelStack", "PageTables",
        "Percpu", "VmallocUsed", "MemTotal")


def shrink():
    """Free objects that processors keep for themselves."""
    for path in glob.glob("/sys/kernel/slab/*/shrink"):
        try:
            with open(path, "w", encoding="ascii") as file:
                file.write("1")
        except OSError:
            pass


def slabs():
    """{cache: bytes of its objects in use}"""
    shrink()
    used = {}
    with open("/proc/slabinfo", encoding="ascii") as file:
        for line in file.readlines()[2:]:
            name, active, _, size = line.split()[:4]
            used[name] = int(active) * int(size)
    return used


def other_pages():
    """Bytes of the kernel that are neither slab, nor page cache, nor free."""
    with open("/proc/meminfo", encoding="ascii") as file:
        info = {line.split(":")[0]: int(line.split()[1]) * 1024 for line in file}
    return info["MemTotal"] - sum(info[name] for name in KEPT[:-1]) + info["Percpu"]


def sockets(namespace):
    """How many sockets the server still has."""
    text = namespace.read("/proc/net/quic/conns") + namespace.read("/proc/net/tcp")
    return len(text.splitlines())


def resident(pid):
    with open("/proc/%d/status" % pid, encoding="ascii") as file:
        for line in file:
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
    return 0


class Memory:
    """Of so many idle connections; samples go to emit()."""

    SCENARIO = scenarios.Scenario("idle", scenarios.CONNECTION, 0, "",
                                  server="--tickets")

    def __init__(self, emit, connections):
        self.emit, self.connections = emit, connections

    def run(self, transport):
        topology.make("default", 1500, "")
        # A TCP socket that nobody owns would wait for its peer.
        subprocess.run(["sysctl", "-qw", "net.ipv4.tcp_max_orphans=0"], check=True)
        server, client = ends.Namespace("srv"), ends.Namespace("cli")
        user = peers.Quicperf(transport, server, client, topology.SERVER, topology.PORT)
        user.start(self.SCENARIO)
        # It costs the server less than a full handshake, and leaves the same.
        options = () if transport == "tcp" else ("--resume",)
        warm = user.hold(1, *options)
        before = resident(user.process.pid)
        held = user.hold(self.connections, *options)
        time.sleep(SETTLE)
        user_bytes = resident(user.process.pid) - before
        topology.ip("-n srv link set data down")
        ends.stop(warm)
        first, pages = slabs(), other_pages()
        os.kill(user.process.pid, signal.SIGKILL)
        for _ in range(GONE):
            time.sleep(1)
            if sockets(server) <= 2:      # headings
                break
        time.sleep(SETTLE)
        last, pages_after = slabs(), other_pages()
        self.report(transport, {name: (first[name] - last.get(name, 0)) / self.connections
                                for name in first},
                    (pages - pages_after) / self.connections, user_bytes / self.connections)
        ends.stop(held)
        user.stop()
        topology.remove()

    def report(self, transport, freed, pages, user_bytes):
        caches = collections.Counter({name: size for name, size in freed.items() if size >= 8})
        self.emit({"transport": transport, "scenario": "idle", "mode": "default",
                   "connections": self.connections, "memory": {
                       "kernel_bytes": sum(freed.values()) + pages,
                       "slab_bytes": sum(freed.values()), "page_bytes": pages,
                       "program_bytes": user_bytes,
                       "caches": dict(caches.most_common(20))}})
