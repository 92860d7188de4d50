# SPDX-License-Identifier: GPL-2.0
"""
What is measured: one row per scenario.

A row says what is counted (bytes, exchanges or connections), how often in the
lab, where a scenario is run with n and with 2n of them, and what quicperf's
client does, {n} filled in; n is per exchange, stream or connection, as the
option says. On real machines it runs for a time instead. Sizes that a row does
not name are quicperf's own: MTU 1500, AES-128-GCM, 64 KiB per call, one
connection, one stream.

Groups: "quick" is `make bench-quick`, "gate" what is held against the committed
baseline, "wall" what is run by the clock, on real machines and under KVM,
"offload" what goes through NICs that seal and open.
"""

import dataclasses

BYTE, EXCHANGE, CONNECTION = "byte", "exchange", "connection"
KIB, MIB = 1 << 10, 1 << 20
ALL = ("tcp", "ktls", "quic")
TLS = ("ktls", "quic")
QUIC = ("quic",)
PEERS = ("ngtcp2", "nginx")         # see peers.py
BOTH = ("default", "segs1")         # see topology.py
NO_PEERS = ()


@dataclasses.dataclass(frozen=True)
class Scenario:
    name: str
    unit: str
    n: int
    client: str
    server: str = ""
    transports: tuple = ALL
    peers: tuple = NO_PEERS         # these can only serve a file
    modes: tuple = BOTH
    mtu: int = 1500
    link: str = ""                  # netem's words, at a router between the ends
    sysctl: str = ""
    steer: bool = False             # the lab's server has xdp_quic_steer at its device
    program: str = ""               # of bpf/, to be loaded before
    idle: int = 0                   # other connections, which are open meanwhile
    groups: str = "wall"


def rows():
    row = Scenario
    yield row("bulk-down", BYTE, 16 * MIB, "-d {n}", peers=PEERS, groups="quick gate wall")
    yield row("bulk-up", BYTE, 16 * MIB, "-u {n}", groups="quick gate wall")

    for streams in 8, 64:
        n = 16 * MIB // streams
        yield row("down-%d-streams" % streams, BYTE, n, "-s %d -d {n}" % streams,
                  transports=QUIC)
        yield row("up-%d-streams" % streams, BYTE, n, "-s %d -u {n}" % streams,
                  transports=QUIC)
    yield row("down-16-connections", BYTE, MIB, "-c 16 -d {n}")
    yield row("up-16-connections", BYTE, MIB, "-c 16 -u {n}")

    for size in 1, 4, 16:
        yield row("write-%dK" % size, BYTE, 4 * MIB, "-w %dK -u {n}" % size)
    yield row("mtu-9000-down", BYTE, 16 * MIB, "-d {n}", mtu=9000)
    yield row("mtu-9000-up", BYTE, 16 * MIB, "-u {n}", mtu=9000)
    yield row("sendfile", BYTE, 16 * MIB, "-d {n}", server="--sendfile", groups="gate wall")

    yield row("request", EXCHANGE, 1000, "-u 512 -d 4000 -n {n}", groups="quick gate wall")
    yield row("request-16-streams", EXCHANGE, 100, "-u 512 -d 4000 -s 16 -n {n}",
              transports=QUIC)
    yield row("request-16-connections", EXCHANGE, 100, "-u 512 -d 4000 -c 16 -n {n}")
    # What a program at the device costs packets that are home already; for those that
    # are not it takes several processors, and a clock.
    for steer in False, True:
        name = "-64-connections" + "-steered" * steer
        yield row("request" + name, EXCHANGE, 30, "-u 512 -d 4000 -c 64 -n {n}", steer=steer,
                  transports=QUIC if steer else ALL, modes=("segs1",), groups="wall")
        yield row("up" + name, BYTE, MIB // 4, "-c 64 -u {n}", steer=steer,
                  transports=QUIC if steer else ALL, modes=("segs1",), groups="wall")
    yield row("handshake", CONNECTION, 40, "-n 0 --repeat {n}", transports=TLS,
              modes=("default",), groups="gate wall")
    yield row("handshake-resumed", CONNECTION, 40, "-n 0 --repeat {n} --resume",
              server="--tickets", transports=TLS, modes=("default",))

    for way in "down", "up":
        yield row("offload-" + way, BYTE, 16 * MIB, "-%s {n}" % way[0], transports=QUIC,
                  modes=("offload",), groups="offload")

    yield row("bulk-spread", BYTE, 16 * MIB, "-d {n}", transports=QUIC,
              sysctl="net.quic.spread_mbit=1", groups="")

    yield row("scale", BYTE, 16 * MIB, "-c 8 -d {n}", transports=TLS, modes=("segs1",),
              groups="scale")
    # Enough losses that it does not matter how late the first of them comes.
    for percent, n in ("0.1", 24 * MIB), ("1", 4 * MIB):
        yield row("loss-%s" % percent, BYTE, n, "-d {n}", modes=("segs1",),
                  link="delay 15ms loss %s%% seed 1" % percent, groups="")
    yield row("no-ack-frequency", BYTE, 16 * MIB, "-d {n}", transports=QUIC,
              sysctl="net.quic.ack_frequency=0", groups="")
    for name in "cubic", "bbr":
        yield row("bulk-" + name, BYTE, 16 * MIB, "-d {n}", transports=QUIC,
                  sysctl="net.quic.congestion_control=" + name, groups="cc")
        yield row("bulk-bpf-" + name, BYTE, 16 * MIB, "-d {n}", transports=QUIC,
                  program="cc/%s.bpf.o" % name,
                  sysctl="net.quic.congestion_control=bpf_" + name, groups="cc")
    for idle in 100, 1000:
        yield row("request-beside-%d" % idle, EXCHANGE, 1000, "-u 512 -d 4000 -n {n}",
                  transports=QUIC, modes=("default",), idle=idle, groups="")


TABLE = {scenario.name: scenario for scenario in rows()}


def choose(names, group):
    """Scenarios by name, or those of a group, or all that count instructions."""
    unknown = set(names) - set(TABLE)
    if unknown:
        raise SystemExit("no such scenario: %s; there are: %s" % (
            " ".join(sorted(unknown)), " ".join(TABLE)))
    return [s for s in TABLE.values()
            if (s.name in names if names else
                group in s.groups.split() if group else s.groups != "scale")]
