# SPDX-License-Identifier: GPL-2.0
"""Small things that tests of both roles need."""

import os

from aioquic.buffer import Buffer, encode_uint_var as v
from aioquic.quic.crypto import CryptoPair
from aioquic.quic.packet import pull_quic_header

from watch import ACK, APP, NEW_CONNECTION_ID, Packet


def acknowledged(peer, number, space=APP):
    return any(frame.acks(number) for packet, frame in peer.seen.frames(ACK)
               if packet.space == space)


def new_cid(seq, prior, cid=None):
    return (v(NEW_CONNECTION_ID) + v(seq) + v(prior) + b"\x08" + (cid or os.urandom(8)) +
            os.urandom(16))


def without(data, wanted):
    """Transport parameters without one of them."""
    buf, out = Buffer(data=data), b""
    while not buf.eof():
        start = buf.tell()
        name = buf.pull_uint_var()
        buf.pull_bytes(buf.pull_uint_var())
        if name != wanted:
            out += data[start:buf.tell()]
    return out


def open_initial(data):
    """A client's Initial, under the keys of its destination ID."""
    buf = Buffer(data=data)
    header = pull_quic_header(buf, 8)
    packet = Packet(None, header, data[:header.packet_length], buf.tell())
    pair = CryptoPair()
    pair.setup_initial(cid=header.destination_cid, is_client=False, version=header.version)
    packet.open(pair.recv, 0)
    return packet
