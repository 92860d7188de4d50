# SPDX-License-Identifier: GPL-2.0
"""quicctl steer, guard and lb: what an operator does with the programs."""

import json
import os
import signal
import subprocess
import time

import world
from world import PIN, network

KINDS = "steer", "guard", "lb"


def ctl(*words, check=True):
    """What it prints, as JSON; an error is JSON, too."""
    done = world.run("quicctl", "-j", "-N", "srv", *words, check=check)
    return json.loads(done.stdout)


def fails(*words):
    answer = ctl(*words, check=False)
    assert set(answer) <= {"error", "log"}, answer
    return answer["error"]


def devices(kind):
    return {row["device"]: row for row in ctl(kind, "status")["devices"]}


@network
def test_attach_and_detach():
    def nothing_yet():
        for kind in KINDS:
            assert ctl(kind, "status") == {"devices": []}
            assert "no xdp_quic" in fails(kind, "detach", "data")
            assert "attach" in fails(kind, "set")
    yield "nothing yet", nothing_yet

    for mode in "native", "generic":
        for kind in KINDS:
            def alone(kind=kind, mode=mode):
                assert ctl(kind, "attach", "data", "--mode", mode) == {"attached": "data"}
                row = devices(kind)["data"]
                assert row["mode"] == mode and row["with"] == [], row
                world.run("ping", "-c", "1", world.SERVER, ns="cli")
                status = ctl(kind, "status")
                assert status["packets"]["other"] > 0
                assert sum(row["other"] for row in status["cpus"]) == status["packets"]["other"]
                ctl(kind, "attach", "data")
                assert devices(kind)["data"]["program_id"] == row["program_id"], "attached twice"
                assert ctl(kind, "detach", "data") == {"detached": "data"}
                assert devices(kind) == {} and world.loaded() == {}
            yield mode + ", " + kind, alone

    def text():
        ctl("steer", "attach", "data")
        for words in ("steer", "status"), ("guard", "status"), ("steer", "features", "data"):
            done = world.run("quicctl", "-N", "srv", *words)
            assert done.stdout.strip()
        ctl("steer", "detach", "data")
    yield "for people", text

    def nobody():
        ctl("steer", "attach", "data")
        done = world.run("setpriv", "--reuid=65534", "--clear-groups", "quicctl", "-j", "steer",
                         "status", ns="srv", check=False)
        assert "Permission denied" in json.loads(done.stdout)["error"]
        ctl("steer", "detach", "data")
    yield "for who may not look", nobody


@network
def test_strangers_stay():
    def others():
        return "xdpfilt" in world.run("xdp-loader", "status", "data", ns="srv").stdout

    def beside():
        world.run("xdp-filter", "load", "--mode", "native", "data", ns="srv")
        for kind in KINDS:
            ctl(kind, "attach", "data")
        for kind in KINDS:
            assert len(devices(kind)["data"]["with"]) == len(KINDS), kind
        ctl("steer", "clean")
        for kind in KINDS:
            ctl(kind, "detach", "data")
        assert others()
    yield "loaded by another", beside

    def not_ours():
        fails("steer", "detach", "data")
        fails("guard", "detach", "data")
        assert others()
        world.run("xdp-loader", "unload", "-a", "data", ns="srv")
    yield "not detached either", not_ours


@network
def test_clean():
    def in_use():
        ctl("steer", "attach", "data", "--port", "443,8000-8010")
        answer = ctl("steer", "clean")
        assert "quic_steer" in answer["kept"] and answer["removed"] == []
        assert ctl("steer", "status")["settings"]["ports"] == [443] + list(range(8000, 8011))
    yield "what is used stays", in_use

    def left():
        ctl("steer", "detach", "data")
        world.wait_for("the program is gone", lambda: ctl("steer", "clean")["kept"] == [])
        assert not [name for name in os.listdir(PIN) if name.startswith("quic_")]
        assert ctl("steer", "status") == {"devices": []}
    yield "what is left goes", left

    def killed():
        """At any moment: the next one sees what there is, and goes on from it."""
        for delay in 0, 30, 80, 150, 250:
            child = subprocess.Popen(["quicctl", "-N", "srv", "steer", "attach", "data"],
                                     stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(delay / 1000)
            child.send_signal(signal.SIGKILL)
            child.wait()
            ctl("steer", "attach", "data")
            assert list(devices("steer")) == ["data"]
            ctl("steer", "detach", "data")
        ctl("steer", "clean")
    yield "killed while it attaches", killed


@network
def test_settings():
    def steer():
        ctl("steer", "attach", "data", "--scheme", "cpu", "--cpus", "0-1", "--spread")
        assert ctl("steer", "status")["settings"] == {
            "ports": [443], "scheme": "cpu", "spread": True, "cpus": [0, 1]}
        ctl("steer", "set", "--scheme", "table", "--cpus", "1", "--no-spread", "--port", "4433")
        assert ctl("steer", "status")["settings"] == {
            "ports": [4433], "scheme": "table", "spread": False, "cpus": [1]}
        for bad in ("--scheme", "x"), ("--cpus", "3-1"), ("--port", "65536"), ("--cpus", "-1"):
            fails("steer", "set", *bad)
        ctl("steer", "detach", "data")
    yield "steer", steer

    def guard():
        ctl("guard", "attach", "data", "--retry", "--threshold", "100", "--prefix4", "28")
        got = ctl("guard", "status")["settings"]
        assert got["retry"] and got["threshold"] == 100 and got["prefix4"] == 28, got
        ctl("guard", "set", "--no-retry", "--watch", "--rate", "7")
        got = ctl("guard", "status")["settings"]
        assert not got["retry"] and got["watch"] and got["rate"] == 7, got
        assert got["threshold"] == 100
        fails("guard", "set", "--prefix4", "33")
        fails("guard", "set", "--retry", "--no-retry")
        ctl("guard", "detach", "data")
    yield "guard", guard

    def lb():
        ctl("lb", "attach", "data", "--encap", "gue", "--mtu", "9000")
        ctl("lb", "vip", "192.0.2.1")
        ctl("lb", "vip", "2001:db8::1")
        ctl("lb", "backend", "10.1.0.1", "--server", "0:000001")
        ctl("lb", "backend", "10.1.0.2", "--server", "0:000002", "--server", "1:aabbcc")
        os.makedirs(world.WORK, exist_ok=True)
        with open(world.WORK + "/key", "w") as file:
            file.write("8f95f09245765f80256934e50c66207f\n")
        ctl("lb", "config", "0", "--key-file", world.WORK + "/key", "--self-length")
        ctl("lb", "config", "1")
        got = ctl("lb", "status")["settings"]
        assert got["encap"] == "gue" and got["mtu"] == 9000
        assert sorted(got["vips"]) == ["192.0.2.1", "2001:db8::1"]
        assert got["backends"] == [
            {"backend": "10.1.0.1", "servers": ["0:000001"]},
            {"backend": "10.1.0.2", "servers": got["backends"][1]["servers"]}]
        assert sorted(got["backends"][1]["servers"]) == ["0:000002", "1:aabbcc"]
        assert [row["encrypted"] for row in got["configs"]] == [True, False]
        assert "8f95" not in json.dumps(got)
        ctl("lb", "unbackend", "10.1.0.2")
        ctl("lb", "unvip", "2001:db8::1")
        ctl("lb", "unconfig", "1")
        got = ctl("lb", "status")["settings"]
        assert got["backends"] == [{"backend": "10.1.0.1", "servers": ["0:000001"]}]
        assert got["vips"] == ["192.0.2.1"] and len(got["configs"]) == 1
        for bad in (("config", "7"), ("config", "0", "--server-length", "16"), ("vip", "x"),
                    ("backend", "10.1.0.9", "--server", "8:00"), ("unbackend", "10.9.9.9")):
            fails("lb", *bad)
        with open(world.WORK + "/key", "w") as file:
            file.write("8f95\n")
        for bad, told in ((("unvip", "192.0.2.2"), "192.0.2.2 is not balanced"),
                          (("config", "0", "--key-file", world.WORK + "/key"), "32 hexadecimal"),
                          (("set", "--mtu", "x"), "'x' is no value of --mtu")):
            assert told in fails("lb", *bad), told
    yield "lb", lb
