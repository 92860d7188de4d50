# SPDX-License-Identifier: GPL-2.0
"""
Devices, namespaces, transfers and captures for the tests of offload.

    namespace srv                                 namespace cli
      qs0  10.9.0.1  ------ simulated NICs ------  qs1  10.9.0.2
      va   10.8.0.1  ------ veth ----------------  vb   10.8.0.2
      lo   10.7.0.1

The server sends a file whose every line is easily found in a capture; the client
compares what arrives. Each test begins with fresh devices and namespaces.
"""

import contextlib
import hashlib
import os
import re
import socket
import subprocess
import time

QUICSIM = os.environ["QUICSIM"]
VETH_INDEX = os.environ["VETH_INDEX"]    # what the programs of ways.bpf.c know it by
PARAMETERS = "/sys/module/quicsim/parameters/"
WORD = b"PLAINTEXT-"
SITE = "/tmp/offload"
SIZES = {"small": 300000, "file": 6 << 20, "way": 4 << 20, "long": 12 << 20, "large": 24 << 20}


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


def two_routes():
    """Loopback addresses that either cable leads to, the devices' sooner."""
    for ns, last in ("srv", 1), ("cli", 2):
        ip("-n", ns, "address", "add", "10.7.0.%d/32" % last, "dev", "lo")
        for net, metric in (9, 10), (8, 20):
            ip("-n", ns, "route", "add", "10.7.0.%d/32" % (3 - last), "via",
               "10.%d.0.%d" % (net, 3 - last), "src", "10.7.0.%d" % last,
               "metric", str(metric))


def wait_for(what, condition):
    for _ in range(600):
        if condition():
            return
        time.sleep(0.1)
    raise AssertionError("not in a minute: " + what)


def inject(name, value):
    with open(PARAMETERS + name, "w") as file:
        file.write(str(value))


def left(name):
    """Faults injected that have not happened yet."""
    with open(PARAMETERS + name) as file:
        return int(file.read())


def offer_anew(number=0):
    """A device offers no offload any more, and then again."""
    for _ in range(2):
        inject("offer", number)


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


def kernel_counter(ns, protocol, name):
    """Of /proc/net/snmp."""
    with open("/proc/%d/net/snmp" % holders[ns].pid, encoding="ascii") as file:
        names, values = [line.split() for line in file if line.startswith(protocol + ":")]
    return int(values[names.index(name)])


def device_counter(ns, dev, name):
    """Of /proc/net/dev."""
    names = ["rx_bytes", "rx_packets", None, "rx_dropped", None, None, None, None,
             "tx_bytes", "tx_packets", None, "tx_dropped"]
    with open("/proc/%d/net/dev" % holders[ns].pid, encoding="ascii") as file:
        for line in file:
            if line.split()[0] == dev + ":":
                return int(line.split()[1 + names.index(name)])
    raise KeyError(dev)


def has_device(ns, dev):
    with open("/proc/%d/net/dev" % holders[ns].pid, encoding="ascii") as file:
        return dev + ":" in file.read().split()


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
    ip("link", "add", "va", "index", VETH_INDEX, "netns", "srv", "type", "veth",
       "peer", "vb", "index", VETH_INDEX, "netns", "cli")
    for ns, sim, veth, last in ("srv", "qs0", "va", 1), ("cli", "qs1", "vb", 2):
        commands = ["link set lo up"]
        for dev, net in (sim, 9), (veth, 8):
            commands += ["address add 10.%d.0.%d/24 dev %s" % (net, last, dev),
                         "address add fd0%d::%d/64 dev %s nodad" % (net, last, dev),
                         "link set %s up" % dev]
        subprocess.run(["ip", "-n", ns, "-batch", "-"], input="\n".join(commands), text=True,
                       check=True)
        within(ns, "sysctl", "-qw", "net.ipv4.conf.all.rp_filter=0",
               "net.ipv4.conf.default.rp_filter=0")


def tear_down():
    for ns in list(holders):
        holders[ns].kill()
        holders.pop(ns).wait()
        run("ip", "netns", "delete", ns, fine=False)
    wait_for("the end of the devices", lambda: subprocess.run(
        ["rmmod", "quicsim"], stderr=subprocess.DEVNULL).returncode == 0)


class Download:
    """A file that comes as it is read: slowly at first, so that there is time for other things."""

    def __init__(self, host="10.9.0.1", step=1 << 16):
        self.host = host
        self.step = step
        self.client = None

    def url(self, name):
        host = "[%s]" % self.host if ":" in self.host else self.host
        return "https://%s:4433/%s" % (host, name)

    def begin(self, name="large", *options):
        self.name = name
        self.got = hashlib.sha256()
        self.client = subprocess.Popen(
            ["ip", "netns", "exec", "cli", "quicget", "-q", "--insecure", "--timeout", "300",
             *options, "-o", "-", self.url(name)], stdout=subprocess.PIPE,
            pipesize=max(self.step, 1 << 16))

    def until(self, what, condition):
        for _ in range(1200):
            if condition():
                return
            self.got.update(self.client.stdout.read1(self.step))
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

    def close(self):
        if self.client:
            self.client.kill()
            self.client.wait()


class Server(Download):
    """quicserve, and a download from it."""

    def __enter__(self):
        self.process = subprocess.Popen(
            ["ip", "netns", "exec", "srv", "quicserve", "-a",
             "::" if ":" in self.host else "0.0.0.0", SITE], stdin=subprocess.DEVNULL)
        wait_for("the server", lambda: ":4433 " in " ".join(table("srv", "eps")))
        return self

    def __exit__(self, *_):
        self.close()
        self.process.kill()
        self.process.wait()


@contextlib.contextmanager
def inside(ns):
    """What this thread opens, it opens in the namespace."""
    with open("/proc/self/ns/net", "rb") as ours, \
            open("/proc/%d/ns/net" % holders[ns].pid, "rb") as theirs:
        os.setns(theirs.fileno(), os.CLONE_NEWNET)
        try:
            yield
        finally:
            os.setns(ours.fileno(), os.CLONE_NEWNET)


# A UDP datagram for a station that nobody is.
LAST_WORD = b"THE-CAPTURE-ENDS"
LAST_FRAME = (bytes.fromhex("02ffffffffff" "02fffffffffe" "0800" "4500002c000000004011" "0000"
                            "7f0000017f000001" "0009000900180000") + LAST_WORD)


class Capture:
    """What tcpdump sees at a device: of UDP, or of what is named.

    All of it: tcpdump is ended when it has written a frame that was sent after the
    others, and must not have missed any.
    """

    def __init__(self, ns, dev, what="udp"):
        self.ns, self.dev, self.what = ns, dev, what
        self.file = "/tmp/%s.pcap" % dev

    def __enter__(self):
        self.process = subprocess.Popen(
            ["ip", "netns", "exec", self.ns, "tcpdump", "-i", self.dev, "-U", "-s", "0",
             "-B", "65536", "-Z", "root", "-w", self.file, self.what],
            stderr=subprocess.PIPE, text=True)
        self.process.stderr.readline()
        with inside(self.ns):
            self.end = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
            self.end.bind((self.dev, 0))
        return self

    def __exit__(self, failed, *_):
        with self.end:
            if not failed:
                self.end.send(LAST_FRAME)
                wait_for("the capture's end", lambda: LAST_WORD in self.data())
        self.process.terminate()
        said = self.process.communicate()[1]
        data = self.data()
        self.size = len(data)
        self.words = data.count(WORD)
        self.missed = int((re.findall(r"(\d+) packets? dropped", said) or [-1])[0])
        print("  %s: %d bytes captured, %d times plaintext, %d packets missed" %
              (self.dev, self.size, self.words, self.missed))

    def data(self):
        with open(self.file, "rb") as file:
            return file.read()

    def sealed(self, least=100000):
        assert self.size >= least, "nothing was captured"
        assert not self.words, "plaintext at %s" % self.dev
        assert self.missed == 0, "the capture is not all"


def directions(srv, cli):
    """Which of them may be offloaded: 1 opening, 2 sealing."""
    for ns, value in ("srv", srv), ("cli", cli):
        within(ns, "sysctl", "-qw", "net.quic.offload=%d" % value)
