# SPDX-License-Identifier: GPL-2.0
"""xdp_quic_lb, frame by frame."""

import collections
import ipaddress
import struct

import bpf
import fixtures
import frames
import quiclb
from fixtures import ID
from frames import V2, Answer, frame, initial, long_header, short, unknown_version

IPIP, GUE = 0, 1
RING = 65537
BACKENDS = ("10.0.0.1", "10.0.0.2", "2001:db8:b::3", "10.0.0.4")
ROUTER = bytes.fromhex("020000000001")
CONF = quiclb.Conf(2, 3, 5, quiclb.KEY)
SERVER_IDS = (b"\0\0\1", b"\0\0\2", b"\0\0\3")  # of the first three backends
# All of these are balanced, and what they say is no server that we know.
WANT = {fixtures.OTHER: ("pass", "other"), fixtures.FRAGMENT: ("pass", "fragment"),
        fixtures.BAD: ("drop", "short"), fixtures.FIRST: ("tx", "first"),
        fixtures.UNKNOWN: ("tx", "first"), fixtures.SMALL: ("tx", "first"),
        fixtures.QUIC: ("tx", "unroutable")}

program = bpf.Program(bpf.PROGRAMS + "/lb.bpf.o", "LB")
expect = program.expect


def mapped(address):
    ip = ipaddress.ip_address(address)
    return ip.packed if ip.version == 6 else bytes(10) + b"\xff\xff" + ip.packed


def configure(encap=IPIP, gue_port=0, mtu=0, source4=b"\0\0\0\0", mac=bytes(6), backends=BACKENDS,
              ring=None):
    program.maps["quic_lb"][0] = struct.pack("<III4sI6s2x", encap, gue_port, mtu, source4, 7, mac)
    for vip in frames.SERVER.values():
        program.maps["quic_lb_vips"][mapped(vip)] = 1
    for i in range(len(BACKENDS)):
        program.maps["quic_lb_backend"][i] = mapped(backends[i]) if i < len(backends) \
            else bytes(16)
    program.maps["quic_lb_conf"][CONF.rotation] = CONF.entry()
    for i, sid in enumerate(SERVER_IDS):
        program.maps["quic_lb_servers"][bytes([CONF.rotation]) + sid.ljust(15, b"\0")] = i
    if ring is not None:
        for i in range(RING):
            program.maps["quic_lb_ring"][i] = ring


def test_every_form_of_header():
    configure(ring=3)
    for name, data, what in fixtures.rows():
        yield name, lambda: expect(data, *WANT[what])


def test_cut_off_after_each_octet():
    configure()
    for number, (whole, quic, ends) in enumerate(fixtures.cuts()):
        def every():
            for end in ends:
                if end < quic:
                    expect(whole[:end], "pass", "other")
                elif end < quic + 26:
                    expect(whole[:end], "drop", "short")
                else:
                    expect(whole[:end], "tx", "first")
        yield "frame %d" % number, every


# ---- what travels --------------------------------------------------------------------

def carried(data, out, l2, backend, gue=False, port=6080, mac=frames.MAC_CLIENT, tags=()):
    """The packet in it is the one that came, bit by bit; the outer header in return."""
    a = Answer(out)
    assert (a.dst_mac, a.src_mac) == (mac, frames.MAC_SERVER), "link"
    assert a.tags == list(tags)
    assert a.dst == backend, a.dst
    inner = data[l2:]
    if gue:
        assert a.udp(checked=False) == inner
        assert a.dport == port and a.sport >= 0xc000
    else:
        family = 4 if inner[0] >> 4 == 4 else 6
        assert a.protocol == {4: 4, 6: 41}[family] and a.body == inner
    return a


def test_encapsulation():
    for backend, address in enumerate(BACKENDS[:3]):
        for family in 4, 6:
            for encap in IPIP, GUE:
                for tags in (), ((0x8100, 5),), ((0x88a8, 5), (0x8100, 6)):
                    configure(encap)
                    data = frame(short(CONF.encode(SERVER_IDS[backend])), family, tags=tags)
                    yield "IPv%d to %s, %s, %d tags" % (
                        family, address, ("IPIP", "GUE")[encap], len(tags)), lambda: carried(
                            data, expect(data, "tx", "server"), 14 + 4 * len(tags), address,
                            gue=encap == GUE, tags=tags)


def test_settings():
    data = frame(short(CONF.encode(SERVER_IDS[0])))
    configure(GUE, gue_port=6666)
    yield "port of GUE", lambda: carried(data, expect(data, "tx", "server"), 14, BACKENDS[0], True,
                                         port=6666)
    configure(mac=ROUTER)
    yield "next hop", lambda: carried(data, expect(data, "tx", "server"), 14, BACKENDS[0],
                                      mac=ROUTER)
    configure(source4=ipaddress.ip_address("10.9.9.9").packed)

    def source():
        assert carried(data, expect(data, "tx", "server"), 14, BACKENDS[0]).src == "10.9.9.9"
    yield "source", source

    def entropy():
        configure()
        seen = set()
        for port in range(2000, 2100):
            one = frame(short(CONF.encode(SERVER_IDS[0])), sport=port)
            seen.add(carried(one, expect(one, "tx", "server"), 14, BACKENDS[0]).src)
        assert len(seen) > 90 and all(src.startswith("172.16.") for src in seen), seen
    yield "source that tells flows apart", entropy


def test_mtu():
    sid = SERVER_IDS[0]
    for size in 1472, 1473:
        data = frame(short(CONF.encode(sid), size=size))
        configure()
        yield "%d bytes, nothing said" % size, lambda: expect(
            data, *(("tx", "server") if size == 1472 else ("drop", "too_big")))
        configure(mtu=1500)
        yield "%d bytes, 1500" % size, lambda: expect(data, "drop", "too_big")
        configure(mtu=1521)
        yield "%d bytes, 1521" % size, lambda: expect(data, "tx", "server")


# ---- who gets it ----------------------------------------------------------------------

def test_server_ids():
    configure()
    for family in 4, 6:
        for i, sid in enumerate(SERVER_IDS):
            for name, payload in (
                    ("short header", short(CONF.encode(sid))),
                    ("Handshake", long_header("handshake", CONF.encode(sid), size=200)),
                    ("Handshake of version 2", long_header("handshake", CONF.encode(sid), size=200,
                                                           version=V2))):
                data = frame(payload, family)
                yield "%s, IPv%d, server %d" % (name, family, i), lambda: carried(
                    data, expect(data, "tx", "server"), 14, BACKENDS[i])


def test_the_cpu_is_not_the_server():
    """IDs of one server that differ in the CPU."""
    configure()
    conf = quiclb.Conf(3, 3, 4, quiclb.KEY, cpu_at=2)
    program.maps["quic_lb_conf"][conf.rotation] = conf.entry()
    program.maps["quic_lb_servers"][bytes([conf.rotation, 7, 0, 9]).ljust(16, b"\0")] = 1
    for cpu in 0, 1, 255:
        data = frame(short(conf.encode(bytes([7, cpu, 9]))))
        yield "CPU %d" % cpu, lambda: carried(data, expect(data, "tx", "server"), 14, BACKENDS[1])
    data = frame(short(conf.encode(bytes([7, 0, 8]))))
    yield "another server", lambda: expect(data, *("tx", "unroutable"))


def test_by_the_ring():
    configure(ring=3)
    made = CONF.encode(SERVER_IDS[0])
    for name, payload, reason in (
            ("Initial", initial(made), "first"),
            ("0-RTT", long_header("0rtt", made, size=300), "first"),
            ("unknown version", unknown_version(made), "first"),
            ("unknown server", short(CONF.encode(b"\1\1\1")), "unroutable"),
            ("unknown configuration", short(b"\x80" + ID[1:]), "unroutable"),
            ("unroutable on purpose", short(b"\xe7" + ID[1:]), "unroutable"),
            ("ID that is too short", long_header("handshake", made[:8], size=200), "unroutable"),
            ("no ID", long_header("handshake", b"", size=200), "unroutable")):
        data = frame(payload)
        yield name, lambda: carried(data, expect(data, "tx", reason), 14, BACKENDS[3])


def test_the_ring_spreads():
    def alike():
        for i in range(RING):
            program.maps["quic_lb_ring"][i] = i % 4
        got = collections.Counter()
        for port in range(2000, 4000):
            data = frame(initial(), sport=port)
            dst = Answer(expect(data, "tx", "first")).dst
            assert dst == Answer(expect(data, "tx", "first")).dst, "not the same again"
            got[dst] += 1
        assert set(got) == set(BACKENDS) and min(got.values()) > 400, got
    yield "2000 clients", alike


def test_nobody():
    configure(backends=(), ring=0)
    yield "by the ring", lambda: expect(frame(initial()), "drop", "no_backend")
    yield "by its ID", lambda: expect(frame(short(CONF.encode(SERVER_IDS[1]))), "drop",
                                      "no_backend")
    configure(ring=1 << 31)
    yield "an index beyond all", lambda: expect(frame(initial()), "drop", "no_backend")


def test_other_addresses():
    configure()
    yield "IPv4", lambda: expect(frame(initial(), dst="198.51.100.2"), "pass", "other")
    yield "IPv6", lambda: expect(frame(initial(), 6, dst="2001:db8:1::2"), "pass", "other")
    yield "another port", lambda: expect(frame(initial(), dport=444), "pass", "other")
