#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""
against_reader.py CERTIFICATE KEY [TEST...] - conversations with a program that has no
file descriptors for streams: it reads all of them from the connection's socket.

The program is here, too, and both ends are on the loopback. Each conversation is looked
at by all rules of rules.py. TAP on stdout.
"""

import ctypes
import select
import socket
import struct
import sys
import threading
import time

from aioquic.buffer import encode_uint_var as v

import report
from peer import Client
from watch import NEW_CONNECTION_ID

CERTIFICATE, KEY = sys.argv[1:3]
IPPROTO_QUIC, SOL_QUIC, STREAM_INFO, CONNECTION_ID, ALPN = 261, 288, 0, 4, 11
FIN = 0x200         # MSG_QUIC_STREAM_FIN
libquic = ctypes.CDLL("libquic.so.1")
talks = []


class Program:
    """Accepts one connection."""

    def __init__(self):
        self.listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, IPPROTO_QUIC)
        self.listener.setsockopt(SOL_QUIC, ALPN, b"hq-interop")
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen()
        self.ready = threading.Event()
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        self.sock, _ = self.listener.accept()
        if libquic.quic_server_handshake(self.sock.fileno(), KEY.encode(), CERTIFICATE.encode(),
                                         b"hq-interop"):
            raise RuntimeError("no handshake")
        self.ready.set()

    def read(self):
        """One message: its stream, its bytes, and whether they are the last; or None."""
        self.ready.wait(10)
        if not select.select([self.sock], [], [], 1)[0]:
            return None
        data, control, _, _ = self.sock.recvmsg(65536, 256)
        for level, kind, value in control:
            if (level, kind) == (SOL_QUIC, STREAM_INFO):
                stream, flags = struct.unpack("qI", value[:12])
                return stream, data, bool(flags & FIN)
        return None

    def read_all(self):
        messages = []
        while message := self.read():
            messages.append(message)
        return messages


def client():
    program = Program()
    talks.append(Client(program.listener.getsockname()))
    return talks[-1], program


def piece(stream, start, data, end=False):
    return v(0x0e | end) + v(stream) + v(start) + v(len(data)) + data


def arrives(*pieces):
    """Each in a packet of its own, on stream 2; then some more, on another."""
    peer, program = client()
    peer.handshake()
    for start, data, end in pieces:
        peer.packet(piece(2, start, data, end))
        time.sleep(0.05)
    messages = program.read_all()
    peer.packet(piece(6, 0, b"more", True))
    after = program.read_all()
    report.note("%s, then %s" % (messages, after))
    return (b"".join(data for _, data, _ in messages) == b"hello" and
            [end for _, _, end in messages].count(True) == 1 and messages[-1][2] and
            after == [(6, b"more", True)] and peer.alive())


# RFC9000-2.2-1
def test_end_before_all_else():
    """a FIN that comes alone and again with all bytes ends the stream once"""
    return arrives((5, b"", True), (0, b"hello", True))


# RFC9000-2.2-1
def test_end_twice():
    """the end of a stream that comes first, and again in one piece with all, ends it once"""
    return arrives((3, b"lo", True), (0, b"hello", True))


# RFC9000-2.2-1
def test_end_in_two_pieces():
    """two pieces with FIN that wait for the beginning end the stream once"""
    return arrives((5, b"", True), (2, b"llo", True), (0, b"he", False))


# RFC9000-19.15-5
def test_ids_called_back_too_soon():
    """IDs that the program calls back before the peer knows them are told, each with a Retire
    Prior To that is no larger than its number"""
    peer, program = client()
    peer.on_receive = lambda data: [data] if data[0] & 0x80 else []
    peer.connect()
    peer.wait(lambda: peer.complete)
    peer.flush()
    program.ready.wait(10)
    peer.listen(0.3)
    program.sock.setsockopt(SOL_QUIC, CONNECTION_ID, struct.pack("B3xII", 0, 0, 3))

    def told():
        return [(frame.seq, frame.prior) for _, frame in peer.seen.frames(NEW_CONNECTION_ID)]
    peer.listen(5, lambda: (1, 1) in told())
    report.note("number and Retire Prior To: %s" % told())
    return (1, 1) in told() and any(prior == 3 for _, prior in told())


report.main(globals(), talks, sys.argv[3:])
