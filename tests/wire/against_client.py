#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""
against_client.py ADDRESS CERTIFICATE KEY [TEST...] - conversations with a client.

Each starts a quicget in the namespace `client` and answers it. All rules of
rules.py look at what was said. TAP on stdout.
"""

import os
import socket
import sys
import tempfile
import time

from aioquic import tls
from aioquic.buffer import encode_uint_var as v
from aioquic.quic import connection
from aioquic.quic.packet import encode_quic_retry, encode_quic_version_negotiation
from aioquic.tls import Epoch

import report
from bits import acknowledged, new_cid, open_initial, without
from peer import Server
from watch import APP, CLOSE, CLOSE_APP, CRYPTO, EARLY, HANDSHAKE, INITIAL

TRANSPORT_PARAMETER, PROTOCOL_VIOLATION, VERSION_NEGOTIATION, NO_PROTOCOL = 8, 10, 17, 0x178
VERSION_2 = b"\x6b\x33\x43\xcf"
ADDRESS, CERTIFICATE = sys.argv[1], (sys.argv[2], sys.argv[3])
ports = iter(range(5000, 6000))
talks = []


def server(*options, **settings):
    port = next(ports)
    command = ["ip", "netns", "exec", "client", "quicget", "--insecure", "--alpn", "hq",
               "-o", "/dev/null", "--timeout", "15", *options,
               "https://%s:%d/file" % (ADDRESS, port)]
    talks.append(Server(command, port, CERTIFICATE, **settings))
    return talks[-1]


# ---- conversations for the rules ---------------------------------------------------


# RFC9000-7.3-1
def test_a_file():
    """a file is fetched"""
    peer = server().handshake()
    return peer.serve(30)


def test_a_file_with_loss():
    """a file is fetched although a datagram of six is lost each way"""
    peer = server()
    count = [0, 0]

    def lossy(way):
        def pass_on(data):
            count[way] += 1
            return [] if count[way] % 6 == 3 else [data]
        return pass_on
    peer.on_send, peer.on_receive = lossy(0), lossy(1)
    peer.handshake()
    return peer.serve(30)


# ---- the first flight ------------------------------------------------------------------


def extensions(hello):
    """Extensions of a ClientHello by number, and its session ID."""
    at = 4 + 2 + 32
    session = hello[at + 1:at + 1 + hello[at]]
    at += 1 + len(session)
    at += 2 + int.from_bytes(hello[at:at + 2], "big")
    at += 1 + hello[at]
    at += 2
    found = {}
    while at < len(hello):
        size = int.from_bytes(hello[at + 2:at + 4], "big")
        found[int.from_bytes(hello[at:at + 2], "big")] = hello[at + 4:at + 4 + size]
        at += 4 + size
    return found, session


# RFC9000-7-2 RFC9001-4.2-1 RFC9001-8.1-1 RFC9001-8.2-1 RFC9001-8.4-1
def test_client_hello():
    """the ClientHello: TLS 1.3 alone, ALPN, transport parameters, no compatibility mode"""
    peer = server()
    peer.begin()
    hello = b""
    for _, frame in sorted(peer.seen.frames(CRYPTO), key=lambda pair: pair[1].off):
        hello = hello[:frame.off] + frame.data
    found, session = extensions(hello)
    versions = found[43][1:]
    report.note("session ID of %d bytes, versions %s" % (len(session), versions.hex()))
    return versions == b"\x03\x04" and not session and 16 in found and 57 in found


# RFC9000-7.2-2 RFC9000-8.1-3 RFC9000-14.1-1 RFC9001-9.3-1
# RFC9002-6.2.2.1-4
def test_nobody_answers():
    """a client that gets no answer repeats its full Initial to the same ID, ever more seldom"""
    peer = server()
    peer.begin()
    peer.listen(4)
    times = [datagram.time for datagram in peer.seen.datagrams]
    hellos = [frame for _, frame in peer.seen.frames(CRYPTO) if frame.off == 0]
    report.note("after %s s" % ", ".join("%.1f" % (t - times[0]) for t in times[1:]))
    return len(hellos) > 1 and all(len(d) >= 1200 for d in peer.seen.datagrams) and \
        len({p.dcid for p in peer.seen.packets}) == 1 and \
        all(p.eliciting for p in peer.seen.packets)


# RFC9000-8.1-4 RFC9000-8.1-5 RFC9002-6.2.2.1-3
def test_blocked_server():
    """a client whose packets were all acknowledged probes on, to free a server that may not
    send: with Initial packets, and with Handshake packets once it has their keys"""
    peer = server()
    peer.on_receive = lambda data: [data]
    peer.begin()
    flight = [data for data, _ in peer.quic.datagrams_to_send(now=time.monotonic())]
    first = next(p for p in peer.sent.take(flight[0]).packets)
    # Only the first packet: the ServerHello, with an ACK.
    peer.sock.sendto(first.raw + bytes(1200 - len(first.raw)), peer.address)
    peer.listen(4, lambda: any(p.space == HANDSHAKE and p.eliciting for p in peer.seen.packets))
    return any(p.space == HANDSHAKE and p.eliciting for p in peer.seen.packets)


def first_answer(peer, change):
    """The server's first datagram goes through @change; then all goes its way."""
    def once(data):
        peer.on_send = lambda data: [data]
        return change(data)
    peer.on_send = once


def refused_parameters(change):
    peer = server()
    serialize = peer.quic._serialize_transport_parameters
    peer.quic._serialize_transport_parameters = lambda: change(serialize())
    peer.begin()
    peer.wait(lambda: False, 5)
    return peer.code()


# RFC9368-4-13 RFC9368-4-18 RFC9368-4-19
def test_other_chosen_version():
    """Version Information that chooses another version: VERSION_NEGOTIATION_ERROR"""
    value = VERSION_2 + VERSION_2 + b"\0\0\0\1"
    return refused_parameters(lambda data: without(data, 0x11) + v(0x11) + v(len(value)) +
                              value) == VERSION_NEGOTIATION


# RFC9000-7.3-3
def test_parameters_missing():
    """without the ID parameters of a server: TRANSPORT_PARAMETER_ERROR"""
    return all(refused_parameters(lambda data, n=number: without(data, n)) ==
               TRANSPORT_PARAMETER for number in (0x00, 0x0f))


# RFC9000-7.3-2 RFC9000-7.3-4
def test_parameters_wrong():
    """a server's ID parameters are compared with the packets'"""
    return all(refused_parameters(lambda data, n=number: without(data, n) + v(n) + v(8) +
                                  bytes(8)) in (TRANSPORT_PARAMETER, PROTOCOL_VIOLATION)
               for number in (0x00, 0x0f, 0x10))


# RFC9000-18.2-5
def test_preferred_address_without_id():
    """a preferred address without a connection ID: TRANSPORT_PARAMETER_ERROR"""
    value = bytes([10, 8, 0, 1]) + bytes(2 + 18) + b"\0" + bytes(16)
    return refused_parameters(lambda data: data + v(0x0d) + v(len(value)) + value) == \
        TRANSPORT_PARAMETER


def agreed_on(protocol):
    """The code that the client closes with if this protocol is the server's answer."""
    push = tls.push_encrypted_extensions

    def push_other(buf, extensions):
        extensions.alpn_protocol = protocol
        push(buf, extensions)
    tls.push_encrypted_extensions = push_other
    try:
        peer = server()
        peer.begin()
        peer.wait(lambda: False, 5)
        return peer.code()
    finally:
        tls.push_encrypted_extensions = push


# RFC9001-8.1-3
def test_no_protocol():
    """a server that chooses no protocol: no_application_protocol"""
    return agreed_on(None) == NO_PROTOCOL


# RFC9001-8.1-6
def test_other_protocol():
    """a server that chooses a protocol that was not offered: no_application_protocol"""
    return agreed_on("other") == NO_PROTOCOL


# ---- Retry and Version Negotiation ---------------------------------------------------------


def retry(first, token, scid=None, damage=False):
    data = encode_quic_retry(first.version, scid or os.urandom(8), first.scid, first.dcid, token)
    return data[:-1] + bytes([data[-1] ^ 1]) if damage else data


# RFC9000-7.2-4 RFC9000-8.1.2-1 RFC9000-17.2.5.1-3 RFC9000-17.2.5.2-1
# RFC9000-17.2.5.2-5 RFC9000-17.2.5.3-1 RFC9000-17.2.5.3-2
def test_retry():
    """after Retry the same ClientHello goes to the new ID, with the token in every Initial,
    and packet numbers go on; a second Retry is dropped"""
    peer = server()
    first = open_initial(peer.pending)
    scid, token = os.urandom(8), os.urandom(40)
    peer.sock.sendto(retry(first, token, scid), peer.address)
    peer.sock.sendto(retry(first, os.urandom(40)), peer.address)
    data = peer.pending
    while open_initial(data).dcid == first.dcid:
        data, _ = peer.sock.recvfrom(65536)
    peer.sock.sendto(retry(open_initial(data), os.urandom(40)), peer.address)
    again = open_initial(data)
    hello = [frame.data for frame in first.of(CRYPTO)]
    same = again.dcid == scid and again.scid == first.scid and again.number > first.number and \
        b"".join(frame.data for frame in again.of(CRYPTO))[:100] == b"".join(hello)[:100]
    peer.adopt(data, first.dcid, retry_source_connection_id=scid)
    peer.handshake()
    tokens = {packet.token for packet in peer.seen.packets if packet.space == INITIAL}
    return same and tokens == {token} and peer.serve(20)


# RFC9000-17.2.5.1-2 RFC9000-17.2.5.2-3
def test_retry_to_be_dropped():
    """a Retry with a wrong tag is dropped, and one from the ID that the client made up"""
    peer = server()
    first = open_initial(peer.pending)
    peer.sock.sendto(retry(first, os.urandom(40), damage=True), peer.address)
    peer.sock.sendto(retry(first, os.urandom(40), scid=first.dcid), peer.address)
    peer.handshake()
    return not any(packet.token for packet in peer.seen.packets) and peer.serve(20)


# RFC9000-17.2.5.2-2
def test_retry_after_an_initial():
    """a Retry is dropped when the server has answered already"""
    peer = server()
    first = open_initial(peer.pending)
    first_answer(peer, lambda data: [data, retry(first, os.urandom(40))])
    peer.handshake()
    return not any(packet.token for packet in peer.seen.packets) and peer.serve(20)


# RFC9000-6.2-2 RFC9368-4-2
def test_late_version_negotiation():
    """Version Negotiation is dropped when the server has answered already"""
    peer = server()
    first = open_initial(peer.pending)
    versions = encode_quic_version_negotiation(first.dcid, first.scid, [0x1a2a3a4a])
    first_answer(peer, lambda data: [data, versions])
    peer.handshake()
    return peer.serve(20)


# RFC9000-6.2-3
def test_version_negotiation_with_ours_at_the_end():
    """... or when it lists the client's version, wherever that is"""
    peer = server()
    first = open_initial(peer.pending)
    unknown = [0x1a2a3a4a + 0x10101010 * i for i in range(14)] * 2
    peer.sock.sendto(encode_quic_version_negotiation(
        first.dcid, first.scid, [*unknown, int.from_bytes(VERSION_2, "big"), 1]), peer.address)
    time.sleep(0.2)
    peer.handshake()
    return peer.quic._version == 1 and peer.serve(20)


def negotiated(list_, change):
    """The code that a client closes with who was told this list of versions, and got our
    parameters changed so; 0 if it is content."""
    peer = server("--quic-version", "123")
    first = peer.pending
    ids = first[6:14], first[15:23]
    peer.sock.sendto(encode_quic_version_negotiation(*ids, list_), peer.address)
    data = first
    while data[1:5] == first[1:5]:
        data, _ = peer.sock.recvfrom(65536)
    peer.adopt(data, open_initial(data).dcid)
    serialize = peer.quic._serialize_transport_parameters
    peer.quic._serialize_transport_parameters = lambda: change(without(serialize(), 0x11))
    peer.begin()
    peer.wait(lambda: peer.process.poll() is not None, 10)
    peer.listen(1, lambda: peer.closed)
    return peer.code()


def version_information(chosen, *available):
    value = b"".join(version.to_bytes(4, "big") for version in (chosen, *available))
    return lambda data: data + v(0x11) + v(len(value)) + value


# RFC9368-4-15 RFC9368-4-16 RFC9368-4-17 RFC9368-8-2
def test_no_versions_of_a_server_after_negotiation():
    """a server that was chosen from a list, and says then that it has none, is not believed"""
    codes = (negotiated([1], version_information(1, 1)), negotiated([1], version_information(1)))
    report.note("%s, %s" % codes)
    return codes == (0, VERSION_NEGOTIATION)


# RFC9368-8-1
def test_old_server_after_negotiation():
    """a server of version 1 that says nothing of versions has version 1 alone"""
    return negotiated([1], lambda data: data) == 0


# ---- packets that are dropped ------------------------------------------------------------


def dropped(change):
    """The handshake goes on although a datagram made by @change comes before the first."""
    peer = server()
    first_answer(peer, lambda data: [change(peer, data), data])
    peer.handshake()
    return peer.serve(20)


def initial(peer, payload, number=1000, **fields):
    return peer.packet(payload + bytes(1200), Epoch.INITIAL, number=number, send=False, **fields)


# RFC9000-17.2.2-2
def test_initial_with_token():
    """an Initial of a server that has a token is dropped"""
    def with_token(peer, data):
        header = data[:7 + data[5] + data[6 + data[5]]]
        return header + v(8) + os.urandom(8) + v(1100) + os.urandom(1100)
    return dropped(with_token)


# RFC9000-5.2.1-1 RFC9369-4.1-7
def test_other_version():
    """a packet of another version than the one chosen is dropped"""
    return dropped(lambda peer, data: data[:1] + b"\x0a\x1a\x2a\x3a" + data[5:])


# RFC9001-5.6-4 RFC9001-5.6-5
def test_early_data_to_a_client():
    """0-RTT packets to a client are dropped"""
    def early(peer, data):
        header = data[:7 + data[5] + data[6 + data[5]]]
        return b"\xd3" + header[1:] + v(40) + os.urandom(40)
    return dropped(early)


# RFC9000-7.2-3 RFC9000-7.2-6
def test_other_source_id():
    """after the first Initial, packets with another source ID are dropped"""
    peer = server()
    peer.begin()
    quic = peer.quic
    peer.flush()
    peer.on_send = lambda data: []
    peer.listen(2, lambda: any(p.space == HANDSHAKE for p in peer.seen.packets))
    number = quic._packet_number
    own, quic.host_cid = quic.host_cid, os.urandom(8)
    peer.packet(b"\x01" + bytes(30), Epoch.HANDSHAKE)
    quic.host_cid = own
    peer.packet(b"\x01" + bytes(30), Epoch.HANDSHAKE)
    right = peer.listen(3, lambda: acknowledged(peer, number + 1, HANDSHAKE))
    return right and not acknowledged(peer, number, HANDSHAKE)


# RFC9000-9-5
def test_unknown_address():
    """packets from another address than the server's are dropped"""
    peer = server()
    peer.answer = None
    peer.handshake()
    other = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    other.bind((ADDRESS, next(ports)))
    number = peer.quic._packet_number
    other.sendto(peer.packet(b"\x01" + bytes(30), send=False), peer.address)
    other.settimeout(1)
    try:
        other.recv(2000)
        return False
    except TimeoutError:
        pass
    peer.wait(lambda: 0 in peer.streams)
    peer.quic.send_stream_data(0, b"done", True)
    return not acknowledged(peer, number) and peer.serve(20)


# RFC9001-5.7-3
def test_data_before_the_end_of_the_handshake():
    """1-RTT packets that overtake the server's Finished are not read before it"""
    peer = server()
    peer.on_send = lambda data: []
    peer.begin()
    flight = []
    peer.on_send = lambda data: (flight.append(data), [])[1]
    peer.flush()
    peer.wait(lambda: flight, 2)
    number = peer.quic._packet_number
    early = peer.packet(b"\x01" + bytes(30), send=False)
    # The ServerHello first, so that there are Handshake keys; not the rest.
    first = peer.sent.take(flight[0]).packets[0].raw
    peer.transmit(first + bytes(1200 - len(first)))
    peer.transmit(early)
    peer.listen(1)
    if acknowledged(peer, number):
        return False
    peer.on_send = lambda data: [data]
    for data in flight:
        peer.transmit(data)
    return peer.serve(20)


# RFC9000-19.15-3
def test_id_from_who_has_none():
    """NEW_CONNECTION_ID of a server that uses no IDs closes with PROTOCOL_VIOLATION"""
    peer = server(connection_id_length=0).keep_ids().handshake()
    peer.packet(new_cid(1, 0))
    peer.wait(lambda: False, 5)
    return peer.code() == PROTOCOL_VIOLATION


# RFC9000-10.2.3-2 RFC9000-10.2.3-3
def test_early_close():
    """a program that ends during the handshake closes with APPLICATION_ERROR and no word"""
    peer = server()
    peer.begin()
    (data, _), *_ = peer.quic.datagrams_to_send(now=time.monotonic())
    first = peer.sent.take(data).packets[0].raw
    peer.sock.sendto(first + bytes(1200 - len(first)), peer.address)
    peer.listen(1)
    peer.process.terminate()
    peer.listen(3, lambda: peer.closed)
    closes = [frame for _, frame in peer.seen.frames(CLOSE, CLOSE_APP)]
    report.note("%s" % [(f.type, f.code, f.reason) for f in closes])
    return bool(closes) and all(f.type == CLOSE and f.code == 0x0c and not f.reason
                                for f in closes)


# RFC9000-17.2.3-2 RFC9001-5.6-6
def test_early_request():
    """a request goes in 0-RTT packets, and none of these leaves after the first 1-RTT packet"""
    tickets = {}
    with tempfile.TemporaryDirectory() as folder:
        for options in [], ["--early-data"]:
            peer = server("--session", folder + "/session", *options)
            peer.quic._session_ticket_handler = lambda t: tickets.update({t.ticket: t})
            peer.quic._session_ticket_fetcher = tickets.get
            if not peer.handshake().serve(30):
                return False
    kinds = [packet.space for packet in peer.seen.packets if packet.space in (EARLY, APP)]
    return EARLY in kinds and APP in kinds and EARLY not in kinds[kinds.index(APP):]


# RFC9001-4.6.1-2
def test_size_in_a_ticket():
    """a ticket with a size of early data closes with PROTOCOL_VIOLATION"""
    peer = server()
    peer.quic._session_ticket_handler = lambda ticket: None
    original, connection.MAX_EARLY_DATA = connection.MAX_EARLY_DATA, 0x4000
    try:
        peer.handshake()
    finally:
        connection.MAX_EARLY_DATA = original
    peer.wait(lambda: False, 5)
    return peer.code() == PROTOCOL_VIOLATION


if __name__ == "__main__":
    try:
        report.main(globals(), talks, sys.argv[4:])
    finally:
        for talk in talks:
            talk.end()
