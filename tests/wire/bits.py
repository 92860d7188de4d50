# SPDX-License-Identifier: GPL-2.0
"""Small things that tests of both roles need."""

import os

from aioquic.buffer import Buffer, encode_uint_var as v

from watch import ACK, APP, NEW_CONNECTION_ID


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
