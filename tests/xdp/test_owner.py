# SPDX-License-Identifier: GPL-2.0
"""
Packets at the CPU that owns their connection: a queue and a CPU for each of four, an
operator's quicctl, and clients behind a NAT that forgets them.
"""

import functools
import os
import subprocess

import world
from world import CLIENT, PORT, SERVER, WORK

CPUS = os.cpu_count()
OTHER = "10.9.0.3"                      # another address of the NAT
DOOR = "10.9.0.4"                       # of the server, for those behind no NAT
PREFERRED = 4444
CLIENTS = 6
WINDOW = 1 << 20                        # what a stream's sender may be ahead of its reader
PROGRAMS = "/usr/lib/quic/bpf/cid/"

# Clients have the ports 0x80xx. What comes back finds them whatever it was turned into.
PORTS = 0x80
NAT = """
table ip nat {}
delete table ip nat
table ip nat {
	chain out {
		type filter hook output priority raw
		meta l4proto udp ip daddr %(server)s udp sport set udp sport & 0xff | %(outside)d
		meta l4proto udp ip daddr %(server)s ip saddr set %(address)s
	}
	chain in {
		type filter hook prerouting priority raw
		meta l4proto udp ip saddr %(server)s udp dport set udp dport & 0xff | %(inside)d
		meta l4proto udp ip saddr %(server)s ip daddr set %(client)s
	}
}
"""
# To other ports, another address, back to the first one.
MAPPINGS = (0x91, CLIENT), (0x91, OTHER), (0xa2, CLIENT)
# Whoever has read as much as a window has told the server so, and there is more to come.
LARGE = os.urandom((len(MAPPINGS) + 3) * WINDOW)


def ctl(*words):
    return world.as_json("quicctl", "-j", "-N", "srv", *words)


def nat(ports, address):
    subprocess.run(["nsenter", "--net=/run/netns/cli", "nft", "-f", "-"], check=True, text=True,
                   input=NAT % {"server": SERVER, "outside": ports << 8, "address": address,
                                "inside": PORTS << 8, "client": CLIENT})


def network(test):
    """With queues; what a test attached is gone afterwards."""
    @functools.wraps(test)
    def inside():
        world.make_network(CPUS)
        world.run("ip", "-n", "cli", "addr", "add", OTHER + "/24", "dev", "data")
        world.run("ip", "netns", "exec", "cli", "sysctl", "-q",
                  "net.ipv4.ip_local_port_range=%d %d" % (PORTS << 8, (PORTS << 8) + 255))
        os.makedirs(WORK + "/site", exist_ok=True)
        for name, data in ("large", LARGE), ("small", b"small"):
            with open(WORK + "/site/" + name, "wb") as file:
                file.write(data)
        try:
            yield from test()
        finally:
            world.unload()
            world.remove_network()
    return inside


def attach(*words):
    ctl("steer", "attach", "data", *words)
    world.pin_queues(CPUS)


# ---- clients that move ---------------------------------------------------------------

class Client:
    """It fetches the large file, and has its pipe emptied when the test does so: the server
    waits for that, and nothing on the way is full."""

    def __init__(self):
        self.got = bytearray()
        self.process = fetching("large", "-", stdout=subprocess.PIPE)
        self.pipe = self.process.stdout.fileno()
        os.set_blocking(self.pipe, False)

    def read(self, end):
        """What has come, up to this many bytes in all."""
        try:
            while len(self.got) < end and (data := os.read(self.pipe, end - len(self.got))):
                self.got += data
        except BlockingIOError:
            pass

    def finish(self):
        os.set_blocking(self.pipe, True)
        self.read(len(LARGE) + 1)
        assert self.process.wait() == 0, "a client failed"
        assert self.got == LARGE, "another file"

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


class Clients:
    """They fetch, all at a time, and move."""

    def __init__(self, server):
        self.server = server
        self.known = {row["CONNECTION"] for row in server.table("owners")}

    def __enter__(self):
        nat(PORTS, CLIENT)
        self.all = [Client() for _ in range(CLIENTS)]
        self.wait("handshakes", lambda: len(self.places()) == CLIENTS)
        return self

    def rows(self):
        return [row for row in self.server.table("owners")
                if row["CONNECTION"] not in self.known and row["STATE"] == "1" and
                row["LOCAL_ADDRESS"].startswith(SERVER + ":")]

    def places(self):
        """{connection: where its client is}"""
        return {row["CONNECTION"]: row["REMOTE_ADDRESS"] for row in self.rows()}

    def wait(self, what, condition):
        try:
            world.wait_for(what, condition)
        except AssertionError:
            print("    ", *self.rows(), sep="\n    ")
            raise

    def move(self, ports, address):
        before = self.places()
        nat(ports, address)
        ends = [(client, len(client.got) + WINDOW) for client in self.all]

        def moved():
            for client, end in ends:
                client.read(end)
            now = self.places()
            return all(now.get(name) != place for name, place in before.items())
        self.wait("all have moved", moved)
        assert len(self.places()) == CLIENTS, "some are no more, their clients: %s" % \
            [client.process.poll() for client in self.all]

    def finish(self):
        for client in self.all:
            client.finish()

    def __exit__(self, *_):
        for client in self.all:
            client.kill()


def fetching(what, to="/dev/null", server=SERVER, **how):
    return subprocess.Popen(["nsenter", "--net=/run/netns/cli", "quicget", "-qk", "--timeout", "100",
                             "-o", to, "https://%s:%d/%s" % (server, PORT, what)], **how)


def elsewhere(server):
    return sum(int(row["ELSEWHERE"]) for row in server.table("cpus"))


def rebound(server, meanwhile=lambda clients: None):
    """All clients move, three times. Which CPUs their connections are of."""
    with Clients(server) as clients:
        meanwhile(clients)
        for mapping in MAPPINGS:
            clients.move(*mapping)
        cpus = {row["CPU"] for row in clients.rows()}
        clients.finish()
    return cpus


def come_and_go(server):
    """Others, one after another."""
    for _ in range(CLIENTS):
        assert fetching("small").wait() == 0


def exactly(server, steps, *args):
    """The steps bring no train to another CPU than its connection's."""
    def resets():
        return world.stats("cli")["QuicResetsSent"]
    before, strays, were = ctl("steer", "status")["packets"], elsewhere(server), resets()
    cpus = steps(server, *args)
    now = ctl("steer", "status")["packets"]
    grown = {reason: now[reason] - before[reason] for reason in now}
    strays = elsewhere(server) - strays
    print("    elsewhere: %d, owners: %s, packets: %s" % (strays, cpus, grown))
    assert strays == 0, strays
    assert grown["moved"] + grown["home"], grown
    # The last words of a connection may be for one that is no more; and where an ID would
    # be a client's stateless reset has what is random.
    assert grown["unknown"] + grown["no_cpu"] <= 2 * CLIENTS + resets() - were, grown
    assert cpus is None or len(cpus) > 1 and grown["moved"], cpus


@network
def test_the_table_of_connections():
    with world.Server("--per-cpu") as server:
        def unsteered():
            before = elsewhere(server)
            rebound(server)
            assert elsewhere(server) > before, "steering would make no difference"
        yield "without steering they come elsewhere", unsteered
        for mode in "native", "generic":
            attach("--mode", mode, "--port", PORT)
            yield mode, lambda: exactly(server, rebound)
            ctl("steer", "detach", "data")


@network
def test_preferred_address():
    def there(clients):
        clients.wait("all at the preferred address", lambda: all(
            row["LOCAL_ADDRESS"].endswith(":%d" % PREFERRED) for row in clients.rows()))
    with world.Server("--per-cpu", "--preferred-address", "%s:%d" % (SERVER, PREFERRED)) as server:
        attach("--port", "%d,%d" % (PORT, PREFERRED))
        yield "and on", lambda: exactly(server, rebound, there)


# ---- what IDs say ----------------------------------------------------------------------

@network
def test_the_cpu_in_the_id():
    """Programs of bpf/cid make IDs, steer reads them and asks no table."""
    def without_fault(name):
        row = {row["name"]: row for row in ctl("cid", "list")}[name]
        assert row["calls"] and not row["bad_cpu"] and not row["bad_len"], row
    with world.Server("--per-cpu") as server:
        attach("--scheme", "cpu", "--port", PORT)
        ctl("cid", "load", PROGRAMS + "cpu.bpf.o")
        ctl("cid", "use", "cpu")
        yield "cpu", lambda: exactly(server, rebound)
        yield "cpu, no fault", lambda: without_fault("cpu")
        ctl("steer", "set", "--scheme", "lb")
        with open(WORK + "/key", "w", encoding="ascii") as file:
            file.write("8f95f09245765f80256934e50c66207f\n")
        for key in (), ("--key-file", WORK + "/key"):
            for rotation, sid, nonce, at, more in (
                    (0, 3, 4, 3, ()), (5, 1, 6, 1, ()), (2, 2, 5, 1, ("--self-length",)),
                    (3, 9, 10, 2, ("--self-length",)), (4, 8, 8, 7, ())):
                ctl("lb", "config", rotation, *key, "--server-length", sid, "--nonce-length", nonce,
                    "--cpu-at", at, *more)
                ctl("lb", "ids", rotation, "00a1b2c3d4e5f60718"[:2 * sid])
                yield "QUIC-LB, %d and %d octets%s" % (sid, nonce, " encrypted" * bool(key)), \
                    lambda: exactly(server, come_and_go)
        yield "QUIC-LB, rebound", lambda: exactly(server, rebound)
        ctl("steer", "set", "--scheme", "table")
        yield "QUIC-LB, from the table", lambda: exactly(server, rebound)
        yield "QUIC-LB, no fault", lambda: without_fault("quic_lb")
        ctl("cid", "unload", "quic_lb")
        ctl("cid", "unload", "cpu")


# ---- who takes a client ------------------------------------------------------------------

OBJECTS = os.environ["OBJECTS"]         # programs that choose by no good reason


@network
def test_the_choice_of_a_program():
    """choose() decides which member of a SO_REUSEPORT group takes a client."""
    with world.Server("--per-cpu") as server:
        def owners():
            with Clients(server) as clients:
                cpus = [int(row["CPU"]) for row in clients.rows()]
                clients.finish()
            print("    owners:", *cpus)
            return cpus

        def chosen(name):
            ctl("cid", "load", "%s/%s.bpf.o" % (OBJECTS, name))
            ctl("cid", "use", name)
            cpus = owners()
            row = {row["name"]: row for row in ctl("cid", "list")}[name]
            ctl("cid", "unload", name)
            assert row["calls"] >= CLIENTS and not row["bad_listener"], row
            return cpus

        def one_cpu():
            assert set(chosen("chooses_cpu")) == {2}

        def one_listener():
            assert len(set(chosen("chooses_last"))) == 1

        def everywhere():
            assert len(set(owners())) > 1
        yield "by its CPU", one_cpu
        yield "by its number", one_listener
        yield "and without one", everywhere


# ---- restart -----------------------------------------------------------------------------

VISITOR = """
n=0
while [ ! -e %s/enough ]; do
	quicget -qk --timeout 100 -o /dev/null https://%s:%d/small || exit 1
	n=$((n + 1))
done
echo $n
"""


@network
def test_restart_under_load():
    """Clients that come and go, and others that stay and move: none notices a new process."""
    world.run("ip", "-n", "srv", "addr", "add", DOOR + "/24", "dev", "data")
    options = "--per-cpu", "--retry", "--grace", "300", "-a", DOOR

    def restart():
        if os.path.exists(WORK + "/enough"):
            os.unlink(WORK + "/enough")
        before, strays = world.stats(), elsewhere(old)
        visitors = [subprocess.Popen(
            ["nsenter", "--net=/run/netns/cli", "taskset", "-c", str(cpu), "sh", "-c",
             VISITOR % (WORK, DOOR, PORT)], stdout=subprocess.PIPE, text=True)
            for cpu in range(CPUS)]
        with Clients(old) as clients, world.Server(*options) as new:
            old.process.terminate()
            for mapping in MAPPINGS:
                clients.move(*mapping)
            world.wait_for("clients of the new one", lambda: new.said().count("GET") >= 2 * CPUS)
            clients.finish()
            assert old.process.wait() == 0, "the old one"
            with open(WORK + "/enough", "w", encoding="ascii"):
                pass
            fetches = [visitor.communicate()[0].strip() for visitor in visitors]
            assert not any(visitor.returncode for visitor in visitors), "a client failed"
            now = world.stats()
            print("    fetches:", *fetches)
            assert elsewhere(new) == strays
        # A reset of what was alive would have been a client's failure.
        for what in "QuicDropNoListener", "QuicDropToken":
            assert now[what] == before[what], what
        assert now["QuicRetriesSent"] > before["QuicRetriesSent"]

    with world.Server(*options) as old:
        attach("--port", PORT)
        yield "a new process takes over", restart
