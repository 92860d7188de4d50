# SPDX-License-Identifier: GPL-2.0
"""
The table of cases: what is fetched, through which link, under which name.

They are those of the public QUIC interop runner, with its scenarios and its
criteria; what a case demands beyond equal files is in judge.py, under the
case's name.
"""

import os
from dataclasses import dataclass, field

KIB, MIB = 1 << 10, 1 << 20
# One after the other in the cases of many; fewer where time is short.
CONNECTIONS = int(os.environ.get("CONNECTIONS") or 50)


@dataclass
class Link:
    """A scenario: one bottleneck, the same in both directions."""
    delay_ms: int = 15
    rate: str = "10mbit"
    queue: int = 25                 # packets
    percent: int = 0                # of the packets each way are hit
    corrupt: bool = False           # changed, not lost
    drop_to_server: tuple = ()      # numbers of packets, from 1
    dark_s: tuple = (0, 0)          # from, to: seconds after the first packet
    rebind: str = ""                # "port" or "addr": 1 s, then every 5 s

    def spoils(self):
        """Does it lose or change packets, other than by its queue?"""
        return bool(self.percent or self.drop_to_server or any(self.dark_s))


@dataclass
class Case:
    name: str
    files: dict                     # name: size
    link: Link = field(default_factory=Link)
    protocol: str = "hq"            # what to speak where both can; http3 is h3
    what: str = "transfer"          # the client: see peers.py
    family: int = 4
    chain: str = "cert"             # which certificate chain the server has
    limit: int = 60                 # seconds
    repeat: int = 1                 # runs of kquic with itself
    alone: bool = False             # nothing else may run meanwhile
    tcp: bool = False               # a TCP flow competes


def sizes(*megabytes):
    return {"f%d" % n: size * MIB for n, size in enumerate(megabytes, 1)}


def long_names(count):
    """Names of 250 characters, as the 0-RTT case wants them."""
    return {("%03d" % n) + "x" * 247: 32 for n in range(count)}


LOSSY = dict(percent=30)
A_FEW = dict(percent=2)

CASES = {case.name: case for case in (
    Case("handshake", {"f1": KIB}),
    Case("transfer", sizes(2, 3, 5)),
    Case("longrtt", {"f1": KIB}, Link(delay_ms=750)),
    Case("chacha20", sizes(3), what="chacha20"),
    Case("multiplexing", {"m%04d" % n: 32 for n in range(1999)}),
    Case("retry", {"f1": 10 * KIB}, what="retry"),
    Case("resumption", {"f1": 5 * KIB, "f2": 10 * KIB}, what="resumption"),
    Case("zerortt", long_names(40), what="zerortt"),
    Case("http3", {"f1": 5 * KIB, "f2": 10 * KIB, "f3": 500 * KIB}, protocol="h3"),
    Case("blackhole", sizes(10), Link(dark_s=(5, 7))),
    Case("keyupdate", sizes(3), what="keyupdate"),
    Case("ecn", {"f1": 100 * KIB}, what="ecn"),
    Case("amplificationlimit", {"f1": 5 * KIB}, Link(drop_to_server=(2, 3, 4, 5, 6, 7)),
         chain="long"),
    Case("handshakeloss", {"f%d" % n: KIB for n in range(CONNECTIONS)}, Link(**LOSSY),
         what="multiconnect", limit=300),
    Case("transferloss", sizes(2), Link(**A_FEW)),
    Case("handshakecorruption", {"f%d" % n: KIB for n in range(CONNECTIONS)},
         Link(corrupt=True, **LOSSY), what="multiconnect", limit=300),
    Case("transfercorruption", sizes(2), Link(corrupt=True, **A_FEW)),
    Case("ipv6", {"f1": 5 * KIB, "f2": 10 * KIB}, family=6),
    Case("v2", {"f1": KIB}, what="v2"),
    Case("rebind-port", sizes(10), Link(rebind="port")),
    Case("rebind-addr", sizes(10), Link(rebind="addr")),
    Case("connectionmigration", sizes(2), what="migration"),
    # The measurements: kbit/s over the link of 10 Mbit/s.
    Case("goodput", sizes(10), repeat=5, alone=True),
    Case("crosstraffic", sizes(25), limit=180, alone=True, tcp=True),
)}


def repeats(case, client, server):
    """How often: emulated time hardly varies, so with others once is enough."""
    return CASES[case].repeat if client == server else 1
