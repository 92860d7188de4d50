# SPDX-License-Identifier: GPL-2.0
"""
The network of the lab: two ends, or two ends and a router.

     namespace srv          namespace mid          namespace cli
   +---------------+                             +---------------+
   |  10.9.0.1/24  |------------ veth -----------|  10.9.0.2/24  |
   +---------------+                             +---------------+
   +---------------+     +-----------------+     +---------------+
   |  10.9.0.1/24  |-----| .2/24    .2/24  |-----|  10.9.1.1/24  |
   +---------------+     +-----------------+     +---------------+

In mode `default` a train of packets crosses a veth whole; in mode `segs1`
(gso_max_segs 1) it is cut into packets before it, as on the way to a NIC. In mode
`offload` it is no veth but the simulated NICs of tests/quicsim, which take trains
whole and hand plaintext over as opened: what they would do costs nothing. What
the link does to packets (netem) is done at the router, which thus gets them
singly in mode `segs1`.
"""

import os
import subprocess
import time

QUICSIM = "build/%s/quicsim/quicsim.ko" % ".".join(os.uname().release.split(".")[:2])
SERVER, PORT = "10.9.0.1", "4433"
NAMESPACES = ("srv", "mid", "cli")


def ip(words):
    subprocess.run(["ip", *words.split()], check=True)


def remove():
    """Also what an earlier run has left."""
    for name in NAMESPACES:
        subprocess.run(["ip", "netns", "del", name], stderr=subprocess.DEVNULL,
                       check=False)
    # Its devices come back when the namespaces are gone.
    while os.path.exists("/sys/module/quicsim") and subprocess.run(
            ["rmmod", "quicsim"], stderr=subprocess.DEVNULL, check=False).returncode:
        time.sleep(0.1)


def connect(end, address, other, other_address, mode, mtu):
    """A veth from a namespace's `data` to the other's, each with an address."""
    device = "data" if other != "mid" else end      # the router's are named after the ends
    ip("link add data netns %s mtu %d type veth peer name %s netns %s mtu %d" % (
        end, mtu, device, other, mtu))
    for name, dev, addr in (end, "data", address), (other, device, other_address):
        ip("-n %s addr add %s/24 dev %s" % (name, addr, dev))
        if mode == "segs1":
            ip("-n %s link set %s gso_max_segs 1" % (name, dev))
        ip("-n %s link set lo up" % name)
        ip("-n %s link set %s up" % (name, dev))


def steer():
    """The server's packets to the owners of their connections."""
    for name in "srv", "cli":
        # Checksums that the other end leaves to its device are lost on the way.
        subprocess.run(["ip", "netns", "exec", name, "ethtool", "-K", "data", "tx", "off"],
                       check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["quicctl", "-N", "srv", "steer", "attach", "data", "--port", PORT], check=True,
                   stdout=subprocess.DEVNULL)


def connect_nics(mtu):
    subprocess.run(["insmod", QUICSIM, "plain=1"], check=True)
    for name, nic, address in ("srv", "qs0", SERVER), ("cli", "qs1", "10.9.0.2"):
        ip("link set %s netns %s name data mtu %d" % (nic, name, mtu))
        ip("-n %s addr add %s/24 dev data" % (name, address))
        ip("-n %s link set lo up" % name)
        ip("-n %s link set data up" % name)


def make(mode, mtu, link):
    remove()
    for name in NAMESPACES if link else ("srv", "cli"):
        ip("netns add " + name)
    if mode == "offload":
        connect_nics(mtu)
        return
    if not link:
        connect("srv", SERVER, "cli", "10.9.0.2", mode, mtu)
        return
    connect("srv", SERVER, "mid", "10.9.0.2", mode, mtu)
    connect("cli", "10.9.1.1", "mid", "10.9.1.2", mode, mtu)
    ip("-n srv route add default via 10.9.0.2")
    ip("-n cli route add default via 10.9.1.2")
    subprocess.run(["ip", "netns", "exec", "mid", "sysctl", "-qw",
                    "net.ipv4.ip_forward=1"], check=True)
    for device in "srv", "cli":
        subprocess.run(["tc", "-n", "mid", "qdisc", "add", "dev", device, "root", "netem",
                        "limit", "100000", *link.split()], check=True)
