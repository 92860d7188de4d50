#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""
against_early_server.py ADDRESS PORT [TEST...] - 0-RTT with a server that takes it.

Each conversation is looked at by all rules of rules.py. The server has a file
`small` (100 kB); its figures are those of the namespace `server`. TAP on stdout.
"""

import subprocess
import sys
import time

from aioquic.buffer import encode_uint_var as v
from aioquic.tls import Epoch

import report
from bits import acknowledged
from peer import Client
from watch import CRYPTO, EARLY, HANDSHAKE

SMALL, PROTOCOL_VIOLATION = 100000, 10
ADDRESS = sys.argv[1], int(sys.argv[2])
FIRST = 0xd3        # of a 0-RTT packet, its number in four bytes
PING = b"\x01" + bytes(30)
talks = []


def client(**settings):
    talks.append(Client(ADDRESS, **settings))
    return talks[-1]


def ticket():
    """A session to resume, of a connection that is over."""
    peer, got = client(), []
    peer.quic._session_ticket_handler = got.append
    peer.handshake()
    peer.wait(lambda: got)
    peer.quic.close()
    peer.flush()
    return got[0]


def resume():
    """The first flight is out, with a request in it."""
    peer = client(session_ticket=ticket())
    peer.connect()
    peer.ask("small")
    peer.flush()
    return peer


def answer_of(peer):
    peer.wait(lambda: peer.streams.get(0, (b"", False))[1], 30)
    return peer.streams.get(0, (b"",))[0]


def early_numbers(peer):
    return [packet.number for packet in peer.sent.packets if packet.space == EARLY]


def early_packet(peer, number):
    """One that comes late."""
    header = bytes([FIRST]) + b"\0\0\0\1\x08" + peer.quic._peer_cid.cid
    header += b"\x08" + peer.quic.host_cid
    header += (0x4000 | 4 + len(PING) + 16).to_bytes(2, "big") + number.to_bytes(4, "big")
    peer.transmit(peer.sent.keys[EARLY].encrypt_packet(header, PING, number))


def early_count():
    """0-RTT packets that the server has read."""
    stats = subprocess.check_output(["ip", "netns", "exec", "server", "cat",
                                     "/proc/net/quic/stats"], text=True)
    return int(dict(line.split()[:2] for line in stats.splitlines())["QuicRxEarlyPackets"])


# RFC9001-4.6.1-1
def test_ticket():
    """a ticket for 0-RTT sets no limit of its own"""
    return ticket().max_early_data_size == 0xffffffff


# RFC9000-13.2.6-3 RFC9001-5.6-3
def test_early_request():
    """a request in 0-RTT is acknowledged and answered in 1-RTT packets"""
    peer = resume()
    numbers = early_numbers(peer)
    whole = len(answer_of(peer)) == SMALL
    spaces = {packet.space for datagram in peer.seen.datagrams for packet in datagram.packets}
    return bool(numbers) and peer.quic.tls.early_data_accepted and whole and \
        all(acknowledged(peer, number) for number in numbers) and EARLY not in spaces


# RFC9001-8.3-2
def test_crypto_in_early_data():
    """CRYPTO in a 0-RTT packet closes with PROTOCOL_VIOLATION"""
    peer = resume()
    peer.packet(v(CRYPTO) + v(0) + v(4) + bytes(4), Epoch.ZERO_RTT, first=FIRST)
    peer.wait(lambda: False, 5)
    return peer.code() == PROTOCOL_VIOLATION


# RFC9001-4.9.3-1
def test_early_keys_are_gone():
    """soon after the handshake no 0-RTT packet is read"""
    peer = resume()
    if len(answer_of(peer)) != SMALL or not peer.quic.tls.early_data_accepted:
        return False
    for number in range(1000, 1010):
        peer.wait(lambda: False, 1)
        early_packet(peer, number)
        if not peer.wait(lambda n=number: acknowledged(peer, n), 1):
            return peer.alive()
    return False


# RFC9001-9.2-1
def test_replay():
    """a first flight that comes again has its 0-RTT packets ignored"""
    before = early_count()
    peer = resume()
    flight = [datagram.data for datagram in peer.sent.datagrams]
    answer_of(peer)
    first = early_count()
    peer.quic.close()
    peer.flush()
    # Its IDs are known until the end of the old connection's draining period.
    answer = Client(ADDRESS)
    answer.seen = type(peer.seen)(peer.quic, False, peer.seen.cid_len)
    for _ in range(10):
        time.sleep(1)
        for data in flight:
            answer.sock.sendto(data, ADDRESS)
        if answer.receive(1):
            break
    answer.listen(1)
    again = [packet for datagram in answer.seen.datagrams for packet in datagram.packets
             if packet.space == HANDSHAKE]
    report.note("%d, %d, %d 0-RTT packets read" % (before, first, early_count()))
    return bool(again) and first > before and early_count() == first


if __name__ == "__main__":
    report.main(globals(), talks, sys.argv[3:])
