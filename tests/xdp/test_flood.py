# SPDX-License-Identifier: GPL-2.0
"""
A flood of valid Initials from made-up addresses, answered with Retry before there is an skb,
while transfers go on and clients come. FLOOD says how many.
"""

import os
import subprocess
import time

import world
from test_owner import attach, ctl, elsewhere, fetching, network
from world import PORT, SERVER, WORK

FLOOD = int(os.environ["FLOOD"])
LARGER = os.urandom(4 << 20)
ATTACK = os.environ["ATTACK"]           # where blast and relay are
# What queues of devices and Initials below the threshold may hold, however many come.
MEMORY = 12 << 20


def in_cli(*words):
    return ["nsenter", "--net=/run/netns/cli"] + [str(word) for word in words]


def held():
    """Bytes of the kernel that it could not give back."""
    with open("/proc/meminfo", encoding="ascii") as file:
        words = dict(line.split()[:2] for line in file)
    return sum(int(words[name]) << 10 for name in ("SUnreclaim:", "Percpu:", "KernelStack:"))


def record_flight():
    """A client's first datagrams, as a relay on the loopback sees them."""
    with subprocess.Popen(in_cli(ATTACK + "/relay", "-r", WORK + "/flight", 4600, SERVER, PORT),
                          stdout=subprocess.DEVNULL) as relay:
        time.sleep(1)
        world.run("quicget", "-qk", "-o", "/dev/null", "--connect", "127.0.0.1:4600",
                  "https://localhost:%d/small" % PORT, ns="cli")
        relay.terminate()
    assert os.path.getsize(WORK + "/flight") >= 1200


class Transfer:
    """The large file, again and again, at a rate that leaves it time; each is complete."""

    def __init__(self):
        self.number = 0
        self.start()

    def start(self):
        self.number += 1
        self.process = fetching("larger", WORK + "/got")

    def finish(self):
        assert self.process.wait() == 0, "the transfer broke"
        with open(WORK + "/got", "rb") as file:
            assert file.read() == LARGER, "another file"

    def go_on(self):
        if self.process.poll() is not None:
            self.finish()
            self.start()


def flood(transfer):
    """Bytes held at most while it lasts."""
    before, most, newcomers, start = held(), 0, 0, time.monotonic()
    # With others on the machine it takes what they leave: the clocks of the clients go on.
    with subprocess.Popen(in_cli("nice", "-n", 19, ATTACK + "/blast", SERVER, PORT, "spoofed",
                                 WORK + "/flight", FLOOD)) as blast:
        while blast.poll() is None or not newcomers:
            assert fetching("small").wait() == 0, "a newcomer"
            newcomers += 1
            transfer.go_on()
            most = max(most, held() - before)
    assert blast.returncode == 0
    print("    %d Initials in %.1f s, %d newcomers and %d transfers meanwhile, "
          "%d KiB more at most" % (FLOOD, time.monotonic() - start, newcomers,
                                   transfer.number, most >> 10))
    return most


@network
def test_flood():
    with open(WORK + "/site/larger", "wb") as file:
        file.write(LARGER)

    def survived():
        packets, stats, strays = ctl("guard", "status")["packets"], world.stats(), elsewhere(server)
        transfer = Transfer()
        world.wait_for("its handshake", lambda: any(
            row["STATE"] == "1" for row in server.table("owners")))
        most = flood(transfer)
        transfer.finish()
        now = ctl("guard", "status")["packets"]
        grown = {reason: now[reason] - packets[reason] for reason in now}
        print("    ", grown)
        assert grown["retry"] > FLOOD * 9 // 10 and grown["token"] > 0, grown
        # The debug kernel keeps what was freed.
        assert most < MEMORY or os.environ.get("SLOW"), most
        for what in "QuicDropInitialQueue", "QuicDropListenQueue":
            assert world.stats()[what] == stats[what], what
        assert elsewhere(server) == strays

    with world.Server("--per-cpu") as server:
        record_flight()
        ctl("guard", "attach", "data", "--threshold", "10", "--port", PORT)
        attach("--port", PORT)
        # The rate of the transfer, which is to go on for as long as the flood.
        world.run("tc", "-n", "srv", "qdisc", "add", "dev", "data", "root", "tbf",
                  "rate", "8mbit", "burst", "64k", "limit", "256k")
        yield "answered with Retry", survived
