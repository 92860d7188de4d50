# SPDX-License-Identifier: GPL-2.0
"""
guest.py - run cases inside a VM that has everything installed.

$PLAN is a JSON array of [case, client, server]; some run side by side ($JOBS), the
measurements alone, after the others. Each run has its own namespaces and its own
server, and leaves in /results/interop/<case>-<client>-<server>/

    left.pcap right.pcap    what crossed the edges of the two routers
    keys                    the TLS secrets that either end wrote
    *.log                   what both ends said

and one line on stdout, `RUN` and a JSON object of facts, for judge.py. Nothing is
judged here but equality of files, for only here they are.
"""

import hashlib
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from cases import CASES, repeats
from peers import PEERS
from topology import PORT, V4, V6, Topology

RESULTS = "/results/interop"
SCRATCH = "/tmp/interop"
FILES = 1 << 16                         # open at a time
# Go's runtime wakes every 20 us while it has work, which emulation pays for dearly.
SLACK = 10**6                           # ns that sleeps of the engines may be longer
# How often a case's time is waited, for the sake of the logs; judge.py demands once.
PATIENCE = int(os.environ.get("PATIENCE", "2"))

say_lock = threading.Lock()
www_lock = threading.Lock()
build_lock = threading.Lock()


def say(line):
    with say_lock:
        print(line, flush=True)


# ---- certificates ------------------------------------------------------------

def certificate(subject, key, issuer, issuer_key, ca, names=()):
    now = datetime.now(timezone.utc)
    builder = (x509.CertificateBuilder()
               .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
               .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
               .public_key(key.public_key()).serial_number(x509.random_serial_number())
               .not_valid_before(now - timedelta(days=1))
               .not_valid_after(now + timedelta(days=9))
               .add_extension(x509.BasicConstraints(ca, None), True))
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), False)
    return builder.sign(issuer_key, hashes.SHA256())


def make_certificates():
    """ca.pem; cert.pem, a leaf; long.pem, nine certificates with long names; key.pem;
    near.pem, which is ca.pem and one of those between it and the leaf of long.pem."""
    import ipaddress
    names = [x509.DNSName("server"), x509.IPAddress(ipaddress.ip_address(V4)),
             x509.IPAddress(ipaddress.ip_address(V6))]
    labels = ".".join("x" * 61 for _ in range(4))
    many = [x509.DNSName("%02d.%s" % (n, labels)) for n in range(20)]
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())

    def pem(*certificates):
        return b"".join(c.public_bytes(serialization.Encoding.PEM) for c in certificates)

    def write(name, data):
        with open(os.path.join(SCRATCH, name), "wb") as out:
            out.write(data)
    root = certificate("interop CA", ca_key, "interop CA", ca_key, True)
    write("ca.pem", pem(root))
    write("key.pem", key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption()))
    write("cert.pem", pem(certificate("server", key, "interop CA", ca_key, False, names)))
    chain, issuer, issuer_key = [], "interop CA", ca_key
    for n in range(8):
        middle = ec.generate_private_key(ec.SECP256R1())
        chain.insert(0, certificate("interop CA %d" % n, middle, issuer, issuer_key, True))
        issuer, issuer_key = "interop CA %d" % n, middle
    chain.insert(0, certificate("server", key, issuer, issuer_key, False, names + many))
    write("long.pem", pem(*chain))
    write("near.pem", pem(root, chain[4]))
    spki = hashlib.sha256(key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)).digest()
    import base64
    write("spki", base64.b64encode(spki))


def www(case):
    """The files of a case, random, made once."""
    path = os.path.join(SCRATCH, "www", case.name)
    with www_lock:
        if not os.path.isdir(path):
            os.makedirs(path)
            for name, size in case.files.items():
                with open(os.path.join(path, name), "wb") as out:
                    out.write(os.urandom(size))
    return path


# ---- processes ---------------------------------------------------------------

def wait_for(condition, seconds, process=None):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end or process and process.poll() is not None:
            return False
        time.sleep(0.1)
    return True


def end(process, how=signal.SIGTERM):
    """The whole group, and whoever it started."""
    for signum in how, signal.SIGKILL:
        try:
            os.killpg(process.pid, signum)
        except ProcessLookupError:
            pass
        try:
            process.wait(5)
            break
        except subprocess.TimeoutExpired:
            pass


def counters(text):
    return dict((line.split()[0], int(line.split()[1])) for line in text.splitlines()
                if len(line.split()) == 2)


class Run:
    """One case between two peers."""

    def __init__(self, case, client, server, number):
        self.case, self.client, self.server = CASES[case], PEERS[client], PEERS[server]
        self.name = "%s-%s-%s" % (case, client, server)
        if number:
            self.name += "-%d" % number
        self.number = number
        self.dir = os.path.join(SCRATCH, "runs", self.name)
        shutil.rmtree(self.dir, ignore_errors=True)
        os.makedirs(self.dir + "/out")
        self.host, self.address = (V4, V4) if self.case.family == 4 else ("[%s]" % V6, V6)
        both = [p for p in self.client.protocols if p in self.server.protocols]
        self.protocol = self.case.protocol if self.case.protocol in both else both[0]
        self.www = www(self.case)
        self.ca, self.key = SCRATCH + "/ca.pem", SCRATCH + "/key.pem"
        self.near_ca = SCRATCH + "/near.pem"
        self.chain = "%s/%s.pem" % (SCRATCH, self.case.chain)
        with open(SCRATCH + "/spki") as source:
            self.spki = source.read()
        self.patience = self.case.limit * PATIENCE
        self.processes = []

    def urls(self):
        return ["https://%s:%d/%s" % (self.host, PORT, name) for name in self.case.files]

    def path(self, name):
        return os.path.join(self.dir, name)

    def start(self, end_of, command, log, **environment):
        out = open(self.path(log), "ab")
        with out, self.net.inside(end_of):
            process = subprocess.Popen(
                command, cwd=self.dir, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                start_new_session=True, env=dict(os.environ, **environment))
        self.processes.append(process)
        return process

    def capture(self):
        for end_of, side in ("r1", "left"), ("r2", "right"):
            self.start(end_of, ["tcpdump", "-i", "edge", "-s", "0", "-B", "8192", "-Z", "root",
                                "-w", side + ".pcap", "udp"], side + ".log")
        if not wait_for(lambda: all(b"listening on" in open(self.path(s + ".log"), "rb").read()
                                    for s in ("left", "right")), 30):
            raise RuntimeError("tcpdump does not start")

    def is_listening(self):
        udp = self.net.read_proc("srv", "udp") + self.net.read_proc("srv", "udp6")
        return ":%d " % PORT in self.net.read_proc("srv", "quic/eps") or \
            ":%04X 0" % PORT in udp

    def counters(self, end_of):
        return counters(self.net.read_proc(end_of, "quic/snmp") +
                        self.net.read_proc(end_of, "quic/stats"))

    def serve(self):
        server = self.start("srv", self.server.serve(self), "server.log",
                            SSLKEYLOGFILE=self.path("server.keys"))
        if not wait_for(self.is_listening, 60, server):
            raise RuntimeError("the server does not come up")

    def fetch(self):
        """Call the client until it is done: exit status, and which call it was."""
        deadline = time.monotonic() + self.patience
        commands = self.client.fetch(self)
        for number, command in enumerate(commands, 1):
            left = max(1, int(deadline - time.monotonic()))
            client = self.start("cli", command, "client.log",
                                SSLKEYLOGFILE=self.path("client.keys"))
            self.processes.remove(client)
            try:
                status = client.wait(left)
            except subprocess.TimeoutExpired:
                status = 124
            end(client)
            if status:
                return status, "" if len(commands) == 1 else "call %d of %d" % (
                    number, len(commands))
        return 0, ""

    def compare(self):
        """What is wrong with the files, or ''."""
        want, got = set(self.case.files), set(os.listdir(self.path("out")))
        for names, what in (want - got, "missing"), (got - want, "too many"):
            if names:
                return "files %s: %s" % (what, " ".join(sorted(names))[:60])
        for name in want:
            with open(self.path("out/" + name), "rb") as one, \
                    open(os.path.join(self.www, name), "rb") as other:
                if one.read() != other.read():
                    return "file differs: " + name[:20]
        return ""

    def cross(self):
        """A TCP flow in the same direction, until the end."""
        server = self.start("cli", ["iperf3", "-s"], "iperf-server.log")
        wait_for(lambda: b"listening" in open(self.path("iperf-server.log"), "rb").read(),
                 10, server)
        self.start("srv", ["iperf3", "-c", "193.167.0.100", "-C", "cubic", "-t", "600"],
                   "iperf.log")
        time.sleep(2)

    def do(self):
        facts = {"case": self.case.name, "client": self.client.name,
                 "server": self.server.name, "protocol": self.protocol, "run": self.name,
                 "number": self.number, "error": "", "files": ""}
        self.net = None
        began = time.monotonic()
        try:
            with build_lock:            # two at once would be two at half the speed
                self.net = Topology(self.name, self.case.link)
                self.capture()
            self.serve()
            if self.case.tcp:
                self.cross()
            before = {e: self.counters(e) for e in ("cli", "srv")}
            began = time.monotonic()
            facts["status"], facts["call"] = self.fetch()
            facts["seconds"] = round(time.monotonic() - began, 1)
            time.sleep(1.5)             # closing; and tcpdump reads once a second
            facts["files"] = self.compare()
            facts["link"] = self.net.facts()
            for e in before:
                now, old = self.counters(e), before[e]
                facts["counters-" + e] = {k: now[k] - old.get(k, 0) for k in now
                                          if now[k] != old.get(k, 0)}
        except (RuntimeError, OSError) as error:
            facts["error"] = str(error)
        finally:
            for process in reversed(self.processes):
                end(process)
            if self.net:
                self.net.remove()
        self.keep()
        return facts

    def keep(self):
        where = os.path.join(RESULTS, self.name)
        shutil.rmtree(where, ignore_errors=True)
        os.makedirs(where)
        with open(where + "/keys", "wb") as keys:
            for name in "server.keys", "client.keys":
                if os.path.exists(self.path(name)):
                    keys.write(open(self.path(name), "rb").read())
        for name in os.listdir(self.dir):
            if name.endswith((".pcap", ".log", ".json")):
                shutil.copy(self.path(name), where)
        shutil.rmtree(self.dir)


def attempt(case, client, server):
    reason = PEERS[client].cannot("client", case) or PEERS[server].cannot("server", case)
    which = client if PEERS[client].cannot("client", case) else server
    versions = {"client_version": PEERS[client].version(),
                "server_version": PEERS[server].version(),
                "kernel": os.uname().release}
    facts = {"case": case, "client": client, "server": server, **versions}
    if reason:
        say("RUN " + json.dumps({**facts, "unsupported": "%s: %s" % (which, reason)}))
        return
    for number in range(repeats(case, client, server)):
        made = Run(case, client, server, number).do()
        say("RUN " + json.dumps({**versions, **made}))


def main():
    plan = json.loads(os.environ["PLAN"])
    # Some open all of their 1999 files at once.
    resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, FILES))
    with open("/proc/self/timerslack_ns", "w") as out:
        out.write(str(SLACK))
    os.makedirs(SCRATCH + "/runs")
    os.makedirs(RESULTS, exist_ok=True)
    subprocess.run(["modprobe", "aesni_intel"], stderr=subprocess.DEVNULL)
    subprocess.run(["modprobe", "quic"], check=True)
    make_certificates()
    together = [row for row in plan if not CASES[row[0]].alone]
    with ThreadPoolExecutor(int(os.environ.get("JOBS", "3"))) as pool:
        for done in [pool.submit(attempt, *row) for row in together]:
            done.result()
    for row in plan:
        if CASES[row[0]].alone:
            attempt(*row)


sys.exit(main())
