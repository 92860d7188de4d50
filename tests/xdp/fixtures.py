# SPDX-License-Identifier: GPL-2.0
"""
Every form of header, and every malformation: what both the steering and the
guard have to find, or to leave alone. A row: name, frame, what it is.

OTHER		nothing for a server of QUIC, as far as the frame says
FRAGMENT	a piece of an IP packet
BAD		for the port, and no QUIC
FIRST		a client's first contact, its ID made up by it
UNKNOWN		the same of a version that nobody speaks
SMALL		a first contact in less than 1200 bytes
QUIC		a packet with a server's ID, which is ID
"""

import frames
from frames import V1, V2, frame, initial, long_header, short, unknown_version

OTHER, FRAGMENT, BAD, FIRST, UNKNOWN, SMALL, QUIC = range(7)
ID = bytes.fromhex("0140a1b2c3d4e5f6")
Q, AD = 0x8100, 0x88a8
PADN = b"\0\1\4\0\0\0\0"                # of an extension header of 8 octets


def link_forms():
    yield "plain", {}
    yield "one VLAN tag", {"tags": ((Q, 7),)}
    yield "a VLAN tag with priority", {"tags": ((Q, 0xe007),)}
    yield "two VLAN tags", {"tags": ((AD, 7), (Q, 8))}


def ip_forms():
    """(name, family, options for frame()): all lead to the UDP header."""
    for name, link in link_forms():
        yield "IPv4, " + name, 4, link
        yield "IPv6, " + name, 6, link
    yield "IPv4 with 4 octets of options", 4, {"options": b"\x94\4\0\0"}
    yield "IPv4 with 40 octets of options", 4, {"options": b"\1" * 40}
    yield "IPv4 that may be fragmented", 4, {"flags": 0}
    yield "IPv6 with hop-by-hop options", 6, {"extensions": ((0, PADN),)}
    yield "IPv6 with destination options", 6, {"extensions": ((60, PADN),)}
    yield "IPv6 with 200 octets of options", 6, {
        "extensions": ((60, b"\x18\1\xc4" + b"\0" * 196),)}
    yield "IPv6 with a routing header", 6, {"extensions": ((43, b"\0\0\0\0\0\0\0"),)}
    yield "IPv6 with an authentication header", 6, {
        "extensions": ((51, b"\4\0\0" + b"\1" * 20),)}
    yield "IPv6 with a fragment header that is all", 6, {
        "extensions": ((44, b"\0\0\0\1\2\3\4"),)}
    yield "IPv6 with five extension headers", 6, {
        "extensions": ((0, PADN), (60, PADN), (43, b"\0\0\0\0\0\0\0"), (60, PADN),
                       (44, b"\0\0\0\1\2\3\4"))}


def others():
    quic = short(ID)
    src, dst = frames.CLIENT, frames.SERVER
    yield "another port", frame(quic, dport=8443)
    yield "another port, IPv6", frame(quic, 6, dport=8443)
    yield "port 0", frame(quic, dport=0)
    yield "TCP", frames.link(frames.ipv4(frames.udp(quic, src[4], dst[4]), src[4], dst[4],
                                         protocol=6), 4)
    yield "TCP over IPv6", frames.link(
        frames.ipv6(frames.udp(quic, src[6], dst[6]), src[6], dst[6], protocol=6), 6)
    yield "ARP", b"\xff" * 6 + frames.MAC_CLIENT + b"\x08\x06" + b"\0" * 46
    yield "no type", frames.MAC_SERVER + frames.MAC_CLIENT + b"\0\x2e" + b"\0" * 46
    yield "three VLAN tags", frame(quic, tags=((AD, 1), (Q, 2), (Q, 3)))
    yield "IPv4 that says it is IPv6", frames.link(
        frames.ipv6(frames.udp(quic, src[6], dst[6]), src[6], dst[6]), 4)
    yield "IPv6 that says it is IPv4", frames.link(
        frames.ipv4(frames.udp(quic, src[4], dst[4]), src[4], dst[4]), 6)
    plain = frame(quic)
    yield "IPv4 header of 16 octets", plain[:14] + b"\x44" + plain[15:]
    yield "IPv4 header of 60 octets in a short frame", (plain[:14] + b"\x4f" + plain[15:])[:60]
    yield "IPv6 without next header", frame(quic, 6, protocol=59)
    yield "IPv6 with eight extension headers", frame(quic, 6, extensions=((60, PADN),) * 8)
    yield "IPv6 with an extension header beyond the frame", frame(
        quic, 6, extensions=((60, b"\xff" + PADN[1:]),))[:120]
    yield "ESP over IPv6", frame(quic, 6, protocol=50)


def fragments():
    quic = short(ID, size=1200)
    for name, flags in (("first", 0x2000), ("middle", 0x2090), ("last", 0x0090)):
        yield "IPv4, %s fragment" % name, frame(quic, flags=flags)
    for name, field in (("first", b"\0\1"), ("middle", b"\1\1"), ("last", b"\1\0")):
        yield "IPv6, %s fragment" % name, frame(
            quic, 6, extensions=((44, b"\0" + field + b"\1\2\3\4"),))
    yield "IPv6, a fragment after options", frame(
        quic, 6, extensions=((60, PADN), (44, b"\0\0\1\1\2\3\4")))


def bad():
    yield "nothing in it", frame(b"")
    yield "one octet", frame(b"\0")
    yield "20 octets", frame(short(ID, size=20))
    yield "a long header in 25 octets", frame(long_header("handshake", ID, size=60)[:25])
    yield "version 1 with an ID of 21 octets", frame(initial(b"\xd0" * 21))
    yield "version 2 with an ID of 255 octets", frame(initial(b"\xd0" * 255, version=V2))
    yield "less in UDP than its header", frame(short(ID), udp_length=7)
    yield "less in UDP than a packet", frame(short(ID), udp_length=28)


def first():
    yield "Initial, version 1", initial()
    yield "Initial, version 2", initial(version=V2)
    yield "Initial with a cleared fixed bit", initial(fixed=0)
    yield "Initial with an ID of 20 octets", initial(b"\xd2" * 20)
    yield "Initial without source ID", initial(scid=b"")
    yield "Initial with a source ID of 20 octets", initial(scid=b"\x5e" * 20)
    yield "Initial with a token", initial(token=b"\x11" * 64)
    yield "Initial of Chromium's size", initial(size=1250)
    yield "Initial of nearly an MTU", initial(size=1452)
    yield "two Initials, coalesced", initial(length=300, size=340) + initial(size=860)
    yield "Initial and 0-RTT, coalesced", (initial(length=300, size=340) +
                                           long_header("0rtt", b"\xd0" * 8, size=860))


def unknown():
    yield "reserved version", unknown_version()
    yield "draft 29", unknown_version(version=0xff00001d)
    yield "IDs of 0 octets", unknown_version(b"", b"")
    yield "IDs of 21 octets", unknown_version(b"\xd3" * 21, b"\x5f" * 21)
    yield "IDs of 255 octets", unknown_version(b"\xd3" * 255, b"\x5f" * 255)
    yield "first octet without fixed bit", b"\x80" + unknown_version()[1:]


def servers():
    """With ID in them."""
    yield "short header", short(ID)
    yield "short header of 21 octets", short(ID, size=21)
    yield "short header with a cleared fixed bit", short(ID, first=0x03)
    yield "short header with spin bit and key phase", short(ID, first=0x67)
    yield "Handshake, version 1", long_header("handshake", ID, size=300)
    yield "Handshake, version 2", long_header("handshake", ID, size=300, version=V2)
    yield "Handshake with a cleared fixed bit", long_header("handshake", ID, size=300, fixed=0)
    yield "Handshake and 1-RTT, coalesced", (long_header("handshake", ID, size=200, length=150) +
                                             short(ID))


def rows():
    """All, with the IP headers that change nothing."""
    for name, data in others():
        yield name, data, OTHER
    for name, data in fragments():
        yield name, data, FRAGMENT
    for name, data in bad():
        yield name, data, BAD
    for what, source in ((FIRST, first), (UNKNOWN, unknown), (QUIC, servers)):
        for name, payload in source():
            for family in 4, 6:
                yield "%s, IPv%d" % (name, family), frame(payload, family), what
    for name, family, ip in ip_forms():
        yield "Initial, " + name, frame(initial(), family, **ip), FIRST
        yield "short header, " + name, frame(short(ID), family, **ip), QUIC
    yield "Initial in 1199 bytes", frame(initial(size=1199)), SMALL
    yield "unknown version in 1199 bytes", frame(unknown_version(size=1199)), SMALL
    yield "another port's frame, padded", frame(short(ID), dport=8443) + b"\0" * 20, OTHER
    yield "short header, frame padded", frame(short(ID, size=21)) + b"\0" * 20, QUIC


def cuts():
    """(frame, where its UDP payload begins, where to cut it off): after each octet, up
    to where nothing is looked at any more.
    """
    for family, ip in ((4, {}), (6, {}), (4, {"tags": ((AD, 7), (Q, 8))}),
                       (4, {"options": b"\1" * 8}), (6, {"extensions": ((60, PADN),)})):
        whole = frame(initial(), family, **ip)
        quic = len(whole) - 1200
        yield whole, quic, list(range(14, quic + 48)) + list(range(quic + 48, len(whole), 97))


KNOWN_VERSIONS = V1, V2
