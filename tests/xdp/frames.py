# SPDX-License-Identifier: GPL-2.0
"""
Frames as they come from a wire, and what is in those that go back: Ethernet,
VLAN, IPv4 with options, IPv6 with extension headers, UDP; QUIC as RFC 8999 and
RFC 9000 section 17 lay it out. Nothing of the project is used here.
"""

import ipaddress
import struct

MAC_CLIENT, MAC_SERVER = bytes.fromhex("02000000000c"), bytes.fromhex("02000000000a")
CLIENT = {4: "192.0.2.77", 6: "2001:db8:77::1"}
SERVER = {4: "198.51.100.1", 6: "2001:db8:1::1"}
SPORT, DPORT = 50000, 443
ETH = {4: 0x0800, 6: 0x86dd}
UDP = 17
V1, V2 = 1, 0x6b3343cf
GREASED = 0x1a2a3a4a
# Types of long headers, as the two versions number them.
TYPES = {V1: {"initial": 0, "0rtt": 1, "handshake": 2, "retry": 3},
         V2: {"initial": 1, "0rtt": 2, "handshake": 3, "retry": 0}}


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def pseudo(src, dst, length):
    src, dst = ipaddress.ip_address(src).packed, ipaddress.ip_address(dst).packed
    return src + dst + struct.pack("!IHBB", length, 0, 0, UDP)


def udp(payload, src, dst, sport=SPORT, dport=DPORT, length=None):
    length = len(payload) + 8 if length is None else length
    head = struct.pack("!HHHH", sport, dport, length, 0)
    check = checksum(pseudo(src, dst, length) + head + payload) or 0xffff
    return head[:6] + struct.pack("!H", check) + payload


def ipv4(body, src, dst, protocol=UDP, options=b"", flags=0x4000):
    head = struct.pack("!BBHHHBBH4s4s", 0x40 | (5 + len(options) // 4), 0,
                       20 + len(options) + len(body), 0x1234, flags, 60, protocol, 0,
                       ipaddress.ip_address(src).packed, ipaddress.ip_address(dst).packed)
    check = checksum(head + options)
    return head[:10] + struct.pack("!H", check) + head[12:] + options + body


def ipv6(body, src, dst, protocol=UDP, extensions=()):
    """extensions: (number, octets without the first, which says what follows)"""
    chain, following = b"", protocol
    for number, octets in reversed(extensions):
        chain = bytes([following]) + octets + chain
        following = number
    return struct.pack("!IHBB16s16s", 6 << 28 | 0xa << 20, len(chain) + len(body), following, 60,
                       ipaddress.ip_address(src).packed,
                       ipaddress.ip_address(dst).packed) + chain + body


def frame(payload, family=4, tags=(), src=None, dst=None, sport=SPORT, dport=DPORT,
          udp_length=None, **ip):
    src, dst = src or CLIENT[family], dst or SERVER[family]
    body = udp(payload, src, dst, sport, dport, udp_length)
    body = (ipv4 if family == 4 else ipv6)(body, src, dst, **ip)
    return link(body, family, tags)


def link(body, family, tags=()):
    head = MAC_SERVER + MAC_CLIENT
    for ethertype, tag in tags:
        head += struct.pack("!HH", ethertype, tag)
    return head + struct.pack("!H", ETH[family]) + body


def varint(n):
    return struct.pack("!B", n) if n < 64 else struct.pack("!H", 0x4000 | n)


def long_header(kind, dcid, scid=b"\x5c" * 8, version=V1, token=b"", size=1200, fixed=0x40,
                length=None):
    """A datagram of @size bytes whose packet fills it; what is sealed is 0xaa."""
    first = 0x80 | fixed | TYPES.get(version, TYPES[V1])[kind] << 4 | 3
    head = struct.pack("!BI", first, version)
    head += bytes([len(dcid)]) + dcid + bytes([len(scid)]) + scid
    if kind == "initial":
        head += varint(len(token)) + token
    if kind != "retry":
        rest = max(size - len(head) - 2, 0)
        head += struct.pack("!H", 0x4000 | (rest if length is None else length))
    return head + b"\xaa" * (size - len(head))


def initial(dcid=b"\xd0" * 8, **options):
    return long_header("initial", dcid, **options)


def short(dcid, size=80, first=0x43):
    return bytes([first]) + dcid + b"\xbb" * (size - 1 - len(dcid))


def unknown_version(dcid=b"\xd1" * 8, scid=b"\x5d" * 8, version=GREASED, size=1200):
    head = struct.pack("!BI", 0xff, version) + bytes([len(dcid)]) + dcid
    head += bytes([len(scid)]) + scid
    return head + b"\xcc" * (size - len(head))


# ---- what comes back -----------------------------------------------------------

class Answer:
    """A frame taken apart; whatever is wrong with it is an AssertionError."""

    def __init__(self, data):
        self.dst_mac, self.src_mac = data[:6], data[6:12]
        self.tags, at = [], 12
        while data[at:at + 2] in (b"\x81\x00", b"\x88\xa8"):
            self.tags.append(struct.unpack("!HH", data[at:at + 4]))
            at += 4
        self.take_ip(struct.unpack("!H", data[at:at + 2])[0], data[at + 2:])

    def take_ip(self, ethertype, data):
        if ethertype == ETH[4]:
            assert data[0] == 0x45, "options"
            assert checksum(data[:20]) == 0, "header checksum"
            assert struct.unpack("!H", data[2:4])[0] == len(data), "length"
            self.src, self.dst = (str(ipaddress.ip_address(data[i:i + 4])) for i in (12, 16))
            self.protocol, self.ttl, self.body = data[9], data[8], data[20:]
            assert data[1] == 0, "TOS"
        else:
            assert ethertype == ETH[6], hex(ethertype)
            assert data[0] >> 4 == 6
            assert struct.unpack("!H", data[4:6])[0] == len(data) - 40, "length"
            self.src, self.dst = (str(ipaddress.ip_address(data[i:i + 16])) for i in (8, 24))
            self.protocol, self.ttl, self.body = data[6], data[7], data[40:]
            assert data[0] & 0xf == 0 and data[1] >> 4 == 0, "traffic class"
        assert self.ttl == 64, "TTL"

    def udp(self, checked=True):
        """The payload; ports are left in the object."""
        assert self.protocol == UDP
        self.sport, self.dport, length, check = struct.unpack("!HHHH", self.body[:8])
        assert length == len(self.body), "UDP length"
        if checked:
            assert check, "no UDP checksum"
            assert checksum(pseudo(self.src, self.dst, length) + self.body) == 0, "UDP checksum"
        return self.body[8:]
