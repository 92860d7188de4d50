# SPDX-License-Identifier: GPL-2.0
"""
Two namespaces, a server of kernel QUIC in one, clients in the other, and XDP
programs loaded as an operator loads them. For the tests that need more than frames.

     srv: 10.9.0.1 data ---- veth ---- data 10.9.0.2 :cli

With queues, the device of srv is one with RSS: the hash of addresses and ports chooses
a packet's queue, and each has a CPU.
"""

import functools
import json
import os
import subprocess
import time

import bpf
from bpf import check, lib

PIN = "/sys/fs/bpf/quic"
SERVER, CLIENT, PORT = "10.9.0.1", "10.9.0.2", 443
WORK = "/tmp/xdp"
FILE = os.urandom(1 << 18)


def run(*command, ns=None, check=True, timeout=100):
    """Not by `ip netns exec`, which hides the pinned maps."""
    command = [str(word) for word in command]
    if ns:
        command = ["nsenter", "--net=/run/netns/" + ns] + command
    done = subprocess.run(command, text=True, stdin=subprocess.DEVNULL, timeout=timeout,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    print("  $", *command, "->", done.returncode)
    for line in done.stdout.splitlines()[-20:]:
        print("    " + line)
    assert not check or done.returncode == 0, "it failed: " + " ".join(command)
    return done


def wait_for(what, condition):
    for _ in range(300):
        if condition():
            return
        time.sleep(0.1)
    raise AssertionError("not in 30 s: " + what)


def make_network(queues=1):
    for ns in "srv", "cli":
        run("ip", "netns", "add", ns)
        run("ip", "-n", ns, "link", "set", "lo", "up")
    run("ip", "link", "add", "data", "netns", "srv", "numrxqueues", queues, "numtxqueues", queues,
        "type", "veth", "peer", "name", "data", "netns", "cli", "numrxqueues", queues,
        "numtxqueues", queues)
    for ns, address in ("srv", SERVER), ("cli", CLIENT):
        run("ip", "-n", ns, "addr", "add", address + "/24", "dev", "data")
        run("ip", "-n", ns, "link", "set", "data", "up")
        # Unfinished checksums are lost where a frame is redirected; without GRO
        # veth takes no XDP_TX of its peer.
        run("ethtool", "-K", "data", "tx", "off", "gro", "on", ns=ns)
    # veth wakes up who gets an XDP_TX frame only if he has a program, too; else the frame
    # waits for the next one.
    passes = PIN + "_passes"
    check(lib.bpf_obj_pin(bpf.Empty().fd, passes.encode()), "pin")
    run("bpftool", "net", "attach", "xdpdrv", "pinned", passes, "dev", "data", ns="cli")
    os.unlink(passes)
    if queues > 1:
        pin_queues(queues)


def pin_queues(queues):
    """A kernel thread for each, on a CPU of its own. Once more after a program came."""
    run("ip", "netns", "exec", "srv", "sh", "-c", "echo 1 >/sys/class/net/data/threaded")
    threads = run("pgrep", "^napi/data").stdout.split()
    for cpu, thread in enumerate(sorted(threads, key=int)[-queues:]):
        run("taskset", "-pc", cpu, thread)


def remove_network():
    for ns in "srv", "cli":
        run("ip", "netns", "del", ns, check=False)


def network(test):
    """With the two namespaces, which are gone afterwards, whatever happens."""
    @functools.wraps(test)
    def inside():
        make_network()
        try:
            yield from test()
        finally:
            unload()
            remove_network()
    return inside


# ---- the programs ---------------------------------------------------------------


def load(name, mode, ns="srv", check=True):
    return run("xdp-loader", "load", "-m", mode, "-p", PIN, "data",
               "%s/%s.bpf.o" % (bpf.PROGRAMS, name), ns=ns, check=check)


def unload(ns="srv"):
    run("xdp-loader", "unload", "-a", "data", ns=ns, check=False)
    run("rm", "-rf", PIN)


def pinned(name, key_size, value_size):
    return bpf.pinned("%s/%s" % (PIN, name), key_size, value_size)


def counts(which):
    """{reason: packets so far}"""
    reasons = bpf.names(which)
    return dict(zip(reasons, pinned("quic_%s_n" % which.lower(), 4, 8).sums(len(reasons))))


def stats(ns="srv"):
    """/proc/net/quic/stats, all that is a number."""
    rows = [line.split() for line in run("cat", "/proc/net/quic/stats", ns=ns).stdout.splitlines()]
    return {row[0]: int(row[1]) for row in rows if len(row) == 2 and row[1].isdigit()}


# ---- the ends ----------------------------------------------------------------------

class Server:
    """quicserve, until its block ends, or it was terminated before."""

    started = 0

    def __init__(self, *options):
        self.options = options

    def __enter__(self):
        os.makedirs(WORK + "/site", exist_ok=True)
        with open(WORK + "/site/file", "wb") as file:
            file.write(FILE)
        Server.started += 1
        self.log = "%s/server%d.log" % (WORK, Server.started)
        with open(self.log, "w") as log:
            self.process = subprocess.Popen(
                ["nsenter", "--net=/run/netns/srv", "quicserve", "-v", "-a", SERVER, "-p",
                 str(PORT), *self.options, WORK + "/site"], stdout=log, stderr=log)
        wait_for("quicserve", lambda: "serving" in self.said())
        return self

    def said(self):
        with open(self.log, encoding="utf-8", errors="replace") as log:
            return log.read()

    def table(self, name):
        """Rows of /proc/net/quic/NAME in its namespace."""
        with open("/proc/%d/net/quic/%s" % (self.process.pid, name), encoding="ascii") as file:
            lines = [line.split() for line in file]
        return [dict(zip(lines[0], line)) for line in lines[1:]]

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()


def fetched():
    with open(WORK + "/got", "rb") as file:
        assert file.read() == FILE, "another file"
    os.unlink(WORK + "/got")


def fetch_kquic():
    run("quicget", "-k", "-o", WORK + "/got", "https://%s:%d/file" % (SERVER, PORT), ns="cli")
    fetched()


def fetch_ngtcp2():
    os.makedirs(WORK + "/out", exist_ok=True)
    run("gtlsclient", "-q", "--exit-on-all-streams-close", "--download=" + WORK + "/out",
        SERVER, str(PORT), "https://%s:%d/file" % (SERVER, PORT), ns="cli")
    os.rename(WORK + "/out/file", WORK + "/got")
    fetched()


CLIENTS = {"kquic": fetch_kquic, "ngtcp2": fetch_ngtcp2}


def loaded(ns="srv"):
    """{function: priority} of the device, as xdp-loader shows it."""
    text = run("xdp-loader", "status", "data", ns=ns).stdout
    rows = {}
    for line in text.splitlines():
        words = line.split()
        for i, word in enumerate(words):
            if word.startswith("xdp_quic") and i and words[i - 1].isdigit():
                rows[word] = int(words[i - 1])
    return rows


def as_json(*command, ns=None):
    return json.loads(run(*command, ns=ns).stdout)
