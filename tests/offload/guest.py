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
import json
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


holders = {}    # namespace: a process in it


def hold(ns):
    holders[ns] = subprocess.Popen(["ip", "netns", "exec", ns, "sleep", "infinity"])
    wait_for("a namespace", lambda: os.readlink("/proc/%d/ns/net" % holders[ns].pid) !=
             os.readlink("/proc/self/ns/net"))


def table(ns, name):
    """Lines of /proc/net/quic, at no cost for the transfer that goes on."""
    with open("/proc/%d/net/quic/%s" % (holders[ns].pid, name), encoding="ascii") as file:
        return file.read().splitlines()


def counter(ns, name):
    for line in table(ns, "stats") + table(ns, "snmp"):
        if line.split()[0] == name:
            return int(line.split()[1])
    raise KeyError(name)


def device(ns):
    """The row of /proc/net/quic/offload for the device of a namespace."""
    lines = table(ns, "offload")
    names = [name.lower() for name in lines[0].split()]
    rows = [dict(zip(names, line.split())) for line in lines[1:]]
    assert len(rows) == 1, "not one device: %s" % rows
    return {name: int(value) if value.isdigit() else value
            for name, value in rows[0].items()}


def keys(ns):
    row = device(ns)
    return row["tx_keys"] + row["rx_keys"]


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
        hold(ns)
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
        if ns in holders:
            holders[ns].kill()
            holders.pop(ns).wait()
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
        wait_for("the server", lambda: ":4433 " in " ".join(table("srv", "eps")))
        return self

    def url(self, name):
        host = "[%s]" % self.host if ":" in self.host else self.host
        return "https://%s:4433/%s" % (host, name)

    def begin(self, name="large", *options):
        """A download that goes on as it is read: slowly, until end()."""
        self.name = name
        self.got = hashlib.sha256()
        self.client = subprocess.Popen(
            ["ip", "netns", "exec", "cli", "quicget", "-q", "--insecure", "--timeout", "300",
             *options, "-o", "-", self.url(name)], stdout=subprocess.PIPE)

    def until(self, what, condition):
        for _ in range(1200):
            if condition():
                return
            self.got.update(self.client.stdout.read1(1 << 16))
            time.sleep(0.05)
        raise AssertionError("not in a minute: " + what)

    def end(self):
        while data := self.client.stdout.read1(1 << 20):
            self.got.update(data)
        assert self.client.wait() == 0, "the client failed"
        self.client = None
        assert self.got.hexdigest() == digest("%s/%s" % (SITE, self.name)), "other bytes"

    def get(self, name="file", *options):
        self.begin(name, *options)
        self.end()

    def get_by_devices(self, srv=2, cli=2, options=()):
        """A download of which most is sent when so many keys are in the devices."""
        self.begin("large", *options)
        self.until("keys in the devices", lambda: keys("srv") >= srv and keys("cli") >= cli)
        self.end()

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
        s.get_by_devices()
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
        s.get_by_devices()
    assert device("srv")["tx_packets"] > 500 and device("cli")["rx_packets"] > 500


def test_sealing_only():
    directions(2, 0)
    with Server() as s, Capture("cli", "qs1") as wire, Capture("srv", "qs0") as tap:
        s.get_by_devices(1, 0)
    assert device("srv")["tx_packets"] > 500
    assert counter("cli", "QuicOffloadRx") == 0
    wire.sealed()
    # What docs/offload.md says: at the device that seals tcpdump sees plaintext.
    assert tap.words > 1000


def test_opening_only():
    directions(0, 1)
    with Server() as s, Capture("srv", "qs0") as wire, Capture("cli", "qs1") as tap:
        s.get_by_devices(0, 1)
    assert counter("srv", "QuicOffloadTx") == 0
    assert counter("cli", "QuicOffloadRx") > 500
    wire.sealed()
    assert tap.words > 1000


def test_a_cipher_that_no_device_has():
    with Server() as s:
        s.get("file", "--ciphers", "chacha20-poly1305")
        assert counter("srv", "QuicOffloadKeys") == 0
        s.get_by_devices(options=("--ciphers", "aes-256-gcm"))
        assert counter("srv", "QuicOffloadTx") > 500


def test_switched_on_and_off():
    directions(0, 0)
    with Server() as s:
        s.begin()
        for value in 3, 1, 2, 0, 3:
            directions(value, value)
            count = bin(value).count("1")
            s.until("%d keys" % count,
                    lambda: (keys("srv"), keys("cli")) == (count, count))
        s.end()
    assert device("srv")["tx_packets"] == counter("srv", "QuicOffloadTx")


def test_key_updates():
    within("srv", "sysctl", "-qw", "net.quic.key_update_packets=1000")
    with Server() as s:
        s.get_by_devices(options=("--key-update", "5000000"))
    assert counter("srv", "QuicKeyUpdates") > 1
    # The first two keys of a direction, and more for each update.
    assert counter("srv", "QuicOffloadKeys") > 2
    assert device("srv")["tx_packets"] == counter("srv", "QuicOffloadTx") > 500
    assert counter("cli", "QuicOffloadRxBad") == 0


def test_losses():
    within("srv", "tc", "qdisc", "add", "dev", "qs0", "root", "netem", "limit", "10000",
           "loss", "2%")
    with Server() as s:
        s.get_by_devices()
    assert counter("srv", "QuicTxRetransBytes") > 0
    # The qdisc has lost some.
    assert 500 < device("srv")["tx_packets"] <= counter("srv", "QuicOffloadTx")


def test_segmented_by_software():
    """Below the qdisc at one end, so that GRO has to do at the other."""
    directions(2, 1)
    for ns, dev in ("srv", "qs0"), ("cli", "qs1"):
        within(ns, "ethtool", "-K", dev, "tx-udp-segmentation", "off", "gso", "off")
    with Server() as s:
        s.get_by_devices(1, 1)
    assert device("srv")["tx_packets"] == counter("srv", "QuicOffloadTx") > 500
    assert device("cli")["rx_packets"] > 500


# ---- other ways out -----------------------------------------------------------------
# The client's device opens nothing here, so that what is captured there is the wire.


def egress(*action):
    within("srv", "tc", "qdisc", "add", "dev", "qs0", "clsact")
    within("srv", "tc", "filter", "add", "dev", "qs0", "egress", "protocol", "ip", "flower",
           "ip_proto", "udp", "action", *action)


def test_route_change():
    directions(3, 2)
    ip("-n", "srv", "address", "add", "10.7.0.1/32", "dev", "lo")
    ip("-n", "cli", "route", "add", "10.7.0.1/32", "via", "10.9.0.1")
    with Server(host="10.7.0.1") as s, Capture("cli", "vb") as wire:
        s.begin()
        s.until("plaintext for the device", lambda: counter("srv", "QuicOffloadTx") > 0)
        ip("-n", "srv", "route", "add", "10.9.0.2/32", "via", "10.8.0.2", "dev", "va")
        s.end()
    wire.sealed()


def test_redirected_by_tc():
    directions(3, 2)
    mac = subprocess.check_output(["ip", "netns", "exec", "cli", "cat",
                                   "/sys/class/net/qs1/address"], text=True).strip()
    ip("-n", "cli", "link", "set", "vb", "address", mac)
    with Server() as s, Capture("cli", "vb") as wire:
        s.begin()
        s.until("plaintext for the device", lambda: counter("srv", "QuicOffloadTx") > 0)
        egress("mirred", "egress", "redirect", "dev", "va")
        s.end()
    wire.sealed()


def test_mirrored_by_tc():
    directions(3, 2)
    with Server() as s, Capture("cli", "vb") as other, Capture("cli", "qs1") as wire:
        s.begin()
        s.until("plaintext for the device", lambda: counter("srv", "QuicOffloadTx") > 0)
        egress("mirred", "egress", "mirror", "dev", "va")
        s.end()
    other.sealed()
    wire.sealed()


# ---- devices that fail ----------------------------------------------------------------


def test_no_key_is_taken():
    inject("fail_add", 1)
    with Server() as s:
        s.begin()
        s.until("a refusal", lambda: counter("srv", "QuicOffloadKeysFailed") > 0)
        s.end()
    assert device("srv")["keys_refused"] > 0
    assert counter("srv", "QuicOffloadTx") == 0


def test_lost_keys_with_packets_in_the_queue():
    """They were given in plaintext to a device that cannot seal them any more."""
    directions(3, 2)
    queue = ("dev", "qs0", "root", "tbf", "burst", "70000", "limit", "10000000", "rate")
    within("srv", "tc", "qdisc", "add", *queue, "4mbit")
    with Server() as s, Capture("cli", "qs1") as wire:
        s.begin()
        for _ in range(3):
            before = counter("srv", "QuicOffloadTx")
            s.until("plaintext for the device",
                    lambda: counter("srv", "QuicOffloadTx") > before + 100)
            inject("reset", 0)
        s.until("sealing by the CPU", lambda: counter("srv", "QuicOffloadTxFallback") > 0)
        within("srv", "tc", "qdisc", "change", *queue, "1gbit")
        s.end()
    wire.sealed()
    assert counter("srv", "QuicOffloadTxFallback") > 0
    # The queue may have overflowed.
    assert device("srv")["tx_packets"] + counter("srv", "QuicOffloadTxFallback") <= \
        counter("srv", "QuicOffloadTx")


def test_unplugged_under_load():
    for ns, last in ("srv", 1), ("cli", 2):
        ip("-n", ns, "address", "add", "10.7.0.%d/32" % last, "dev", "lo")
        for net, metric in (9, 10), (8, 20):
            ip("-n", ns, "route", "add", "10.7.0.%d/32" % (3 - last), "via",
               "10.%d.0.%d" % (net, 3 - last), "src", "10.7.0.%d" % last,
               "metric", str(metric))
    with Server(host="10.7.0.1") as s, Capture("cli", "vb") as wire:
        s.begin()
        s.until("plaintext for the device", lambda: counter("srv", "QuicOffloadTx") > 0)
        inject("unplug", 1)
        s.end()
    wire.sealed()


def test_tags_that_are_wrong():
    inject("bad_tags", 50)
    with Server() as s:
        s.get_by_devices()
    assert device("srv")["rx_failed"] + device("cli")["rx_failed"] >= 50
    assert counter("cli", "QuicPktDecDrop") == 0
    assert counter("cli", "QuicOffloadRx") > 500


def test_a_device_that_lost_its_place():
    with Server() as s:
        s.begin()
        s.until("opened packets", lambda: counter("cli", "QuicOffloadRx") > 0)
        inject("lose", 1)
        before = counter("cli", "QuicOffloadKeys")
        s.until("the key again", lambda: counter("cli", "QuicOffloadKeys") > before)
        s.end()


def test_quicctl_tells():
    with Server() as s:
        s.get_by_devices()
    said = json.loads(within("srv", "quicctl", "-j", "offload", "status"))
    assert said["allowed"] == "both"
    assert [row["device"] for row in said["devices"]] == ["qs0"]
    assert said["devices"][0]["tx_packets"] == said["QuicOffloadTx"] > 0
    within("srv", "quicctl", "offload", "status")


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
