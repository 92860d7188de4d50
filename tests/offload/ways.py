# SPDX-License-Identifier: GPL-2.0
"""
Ways out: where a packet can go between connection and wire, other than straight
to the device that seals it, or from the wire, other than to its connection.

Each is a row of WAYS. A download begins that leaves its sealing to the device, then
packets are led that way until a counter says that they went there, then the rest
follows. What is captured on the wires must be ciphertext, and must be something.
"""

import contextlib
import dataclasses
import os
import re
import subprocess
import time
import typing

from nfqueue import Queue
from world import (Capture, Server, counter, device, device_counter, directions, has_device, hold,
                   inject, ip, kernel_counter, offer_anew, two_routes, within)

OBJECT = os.environ["QUICSIM"].rsplit("/", 1)[0] + "/ways.bpf.o"
PORT = "4433"


def said(ns, *command):
    return subprocess.run(["ip", "netns", "exec", ns, *command], text=True,
                          stdout=subprocess.PIPE).stdout


# ---- what tells that it was taken ---------------------------------------------
# Each returns a number that grows.


def sealed_on_the_way():
    """Packets handed down in plaintext, and sealed for another device."""
    return counter("srv", "QuicOffloadTxFallback")


def refused():
    """... that nobody could seal."""
    return counter("srv", "QuicOffloadTxDrop")


class Before:
    """... that were not handed down in plaintext, while none was. (Some never are.)"""

    def __init__(self):
        self.count = self.device = self.all = 0

    def __call__(self):
        device, all = by_device(), counter("srv", "QuicTxPackets")
        if device == self.device:
            self.count += max(all - self.all, 0)
        self.device, self.all = device, all
        return self.count


sealed_before = Before()


def too_late():
    """... that were, and met what they should not have."""
    return sealed_on_the_way() + refused() + sum(
        dropped("srv", dev)() for dev in ("qs0", "va") if has_device("srv", dev))


def by_device():
    """... that were, for the device."""
    return counter("srv", "QuicOffloadTx")


def received():
    return counter("cli", "QuicRxPackets")


def dropped(ns, dev):
    """... that the kernel dropped before a device got them."""
    return lambda: device_counter(ns, dev, "tx_dropped")


def arrived(ns, dev):
    """Bytes: more than the noise of an idle device."""
    return lambda: device_counter(ns, dev, "rx_bytes")


def opened():
    return counter("cli", "QuicOffloadRx")


def action_hits():
    """... that an action of the qdisc's filter has seen."""
    text = said("srv", "tc", "-s", "filter", "show", "dev", "qs0", "parent", "1:")
    return int((re.findall(r"Sent \d+ bytes (\d+) pkt", text) or ["0"])[-1])


def snmp(ns, protocol, name):
    return lambda: kernel_counter(ns, protocol, name)


# ---- how packets are led there --------------------------------------------------


def nft(ns, *commands):
    within(ns, "nft", "; ".join(commands))


def chain(ns, hook, rule, kind="filter", family="ip"):
    nft(ns, "add table %s ways" % family,
        "add chain %s ways way { type %s hook %s; }" % (family, kind, hook),
        "add rule %s ways way %s" % (family, rule))


def no_chain(ns="srv", family="ip"):
    nft(ns, "delete table %s ways" % family)


def reroute(*route, family="ip"):
    """Netfilter chooses another route than the connection's."""
    version = "-6" if family == "ip6" else "-4"
    ip("-n", "srv", version, "rule", "add", "fwmark", "1", "table", "100", "priority", "50")
    ip("-n", "srv", version, "route", "add", "default", *route, "table", "100")
    chain("srv", "output priority mangle", "udp sport %s meta mark set 1" % PORT, "route",
          family)


def over(dev, *kind, lower="va", ours=None, theirs=None):
    """... over a device that is made of others."""
    ip("-n", "srv", "link", "add", *(("link", lower) if lower else ()), "name", dev, *kind)
    ip("-n", "srv", "address", "add", "10.6.0.1/24", "dev", dev)
    ip("-n", "srv", "link", "set", dev, "up")
    if theirs:
        ip("-n", "cli", "link", "add", *theirs)
    ip("-n", "cli", "address", "add", "10.6.0.2/24", "dev", ours)
    ip("-n", "cli", "link", "set", ours, "up")
    reroute("via", "10.6.0.2", "dev", dev)


def ipvlan():
    over("iv0", "type", "ipvlan", "mode", "l2", lower="qs0", ours="qs1")
    # The answer to who it is goes to the device whose address asks.
    ip("-n", "srv", "neighbor", "replace", "10.6.0.2", "lladdr", address("cli", "qs1"),
       "dev", "iv0")


def bridge():
    ip("-n", "srv", "link", "add", "br0", "type", "bridge")
    ip("-n", "srv", "link", "set", "va", "master", "br0")
    ip("-n", "srv", "link", "set", "br0", "up")
    ip("-n", "srv", "address", "add", "10.6.0.1/24", "dev", "br0")
    ip("-n", "cli", "address", "add", "10.6.0.2/24", "dev", "vb")
    reroute("via", "10.6.0.2", "dev", "br0")


def bond():
    """Two cables, in the end the second."""
    ip("-n", "srv", "link", "add", "bond0", "type", "bond", "mode", "active-backup")
    ip("-n", "cli", "link", "add", "brc", "type", "bridge")
    for slave, port in ("va", "vb"), ("vc", "vd"):
        ip("-n", "srv", "link", "set", slave, "down")
        ip("-n", "srv", "link", "set", slave, "master", "bond0")
        ip("-n", "cli", "link", "set", port, "master", "brc", "up")
    for ns, dev, last in ("srv", "bond0", 1), ("cli", "brc", 2):
        ip("-n", ns, "link", "set", dev, "up")
        ip("-n", ns, "address", "add", "10.6.0.%d/24" % last, "dev", dev)
    reroute("via", "10.6.0.2", "dev", "bond0")
    yield
    ip("-n", "srv", "link", "set", "bond0", "type", "bond", "active_slave", "vc")
    yield


def another_cable():
    ip("link", "add", "vc", "netns", "srv", "type", "veth", "peer", "vd", "netns", "cli")
    ip("-n", "cli", "link", "set", "vd", "up")


def bond_of_the_device():
    """It becomes a slave, and the address the bond's; then the other slave sends."""
    ip("-n", "srv", "link", "add", "bond0", "type", "bond", "mode", "active-backup")
    for slave in "qs0", "va":
        ip("-n", "srv", "link", "set", slave, "down")
        ip("-n", "srv", "link", "set", slave, "master", "bond0")
    ip("-n", "srv", "address", "delete", "10.9.0.1/24", "dev", "qs0")
    ip("-n", "srv", "link", "set", "bond0", "up")
    ip("-n", "srv", "address", "add", "10.9.0.1/24", "dev", "bond0")
    yield
    # To the client it is the same neighbour, at another port.
    mac = address("cli", "qs1")
    ip("-n", "cli", "link", "set", "vb", "address", mac)
    ip("-n", "cli", "route", "add", "10.9.0.1/32", "dev", "vb", "src", "10.9.0.2")
    ip("-n", "srv", "link", "set", "bond0", "type", "bond", "active_slave", "va")
    yield


def address(ns, dev):
    return said(ns, "cat", "/sys/class/net/%s/address" % dev).strip()


def in_qdisc(*words, dev="qs0"):
    """A filter of the qdisc itself, of which no hook before it tells; for a while."""
    def lead():
        qdisc("handle", "1:", "prio", dev=dev)
        within("srv", "tc", "filter", "add", "dev", dev, "parent", "1:", "protocol", "ip", *words)
        yield
        no_qdisc(dev)
    return lead


def qdisc(*words, dev="qs0"):
    within("srv", "tc", "qdisc", "add", "dev", dev, "root", *words)


def no_qdisc(dev="qs0"):
    within("srv", "tc", "qdisc", "delete", "dev", dev, "root")


def bpf(section):
    return ("bpf", "da", "obj", OBJECT, "sec", "tc_" + section)


def at_egress(*words):
    within("srv", "tc", "qdisc", "add", "dev", "qs0", "clsact")
    within("srv", "tc", "filter", "add", "dev", "qs0", "egress", "protocol", "ip", *words)


def same_address():
    """What is sent by the wrong cable is received nevertheless."""
    ip("-n", "cli", "link", "set", "vb", "address", address("cli", "qs1"))


def netem(*words):
    qdisc("netem", "limit", "10000", *words)
    yield
    no_qdisc()


def corrupted():
    """Linear, so that all of a packet can be hit."""
    within("srv", "ethtool", "-K", "qs0", "sg", "off")
    yield from netem("corrupt", "30%")


def ipsec(*selector):
    """With ciphers that change nothing, so that a capture sees what is in it."""
    for ns in "srv", "cli":
        within(ns, "ip", "xfrm", "state", "add", "src", "10.9.0.1", "dst", "10.9.0.2",
               "proto", "esp", "spi", "0x100", "mode", "transport",
               "enc", "ecb(cipher_null)", "", "auth", "digest_null", "")
    within("srv", "ip", "xfrm", "policy", "add", "src", "10.9.0.1", "dst", "10.9.0.2",
           "proto", "udp", "dir", "out", *selector, "tmpl", "proto", "esp", "mode", "transport")


def fragments():
    """Somebody clears the bit that forbids them, and the other device has a small MTU."""
    ip("-n", "srv", "link", "set", "va", "mtu", "1000")
    reroute("via", "10.8.0.2", "dev", "va")
    nft("srv", "add chain ip ways more { type filter hook postrouting priority 0; }",
        "add rule ip ways more udp sport %s ip frag-off set 0" % PORT)
    yield
    no_chain()


SIZE = (1500 - 28) // 16 * 16    # of a full packet
# Where in its mark, from the end, is what a device goes by, and what is wrong there.
WRONG = {"length": (4, "0x60"),         # more of it would be associated data: in the clear
         "number": (16, "0x55"),        # another packet's nonce
         "key": (8, "0x40"),            # of a generation that is yet to come
         "magic": (2, "0x00")}


def wrong_mark(what, packet=0, **where):
    back, value = WRONG[what]
    return in_qdisc("u32", "match", "u8", "17", "0xff", "at", "9", "action", "pedit", "munge",
                    "offset", str(28 + SIZE * (packet + 1) - back), "u8", "set", value, **where)


def wrong_mark_elsewhere():
    """The device would be told by the mark of the first packet alone; the CPU reads all."""
    marks = wrong_mark("length", 1, dev="va")()
    next(marks)
    reroute("via", "10.8.0.2", "dev", "va")
    yield
    no_chain()
    next(marks, None)


def mpls():
    reroute("encap", "mpls", "100", "via", "10.8.0.2", "dev", "va")
    yield
    no_chain()


def checksums_by_software():
    within("srv", "ethtool", "-K", "qs0", "tx", "off")
    yield
    within("srv", "ethtool", "-K", "qs0", "tx", "on", "tx-udp-segmentation", "on")


def asked(family, change=False):
    def lead():
        queue = Queue("srv", change)
        chain("srv", "output priority 0", "udp sport %s queue num 0" % PORT, family=family)
        yield
        no_chain(family=family)
        queue.close()
    return lead


def smaller_mtu():
    single_packets()
    yield
    mtu(1300)
    yield


def mtu(bytes):
    ip("-n", "srv", "link", "set", "qs0", "mtu", str(bytes))


def on_and_off():
    for _ in range(3):
        offer_anew()
        yield


def forwarding():
    within("srv", "sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv4.conf.all.accept_local=1")


def ipsec_of_the_route():
    mtu(1500)
    ipsec()


def ipsec_rerouted():
    ipsec("mark", "1")
    reroute("via", "10.8.0.2", "dev", "va")
    yield
    no_chain()


def bridge_of_the_device():
    ip("-n", "srv", "link", "add", "br0", "type", "bridge")
    ip("-n", "srv", "link", "set", "br0", "address", address("srv", "qs0"))
    ip("-n", "srv", "link", "set", "br0", "up")
    ip("-n", "srv", "link", "set", "qs0", "master", "br0")
    ip("-n", "srv", "address", "delete", "10.9.0.1/24", "dev", "qs0")
    ip("-n", "srv", "address", "add", "10.9.0.1/24", "dev", "br0")


def moved():
    ip("netns", "add", "far")
    hold("far")
    ip("-n", "srv", "link", "set", "qs0", "netns", "far")
    ip("-n", "cli", "link", "set", "qs1", "down")


def rejected():
    chain("cli", "input priority 0", "udp sport %s counter reject" % PORT)
    yield
    no_chain("cli")


def rule_hits():
    return int((re.findall(r"counter packets (\d+)", said("cli", "nft", "list", "ruleset")) or
                ["0"])[0])


def forwarded():
    """Somebody on the way gives packets an address to which the client's host forwards,
    over a device with a small MTU, and allows to fragment them.
    """
    within("cli", "sysctl", "-qw", "net.ipv4.ip_forward=1")
    ip("-n", "cli", "link", "set", "vb", "mtu", "1000")
    ip("-n", "cli", "route", "add", "10.6.0.9/32", "via", "10.8.0.1")
    at_egress("flower", "ip_proto", "udp", "action", "pedit", "munge", "offset", "6", "u8", "set",
              "0", "pipe", "action", "pedit", "ex", "munge", "ip", "dst", "set", "10.6.0.9", "pipe",
              "action", "csum", "ip4h")
    yield
    within("srv", "tc", "qdisc", "delete", "dev", "qs0", "clsact")


def among_others():
    """Every other packet is not opened, and GRO would like to make one skb of all."""
    single_packets()
    inject("bad_tags", 100000)


def strayed():
    """Packets that a device has opened, and the connection did not get, of all that came:
    not those that are still on their way to it."""
    def missing():
        return device("cli")["rx_packets"] - opened()

    first = missing()
    time.sleep(0.3)
    return min(first, missing())


def ingress(*words):
    def lead():
        within("cli", "tc", "qdisc", "add", "dev", "qs1", "clsact")
        within("cli", "tc", "filter", "add", "dev", "qs1", "ingress", "protocol", "ip", *words)
        yield
        within("cli", "tc", "qdisc", "delete", "dev", "qs1", "clsact")
    return lead


def ingress_nft():
    chain("cli", "ingress device qs1 priority 0", "ip protocol udp fwd to vb", family="netdev")
    yield
    no_chain("cli", "netdev")


def single_packets():
    within("srv", "ethtool", "-K", "qs0", "tx-udp-segmentation", "off", "gso", "off")


def xdp(section):
    def lead():
        ip("-n", "cli", "link", "set", "qs1", "xdpgeneric", "obj", OBJECT, "sec", section)
        yield
        ip("-n", "cli", "link", "set", "qs1", "xdpgeneric", "off")
    return lead


def bridged():
    """... whose frames go to a station behind a bridge."""
    ip("-n", "cli", "link", "add", "br0", "type", "bridge")
    for port in "vb", "qs1":
        ip("-n", "cli", "link", "set", port, "master", "br0")
    ip("-n", "cli", "link", "set", "br0", "up")
    ip("-n", "srv", "neighbor", "replace", "10.9.0.2", "lladdr", address("srv", "va"), "dev", "qs0")
    yield
    ip("-n", "cli", "link", "set", "qs1", "nomaster")
    ip("-n", "srv", "neighbor", "replace", "10.9.0.2", "lladdr", address("cli", "qs1"),
       "dev", "qs0")


# ---- the table ------------------------------------------------------------------


@dataclasses.dataclass
class Way:
    """lead() may yield: what follows is done when the way was taken until then."""
    name: str
    lead: typing.Callable
    taken: typing.Callable
    wires: dict             # of the client's side, or ns:dev: bytes at least
    least: int = 50         # more of what taken() counts
    prepare: typing.Callable = lambda: None
    directions: tuple = (3, 2)
    host: str = "10.9.0.1"
    options: tuple = ()
    file: str = "way"
    begun: typing.Callable = by_device
    clean: bool = True      # all that arrives can be opened
    late: int = 64          # of what is to be sealed before, as much was on its way


WAYS = [
    # Another device than the connection's route has, which netfilter chose.
    Way("another_device", lambda: reroute("via", "10.8.0.2", "dev", "va"),
        sealed_on_the_way, {"vb": 50000}),
    Way("bridge", bridge, sealed_on_the_way, {"vb": 50000}),
    Way("bond", bond, sealed_on_the_way, {"vb": 20000, "vd": 50000}, prepare=another_cable),
    Way("vlan_over_the_device",
        lambda: over("qs0.5", "type", "vlan", "id", "5", lower="qs0", ours="qs1.5",
                     theirs=("link", "qs1", "name", "qs1.5", "type", "vlan", "id", "5")),
        sealed_on_the_way, {"qs1": 50000}),
    Way("macvlan_over_the_device",
        lambda: over("mv0", "type", "macvlan", "mode", "bridge", lower="qs0", ours="qs1"),
        sealed_on_the_way, {"qs1": 50000}),
    Way("ipvlan_over_the_device", ipvlan, sealed_on_the_way, {"qs1": 50000}),
    Way("ipip",
        lambda: over("ti0", "type", "ipip", "local", "10.8.0.1", "remote", "10.8.0.2",
                     lower=None, ours="ti1",
                     theirs=("name", "ti1", "type", "ipip", "local", "10.8.0.2",
                             "remote", "10.8.0.1")),
        sealed_on_the_way, {"vb": 50000}, prepare=lambda: mtu(1400)),
    Way("another_device_ipv6", lambda: reroute("via", "fd08::2", "dev", "va", family="ip6"),
        sealed_on_the_way, {"vb": 50000}, host="fd09::1"),
    # What the device cannot do: complete checksums, of one family or both.
    Way("checksums_by_software", checksums_by_software, sealed_on_the_way, {"qs1": 50000}),
    Way("key_updates_and_another_device", lambda: reroute("via", "10.8.0.2", "dev", "va"),
        sealed_on_the_way, {"vb": 50000}, least=3000, file="long",
        prepare=lambda: within("srv", "sysctl", "-qw", "net.quic.key_update_packets=500")),
    Way("fragments_by_another_device", fragments, snmp("srv", "Ip", "FragCreates"),
        {"vb": 0, "qs1": 50000}),
    # IPsec, where the connection knows of it and where it does not.
    Way("ipsec", ipsec_of_the_route, sealed_before, {"qs1": 50000}, prepare=lambda: mtu(1400)),
    Way("ipsec_by_another_device", ipsec_rerouted, refused, {"vb": 0, "qs1": 50000}, least=5,
        prepare=lambda: mtu(1400)),
    # Light-weight tunnels, likewise.
    Way("light_weight_tunnel",
        lambda: within("srv", "ip", "route", "replace", "10.9.0.2/32", "encap", "bpf", "xmit",
                       "obj", OBJECT, "section", "lwt_pass", "dev", "qs0"),
        sealed_before, {"qs1": 50000}),
    Way("light_weight_tunnel_by_another_device", mpls, refused, {"vb": 0, "qs1": 50000}, least=1,
        prepare=lambda: mtu(1400)),
    # The connection's route changes, or the device.
    Way("bond_of_the_device", bond_of_the_device, sealed_before, {"qs1": 50000, "vb": 50000}),
    Way("bridge_of_the_device", bridge_of_the_device, sealed_before, {"qs1": 50000}),
    Way("device_in_another_namespace", moved, sealed_before, {"vb": 50000},
        prepare=two_routes, host="10.7.0.1"),
    Way("renamed_device", lambda: ip("-n", "srv", "link", "set", "qs0", "name", "eth7"),
        by_device, {"qs1": 50000}, least=500),
    Way("smaller_mtu_and_software_segmentation", smaller_mtu, by_device, {"qs1": 50000}, least=500),
    Way("device_offers_and_does_not", on_and_off, by_device, {"qs1": 50000}),
    # What hooks of netfilter do.
    Way("netfilter_at_egress",
        lambda: chain("srv", "egress device qs0 priority 0", "ip protocol udp fwd to va",
                      family="netdev"),
        sealed_before, {"vb": 50000}, prepare=same_address),
    # Of what the CPU has sealed both ends share the memory, so that what is captured behind
    # a device may have been opened already.
    Way("copied_by_netfilter",
        lambda: chain("srv", "output priority 0",
                      "udp sport %s dup to 10.8.0.2 device va" % PORT),
        dropped("srv", "va"), {"srv:va": 0}, least=10, clean=False),
    # A program gets them one by one, checksums computed.
    Way("asked_about", asked("ip"), sealed_on_the_way, {"qs1": 50000}),
    Way("asked_about_ipv6", asked("ip6"), sealed_on_the_way, {"qs1": 50000}, host="fd09::1"),
    Way("changed_by_a_program", asked("ip", change=True), refused, {"qs1": 50000}, least=10,
        clean=False),
    # tc, where the CPU seals before ...
    Way("redirected", lambda: at_egress("matchall", "action", "mirred", "egress", "redirect",
                                        "dev", "va"),
        sealed_before, {"vb": 50000}, prepare=same_address),
    Way("mirrored", lambda: at_egress("matchall", "action", "mirred", "egress", "mirror",
                                      "dev", "va"),
        sealed_before, {"vb": 50000, "qs1": 50000}),
    Way("cloned_by_a_program", lambda: at_egress(*bpf("clone")),
        sealed_before, {"vb": 50000, "qs1": 50000}),
    # ... and where it does not.
    Way("turned_inward_in_a_qdisc", in_qdisc("matchall", "action", "mirred", "ingress", "redirect",
                                             "dev", "va"),
        action_hits, {"vb": 0, "qs1": 50000}, least=1, prepare=forwarding),
    Way("cloned_by_a_program_in_a_qdisc", in_qdisc(*bpf("clone")),
        dropped("srv", "va"), {"vb": 0, "qs1": 50000}, least=10),
    Way("cut_by_a_program_in_a_qdisc", in_qdisc(*bpf("cut")), refused, {"qs1": 50000}, least=1),
    *(Way("wrong_mark_" + what, wrong_mark(what), refused, {"qs1": 50000}, least=1,
          begun=lambda: by_device() - 300) for what in WRONG),
    # The first train may be all that goes there.
    Way("wrong_mark_by_another_device", wrong_mark_elsewhere, refused, {"vb": 0, "qs1": 50000},
        least=1, begun=lambda: by_device() - 300),
    Way("delayed_and_duplicated", lambda: netem("delay", "5ms", "duplicate", "20%", "reorder",
                                                "30%", "gap", "3"),
        dropped("srv", "qs0"), {"qs1": 50000}, least=3),
    # All that is in plaintext is lost; after each timeout the CPU seals.
    Way("delayed", lambda: netem("delay", "5ms"), received, {"qs1": 50000}, least=200),
    # Whoever corrupts has computed the checksum before.
    Way("corrupted", corrupted, refused, {"qs1": 50000}, least=10, clean=False),
]

# The other direction: out again after a device has opened them.
WAYS += [Way(name, *rest, directions=(0, 3), begun=opened, **more) for name, *rest, more in (
    ("opened_and_rejected", rejected, rule_hits, {"srv:qs0": 50000}, {"least": 5}),
    # Nothing is acknowledged meanwhile: this is what was in flight, and some probes.
    ("opened_and_forwarded", forwarded, strayed, {"srv:va": 0, "srv:qs0": 50000}, {"least": 5}),
    ("opened_among_others_and_forwarded", forwarded, strayed, {"srv:va": 0, "srv:qs0": 50000},
     {"least": 3, "prepare": among_others}),
    ("opened_and_copied_by_netfilter",
     lambda: chain("cli", "prerouting priority 0", "udp sport %s dup to 10.8.0.1 device vb" % PORT),
     dropped("cli", "vb"), {"srv:va": 0, "srv:qs0": 50000}, {"least": 10}),
    ("redirected_before_ip", ingress("matchall", "action", "mirred", "egress", "redirect",
                                     "dev", "vb"),
     arrived("srv", "va"), {"srv:va": 3000}, {"least": 5000}),
    ("redirected_before_ip_by_a_program", ingress(*bpf("redirect")),
     arrived("srv", "va"), {"srv:va": 3000}, {"least": 5000}),
    ("redirected_before_ip_by_netfilter", ingress_nft, arrived("srv", "va"), {"srv:va": 3000},
     {"least": 5000}),
    ("sent_back_by_xdp", xdp("xdp_back"), arrived("srv", "qs0"), {"srv:qs0": 3000},
     {"least": 5000, "prepare": single_packets}),
    ("redirected_by_xdp", xdp("xdp_redirect"), arrived("srv", "va"), {"srv:va": 3000},
     {"least": 5000, "prepare": single_packets}),
    ("bridged", bridged, arrived("srv", "va"), {"srv:va": 3000}, {"least": 5000}),
)]


def test_of(way):
    def test():
        directions(*way.directions)
        way.prepare()
        with Server(way.host, 1 << 14) as s, contextlib.ExitStack() as stack:
            wires = {}
            for place, least in way.wires.items():
                ns, dev = place.split(":") if ":" in place else ("cli", place)
                wires[stack.enter_context(Capture(ns, dev, "ip or ip6 or vlan"))] = least
            s.begin(way.file, *way.options)
            s.until("packets for the device", lambda: way.begun() > 20)
            before = 0 if way.taken is strayed else way.taken()
            for _ in way.lead() or [None]:
                if way.taken is by_device:      # it was, all the time
                    before = way.taken()
                s.until(way.name, lambda: way.taken() >= before + way.least)
                before = way.taken()
            s.end()
        assert way.taken is not sealed_before or too_late() <= way.late
        assert way.taken is not sealed_on_the_way or refused() == 0
        for wire, least in wires.items():
            wire.sealed(least)
        if way.clean:
            assert kernel_counter("cli", "Udp", "InCsumErrors") == 0
            # What another way has overtaken for long may be decoded to a wrong number.
            assert counter("cli", "QuicPktDecDrop") < counter("srv", "QuicTxPackets") // 10
    return test


TESTS = {"way_" + way.name.replace(" ", "_"): test_of(way) for way in WAYS}
