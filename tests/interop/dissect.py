# SPDX-License-Identifier: GPL-2.0
"""
QUIC packets out of a capture, decrypted with the keys that TLS logged.

Written for judging, so apart from the code under test: RFC 9000 (packets, frames),
RFC 9001 and RFC 9369 (protection of versions 1 and 2). capture() yields datagrams,
Dissector.feed() makes them lists of Packet. What cannot be opened has frames None.
"""

import struct
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESCCM, AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

V1, V2 = 1, 0x6b3343cf
SALT = {V1: bytes.fromhex("38762cf7f55934b34d179ae6a4c80cadccbb7f0a"),
        V2: bytes.fromhex("0dede3def700a6db819381be6e269dcbf9bd2ed9")}
TYPES = {V1: ("initial", "0rtt", "handshake", "retry"),
         V2: ("retry", "initial", "0rtt", "handshake")}
CIPHERS = {0x1301: (AESGCM, 16, hashes.SHA256), 0x1302: (AESGCM, 32, hashes.SHA384),
           0x1303: (ChaCha20Poly1305, 32, hashes.SHA256), 0x1304: (AESCCM, 16, hashes.SHA256)}


# ---- captures ----------------------------------------------------------------

@dataclass
class Datagram:
    time: float
    src: tuple
    dst: tuple
    ecn: int
    payload: bytes
    checksum_ok: bool


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return total


def capture(path, check=False):
    """The UDP datagrams of a pcap file of an Ethernet device, from port to port."""
    with open(path, "rb") as source:
        header = source.read(24)
        if len(header) < 24:
            return
        nano = header[:4] == b"\x4d\x3c\xb2\xa1"
        while True:
            record = source.read(16)
            if len(record) < 16:
                return
            sec, sub, size, _ = struct.unpack("<IIII", record)
            frame = source.read(size)
            kind = frame[12:14]
            if kind == b"\x08\x00":
                length = (frame[14] & 15) * 4
                ecn, protocol = frame[15] & 3, frame[23]
                src, dst, udp = frame[26:30], frame[30:34], frame[14 + length:]
            elif kind == b"\x86\xdd":
                ecn, protocol = frame[15] >> 4 & 3, frame[20]
                src, dst, udp = frame[22:38], frame[38:54], frame[54:]
            else:
                continue
            if protocol != 17 or len(udp) < 8:
                continue
            sport, dport, length = struct.unpack("!HHH", udp[:6])
            udp = udp[:length]
            good = True
            if check:
                good = checksum(src + dst + struct.pack("!BBH", 0, 17, length) + udp) == 0xffff
            yield Datagram(sec + sub / (1e9 if nano else 1e6), (src, sport), (dst, dport),
                           ecn, udp[8:], good)


# ---- keys --------------------------------------------------------------------

def expand(digest, secret, label, length):
    label = b"tls13 " + label
    return HKDFExpand(digest(), length, struct.pack("!HB", length, len(label)) + label +
                      b"\0").derive(secret)


class Keys:
    """One direction of one level."""

    def __init__(self, version, suite, secret):
        self.version, self.suite, self.secret = version, suite, secret
        aead, length, self.digest = CIPHERS[suite]
        prefix = b"quicv2 " if version == V2 else b"quic "
        self.prefix = prefix
        self.aead = aead(expand(self.digest, secret, prefix + b"key", length))
        self.iv = int.from_bytes(expand(self.digest, secret, prefix + b"iv", 12), "big")
        self.hp = expand(self.digest, secret, prefix + b"hp", length)
        if aead is not ChaCha20Poly1305:
            self.ecb = Cipher(algorithms.AES(self.hp), modes.ECB()).encryptor()

    def next(self):
        made = Keys(self.version, self.suite,
                    expand(self.digest, self.secret, self.prefix + b"ku",
                           self.digest.digest_size))
        made.hp = self.hp               # header protection stays
        if hasattr(self, "ecb"):
            made.ecb = self.ecb
        return made

    def mask(self, sample):
        if self.suite == 0x1303:
            return Cipher(algorithms.ChaCha20(self.hp, sample), None).encryptor().update(bytes(5))
        return self.ecb.update(sample)[:5]

    def open(self, number, header, sealed):
        nonce = (self.iv ^ number).to_bytes(12, "big")
        try:
            return self.aead.decrypt(nonce, sealed, header)
        except InvalidTag:
            return None


def initial_keys(version, dcid):
    extract = HMAC(SALT[version], hashes.SHA256())
    extract.update(dcid)
    secret = extract.finalize()
    return tuple(Keys(version, 0x1301, expand(hashes.SHA256, secret, label, 32))
                 for label in (b"client in", b"server in"))


def key_log(path):
    """{client random: {label: secret}}"""
    log = {}
    with open(path, errors="replace") as lines:
        for line in lines:
            words = line.split()
            if len(words) == 3 and not line.startswith("#"):
                log.setdefault(bytes.fromhex(words[1]), {})[words[0]] = bytes.fromhex(words[2])
    return log


# ---- packets and frames ------------------------------------------------------

@dataclass
class Packet:
    kind: str                           # initial 0rtt handshake retry negotiation 1rtt
    datagram: Datagram
    from_server: bool
    version: int = 0
    dcid: bytes = b""
    scid: bytes = b""
    token: bytes = b""
    number: int = -1
    phase: int = 0                      # generation of the key, from 0
    length: int = 0                     # of the payload, decrypted
    frames: list = None                 # (name, fields), or None: not opened
    connection: object = None


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def left(self):
        return len(self.data) - self.at

    def take(self, count):
        if count > self.left():
            raise ValueError("short")
        self.at += count
        return self.data[self.at - count:self.at]

    def int(self, count):
        return int.from_bytes(self.take(count), "big")

    def varint(self):
        first = self.int(1)
        rest = (1 << (first >> 6)) - 1
        return (first & 63) << 8 * rest | self.int(rest)


SIMPLE = {1: "PING", 4: "RESET_STREAM", 5: "STOP_SENDING", 0x10: "MAX_DATA",
          0x11: "MAX_STREAM_DATA", 0x12: "MAX_STREAMS", 0x13: "MAX_STREAMS",
          0x14: "DATA_BLOCKED", 0x15: "STREAM_DATA_BLOCKED", 0x16: "STREAMS_BLOCKED",
          0x17: "STREAMS_BLOCKED", 0x19: "RETIRE_CONNECTION_ID", 0x1e: "HANDSHAKE_DONE",
          0x1f: "IMMEDIATE_ACK", 0xaf: "ACK_FREQUENCY"}
VARINTS = {1: 0, 4: 3, 5: 2, 0x10: 1, 0x11: 2, 0x12: 1, 0x13: 1, 0x14: 1, 0x15: 2,
           0x16: 1, 0x17: 1, 0x19: 1, 0x1e: 0, 0x1f: 0, 0xaf: 4}


def parse_frame(r, kind):
    if kind in SIMPLE:
        return SIMPLE[kind], [r.varint() for _ in range(VARINTS[kind])]
    if kind in (2, 3):
        largest, delay, count, first = (r.varint() for _ in range(4))
        for _ in range(2 * count):
            r.varint()
        return ("ACK_ECN" if kind == 3 else "ACK",
                [largest, delay, first] + [r.varint() for _ in range(3 * (kind == 3))])
    if kind == 6:
        offset = r.varint()
        return "CRYPTO", [offset, r.take(r.varint())]
    if kind == 7:
        return "NEW_TOKEN", [r.take(r.varint())]
    if 8 <= kind <= 15:
        stream = r.varint()
        offset = r.varint() if kind & 4 else 0
        return "STREAM", [stream, offset, r.take(r.varint() if kind & 2 else r.left())]
    if kind == 0x18:
        sequence, prior = r.varint(), r.varint()
        return "NEW_CONNECTION_ID", [sequence, prior, r.take(r.int(1)), r.take(16)]
    if kind in (0x1a, 0x1b):
        return "PATH_RESPONSE" if kind & 1 else "PATH_CHALLENGE", [r.take(8)]
    if kind in (0x1c, 0x1d):
        code = r.varint()
        if kind == 0x1c:
            r.varint()
        return "CONNECTION_CLOSE", [code, r.take(r.varint())]
    if kind in (0x30, 0x31):
        return "DATAGRAM", [r.take(r.varint() if kind & 1 else r.left())]
    raise ValueError("frame type %#x" % kind)


def parse_frames(payload):
    r, frames = Reader(payload), []
    try:
        while r.left():
            kind = r.varint()
            if kind:
                frames.append(parse_frame(r, kind))
    except ValueError as error:
        frames.append(("BAD", [str(error)]))
    return frames


@dataclass
class Connection:
    """What the two ends of a connection have shown of themselves."""
    original: bytes                     # the client's first destination ID
    random: bytes = b""
    suite: int = 0
    crypto: dict = field(default_factory=dict)      # (space, from_server): {offset: bytes}
    initial: list = field(default_factory=list)     # keys of DCIDs, newest first
    keys: dict = field(default_factory=dict)        # (kind, from_server): generations
    largest: dict = field(default_factory=dict)     # (space, from_server): number
    client_ids: set = field(default_factory=set)
    server_ids: set = field(default_factory=set)

    def stream(self, space, from_server):
        """TLS bytes from the beginning, as far as they are there."""
        data = b""
        for offset, piece in sorted(self.crypto.get((space, from_server), {}).items()):
            if offset <= len(data):
                data += piece[len(data) - offset:]
        return data

    def messages(self, space, from_server):
        """(type, body) of each handshake message."""
        r, found = Reader(self.stream(space, from_server)), []
        while r.left() >= 4:
            kind, length = r.int(1), r.int(3)
            if length > r.left():
                break
            found.append((kind, r.take(length)))
        return found

    def parameters(self, from_server):
        """Transport parameters {id: value}: of ClientHello or EncryptedExtensions."""
        for kind, body in self.messages("handshake" if from_server else "initial", from_server):
            r = Reader(body)
            if kind == 1 and not from_server:
                r.take(34)
                r.take(r.int(1)), r.take(r.int(2)), r.take(r.int(1))
            elif kind != 8:
                continue
            extensions = Reader(r.take(r.int(2)))
            while extensions.left():
                which, value = extensions.int(2), Reader(extensions.take(extensions.int(2)))
                found = {}
                while which == 0x39 and value.left():
                    key = value.varint()
                    found[key] = value.take(value.varint())
                if found:
                    return found
        return {}

    def offered_suites(self):
        for kind, body in self.messages("initial", False):
            if kind == 1:
                r = Reader(body)
                r.take(34)
                r.take(r.int(1))
                suites = Reader(r.take(r.int(2)))
                return [suites.int(2) for _ in range(suites.left() // 2)]
        return []


SPACE = {"initial": "initial", "handshake": "handshake", "0rtt": "1rtt", "1rtt": "1rtt"}
SECRETS = {("handshake", False): "CLIENT_HANDSHAKE_TRAFFIC_SECRET",
           ("handshake", True): "SERVER_HANDSHAKE_TRAFFIC_SECRET",
           ("1rtt", False): "CLIENT_TRAFFIC_SECRET_0", ("1rtt", True): "SERVER_TRAFFIC_SECRET_0",
           ("0rtt", False): "CLIENT_EARLY_TRAFFIC_SECRET"}


class Dissector:
    """All connections of one capture. Server ports tell the direction."""

    def __init__(self, log, server_ports):
        self.log, self.server_ports = log, server_ports
        self.connections, self.by_id, self.by_address = [], {}, {}

    def feed(self, datagram):
        """The packets of a datagram."""
        from_server = datagram.src[1] in self.server_ports
        packets, rest = [], datagram.payload
        # Not the QUIC bit: that may be greased, and then the first byte of all be zero.
        # A later one begins what a datagram was filled up with.
        while rest and (rest[0] or not packets):
            try:
                packet, rest = self.packet(datagram, from_server, rest)
            except (ValueError, IndexError, KeyError):
                break
            packets.append(packet)
        return packets

    def packet(self, datagram, from_server, data):
        if not data[0] & 0x80:
            return self.short(datagram, from_server, data), b""
        r = Reader(data)
        first, version = r.int(1), r.int(4)
        packet = Packet("negotiation", datagram, from_server, version)
        packet.dcid, packet.scid = r.take(r.int(1)), r.take(r.int(1))
        packet.connection = connection = self.find(packet)
        if not version:
            return packet, b""
        packet.kind = TYPES[version][first >> 4 & 3]
        if packet.kind == "retry":
            packet.token = r.take(r.left() - 16)
            if connection:
                self.learn(connection, packet.scid, True)
                connection.initial.insert(0, initial_keys(version, packet.scid))
            return packet, b""
        if packet.kind == "initial":
            packet.token = r.take(r.varint())
            if not connection and not from_server:
                connection = self.meet(packet)
        length = r.varint()
        at, end = r.at, r.at + length
        if end > len(data):
            raise ValueError("short")
        if connection:
            packet.connection = connection
            if connection.initial[0][0].version != version and packet.kind == "initial":
                # Compatible version negotiation: the same ID, another salt.
                connection.initial.insert(0, initial_keys(version, connection.original))
            self.open(packet, data[:end], at)
            if packet.frames is not None:
                self.learn(connection, packet.scid, from_server)
        return packet, data[end:]

    def short(self, datagram, from_server, data):
        packet = Packet("1rtt", datagram, from_server)
        for length in range(20, 0, -1):
            connection = self.by_id.get((from_server, data[1:1 + length]))
            if connection:
                break
        else:
            length = 0
            connection = self.by_address.get(datagram.dst if from_server else datagram.src)
        if connection:
            packet.connection, packet.dcid = connection, data[1:1 + length]
            self.open(packet, data, 1 + length)
        return packet

    # ---- connections ---------------------------------------------------------

    def meet(self, packet):
        connection = Connection(packet.dcid)
        connection.initial = [initial_keys(packet.version, packet.dcid)]
        self.connections.append(connection)
        self.by_id[False, packet.dcid] = connection
        packet.connection = connection
        return connection

    def learn(self, connection, cid, servers):
        """An ID that its owner chose, so what the other one sends to."""
        (connection.server_ids if servers else connection.client_ids).add(cid)
        if cid:
            self.by_id[not servers, cid] = connection

    def find(self, packet):
        found = self.by_id.get((packet.from_server, packet.dcid)) if packet.dcid else None
        if not found and packet.from_server:
            found = self.by_address.get(packet.datagram.dst)
        return found

    # ---- protection ----------------------------------------------------------

    def candidates(self, connection, packet):
        """Pairs of generation and keys that may fit."""
        which = (packet.kind, packet.from_server)
        if packet.kind == "initial":
            return [(0, pair[packet.from_server]) for pair in connection.initial]
        if which not in connection.keys:
            secret = self.log.get(connection.random, {}).get(SECRETS.get(which, ""))
            version = packet.version or connection.initial[0][0].version
            suites = [connection.suite] if packet.kind != "0rtt" and connection.suite else \
                CIPHERS
            made = [Keys(version, s, secret) for s in suites
                    if secret and len(secret) == CIPHERS[s][2].digest_size]
            if packet.kind == "0rtt" or not connection.suite:
                return [(0, keys) for keys in made]
            if not made:
                return []
            connection.keys[which] = made
        return list(enumerate(connection.keys[which]))

    def open(self, packet, data, at):
        """Remove protection; `at` is where the packet number is."""
        which = (packet.kind, packet.from_server)
        if len(data) < at + 20:         # a damaged length; the ciphers would keep such a sample
            return
        tries = self.candidates(packet.connection, packet)[-2:]
        if packet.kind == "1rtt" and tries:
            tries.append((tries[-1][0] + 1, tries[-1][1].next()))
        elif packet.kind == "0rtt":
            tries = self.candidates(packet.connection, packet)
        for generation, keys in tries:
            mask = keys.mask(data[at + 4:at + 20])
            first = data[0] ^ mask[0] & (15 if data[0] & 0x80 else 31)
            if packet.kind == "1rtt" and first >> 2 & 1 != generation & 1:
                continue
            size = (first & 3) + 1
            short = bytes(a ^ b for a, b in zip(data[at:at + size], mask[1:]))
            number = self.full(int.from_bytes(short, "big"), size,
                               packet.connection.largest.get(
                                   (SPACE[packet.kind], packet.from_server), -1))
            plain = keys.open(number, bytes([first]) + data[1:at] + short, data[at + size:])
            if plain is None:
                continue
            generations = packet.connection.keys.get(which, [])
            if packet.kind == "1rtt" and generation == len(generations):
                generations.append(keys)
            self.opened(packet, number, generation, plain)
            return

    @staticmethod
    def full(short, size, largest):
        window, expected = 1 << 8 * size, largest + 1
        number = expected & ~(window - 1) | short
        if number <= expected - window // 2 and number < (1 << 62) - window:
            return number + window
        if number > expected + window // 2 and number >= window:
            return number - window
        return number

    def opened(self, packet, number, generation, plain):
        connection = packet.connection
        where = (SPACE[packet.kind], packet.from_server)
        connection.largest[where] = max(number, connection.largest.get(where, -1))
        packet.number, packet.phase, packet.length = number, generation, len(plain)
        packet.frames = parse_frames(plain)
        client = packet.datagram.dst if packet.from_server else packet.datagram.src
        self.by_address[client] = connection
        for name, fields in packet.frames:
            if name == "CRYPTO":
                connection.crypto.setdefault(where, {})
                known = connection.crypto[where].get(fields[0], b"")
                if len(fields[1]) > len(known):
                    connection.crypto[where][fields[0]] = fields[1]
            elif name == "NEW_CONNECTION_ID":
                self.learn(connection, fields[2], packet.from_server)
        if packet.kind == "handshake" and packet.from_server:
            # RFC 9000 section 18.2: addresses and ports, then an ID
            preferred = connection.parameters(True).get(0x0d, b"")
            if len(preferred) > 25:
                self.learn(connection, preferred[25:25 + preferred[24]], True)
        if packet.kind == "initial":
            if not packet.from_server and not connection.random:
                hello = connection.stream("initial", False)
                connection.random = hello[6:38] if len(hello) >= 38 else b""
            elif packet.from_server and not connection.suite:
                hello = connection.stream("initial", True)
                if len(hello) > 41:
                    at = 39 + hello[38]
                    connection.suite = int.from_bytes(hello[at:at + 2], "big")


def dissect(path, log, server_ports, check=False):
    """All packets of a capture, and the dissector that knows the connections."""
    dissector = Dissector(log, server_ports)
    packets = [packet for datagram in capture(path, check)
               for packet in dissector.feed(datagram)]
    return packets, dissector.connections
