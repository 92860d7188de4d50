#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""
guest.py [TEST...] - sealing and opening by a network device, in the guest: TAP.

    namespace srv                                 namespace cli
      qs0  10.9.0.1  ------ simulated NICs ------  qs1  10.9.0.2
      va   10.8.0.1  ------ veth ----------------  vb   10.8.0.2
      lo   10.7.0.1

The server sends a file whose every line is easily found in a capture; the client
compares what arrives. Each test begins with fresh devices and namespaces.
"""

import hashlib
import os
import subprocess
import sys
import time
import traceback

QUICSIM = os.environ["QUICSIM"]
PARAMETERS = "/sys/module/quicsim/parameters/"
WORD = b"PLAINTEXT-"
SITE = "/tmp/offload"
SIZES = {"small": 300000, "file": 6 << 20, "large": 24 << 20}


def run(*command, fine=True):
    done = subprocess.run(command, text=True, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode or command[0] != "ip":
        print("  $", *command, "->", done.returncode)
    for line in done.stdout.splitlines()[-16:]:
        print("   ", line)
    assert not fine or done.returncode == 0, "%s failed" % command[0]
    return done.stdout


def within(ns, *command, **how):
    return run("ip", "netns", "exec", ns, *command, **how)


def wait_for(what, condition):
    for _ in range(600):
        if condition():
            return
        time.sleep(0.1)
    raise AssertionError("not in a minute: " + what)


def inject(name, value):
    with open(PARAMETERS + name, "w") as file:
        file.write(str(value))


def counter(ns, name):
    for line in subprocess.check_output(
            ["ip", "netns", "exec", ns, "cat", "/proc/net/quic/stats"], text=True).splitlines():
        if line.split()[0] == name:
            return int(line.split()[1])
    raise KeyError(name)


def device(ns):
    """The row of /proc/net/quic/offload for the device of a namespace."""
    lines = subprocess.check_output(
        ["ip", "netns", "exec", ns, "cat", "/proc/net/quic/offload"], text=True).splitlines()
    names = [name.lower() for name in lines[0].split()]
    rows = [dict(zip(names, line.split())) for line in lines[1:]]
    assert len(rows) == 1, "not one device: %s" % rows
    return {name: int(value) if value.isdigit() else value
            for name, value in rows[0].items()}


def make_files():
    os.makedirs(SITE, exist_ok=True)
    for name, size in SIZES.items():
        with open("%s/%s" % (SITE, name), "wb") as file:
            file.write(b"".join(WORD + b"%08d\n" % i for i in range(size // 19)))


def digest(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


# ---- where it happens ---------------------------------------------------------


def ip(*words):
    run("ip", *words)


def set_up():
    run("insmod", QUICSIM)
    for ns, sim, veth, last in ("srv", "qs0", "va", 1), ("cli", "qs1", "vb", 2):
        ip("netns", "add", ns)
        ip("link", "set", sim, "netns", ns)
    ip("link", "add", "va", "netns", "srv", "type", "veth", "peer", "vb", "netns", "cli")
    for ns, sim, veth, last in ("srv", "qs0", "va", 1), ("cli", "qs1", "vb", 2):
        ip("-n", ns, "link", "set", "lo", "up")
        for dev, net in (sim, 9), (veth, 8):
            ip("-n", ns, "address", "add", "10.%d.0.%d/24" % (net, last), "dev", dev)
            ip("-n", ns, "address", "add", "fd0%d::%d/64" % (net, last), "dev", dev, "nodad")
            ip("-n", ns, "link", "set", dev, "up")
        within(ns, "sysctl", "-qw", "net.ipv4.conf.all.rp_filter=0",
               "net.ipv4.conf.default.rp_filter=0")


def tear_down():
    for ns in "srv", "cli":
        run("ip", "netns", "delete", ns, fine=False)
    wait_for("the end of the devices", lambda: subprocess.run(
        ["rmmod", "quicsim"], stderr=subprocess.DEVNULL).returncode == 0)


class Server:
    """quicserve, and a client's downloads from it."""

    def __init__(self, *options, host="10.9.0.1"):
        self.host = host
        self.options = options
        self.client = None

    def __enter__(self):
        self.process = subprocess.Popen(
            ["ip", "netns", "exec", "srv", "quicserve", "-a",
             "::" if ":" in self.host else "0.0.0.0", *self.options, SITE],
            stdin=subprocess.DEVNULL)
        wait_for("the server", lambda: ":4433 " in subprocess.check_output(
            ["ip", "netns", "exec", "srv", "cat", "/proc/net/quic/eps"], text=True))
        return self

    def url(self, name):
        host = "[%s]" % self.host if ":" in self.host else self.host
        return "https://%s:4433/%s" % (host, name)

    def get(self, name="file", *options):
        within("cli", "quicget", "-q", "--insecure", "--timeout", "100", *options,
               "-o", "/tmp/got", self.url(name))
        assert digest("/tmp/got") == digest("%s/%s" % (SITE, name)), "other bytes"

    def begin(self, name="large", *options):
        """A download that goes on meanwhile, when the devices have its keys."""
        self.name = name
        self.client = subprocess.Popen(
            ["ip", "netns", "exec", "cli", "quicget", "-q", "--insecure", "--timeout", "200",
             *options, "-o", "/tmp/got", self.url(name)])

    def end(self):
        assert self.client.wait() == 0, "the client failed"
        self.client = None
        assert digest("/tmp/got") == digest("%s/%s" % (SITE, self.name)), "other bytes"

    def __exit__(self, *_):
        for process in self.client, self.process:
            if process:
                process.kill()
                process.wait()


class Capture:
    """What tcpdump sees of UDP at a device."""

    def __init__(self, ns, dev):
        self.ns, self.dev = ns, dev
        self.file = "/tmp/%s.pcap" % dev

    def __enter__(self):
        self.process = subprocess.Popen(
            ["ip", "netns", "exec", self.ns, "tcpdump", "-i", self.dev, "-U", "-s", "0",
             "-B", "65536", "-Z", "root", "-w", self.file, "udp"],
            stderr=subprocess.PIPE, text=True)
        self.process.stderr.readline()
        return self

    def __exit__(self, *_):
        time.sleep(0.3)
        self.process.terminate()
        self.process.wait()
        with open(self.file, "rb") as file:
            data = file.read()
        self.size = len(data)
        self.words = data.count(WORD)
        print("  %s: %d bytes captured, %d times plaintext" % (self.dev, self.size, self.words))

    def sealed(self, least=100000):
        assert self.size >= least, "nothing was captured"
        assert not self.words, "plaintext at %s" % self.dev


def directions(srv, cli):
    """Which of them may be offloaded: 1 opening, 2 sealing."""
    for ns, value in ("srv", srv), ("cli", cli):
        within(ns, "sysctl", "-qw", "net.quic.offload=%d" % value)


def began(ns="srv", since=0):
    wait_for("plaintext for the device", lambda: counter(ns, "QuicOffloadTx") > since)


# ---- transfers -------------------------------------------------------------------


def test_off():
    directions(0, 0)
    with Server() as s:
        s.get()
    for ns in "srv", "cli":
        assert device(ns)["tx_packets"] == device(ns)["rx_packets"] == 0
        assert counter(ns, "QuicOffloadKeys") == 0


def test_both_ways():
    with Server() as s:
        s.get("large")
    srv, cli = device("srv"), device("cli")
    assert srv["tx_packets"] > 500 and cli["rx_packets"] > 500
    # Every packet that was left to a device was sealed by it, and every one that
    # it opened was taken as such.
    assert srv["tx_packets"] == counter("srv", "QuicOffloadTx")
    assert cli["rx_packets"] == counter("cli", "QuicOffloadRx")
    assert cli["tx_packets"] == counter("cli", "QuicOffloadTx") > 0
    assert srv["rx_packets"] == counter("srv", "QuicOffloadRx") > 0
    for ns in "srv", "cli":
        assert counter(ns, "QuicOffloadTxFallback") == 0
        assert counter(ns, "QuicOffloadTxDrop") == 0
        assert counter(ns, "QuicOffloadRxBad") == 0
    wait_for("keys gone", lambda: not any(
        device(ns)[what] for ns in ("srv", "cli") for what in ("tx_keys", "rx_keys")))


def test_ipv6():
    with Server(host="fd09::1") as s:
        s.get()
    assert device("srv")["tx_packets"] > 500 and device("cli")["rx_packets"] > 500


def test_sealing_only():
    directions(2, 0)
    with Server() as s, Capture("cli", "qs1") as wire, Capture("srv", "qs0") as tap:
        s.get()
    assert device("srv")["tx_packets"] > 500
    assert counter("cli", "QuicOffloadRx") == 0
    wire.sealed()
    # What docs/offload.md says: at the device that seals tcpdump sees plaintext.
    assert tap.words > 1000


def test_opening_only():
    directions(0, 1)
    with Server() as s, Capture("srv", "qs0") as wire, Capture("cli", "qs1") as tap:
        s.get()
    assert counter("srv", "QuicOffloadTx") == 0
    assert counter("cli", "QuicOffloadRx") > 500
    wire.sealed()
    assert tap.words > 1000


def test_a_cipher_that_no_device_has():
    with Server() as s:
        s.get("file", "--ciphers", "chacha20-poly1305")
        assert counter("srv", "QuicOffloadTx") == 0
        s.get("small", "--ciphers", "aes-256-gcm")
        assert counter("srv", "QuicOffloadTx") > 100


def test_switched_on_and_off():
    directions(0, 0)
    with Server() as s:
        s.begin()
        for value in 3, 1, 2, 0, 3:
            before = counter("srv", "QuicOffloadTx")
            directions(value, value)
            if value & 2:
                began(since=before)
            time.sleep(0.3)
        s.end()
    assert device("srv")["tx_packets"] == counter("srv", "QuicOffloadTx")


def main():
    tests = {name[5:]: test for name, test in globals().items() if name[:5] == "test_"}
    chosen = sys.argv[1:] or list(tests)
    print("TAP version 13")
    print("1..%d" % len(chosen))
    failed = 0
    run("modprobe", "-a", "quic", "aesni_intel")
    make_files()
    for number, name in enumerate(chosen, 1):
        result = "ok"
        try:
            set_up()
            tests[name]()
        except Exception:
            for line in traceback.format_exc().splitlines():
                print(" ", line)
            for ns in "srv", "cli":
                run("sh", "-c", "ip netns exec %s grep -hE 'Offload|Drop|Loss|Dec|qs' "
                    "/proc/net/quic/stats /proc/net/quic/snmp /proc/net/quic/offload | "
                    "grep -v ' 0$'" % ns, fine=False)
            result = "not ok"
            failed = 1
        finally:
            tear_down()
        print(result, number, "-", name, flush=True)
    return failed


sys.exit(main())
