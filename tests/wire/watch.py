# SPDX-License-Identifier: GPL-2.0
"""
Everything that two endpoints say to each other, opened: aioquic has the keys.

A Watch sees each datagram of one direction and takes it apart into Packets with
their frames, also what aioquic itself drops or never gets.
"""

import copy
import time

from aioquic.buffer import Buffer, BufferReadError
from aioquic.quic.packet import QuicPacketType, pull_quic_header
from aioquic.tls import Epoch

INITIAL, HANDSHAKE, EARLY, APP = "Initial", "Handshake", "0-RTT", "1-RTT"
SPACES = {QuicPacketType.INITIAL: INITIAL, QuicPacketType.HANDSHAKE: HANDSHAKE,
          QuicPacketType.ZERO_RTT: EARLY, QuicPacketType.ONE_RTT: APP}
EPOCHS = {HANDSHAKE: Epoch.HANDSHAKE, EARLY: Epoch.ZERO_RTT, APP: Epoch.ONE_RTT}

PADDING, PING, ACK, RESET_STREAM, STOP_SENDING, CRYPTO, NEW_TOKEN = 0, 1, 2, 4, 5, 6, 7
STREAM, MAX_DATA, MAX_STREAM_DATA, MAX_STREAMS = 0x08, 0x10, 0x11, 0x12
DATA_BLOCKED, STREAM_DATA_BLOCKED, STREAMS_BLOCKED = 0x14, 0x15, 0x16
NEW_CONNECTION_ID, RETIRE_CONNECTION_ID = 0x18, 0x19
PATH_CHALLENGE, PATH_RESPONSE, CLOSE, CLOSE_APP = 0x1a, 0x1b, 0x1c, 0x1d
HANDSHAKE_DONE, DATAGRAM = 0x1e, 0x30

# How many integers follow the type, of frames that have nothing else.
INTEGERS = {PING: 0, RESET_STREAM: 3, STOP_SENDING: 2, MAX_DATA: 1, MAX_STREAM_DATA: 2,
            MAX_STREAMS: 1, MAX_STREAMS + 1: 1, DATA_BLOCKED: 1, STREAM_DATA_BLOCKED: 2,
            STREAMS_BLOCKED: 1, STREAMS_BLOCKED + 1: 1, RETIRE_CONNECTION_ID: 1,
            HANDSHAKE_DONE: 0}
NOT_ELICITING = (PADDING, ACK, CLOSE, CLOSE_APP)


class Frame:
    """kind, the type on the wire, how long that was, and what the kind has."""

    def __init__(self, buf):
        start = buf.tell()
        self.type = self.kind = buf.pull_uint_var()
        self.type_len = buf.tell() - start
        if STREAM <= self.type <= 0x0f:
            self.kind = STREAM
            self.id = buf.pull_uint_var()
            self.off = buf.pull_uint_var() if self.type & 4 else 0
            size = buf.pull_uint_var() if self.type & 2 else buf.capacity - buf.tell()
            self.data = buf.pull_bytes(size)
            self.fin = self.type & 1
        elif self.type in (ACK, ACK + 1):
            self.kind = ACK
            self.pull_ack(buf)
        elif self.type == CRYPTO:
            self.off = buf.pull_uint_var()
            self.data = buf.pull_bytes(buf.pull_uint_var())
        elif self.type == NEW_TOKEN:
            self.token = buf.pull_bytes(buf.pull_uint_var())
        elif self.type == NEW_CONNECTION_ID:
            self.seq, self.prior = buf.pull_uint_var(), buf.pull_uint_var()
            self.cid, self.reset = buf.pull_bytes(buf.pull_uint8()), buf.pull_bytes(16)
        elif self.type in (PATH_CHALLENGE, PATH_RESPONSE):
            self.data = buf.pull_bytes(8)
        elif self.type in (CLOSE, CLOSE_APP):
            self.code = buf.pull_uint_var()
            self.frame = buf.pull_uint_var() if self.type == CLOSE else None
            self.reason = buf.pull_bytes(buf.pull_uint_var())
        elif self.type in (DATAGRAM, DATAGRAM + 1):
            self.kind = DATAGRAM
            size = buf.pull_uint_var() if self.type & 1 else buf.capacity - buf.tell()
            self.data = buf.pull_bytes(size)
        elif self.type in INTEGERS:
            self.values = [buf.pull_uint_var() for _ in range(INTEGERS[self.type])]
        elif self.type != PADDING:
            raise ValueError("frame of type %#x" % self.type)

    def pull_ack(self, buf):
        high, self.delay = buf.pull_uint_var(), buf.pull_uint_var()
        more = buf.pull_uint_var()
        low = high - buf.pull_uint_var()
        self.ranges = [(low, high)]
        for _ in range(more):
            high = low - buf.pull_uint_var() - 2
            low = high - buf.pull_uint_var()
            self.ranges.append((low, high))
        self.ecn = [buf.pull_uint_var() for _ in range(3)] if self.type & 1 else None

    def acks(self, number):
        return any(low <= number <= high for low, high in self.ranges)


class Packet:
    """A packet of a datagram; number, first and frames when it could be opened."""

    def __init__(self, datagram, header, raw, offset):
        self.datagram, self.raw, self.offset = datagram, raw, offset
        self.space = SPACES.get(header.packet_type, header.packet_type.name)
        self.version, self.token = header.version, header.token
        self.dcid, self.scid = header.destination_cid, header.source_cid
        self.number = self.first = None
        self.frames = []

    def open(self, context, expected):
        header, payload, self.number, _ = context.decrypt_packet(
            self.raw, self.offset, expected)
        self.first = header[0]
        self.number_len = (header[0] & 3) + 1
        buf = Buffer(data=payload)
        while not buf.eof():
            frame = Frame(buf)
            if frame.kind != PADDING or not self.of(PADDING):
                self.frames.append(frame)

    def of(self, kind):
        return [frame for frame in self.frames if frame.kind == kind]

    @property
    def eliciting(self):
        return any(frame.kind not in NOT_ELICITING for frame in self.frames)


class Datagram:
    def __init__(self, data):
        self.time, self.data = time.monotonic(), data
        self.packets = []

    def __len__(self):
        return len(self.data)


class Watch:
    """One direction; @ours: what aioquic sends, else what it receives."""

    def __init__(self, quic, ours, cid_len):
        self.quic, self.ours, self.cid_len = quic, ours, cid_len
        self.datagrams, self.waiting = [], []
        self.keys, self.expected = {}, {}

    def take(self, data):
        datagram = Datagram(data)
        self.datagrams.append(datagram)
        buf = Buffer(data=data)
        while not buf.eof():
            start = buf.tell()
            try:
                header = pull_quic_header(buf, host_cid_length=self.cid_len())
            except (ValueError, BufferReadError):
                break
            packet = Packet(datagram, header, data[start:start + header.packet_length],
                            buf.tell() - start)
            buf.seek(start + header.packet_length)
            datagram.packets.append(packet)
            if packet.space in SPACES.values():
                self.waiting.append(packet)
        self.open()
        return datagram

    def learn(self, name, pair):
        context = pair and (pair.send if self.ours else pair.recv)
        if name not in self.keys and context and context.is_valid():
            self.keys[name] = copy.copy(context)

    def open(self):
        """Whatever keys there are by now; aioquic drops them, we do not."""
        for version, pair in self.quic._cryptos_initial.items():
            self.learn((INITIAL, version), pair)
        for space, epoch in EPOCHS.items():
            self.learn(space, self.quic._cryptos.get(epoch))
        left = []
        for packet in self.waiting:
            name = (INITIAL, packet.version) if packet.space == INITIAL else packet.space
            if name not in self.keys:
                left.append(packet)
                continue
            space = APP if packet.space == EARLY else packet.space
            try:
                packet.open(self.keys[name], self.expected.get(space, 0))
            except ValueError as error:
                packet.broken = str(error)
                continue
            except Exception:       # aioquic's CryptoError: not a packet of this key
                continue
            self.expected[space] = max(self.expected.get(space, 0), packet.number + 1)
        self.waiting = left

    @property
    def packets(self):
        return [packet for datagram in self.datagrams for packet in datagram.packets
                if packet.number is not None]

    def frames(self, *kinds):
        """Pairs of packet and frame."""
        return [(packet, frame) for packet in self.packets for frame in packet.frames
                if frame.kind in kinds]
