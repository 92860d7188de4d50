# SPDX-License-Identifier: GPL-2.0
"""
Four network namespaces in a row, and what the link between the routers does.

      cli              r1                  r2              srv
    .0.100  ------- .0.2  .1 ---------- .2  .100.2 ------- .100.100
            edge           mid        mid          edge

Addresses are 193.167.0.0/24 and 193.167.100.0/24, fd00:cafe:cafe:0::/64 and
fd00:cafe:cafe:100::/64. Rate and queue (tbf, pfifo) are at both ends of mid,
the delay (netem) is at the edges towards the ends, the loss before it
(link.bpf.c), the NAT at r1's end of mid (nat.bpf.c). Each packet crosses alone
(gso_max_segs 1), with its checksum in it.
"""

import contextlib
import json
import os
import shutil
import struct
import subprocess

V4, V6 = "193.167.100.100", "fd00:cafe:cafe:100::100"
PORT = 443
PREFERRED_PORT = 4443
PROGRAMS = "/kquic/build/%s/interop" % ".".join(os.uname().release.split(".")[:2])

# name of the device, at which end, its peer, addresses
LINKS = (
    (("cli", "eth0", "193.167.0.100/24", "fd00:cafe:cafe::100/64"),
     ("r1", "edge", "193.167.0.2/24", "fd00:cafe:cafe::2/64")),
    (("r1", "mid", "10.0.0.1/30", "fd00:cafe:cafe:50::1/64"),
     ("r2", "mid", "10.0.0.2/30", "fd00:cafe:cafe:50::2/64")),
    (("r2", "edge", "193.167.100.2/24", "fd00:cafe:cafe:100::2/64"),
     ("srv", "eth0", V4 + "/24", V6 + "/64")),
)
ROUTES = (
    ("cli", "default", "193.167.0.2", "fd00:cafe:cafe::2"),
    ("srv", "default", "193.167.100.2", "fd00:cafe:cafe:100::2"),
    ("r1", ("193.167.100.0/24", "fd00:cafe:cafe:100::/64"), "10.0.0.2",
     "fd00:cafe:cafe:50::2"),
    ("r2", ("193.167.0.0/24", "fd00:cafe:cafe::/64"), "10.0.0.1", "fd00:cafe:cafe:50::1"),
)


SYSCTLS = (
    ("ipv4/ip_forward", "1"), ("ipv6/conf/all/forwarding", "1"),
    ("ipv6/conf/all/accept_dad", "0"), ("ipv6/conf/default/accept_dad", "0"),
)


def run(*command, **options):
    done = subprocess.run(command, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, **options)
    if done.returncode:
        raise RuntimeError("%s: %s" % (" ".join(command), done.stdout.strip()))
    return done.stdout


def hexadecimal(data):
    return ["0x%02x" % byte for byte in data]


def mac(end_of_link):
    """Of the device, made of its namespace and its name."""
    return "02:00:" + ":".join("%02x" % byte for byte in (
        end_of_link[0][:2] + end_of_link[1][:2]).encode())


class Topology:
    """Namespaces NAME-cli, NAME-r1, NAME-r2, NAME-srv."""

    def __init__(self, name, link):
        self.name, self.link = name, link
        self.pinned = "/sys/fs/bpf/interop-" + name
        self.build()

    def ns(self, end):
        return "%s-%s" % (self.name, end)

    @contextlib.contextmanager
    def inside(self, end):
        """This thread, and what it starts, are in a namespace meanwhile. Every process
        saved counts under emulation, so it is not ip or nsenter that goes there."""
        home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        there = os.open("/run/netns/" + self.ns(end), os.O_RDONLY)
        try:
            os.setns(there, os.CLONE_NEWNET)
            yield
        finally:
            os.setns(home, os.CLONE_NEWNET)
            os.close(there)
            os.close(home)

    def batch(self, tool, end, lines):
        with self.inside(end):
            run(tool, "-batch", "-", input="\n".join(lines) + "\n")

    def read_proc(self, end, name):
        """A file of /proc/net."""
        with self.inside(end):
            try:
                with open("/proc/thread-self/net/" + name) as source:
                    return source.read()
            except OSError:
                return ""

    def build(self):
        ends = "cli", "r1", "r2", "srv"
        run("ip", "-batch", "-", input="".join(
            "netns add %s\n" % self.ns(end) for end in ends))
        for end in ends:
            with self.inside(end):
                for name, value in SYSCTLS:
                    with open("/proc/sys/net/" + name, "w") as out:
                        out.write(value)
        run("ip", "-batch", "-", input="".join(
            "link add %s address %s netns %s type veth peer name %s address %s netns %s\n" % (
                one[1], mac(one), self.ns(one[0]), other[1], mac(other), self.ns(other[0]))
            for one, other in LINKS))
        lines = {end: ["link set lo up"] for end in ends}
        for one, other in LINKS + tuple((b, a) for a, b in LINKS):
            end, dev, v4, v6 = one
            lines[end] += ["addr add %s dev %s" % (v4, dev),
                           "addr add %s dev %s nodad" % (v6, dev),
                           "link set %s gso_max_segs 1 up" % dev]
            # Who has to ask for a neighbour first waits as long as for an answer to QUIC.
            lines[end] += ["neigh replace %s lladdr %s dev %s nud permanent" % (
                address.split("/")[0], mac(other), dev) for address in other[2:]]
        for end, to, v4, v6 in ROUTES:
            to4, to6 = (to, to) if to == "default" else to
            lines[end] += ["route add %s via %s" % (to4, v4),
                           "route add %s via %s" % (to6, v6)]
        for end in lines:
            self.batch("ip", end, lines[end])
        for end in "cli", "srv":
            with self.inside(end):
                run("ethtool", "-K", "eth0", "tx", "off", "gro", "off")
        self.shape()
        if self.link.spoils():
            for end, way in ("r2", "server"), ("r1", "client"):
                self.spoil(end, way)
        if self.link.rebind:
            self.nat()

    def shape(self):
        for end in "r1", "r2":
            self.batch("tc", end, [
                "qdisc add dev mid root handle 1: tbf rate %s burst 1600 limit 38000"
                % self.link.rate,
                "qdisc add dev mid parent 1:1 pfifo limit %d" % self.link.queue,
                "qdisc add dev edge root netem delay %dms limit 10000" % self.link.delay_ms,
                "qdisc add dev edge clsact"])

    def load(self, what, program=None):
        where = self.pinned + "/" + what
        os.makedirs(where, exist_ok=True)
        run("bpftool", "prog", "loadall", "%s/%s.bpf.o" % (PROGRAMS, what.split("-")[0]),
            where, "pinmaps", where + "/maps")
        return where

    def write(self, pinned, value):
        run("bpftool", "map", "update", "pinned", pinned, "key", "0", "0", "0", "0",
            "value", *hexadecimal(value))

    def read(self, pinned):
        dump = json.loads(run("bpftool", "-j", "map", "dump", "pinned", pinned))
        value = dump[0].get("formatted", dump[0])["value"]
        return {key: value[key] for key in value if key not in ("lock", "pad")}

    def spoil(self, end, way):
        """The rules for what goes towards the server, or the client."""
        link = self.link
        where = self.load("link-" + way)
        numbers = sum(1 << n for n in link.drop_to_server) if way == "server" else 0
        dark = [int(s * 1e9) for s in link.dark_s]
        # struct link of link.bpf.c
        self.write(where + "/maps/link", struct.pack(
            "<IIII3Q2I4Q", 0, link.percent, 3, link.corrupt, numbers, *dark, 0, 0,
            0, 0, 0, 0))
        self.batch("tc", end, ["filter add dev edge egress bpf direct-action "
                               "object-pinned %s/spoil" % where])

    def nat(self):
        where = self.load("nat")
        # struct nat of nat.bpf.c
        self.write(where + "/maps/nat", struct.pack(
            "<QQ4I3Q", 10**9, 5 * 10**9, self.link.rebind == "addr", 0, 0, 0, 0, 0, 0))
        self.batch("tc", "r1", [
            "qdisc add dev mid clsact",
            "filter add dev mid egress bpf direct-action object-pinned %s/outward" % where,
            "filter add dev mid ingress bpf direct-action object-pinned %s/inward" % where])

    def facts(self):
        """What link and NAT did, for the judge."""
        facts = {way: self.read("%s/link-%s/maps/link" % (self.pinned, way))
                 for way in ("server", "client") if self.link.spoils()}
        if self.link.rebind:
            facts["nat"] = self.read(self.pinned + "/nat/maps/nat")
        return facts

    def remove(self):
        subprocess.run(["ip", "-force", "-batch", "-"], text=True, input="".join(
            "netns del %s\n" % self.ns(end) for end in ("cli", "r1", "r2", "srv")),
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        shutil.rmtree(self.pinned, ignore_errors=True)
