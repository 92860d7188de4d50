#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""
guest.py [TEST...] - what quicctl says and does, in the guest: TAP.

A test is a function test_<name>(); it fails by an exception. Each begins with
nothing but the native algorithms.
"""

import json
import os
import re
import subprocess
import sys
import time
import traceback

PROGRAMS = os.environ["PROGRAMS"]
CID = "/usr/lib/quic/bpf/cid"
PATCHED = "/kquic/build/bpftool"
STOCK = "/usr/sbin/bpftool"
PINS = "/sys/fs/bpf/quic/cc"
TYPE = "quic_congestion_ops"
SEGV = -11


def run(*command):
    done = subprocess.run(command, text=True, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    print("  $", *command, "->", done.returncode)
    for line in (done.stdout + done.stderr).splitlines()[-30:]:
        print("   ", line)
    return done


def ctl(*words):
    """What it says in JSON; it must go well."""
    done = run("quicctl", "-j", *words)
    assert done.returncode == 0, "it failed"
    assert not done.stderr, "JSON is not all that it says"
    return json.loads(done.stdout)


def refused(*words):
    """What it says is wrong, which must be the same in JSON and in plain text."""
    plain = run("quicctl", *words)
    done = run("quicctl", "-j", *words)
    assert (plain.returncode, done.returncode) == (1, 1), "it went well"
    assert not done.stderr and not plain.stdout
    said = json.loads(done.stdout)
    assert said["error"] in plain.stderr, "two opinions"
    return said


def program(name):
    return "%s/%s.bpf.o" % (PROGRAMS, name)


def rows():
    return {row["name"]: row for row in ctl("cc", "list")}


def names():
    return set(rows())


def wait_for(what, condition):
    for _ in range(600):
        if condition():
            return
        time.sleep(0.1)
    raise AssertionError("not in a minute: " + what)


def clean():
    for name, row in rows().items():
        if row["kind"] == "bpf":
            ctl("cc", "unload", name)
    ctl("cc", "use", "cubic")


class Transfer:
    """A download that goes on as long as it is looked at."""

    def __enter__(self):
        os.makedirs("/tmp/www", exist_ok=True)
        with open("/tmp/www/big", "w") as file:
            file.truncate(1 << 40)
        self.server = subprocess.Popen(["quicserve", "-a", "127.0.0.1", "/tmp/www"])
        self.client = None
        # The first try may come before the server listens.
        wait_for("a connection", self.connected)
        return self

    def connected(self):
        if not self.client or self.client.poll() is not None:
            self.client = subprocess.Popen(
                ["quicget", "-q", "--insecure", "-o", "/dev/null",
                 "https://127.0.0.1:4433/big"], stderr=subprocess.DEVNULL)
        return any(c["acked"] > 1 << 20 for c in self.seen())

    @staticmethod
    def seen(*name):
        return json.loads(subprocess.check_output(
            ["quicctl", "-j", "cc", "watch", "-c", "1", *name]))["connections"]

    def __exit__(self, *_):
        for child in self.client, self.server:
            child.kill()
            child.wait()


# ---- tests -------------------------------------------------------------------


def test_native_ones_are_listed():
    have = rows()
    for name in "cubic", "reno":
        assert have[name]["kind"] == "native" and have[name]["users"] == 0
        assert have[name]["default"] == (name == "cubic")
    assert ctl("cc") == ctl("cc", "list")
    table = run("quicctl", "cc").stdout.splitlines()
    assert table[0].split() == ["NAME", "KIND", "DEFAULT", "USERS", "FALLBACKS"]
    assert re.match(r"cubic +native +yes +0 +0$", table[1])


def test_load_show_unload():
    assert ctl("cc", "load", program("v1")) == {"loaded": ["linked", "unlinked"]}
    assert {"linked", "unlinked"} <= names()
    linked, unlinked = ctl("cc", "show", "linked"), ctl("cc", "show", "unlinked")
    assert linked["kind"] == "bpf" and linked["map_id"] and linked["link_id"]
    assert linked["pinned"] == PINS + "/linked" and os.path.exists(linked["pinned"])
    assert unlinked["map_id"] and "link_id" not in unlinked and "pinned" not in unlinked
    for shown in linked, unlinked:
        assert list(shown["programs"]) == ["init"] and shown["exits"] == []
    for name in "linked", "unlinked":
        assert ctl("cc", "unload", name) == {"unloaded": name}
    assert not {"linked", "unlinked"} & names()
    assert not os.path.exists(PINS + "/linked")
    ctl("cc", "load", program("v1"))    # the names are free again


def test_a_name_with_a_dot_is_pinned():
    assert ctl("cc", "load", program("dotted")) == {"loaded": ["dotted-1.5"]}
    pinned = ctl("cc", "show", "dotted-1.5")["pinned"]
    assert pinned == PINS + "/dotted-1:5" and os.path.exists(pinned)
    assert ctl("cc", "unload", "dotted-1.5") == {"unloaded": "dotted-1.5"}
    assert not os.path.exists(pinned)


def test_replace_under_a_link():
    ctl("cc", "load", program("v1"))
    before = ctl("cc", "show", "linked")
    assert "linked is taken" in refused("cc", "load", program("v2"))["error"]
    assert ctl("cc", "show", "linked") == before
    assert ctl("cc", "load", "--replace", program("v2")) == {"loaded": ["linked"]}
    after = ctl("cc", "show", "linked")
    assert after["link_id"] == before["link_id"] and after["pinned"] == before["pinned"]
    assert after["programs"] != before["programs"]


def test_a_name_that_is_taken():
    ctl("cc", "load", program("v1"))
    for words, told in (
            (("clash",), "the name cubic is taken by what is built in"),
            (("-r", "clash"), "the name cubic is taken by what is built in"),
            (("v2",), "the name linked is taken; --replace puts"),
            (("bare",), "the name linked is taken, and this one has no link"),
            (("-r", "bare"), "the name linked is taken, and this one has no link"),
            (("-r", "v1"), "the name unlinked is taken by a program without a link: unload")):
        said = refused("cc", "load", *words[:-1], program(words[-1]))["error"]
        assert told in said, (words, said)


def test_use_is_per_namespace():
    run("ip", "netns", "add", "other")
    try:
        assert ctl("-N", "other", "cc", "use", "reno") == {"using": "reno"}
        assert rows()["cubic"]["default"]
        other = {row["name"]: row["default"] for row in ctl("cc", "-N", "other")}
        assert other["reno"] and not other["cubic"]
    finally:
        run("ip", "netns", "del", "other")
    told = refused("cc", "use", "nothing")["error"]
    assert all(name in told for name in names())
    assert "other" in refused("-N", "other", "cc")["error"]


def test_what_goes_wrong_is_told():
    assert "built in" in refused("cc", "unload", "cubic")["error"]
    assert "nothing" in refused("cc", "show", "nothing")["error"]
    assert "nothing" in refused("cc", "unload", "nothing")["error"]
    assert "nothing" in refused("cc", "watch", "-c", "1", "nothing")["error"]
    assert "No such file" in refused("cc", "load", "/nothing.bpf.o")["error"]
    assert refused("cc", "load", "/etc/passwd")["log"]
    said = refused("cc", "load", program("refused"))
    assert "only cwnd, ssthresh, pacing_rate and priv can be written" in said["log"]
    assert "refused" not in names()


def test_usage_is_told_in_json():
    for words in (["cc", "load"], ["cc", "list", "x"], ["cc", "dance"], ["sing"],
                  ["cc", "show", "--loud"], ["cc", "watch", "-i", "never"]):
        done = run("quicctl", "-j", *words)
        assert done.returncode == 1 and json.loads(done.stdout)["error"], words
        assert run("quicctl", *words).returncode == 1
    assert "'never' is no value of --interval" in refused("cc", "watch", "-i", "never")["error"]
    assert run("quicctl", "--help").stdout.startswith("Usage: quicctl")


def complete(*words):
    script = """. /kquic/tools/completion/quicctl
        compopt() { :; }
        COMP_WORDS=(quicctl "$@") COMP_CWORD=$#
        _quicctl
        printf '%s\\n' "${COMPREPLY[@]}" """
    return set(run("bash", "-c", script, "bash", *words).stdout.split())


def test_completion_knows_verbs_and_names():
    ctl("cc", "load", program("v1"))
    told = re.findall(r"^  cc (\w+)", run("quicctl", "--help").stdout, re.M)
    assert complete("cc", "") == set(told) and "unload" in told
    assert complete("-j", "cc", "un") == {"unload"}
    assert complete("cc", "unload", "") == {"linked", "unlinked"}
    assert complete("cc", "use", "") == names()
    assert program("v2") in complete("cc", "load", PROGRAMS + "/v")
    assert "--replace" in complete("cc", "load", "--")
    assert program("v2") in complete("cc", "load", "-r", PROGRAMS + "/v")
    # of the value of an option that takes one nothing is said, after it all is as before
    assert complete("guard", "attach", "-r", "") == set()
    for options in ("-s", "table"), ("-p", "443", "-c", "0"), ("--port", "443"), ("-m", "native"):
        assert "lo" in complete("steer", "attach", *options, ""), options
    assert complete("lb", "backend", "-s", "") == set()


def test_watch_follows_connections():
    ctl("cc", "load", program("v1"))
    ctl("cc", "use", "linked")
    with Transfer() as transfer:
        server = max(transfer.seen("linked"), key=lambda c: c["acked"])
        assert not transfer.seen("reno")
        assert rows()["linked"]["users"] >= 2
        assert server["congestion"] == "linked" and server["local_address"] == "127.0.0.1:4433"
        for key in "cwnd", "pacing_rate", "srtt_us", "min_rtt_us", "connection":
            assert server[key] > 0, key
        lines = run("quicctl", "-j", "cc", "watch", "-c", "3", "-i", "0.05").stdout.splitlines()
        looks = [json.loads(line) for line in lines]
        assert len(looks) == 3
        assert looks[0]["time_ns"] < looks[1]["time_ns"] < looks[2]["time_ns"]
        assert run("quicctl", "cc", "watch", "-c", "1").stdout.startswith("CONNECTION")
        # It goes on without its program, and the kernel remembers why.
        ctl("cc", "unload", "linked")
        wait_for("the built-in", lambda: any(
            c["connection"] == server["connection"] for c in transfer.seen("cubic")))
        shown = ctl("cc", "show", "linked")
        assert shown["kind"] == "removed"
        assert [e["kind"] for e in shown["exits"]] == ["unregistered"]
        assert shown["exits"][0]["reason"] == "the program was removed"


def test_connection_ids_of_a_program():
    assert [row["name"] for row in ctl("cid")] == ["random"]
    assert ctl("cid", "load", CID + "/cpu.bpf.o") == {"loaded": ["cpu"]}
    have = {row["name"]: row for row in ctl("cid", "list")}
    assert have["cpu"]["kind"] == "bpf" and have["random"]["default"]
    assert TYPE in refused("cc", "load", CID + "/cpu.bpf.o")["error"]
    assert ctl("cid", "use", "cpu") == {"using": "cpu"}
    with Transfer():
        shown = ctl("cid", "show", "cpu")
        assert shown["default"] and shown["calls"] > 0
        assert (shown["bad_len"], shown["bad_cpu"]) == (0, 0)
        assert set(shown["programs"]) == {"generate", "decode", "choose"}
        seen = ctl("cid", "watch", "-c", "1")
        assert any(row["name"] == "cpu" and row["calls"] for row in seen["counters"])
    assert ctl("cid", "unload", "cpu") == {"unloaded": "cpu"}
    assert [row["name"] for row in ctl("cid")] == ["random"]
    assert "nothing" in refused("cid", "use", "nothing")["error"]


def test_what_bpftool_registered():
    """bpftool as it is in Debian; its crash comes after its work."""
    done = run(STOCK, "struct_ops", "register", program("v1"), "/sys/fs/bpf/stock")
    assert done.returncode in (SEGV, 0)
    # It crashes at the first, so the second is up to the order in the file.
    have = {"linked", "unlinked"} & names()
    assert have, "it has not registered anything"
    for name in have:
        assert ctl("cc", "show", name)["programs"]["init"]
        assert ctl("cc", "unload", name) == {"unloaded": name}
    assert not have & names()
    assert not os.listdir("/sys/fs/bpf/stock")


def test_bpftool_with_our_patch():
    done = run(PATCHED, "struct_ops", "register", program("v1"), "/sys/fs/bpf/patched")
    assert done.returncode == 0
    assert "Registered %s linked" % TYPE in done.stderr
    assert "Registered %s unlinked" % TYPE in done.stderr
    assert ctl("cc", "show", "linked")["pinned"] == "/sys/fs/bpf/patched/linked"
    maps = {m["name"]: m for m in
            json.loads(run(PATCHED, "-j", "struct_ops", "list").stdout)}
    assert all(maps[name]["kernel_struct_ops"] == TYPE for name in ("linked", "unlinked"))
    number = str(maps["unlinked"]["id"])
    assert number == str(ctl("cc", "show", "unlinked")["map_id"])
    assert TYPE in run(PATCHED, "struct_ops", "show", "name", "unlinked").stdout
    assert "test_init/prog_id" in run(PATCHED, "struct_ops", "dump", "id", number).stdout
    done = run(PATCHED, "struct_ops", "unregister", "id", number)
    assert done.returncode == 0 and "Unregistered %s unlinked" % TYPE in done.stderr
    assert "unlinked" not in names()
    os.unlink("/sys/fs/bpf/patched/linked")
    wait_for("the end of the link", lambda: "linked" not in names())


def main():
    tests = {name[5:]: test for name, test in globals().items() if name[:5] == "test_"}
    chosen = sys.argv[1:] or list(tests)
    print("TAP version 13")
    print("1..%d" % len(chosen))
    failed = 0
    for number, name in enumerate(chosen, 1):
        try:
            tests[name]()
            result = "ok"
        except Exception:
            for line in traceback.format_exc().splitlines():
                print(" ", line)
            result = "not ok"
            failed = 1
        finally:
            clean()
        print(result, number, "-", name, flush=True)
    return failed


sys.exit(main())
