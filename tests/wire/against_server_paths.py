#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""
against_server_paths.py ADDRESS PORT [TEST...] - a server whose client moves, and
connection IDs.

As against_server.py, with another address of ours in it.
"""

import os
import sys

from aioquic.buffer import encode_uint_var as v

import report
from bits import acknowledged, new_cid
from peer import Client
from watch import NEW_CONNECTION_ID, PATH_CHALLENGE, PATH_RESPONSE, RETIRE_CONNECTION_ID

SMALL, PROTOCOL_VIOLATION = 100000, 10
ADDRESS = sys.argv[1], int(sys.argv[2])
OTHER = "10.8.0.3"      # of ours
talks = []


def client(**settings):
    talks.append(Client(ADDRESS, **settings))
    return talks[-1]


def challenges(peer):
    return [(packet, frame.data) for packet, frame in peer.seen.frames(PATH_CHALLENGE)]


# RFC9000-8.2.1-1 RFC9000-8.2.1-2 RFC9000-8.2.2-4 RFC9000-9-3
# RFC9000-9.3-1 RFC9000-9.3-2 RFC9000-9.3.3-1 RFC9000-9-4 RFC9000-9.4-3
# RFC9000-9.5-2
def test_challenges():
    """a new address is challenged, with 1200 bytes and ever new data, the old one as well;
    and not faster than a PTO of a path that nobody knows"""
    peer = client().handshake()
    peer.wait(lambda: False, 0.5)
    old_ids = {packet.dcid for packet in peer.seen.packets}
    old = peer.move(OTHER)
    peer.packet(b"\x01" + bytes(1150))
    peer.listen(5, lambda: len(challenges(peer)) >= 2)
    found = challenges(peer)
    gap = found[1][0].datagram.time - found[0][0].datagram.time
    report.note("%d challenges, %.2f s apart" % (len(found), gap))
    ok = len({data for _, data in found}) == len(found) and gap > 0.9 and \
        all(len(packet.datagram) >= 1200 and packet.dcid not in old_ids for packet, _ in found)
    # Whoever is at the old address can speak up.
    new, peer.sock = peer.sock, old
    before = len(found)
    peer.listen(0.5)
    ok = ok and len(challenges(peer)) > before
    # The answer is believed, wherever it comes from.
    for _, data in found:
        peer.packet(v(PATH_RESPONSE) + data)
    peer.sock = new
    return ok and len(peer.get("small")) == SMALL


def test_challenges_that_are_lost():
    """whoever asks from the same host is challenged on, ever less often, and believed when
    one of the last is answered"""
    peer = client().handshake()
    peer.wait(lambda: False, 0.5)
    peer.move()
    for _ in range(2):      # enough for six
        peer.packet(b"\x01" + bytes(1150))

    def asked():
        return [packet.datagram.time for packet, _ in challenges(peer)]

    # How many there are until then is the round trip's affair.
    peer.listen(5, lambda: len(asked()) >= 3 and asked()[-1] > asked()[0] + 1)
    found, times = challenges(peer), asked()
    gaps = [b - a for a, b in zip(times, times[1:])]
    report.note("gaps: " + " ".join("%.2f" % gap for gap in gaps))
    peer.packet(v(PATH_RESPONSE) + found[-1][1])
    return times[-1] > times[0] + 1 and all(b > 1.5 * a for a, b in zip(gaps, gaps[1:])) and \
        len(peer.get("small")) == SMALL


def test_challenge_that_has_to_wait():
    """three have left, and the limit forbids a fourth: an answer to the first counts still"""
    peer = client().handshake()
    peer.wait(lambda: False, 0.5)
    peer.move()
    peer.packet(b"\x01" + bytes(1150))
    peer.listen(3, lambda: len(challenges(peer)) >= 3)
    peer.listen(1)
    found = challenges(peer)
    report.note("%d challenges" % len(found))
    peer.packet(v(PATH_RESPONSE) + found[0][1])
    peer.listen(1)
    return len(found) == 3 and len(challenges(peer)) == 3


# RFC9000-8.2.2-3
def test_challenge_from_elsewhere():
    """PATH_CHALLENGE from another address is answered there, and moves nobody"""
    peer = client().handshake()
    peer.wait(lambda: False, 0.5)
    old, data = peer.move(), os.urandom(8)
    peer.packet(v(PATH_CHALLENGE) + data + bytes(1150))
    ok = peer.listen(2, lambda: any(f.data == data for _, f in peer.seen.frames(PATH_RESPONSE)))
    peer.sock = old
    return ok and len(peer.get("small")) == SMALL


def test_challenge_before_response():
    """a challenge that goes with the response to the peer's is in front of it: who ends
    its own validation with the response may leave what follows without an answer"""
    peer = client().handshake()
    peer.wait(lambda: False, 0.5)
    peer.move(OTHER)
    peer.packet(v(PATH_CHALLENGE) + os.urandom(8) + bytes(1150))
    peer.listen(2, lambda: challenges(peer))
    kinds = [frame.kind for packet, _ in challenges(peer) for frame in packet.frames]
    return kinds[:2] == [PATH_CHALLENGE, PATH_RESPONSE]


# RFC9000-8.2.1-3 RFC9000-8.2.2-6 RFC9000-8.2.3-1
def test_small_path():
    """towards a new address that sent little, challenge and answer stay below three times
    that; when it is proven, another challenge has 1200 bytes"""
    peer = client().handshake()
    peer.wait(lambda: False, 0.5)
    peer.move(OTHER)
    count = len(peer.seen.datagrams)
    peer.packet(v(PATH_CHALLENGE) + os.urandom(8) + b"\x01" + bytes(60))
    sent = len(peer.sent.datagrams[-1])
    peer.listen(2, lambda: challenges(peer))
    got = sum(map(len, peer.seen.datagrams[count:]))
    report.note("%d bytes for %d" % (got, sent))
    if not challenges(peer) or got > 3 * sent:
        return False
    peer.packet(v(PATH_RESPONSE) + challenges(peer)[0][1] + bytes(20))
    return peer.wait(lambda: any(len(p.datagram) >= 1200 for p, _ in challenges(peer)), 5)


# ---- connection IDs ----------------------------------------------------------------------


# RFC9000-5.1.1-2
def test_every_id_works():
    """packets to each of the issued IDs are taken, also after others were retired"""
    peer = client().handshake()
    peer.wait(lambda: len(peer.seen.frames(NEW_CONNECTION_ID)) >= 3)
    for _, frame in peer.seen.frames(NEW_CONNECTION_ID):
        number = peer.quic._packet_number
        peer.packet(b"\x01" + bytes(20), cid=frame.cid)
        if not peer.wait(lambda n=number: acknowledged(peer, n), 3):
            return False
    return True


# RFC9000-19.15-4
def test_ids_of_ours_twice():
    """the same NEW_CONNECTION_ID twice is no error"""
    peer = client().keep_ids().handshake()
    frame = new_cid(peer.quic._host_cid_seq, 0)
    peer.packet(frame)
    peer.packet(frame)
    return peer.alive()


# RFC9000-5.1.2-1 RFC9000-5.1.2-2 RFC9000-19.15-7 RFC9000-19.16-2
def test_retire_prior_to():
    """Retire Prior To retires the IDs below before the new one is taken up, and once only"""
    peer = client().keep_ids().handshake()
    seq = peer.quic._host_cid_seq
    peer.quic._host_cid_seq += 3
    fresh = [os.urandom(8) for _ in range(3)]
    peer.quic._host_cids += [type(peer.quic._host_cids[0])(cid, seq + i, b"", True)
                             for i, cid in enumerate(fresh)]
    peer.packet(new_cid(seq, seq, fresh[0]))
    retired = lambda: {f.values[0] for _, f in peer.seen.frames(RETIRE_CONNECTION_ID)}
    if not peer.wait(lambda: retired() >= set(range(seq)), 5):
        report.note("retired %s of %d" % (retired(), seq))
        return False
    if any(packet.dcid != fresh[0] for packet, _ in peer.seen.frames(RETIRE_CONNECTION_ID)):
        return False
    # A field that does not grow changes nothing.
    peer.packet(new_cid(seq + 1, 1, fresh[1]))
    ok = peer.alive() and peer.seen.packets[-1].dcid == fresh[0]
    # One that is below it already is retired at once.
    peer.packet(new_cid(seq + 2, seq + 2, fresh[2]))
    ok = ok and peer.wait(lambda: {seq, seq + 1} <= retired(), 5)
    number = peer.quic._packet_number
    peer.packet(new_cid(seq + 1, 0, fresh[1]))
    return ok and peer.wait(lambda: acknowledged(peer, number), 5) and not peer.closed


def is_retired_late(peer, count):
    """Is an ID retired that comes when so many later ones have called it back?"""
    seq = peer.quic._host_cid_seq
    peer.quic._host_cid_seq += count + 1
    for i in range(1, count + 1):
        cid = os.urandom(8)
        peer.quic._host_cids.append(type(peer.quic._host_cids[0])(cid, seq + i, b"", True))
        peer.packet(new_cid(seq + i, seq + 1, cid))
    peer.packet(new_cid(seq, 0))
    return peer.wait(lambda: any(f.values[0] == seq for _, f in
                                 peer.seen.frames(RETIRE_CONNECTION_ID)), 5)


# RFC9000-19.15-8
def test_late_id_is_retired():
    """an ID that comes after it was retired is retired again at once"""
    return is_retired_late(client().keep_ids().handshake(), 1)


# RFC9000-5.1.1-4 RFC9000-19.15-8
def test_late_id_is_retired_by_who_has_enough():
    """... also by a server that has as many as it may: it is none of them"""
    peer = client().keep_ids().handshake()
    limit = peer.quic._remote_active_connection_id_limit
    return is_retired_late(peer, limit) and peer.alive()


# RFC9000-19.15-3
def test_id_from_who_has_none():
    """NEW_CONNECTION_ID of a client that uses no IDs closes with PROTOCOL_VIOLATION"""
    peer = client(connection_id_length=0).keep_ids().handshake()
    peer.packet(new_cid(1, 0))
    peer.wait(lambda: False, 5)
    return peer.code() == PROTOCOL_VIOLATION


if __name__ == "__main__":
    report.main(globals(), talks, sys.argv[3:])
