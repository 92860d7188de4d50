# SPDX-License-Identifier: GPL-2.0
"""The programs on a device, loaded by xdp-loader, with real clients and servers."""

import socket
import struct
import subprocess

import frames
import world
from world import PIN, PORT, SERVER, network

RETRY = 1
GUARD = struct.pack("<6I", RETRY, 0, 0, 0, 0, 0)

MODES = {"native": "native", "generic": "skb"}


@network
def test_beside_each_other():
    """xdp-loader chains them, whatever the order, and others with them."""
    for name, mode in MODES.items():
        def chain(mode=mode):
            for program in "lb", "steer", "guard":
                world.load(program, mode)
            got = world.loaded()
            assert got == {"xdp_quic_guard": 20, "xdp_quic_lb": 30, "xdp_quic_steer": 40}, got
            world.run("test", "-e", PIN + "/quic_ports")
        yield name, chain

        def pass_traffic():
            world.run("ping", "-c", "2", SERVER, ns="cli")
            for program in "STEER", "GUARD", "LB":
                assert world.counts(program)["other"] >= 2
        yield name + ", what is not QUIC", pass_traffic
        world.unload()


@network
def test_clients_and_servers():
    for name, mode in MODES.items():
        world.load("guard", mode)
        world.load("steer", mode)
        with world.Server():
            for client, fetch in world.CLIENTS.items():
                def plain(fetch=fetch):
                    before = world.counts("GUARD")
                    fetch()
                    after = world.counts("GUARD")
                    assert after["initial"] > before["initial"]
                    assert after["passed"] > before["passed"]
                yield "%s, %s" % (name, client), plain

                def retried(fetch=fetch):
                    world.pinned("quic_guard", 4, 24)[0] = GUARD
                    before, stats = world.counts("GUARD"), world.stats()
                    fetch()
                    after, now = world.counts("GUARD"), world.stats()
                    assert after["retry"] > before["retry"]
                    assert after["token"] > before["token"]
                    assert now["QuicRetriesSent"] > stats["QuicRetriesSent"]
                    world.pinned("quic_guard", 4, 24)[0] = bytes(24)
                yield "%s, %s after a Retry" % (name, client), retried
            yield name + ", Version Negotiation", negotiation

            def owned():
                got = world.counts("STEER")
                home = sum(got[why] for why in ("home", "moved", "no_cpu"))
                assert got["first"] and home and got["unknown"] <= home / 10, got
            yield name + ", owners", owned
        world.unload()


def negotiation():
    sock = socket_in("cli")
    sock.settimeout(10)
    sock.sendto(frames.unknown_version(b"\xd6" * 8, b"\x53" * 5), (SERVER, PORT))
    answer = sock.recv(2000)
    assert answer[1:5] == bytes(4) and answer[5:11] == b"\5" + b"\x53" * 5, answer


def socket_in(ns):
    """A UDP socket of another namespace."""
    import ctypes
    import os
    here = os.open("/proc/self/ns/net", os.O_RDONLY)
    there = os.open("/run/netns/" + ns, os.O_RDONLY)
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.setns(there, 0) == 0
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    assert libc.setns(here, 0) == 0
    os.close(here)
    os.close(there)
    return sock


@network
def test_the_module_stays():
    """As long as a program uses its functions."""
    world.load("steer", "native")

    def held():
        done = subprocess.run(["rmmod", "quic"], capture_output=True, text=True)
        assert done.returncode and "in use" in done.stderr, done.stderr
    yield "loaded", held

    def free():
        world.unload()
        world.wait_for("the program is gone", lambda: subprocess.run(
            ["rmmod", "quic"], capture_output=True).returncode == 0)
        world.run("modprobe", "quic")
    yield "unloaded", free

    def without():
        world.run("rmmod", "quic")
        try:
            for program in "steer", "guard":
                world.load(program, "native")
                world.run("ping", "-c", "1", SERVER, ns="cli")
            # The answer cannot be cut off then, and is padded.
            negotiation()
            world.unload()
            assert world.load("lb", "native", check=False).returncode
        finally:
            world.run("modprobe", "quic")
    yield "without the module", without
