#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""
against_server.py ADDRESS PORT [TEST...] - conversations with a server.

Each is looked at by all rules of rules.py; some break rules themselves. The
server has files `small` (100 kB) and `large` (400 kB); two ports further is one with a
certificate of 25 kB. TAP on stdout.
"""

import copy
import os
import socket
import sys
import time

from aioquic import tls
from aioquic.buffer import encode_uint_var as v
from aioquic.tls import Epoch

import report
from bits import acknowledged, without
from peer import Client
from watch import (ACK, APP, CLOSE, CLOSE_APP, CRYPTO, HANDSHAKE, HANDSHAKE_DONE, INITIAL,
                   NEW_CONNECTION_ID, NEW_TOKEN, PATH_RESPONSE, RESET_STREAM, STREAM)

SMALL, LARGE = 100000, 400000
TRANSPORT_PARAMETER, PROTOCOL_VIOLATION, KEY_UPDATE, VERSION_NEGOTIATION = 8, 10, 14, 17
VERSION_2 = b"\x6b\x33\x43\xcf"
ADDRESS = sys.argv[1], int(sys.argv[2])
OTHER = "10.8.0.3"      # of ours
talks = []


def client(*args, **settings):
    talks.append(Client(ADDRESS, *args, **settings))
    return talks[-1]


def client_with_handshake_keys(**settings):
    """It took the ServerHello, and says nothing from then on but what a test has it say."""
    peer = client(**settings)
    peer.connect()
    peer.flush()
    peer.on_send = lambda data: []
    peer.wait(lambda: peer.quic._cryptos[Epoch.HANDSHAKE].send.is_valid())
    return peer


# ---- conversations for the rules ---------------------------------------------------


# RFC9000-7.3-1
def test_a_file():
    """a file arrives"""
    return len(client().handshake().get("large")) == LARGE


def test_a_file_with_little_credit():
    """a file arrives through small windows"""
    peer = client(max_data=20000, max_stream_data=9000).handshake()
    return len(peer.get("small")) == SMALL


def test_a_file_with_loss():
    """a file arrives although a datagram of six is lost each way"""
    peer = client()
    count = [0, 0]

    def lossy(way):
        def pass_on(data):
            count[way] += 1
            return [] if count[way] % 6 == 5 else [data]
        return pass_on
    peer.on_send, peer.on_receive = lossy(0), lossy(1)
    return len(peer.handshake().get("small")) == SMALL


# RFC9000-5.1-1 RFC9000-10.3.2-2 RFC9000-10.3.2-3 RFC9000-10.3.2-4
def test_ids():
    """connection IDs are random in every bit, and never the same"""
    ids = []
    for _ in range(12):
        peer = client().handshake()
        peer.wait(lambda: len(peer.seen.frames(NEW_CONNECTION_ID)) >= 5)
        ids += {frame.cid for _, frame in peer.seen.frames(NEW_CONNECTION_ID)}
        ids.append(peer.seen.packets[0].scid)
        peer.quic.close()
        peer.flush()
    bits = [sum(int.from_bytes(cid, "big") >> bit & 1 for cid in ids) / len(ids)
            for bit in range(64)]
    report.note("%d IDs, bits set %.2f to %.2f" % (len(ids), min(bits), max(bits)))
    return len(ids) >= 60 and len(set(ids)) == len(ids) and all(0.15 < b < 0.85 for b in bits)


# ---- handshake -----------------------------------------------------------------------


# RFC9000-8-1 RFC9000-8.1-1 RFC9000-8.1-2 RFC9000-14.1-2 RFC9000-14.1-4
def test_no_proof_of_the_address():
    """a client that never answers gets three times what it sent, and probes with 1200 bytes"""
    peer = client()
    peer.connect()
    peer.flush()
    peer.listen(4)
    out = sum(map(len, peer.seen.datagrams))
    report.note("%d bytes for %d" % (out, sum(map(len, peer.sent.datagrams))))
    return 0 < out <= 3 * sum(map(len, peer.sent.datagrams))


# RFC9000-8.1.4-4
def test_token():
    """a token is proof of the address that it was given to, and of no other"""
    peer = client().handshake()
    peer.wait(lambda: peer.seen.frames(NEW_TOKEN))
    token = peer.seen.frames(NEW_TOKEN)[0][1].token
    got = []
    for address in "0.0.0.0", OTHER:
        peer = client((address, 0), token=token)
        peer.connect()
        peer.flush()
        peer.listen(6, lambda: sum(map(len, peer.seen.datagrams)) > 3600)
        got.append(sum(map(len, peer.seen.datagrams)))
    report.note("%d bytes with it, %d from elsewhere" % tuple(got))
    return got[0] > 3600 >= got[1] > 0


# RFC9002-7-2
def test_handshake_in_the_window():
    """of a long certificate no more is sent than the first congestion window has"""
    talks.append(Client((ADDRESS[0], ADDRESS[1] + 2)))
    peer = talks[-1]
    peer.connect()
    peer.flush()
    peer.on_send = lambda data: []
    peer.wait(lambda: peer.quic._cryptos[Epoch.HANDSHAKE].send.is_valid())
    peer.packet(b"\x01" + bytes(20), Epoch.HANDSHAKE)      # proof of the address
    peer.listen(0.5)        # less than a PTO
    out = sum(map(len, peer.seen.datagrams))
    report.note("%d bytes" % out)
    return 10000 < out <= 12100     # an ACK is not counted


# RFC9001-4.9.2-1
def test_handshake_keys_are_gone():
    """Handshake packets after the handshake is confirmed are not read"""
    peer = client().handshake()
    peer.wait(lambda: False, 0.3)
    count = len(peer.seen.datagrams)
    header = b"\xe3\0\0\0\1\x08" + peer.quic._peer_cid.cid + b"\x08" + peer.quic.host_cid
    header += (0x4000 | 4 + 40 + 16).to_bytes(2, "big") + (1000).to_bytes(4, "big")
    peer.transmit(peer.sent.keys[HANDSHAKE].encrypt_packet(header, b"\x01" + bytes(39), 1000))
    peer.listen(0.5)
    return len(peer.seen.datagrams) == count and peer.alive()


# RFC9000-19.20-1 RFC9001-4.1.2-1 RFC9001-5.7-1 RFC9001-5.7-2
def test_late_finished():
    """HANDSHAKE_DONE comes when the client's Finished has, and no earlier; 1-RTT packets
    that overtake it are not acknowledged before"""
    peer = client()
    held = []

    def hold(data):
        hold_it = peer.quic._cryptos[Epoch.HANDSHAKE].send.is_valid()
        held.extend([data] if hold_it else [])
        return [] if hold_it else [data]
    peer.on_send = hold
    peer.connect()
    peer.wait(lambda: held, 5)
    number = peer.quic._packet_number
    peer.packet(b"\x01" + bytes(20))
    peer.listen(1)
    early = peer.seen.frames(HANDSHAKE_DONE) or acknowledged(peer, number)
    for data in held:
        peer.transmit(data)
    peer.on_send = lambda data: [data]
    done = peer.wait(lambda: peer.seen.frames(HANDSHAKE_DONE), 5)
    return bool(held) and not early and bool(done)


def test_settings_are_early():
    """what HTTP/3 says first comes before the client's Finished (RFC 9114 section 7.2.4.2)"""
    peer = client_with_handshake_keys(alpn_protocols=["h3"])
    return peer.wait(lambda: peer.streams.get(3, (b"",))[0][:2] == b"\0\4")


# RFC9000-13.3-2
def test_handshake_done_is_repeated():
    """HANDSHAKE_DONE is sent until it is acknowledged"""
    peer = client()
    peer.on_receive = lambda data: [] if peer.seen.frames(HANDSHAKE_DONE) else [data]
    peer.connect()
    peer.wait(lambda: len({p.number for p, _ in peer.seen.frames(HANDSHAKE_DONE)}) > 1, 10)
    return len({packet.number for packet, _ in peer.seen.frames(HANDSHAKE_DONE)}) > 1


# RFC9000-14.1-3 RFC9000-14-4
def test_small_initial():
    """an Initial in a datagram of 1199 bytes is not answered, and ends nothing"""
    peer = client()
    peer.connect()
    (data, _), = peer.quic.datagrams_to_send(now=time.monotonic())
    pair = peer.quic._cryptos[Epoch.INITIAL]
    crypto = next(frame for frame in peer.sent.take(data).packets[0].frames
                  if frame.kind == CRYPTO)
    frames = v(CRYPTO) + v(0) + v(len(crypto.data)) + crypto.data
    assert pair.send.is_valid()
    whole = peer.packet(frames, Epoch.INITIAL, number=0, send=False)
    for size in len(whole), 1199:
        small = peer.packet(frames + bytes(size - len(whole)), Epoch.INITIAL, number=0,
                            send=False)
        assert len(small) == size < 1200
        peer.transmit(small)
    silent = not peer.listen(1, lambda: peer.seen.datagrams)
    peer.transmit(data)
    return silent and peer.wait(lambda: peer.quic._handshake_confirmed)


# RFC9000-14.1-3
def test_small_initial_in_between():
    """... nor acknowledged when it has the middle of a ClientHello"""
    peer = client()
    peer.connect()
    (data, _), = peer.quic.datagrams_to_send(now=time.monotonic())
    hello = peer.sent.take(data).packets[0].of(CRYPTO)[0].data
    assert peer.quic._cryptos[Epoch.INITIAL].send.is_valid()

    def part(start, end, number, fill):
        peer.packet(v(CRYPTO) + v(start) + v(end - start) + hello[start:end] + bytes(fill),
                    Epoch.INITIAL, number=number)
    part(0, 100, 0, 1100)
    part(100, 200, 1, 100)
    part(200, len(hello), 2, 1100)
    peer.listen(2)
    part(100, 200, 3, 1100)
    peer.listen(3, lambda: any(packet.space == HANDSHAKE for packet in peer.seen.packets))
    acked = [number for number in range(4) if acknowledged(peer, number, INITIAL)]
    report.note("acknowledged: %s" % acked)
    return acked == [0, 2, 3] and any(p.space == INITIAL for p, _ in peer.seen.frames(CRYPTO))


def test_client_hello_again():
    """a ClientHello that comes again is answered again at once, but eight times only"""
    peer = client()
    peer.connect()
    peer.flush()

    def answers():
        return sum(packet.space == INITIAL and frame.off == 0
                   for packet, frame in peer.seen.frames(CRYPTO))
    peer.listen(2, answers)
    (_, hello), = peer.sent.frames(CRYPTO)
    begin = time.monotonic()
    for _ in range(20):
        count = answers()
        peer.packet(v(CRYPTO) + v(0) + v(len(hello.data)) + hello.data +
                    bytes(1150 - len(hello.data)), Epoch.INITIAL)
        peer.listen(0.02, lambda: answers() > count)
    report.note("%d answers to 21 in %.2f s" % (answers(), time.monotonic() - begin))
    # Its PTO may have come in between, with two probes.
    return 9 <= answers() <= 11


def test_half_a_hello():
    """a part of a ClientHello is remembered for more than a quarter of a minute"""
    peer = client()
    peer.connect()
    (data, _), = peer.quic.datagrams_to_send(now=time.monotonic())
    crypto = peer.sent.take(data).packets[0].of(CRYPTO)[0]
    assert peer.quic._cryptos[Epoch.INITIAL].send.is_valid()
    peer.packet(v(CRYPTO) + v(0) + v(100) + crypto.data[:100] + bytes(1100), Epoch.INITIAL,
                number=0)
    peer.listen(17)
    peer.packet(b"\x01" + bytes(1200), Epoch.INITIAL, number=1)
    return peer.listen(2, lambda: any(frame.acks(0) and frame.acks(1)
                                      for _, frame in peer.seen.frames(ACK)))


def is_acknowledged_again(peer, space, number):
    """In more than two packets."""
    def said():
        return [packet for packet, frame in peer.seen.frames(ACK)
                if packet.space == space and frame.acks(number)]
    peer.listen(8, lambda: len(said()) > 2)
    report.note("acknowledged in %d packets" % len(said()))
    return len(said()) > 2


def test_probes_acknowledge():
    """the server's probes acknowledge what came, too: its ACK may have been lost"""
    peer = client_with_handshake_keys()
    number = peer.quic._packet_number
    peer.packet(b"\x01" + bytes(20), Epoch.HANDSHAKE)
    return is_acknowledged_again(peer, HANDSHAKE, number)


def test_late_probes_acknowledge():
    """probes with 1-RTT packets acknowledge what came, too"""
    peer = client().handshake()
    peer.wait(lambda: False, 0.3)
    number = peer.quic._packet_number
    peer.packet(v(0x0f) + v(0) + v(0) + v(12) + b"GET /small\r\n")
    return is_acknowledged_again(peer, APP, number)


# RFC9000-12.2-4
def test_coalesced_with_noise():
    """packets that cannot be opened do not stop what follows them in the datagram"""
    peer = client()

    def with_noise(data):
        if not data[0] & 0x80 or not peer.seen.datagrams:
            return [data]
        # A Handshake packet under no key at all, in front.
        ids = data[5:7 + data[5] + data[6 + data[5]]]
        noise = b"\xe3" + data[1:5] + ids + v(40) + os.urandom(40)
        return [noise + data]
    peer.on_send = with_noise
    return len(peer.handshake().get("small")) == SMALL


# RFC9000-12.2-4
def test_coalesced_with_what_is_too_short():
    """... nor do packets that are too short to be protected (section 14.4.1)"""
    peer = client().handshake()
    number = peer.quic._packet_number
    ids = b"\x08" + peer.quic._peer_cid.cid + b"\x08" + peer.quic.host_cid
    peer.transmit(b"\xe3\0\0\0\1" + ids + v(4) + bytes(4) +
                  peer.packet(b"\x01" + bytes(20), send=False))
    return peer.listen(3, lambda: acknowledged(peer, number))


# RFC9000-12.2-1 RFC9000-12.2-3
def test_coalesced():
    """coalesced packets are all processed and acknowledged"""
    peer = client_with_handshake_keys()
    number = peer.quic._packet_number
    parts = [peer.packet(b"\x01" + bytes(20), Epoch.HANDSHAKE, send=False) for _ in range(3)]
    peer.transmit(b"".join(parts))
    return peer.listen(3, lambda: all(acknowledged(peer, number + i, HANDSHAKE)
                                      for i in range(3)))


# RFC9000-7.2-6
def test_other_source_id():
    """an Initial with another source ID than the first is dropped"""
    peer = client()
    peer.on_receive = lambda data: []
    peer.connect()
    peer.flush()
    peer.listen(2, lambda: peer.seen.datagrams)
    quic = peer.quic
    number = quic._packet_number
    ping = b"\x01" + bytes(1200)
    quic.host_cid, own = os.urandom(8), quic.host_cid
    peer.packet(ping, Epoch.INITIAL)
    quic.host_cid = own
    peer.packet(ping, Epoch.INITIAL)
    right = peer.listen(3, lambda: acknowledged(peer, number + 1, INITIAL))
    return right and not acknowledged(peer, number, INITIAL)


# RFC9000-10.2.1-2 RFC9001-4.1.3-2
def test_more_tls_bytes_at_an_old_level():
    """new Initial CRYPTO bytes after the ServerHello close with PROTOCOL_VIOLATION"""
    peer = client_with_handshake_keys()
    end = max(f.off + len(f.data) for _, f in peer.sent.frames(CRYPTO))
    peer.quic._cryptos[Epoch.INITIAL] = peer.quic._cryptos_initial[1]
    peer.packet(v(CRYPTO) + v(end) + v(4) + b"more" + bytes(1200), Epoch.INITIAL)
    peer.wait(lambda: False, 5)
    return peer.code() == PROTOCOL_VIOLATION


# RFC9001-4.1.3-3
def test_tls_bytes_left_unread():
    """Initial CRYPTO bytes that TLS has no use for close with PROTOCOL_VIOLATION"""
    peer = client()

    def with_more(data):
        peer.on_send = lambda data: [data]
        frames = v(CRYPTO) + v(4000) + v(4) + b"more" + bytes(1200)
        return [peer.packet(frames, Epoch.INITIAL, send=False), data]
    peer.on_send = with_more
    peer.connect()
    peer.wait(lambda: peer.quic._handshake_confirmed)
    return peer.code() == PROTOCOL_VIOLATION


# RFC9001-5.3-2
def test_unknown_cipher_suites():
    """cipher suites that nobody knows do not matter"""
    push = tls.push_client_hello

    def push_more(buf, hello):
        hello.cipher_suites = [0x1a1a, 0x13ff] + hello.cipher_suites
        push(buf, hello)
    tls.push_client_hello = push_more
    try:
        return len(client().handshake().get("small")) == SMALL
    finally:
        tls.push_client_hello = push


def parameters(change):
    """The code that the server closes with if our parameters are changed so."""
    peer = client()
    serialize = peer.quic._serialize_transport_parameters
    peer.quic._serialize_transport_parameters = lambda: change(serialize())
    peer.connect()
    peer.wait(lambda: peer.quic._handshake_confirmed)
    return peer.code()


# RFC9000-7.3-3
def test_source_id_missing():
    """without initial_source_connection_id: TRANSPORT_PARAMETER_ERROR"""
    return parameters(lambda data: without(data, 0x0f)) == TRANSPORT_PARAMETER


# RFC9000-7.3-2 RFC9000-7.3-4
def test_source_id_wrong():
    """initial_source_connection_id is compared with the packets'"""
    return parameters(lambda data: without(data, 0x0f) + v(0x0f) + v(8) + bytes(8)) in (
        TRANSPORT_PARAMETER, PROTOCOL_VIOLATION)


# RFC9000-7.4.2-1
def test_unknown_parameters():
    """kilobytes of parameters that nobody knows are skipped"""
    unknown = v(27) + v(2000) + bytes(2000)
    for n in range(40):
        unknown += v(31 * (n + 1000) + 27) + v(n) + bytes(n)
    peer = client()
    serialize = peer.quic._serialize_transport_parameters
    peer.quic._serialize_transport_parameters = lambda: unknown + serialize()
    return len(peer.handshake().get("small")) == SMALL


# RFC9000-7.4-1
def test_long_parameters():
    """kilobytes of parameters that are too long, or too much: TRANSPORT_PARAMETER_ERROR"""
    other_versions = b"\0\0\0\1" * 1000
    return all(parameters(change) == TRANSPORT_PARAMETER for change in (
        lambda data: data + v(27) + v(2000) + bytes(1999),
        lambda data: without(data, 0x11) + v(0x11) + v(4000) + other_versions))


# RFC9368-4-9 RFC9368-4-10 RFC9368-4-11
def test_other_chosen_version():
    """Version Information that chooses another version: VERSION_NEGOTIATION_ERROR"""
    value = VERSION_2 + VERSION_2 + b"\0\0\0\1"
    return parameters(lambda data: without(data, 0x11) + v(0x11) + v(len(value)) + value) == \
        VERSION_NEGOTIATION


# ---- packets -------------------------------------------------------------------------


# RFC9000-5.2-1 RFC9000-10.3-1 RFC9000-11.1-1
def test_half_wrong_packet():
    """a packet with a good and a bad frame closes the connection"""
    peer = client().handshake()
    peer.packet(v(0x0e) + v(2) + v(0) + v(3) + b"GET" + v(0x21))
    peer.wait(lambda: False, 5)
    return peer.code() == 7


# RFC9000-12.3-4 RFC9000-12.3-5 RFC9000-13.1-1
def test_forged_packet():
    """a packet that cannot be opened is neither acknowledged nor remembered"""
    peer = client().handshake()
    number = peer.quic._packet_number
    peer.packet(b"\x01" + bytes(20), damage=True)
    peer.packet(b"\x01" + bytes(20))
    peer.listen(2, lambda: acknowledged(peer, number + 1))
    forged = acknowledged(peer, number)
    # The same number again, intact: not a duplicate.
    peer.packet(b"\x01" + bytes(20), number=number)
    return not forged and peer.listen(2, lambda: acknowledged(peer, number))


# RFC9000-12.3-4 RFC9000-12.3-5
def test_duplicate_packet():
    """a packet that comes twice counts once"""
    peer = client().handshake()
    stop = peer.packet(v(0x0e) + v(0) + v(0) + v(11) + b"GET /small\n", send=False)
    for _ in range(3):
        peer.transmit(stop)
    fin = v(0x0f) + v(0) + v(11) + v(0)
    peer.packet(fin)
    return peer.wait(lambda: peer.seen.frames(STREAM), 5) and not peer.closed


# RFC9000-17.3.1-1
def test_fixed_bit_is_needed():
    """a packet without the fixed bit is dropped"""
    peer = client().handshake()
    number = peer.quic._packet_number
    peer.packet(b"\x01" + bytes(20), first=0x03)
    peer.packet(b"\x01" + bytes(20))
    return peer.listen(2, lambda: acknowledged(peer, number + 1)) and \
        not acknowledged(peer, number)


# RFC9000-14-4
def test_small_datagrams():
    """datagrams of any size are taken"""
    peer = client().handshake()
    number = peer.quic._packet_number
    for size in 1, 4, 100, 1100:
        peer.packet(b"\x01" + bytes(size))
    return peer.wait(lambda: all(acknowledged(peer, number + i) for i in range(4)), 5) and \
        peer.alive()


# RFC9000-7.5-3
def test_tls_bytes_after_the_handshake():
    """a packet whose CRYPTO bytes have no reader is acknowledged"""
    peer = client().handshake()
    number = peer.quic._packet_number
    # The beginning of a message: none that could be judged yet.
    peer.packet(v(CRYPTO) + v(1000) + v(4) + bytes(4))
    return peer.wait(lambda: acknowledged(peer, number), 5) and not peer.closed


# RFC9000-13.2.1-4
def test_silence_is_not_answered():
    """packets that elicit nothing are not answered"""
    peer = client().handshake()
    peer.get("small")
    peer.wait(lambda: False, 1)
    count = len(peer.seen.datagrams)
    last = max(packet.number for packet in peer.seen.packets if packet.space == APP)
    for _ in range(20):
        peer.packet(v(ACK) + v(last) + v(0) + v(0) + v(0) + bytes(10))
    peer.listen(1)
    return len(peer.seen.datagrams) == count


# RFC9000-10.3-3
def test_tiny_datagrams():
    """datagrams too small for a packet are dropped"""
    peer = client().handshake()
    peer.wait(lambda: False, 0.5)
    count = len(peer.seen.datagrams)
    for size in range(1, 21):
        peer.sock.sendto(b"\x40" + os.urandom(size - 1), peer.address)
        peer.sock.sendto(b"\xc0" + os.urandom(size - 1), peer.address)
    peer.listen(0.5)
    return len(peer.seen.datagrams) == count and peer.alive()


# RFC9000-5.2.2-2
def test_strangers():
    """packets that belong to no connection and begin none are not answered"""
    peer = client()
    ids = b"\x08" + os.urandom(8) + b"\x08" + os.urandom(8)
    for first in 0xd3, 0xe3, 0xf3:      # 0-RTT, Handshake, Retry
        peer.sock.sendto(bytes([first]) + b"\0\0\0\1" + ids + v(1200) + os.urandom(1200),
                         peer.address)
    return not peer.listen(0.5, lambda: peer.seen.datagrams)


# RFC8899-3-3 RFC9000-14-2 RFC9000-14-3
def test_datagrams_are_whole():
    """IPv4 packets have DF set and are no fragments"""
    tap = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0800))
    tap.bind(("data", 0x0800))
    tap.setblocking(False)
    client().handshake().get("small")
    flags = []
    while True:
        try:
            packet, address = tap.recvfrom(100)
        except BlockingIOError:
            break
        if address[2] == socket.PACKET_HOST and packet[9] == socket.IPPROTO_UDP:
            flags.append(int.from_bytes(packet[6:8], "big"))
    report.note("%d packets" % len(flags))
    return len(flags) > 3 and all(f == 0x4000 for f in flags)


# RFC9000-8.2.1-4 RFC9000-8.2.2-1 RFC9000-8.2.2-2 RFC9000-8.2.2-5
# RFC9000-8.2.2-7 RFC9000-19.17-1
def test_path_challenge():
    """PATH_CHALLENGE is answered at once, once, with its bytes, in a full datagram"""
    peer = client().handshake()
    peer.wait(lambda: False, 0.3)
    data = os.urandom(8)
    peer.packet(v(0x1a) + data)
    peer.listen(2, lambda: peer.seen.frames(PATH_RESPONSE))
    peer.wait(lambda: False, 1)
    found = peer.seen.frames(PATH_RESPONSE)
    report.note("%s" % [(len(p.datagram), round(p.datagram.time - peer.sent.datagrams[-1].time, 2))
                        for p, _ in found])
    return [frame.data for _, frame in found] == [data] and \
        len(found[0][0].datagram) >= 1200


# ---- keys ----------------------------------------------------------------------------


# RFC9001-6.2-1 RFC9001-6.2-2
def test_key_update():
    """a key update is followed, before its packet is acknowledged"""
    peer = client().handshake()
    peer.updates = 1
    peer.wait(lambda: False, 0.3)
    peer.quic.request_key_update()
    number = peer.quic._packet_number
    peer.quic.send_ping(1)
    peer.wait(lambda: acknowledged(peer, number), 5)
    acks = [p for p, f in peer.seen.frames(ACK) if p.space == APP and f.acks(number)]
    return bool(acks) and all(p.first & 4 for p in acks) and peer.get("small") != b""


# RFC9001-5.5-2 RFC9001-6.3-1
def test_false_key_update():
    """a packet of another phase that does not open changes nothing"""
    peer = client().handshake()
    peer.wait(lambda: False, 0.3)
    number = peer.quic._packet_number
    peer.packet(b"\x01" + bytes(20), first=0x47)
    peer.packet(b"\x01" + bytes(20))
    ok = peer.wait(lambda: acknowledged(peer, number + 1), 3)
    return ok and not acknowledged(peer, number) and len(peer.get("small")) == SMALL


# RFC9001-5.5-1 RFC9001-6.4-2
def test_old_key_after_the_new():
    """the old key on a later packet than the new: KEY_UPDATE_ERROR"""
    peer = client().handshake()
    peer.updates = 1
    peer.wait(lambda: False, 0.3)
    pair = peer.quic._cryptos[Epoch.ONE_RTT]
    old = copy.copy(pair.send)
    peer.quic.request_key_update()
    number = peer.quic._packet_number
    peer.quic.send_ping(1)
    if not peer.wait(lambda: acknowledged(peer, number), 5):
        return False
    number = peer.quic._packet_number
    header = b"\x43" + peer.quic._peer_cid.cid + number.to_bytes(4, "big")
    peer.quic._packet_number += 1
    peer.transmit(old.encrypt_packet(header, b"\x01" + bytes(20), number))
    peer.wait(lambda: False, 3)
    return peer.code() == KEY_UPDATE


# ---- streams and limits ----------------------------------------------------------------


# RFC9000-4.1-3 RFC9000-4.6-4 RFC9000-13.3-3 RFC9000-19.11-2
def test_limits_that_go_down():
    """MAX_DATA, MAX_STREAM_DATA and MAX_STREAMS that raise nothing are ignored"""
    peer = client().handshake()
    peer.packet(v(0x10) + v(1) + v(0x12) + v(0) + v(0x13) + v(0) +
                v(0x0e) + v(0) + v(0) + v(1) + b"G" + v(0x11) + v(0) + v(1))
    peer.quic.send_stream_data(0, b"GET /small\r\n", True)
    peer.wait(lambda: peer.streams.get(0, (b"", False))[1])
    return len(peer.streams.get(0, (b"",))[0]) == SMALL


# RFC9000-3.3-1 RFC9000-3.3-2 RFC9000-3.5-1 RFC9000-13.3-1
def test_stop_sending():
    """STOP_SENDING is answered with RESET_STREAM, again and again until it is acknowledged"""
    peer = client(max_stream_data=50000).handshake()
    peer.ask("large")
    peer.wait(lambda: len(peer.streams.get(0, (b"",))[0]) > 10000)
    peer.on_receive = lambda data: [] if any(
        p.of(RESET_STREAM) for p in peer.seen.datagrams[-1].packets) else [data]
    peer.quic.stop_stream(0, 9)
    peer.wait(lambda: len(peer.seen.frames(RESET_STREAM)) > 1)
    frames = [frame.values for _, frame in peer.seen.frames(RESET_STREAM)]
    sent = max(f.off + len(f.data) for _, f in peer.seen.frames(STREAM) if f.id == 0)
    report.note("RESET_STREAM %s" % frames)
    return len(frames) > 1 and frames[0][2] == sent


# RFC9002-6.2.4-1 RFC9002-6.2.4-2 RFC9002-7-2 RFC9002-7.5-1
def test_window():
    """no more than the window leaves without acknowledgment, then probes that ask for one"""
    peer = client().handshake()
    peer.wait(lambda: False, 0.3)
    before = len(peer.seen.packets)
    peer.ask("large")
    peer.flush()
    peer.listen(4)
    packets = [p for p in peer.seen.packets[before:] if p.eliciting]
    start = packets[0].datagram.time
    # The first probes come 25 ms after it, max_ack_delay, or later.
    pause = next((i for i, (one, next_one) in enumerate(zip(packets, packets[1:]), 1)
                  if next_one.datagram.time > one.datagram.time + 0.02), len(packets))
    burst = packets[:pause]
    probes = [p for p in peer.seen.packets[before:] if p.datagram.time > start + 0.5]
    size = sum(len(p.raw) for p in burst)
    report.note("%d bytes, then %d probes" % (size, len(probes)))
    return size <= 14720 + 1500 and probes and all(p.eliciting for p in probes)


# ---- the end -----------------------------------------------------------------------------


# RFC9000-11-1 RFC9000-21.11-2
def test_no_reset_of_what_lives():
    """packets that do not open get no stateless reset while there is a connection"""
    peer = client().handshake()
    peer.wait(lambda: False, 0.5)
    for _ in range(20):
        peer.packet(b"\x01" + bytes(40), damage=True)
    peer.listen(0.5)
    return peer.alive() and all(packet.number is not None for datagram in peer.seen.datagrams
                                for packet in datagram.packets)


def test_noise_keeps_nothing():
    """packets that do not open, or come again, do not keep a connection from ending idle"""
    peer = client(idle_timeout=2.0).handshake()
    peer.wait(lambda: False, 0.5)
    number = peer.quic._packet_number
    old = peer.packet(b"\x01" + bytes(40))
    known = peer.wait(lambda: acknowledged(peer, number), 2)
    for _ in range(10):
        peer.packet(b"\x01" + bytes(40), damage=True)
        peer.transmit(old)
        peer.listen(0.5)
    number = peer.quic._packet_number
    peer.packet(b"\x01" + bytes(40))
    return known and not peer.listen(1, lambda: acknowledged(peer, number))


# RFC9000-10.2.2-1 RFC9000-10.2.2-2
def test_nothing_after_a_close():
    """after our CONNECTION_CLOSE nothing comes but one more at most, and resets when the
    connection is gone"""
    peer = client().handshake()
    peer.ask("large")
    peer.wait(lambda: len(peer.streams.get(0, (b"",))[0]) > 10000)
    number = peer.quic._packet_number
    peer.packet(v(0x1d) + v(0) + v(0))
    for i in range(10):
        peer.packet(b"\x01" + bytes(20), number=number + 1 + i)
    peer.listen(0.3)        # with what was on its way
    count = len(peer.seen.packets)
    for i in range(10):
        peer.packet(b"\x01" + bytes(20), number=number + 11 + i)
    peer.listen(1)
    return len(peer.seen.frames(CLOSE, CLOSE_APP)) <= 1 and len(peer.seen.packets) == count


# RFC9000-10.2.1-1
def test_closing_is_quiet():
    """an endpoint that has closed answers ever more seldom"""
    peer = client().handshake()
    peer.packet(v(0x21) + bytes(20))
    peer.listen(2, lambda: peer.seen.frames(CLOSE))
    count, closes = len(peer.seen.datagrams), len(peer.seen.frames(CLOSE))
    before = sum(map(len, peer.sent.datagrams))
    for _ in range(64):
        peer.packet(b"\x01" + bytes(20))
        peer.listen(0.01)
    answers = peer.seen.datagrams[count:]
    got = sum(map(len, peer.sent.datagrams)) - before
    # When closing is over, which here may be before the 64th, resets follow.
    closes = len(peer.seen.frames(CLOSE)) - closes
    report.note("%d answers to 64 packets, %d of them closes" % (len(answers), closes))
    return 0 < closes < 10 and sum(map(len, answers)) <= 3 * got and \
        not peer.seen.frames(CLOSE_APP)


if __name__ == "__main__":
    report.main(globals(), talks, sys.argv[3:])
