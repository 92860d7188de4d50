#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""
adversary.py ADDRESS PORT - a client with keys that breaks the rules.

Each case completes a handshake, then sends packets made by hand under the right
keys, and looks which error code the server closes the connection with
(RFC 9000 section 20.1). TAP on stdout.
"""

import copy
import os
import sys
import time

from aioquic.quic.crypto import apply_key_phase, next_key_phase

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../conformance"))
import peer
from peer import Epoch, new_cid, stream, v

FLOW_CONTROL, STREAM_LIMIT, STREAM_STATE, FINAL_SIZE, FRAME_ENCODING = 3, 4, 5, 6, 7
CONNECTION_ID_LIMIT, PROTOCOL_VIOLATION, CRYPTO_BUFFER, KEY_UPDATE = 9, 10, 13, 14


class Client(peer.Client):
    """Its handshake is over; what it is made to send is not padded."""

    def __init__(self, address):
        super().__init__(address)
        self.confirm()

    @property
    def code(self):
        """What the server has closed with, or None."""
        return self.closed and self.closed[0]

    def packet(self, payload, pad=0, **options):
        super().packet(payload, pad=pad, **options)

    def update_keys(self, both=True):
        """At once, whatever the server thinks of it."""
        keys = self.quic._cryptos[Epoch.ONE_RTT]
        for key in [keys.send, keys.recv] if both else [keys.send]:
            apply_key_phase(key, next_key_phase(key), trigger="local_update")


# Name, frames of one packet or several, the codes that are right.
CASES = [
    # RFC9000-12.4-4
    ("unknown frame type", v(0x21), {FRAME_ENCODING}),
    ("unknown frame type of eight bytes", v(1 << 40), {FRAME_ENCODING}),
    # Longer than need be is an offence of its own (section 12.4).
    # RFC9000-12.4-5
    ("frame type in more bytes than need be", b"\x40\x01", {PROTOCOL_VIOLATION}),
    ("truncated frame", v(0x0e) + v(0) + v(0) + v(50) + b"x", {FRAME_ENCODING}),
    # RFC9221-3-3 RFC9221-3-4
    ("DATAGRAM that was not agreed on", v(0x31) + v(3) + b"abc", {PROTOCOL_VIOLATION}),
    # The server promises to delay ACKs by 1 ms or more.
    ("ACK_FREQUENCY with too short a delay", v(0xaf) + v(0) + v(9) + v(999) + v(3),
     {PROTOCOL_VIOLATION}),
    ("ACK_FREQUENCY with too long a delay",
     v(0xaf) + v(0) + v(9) + v(1000 << 14) + v(3), {PROTOCOL_VIOLATION}),
    ("truncated varint", b"\x04\xc0", {FRAME_ENCODING}),
    # The server grants 1048560 bytes of a stream, twice that of all.
    # RFC9000-4.1-2 RFC9000-19.10-4
    ("stream data just beyond its credit", stream(0, 1048560), {FLOW_CONTROL}),
    ("stream data far beyond its credit", stream(0, 1 << 40), {FLOW_CONTROL}),
    # RFC9000-19.8-2
    ("stream data beyond 2^62", stream(0, (1 << 62) - 1, b"xy"),
     {FRAME_ENCODING, FLOW_CONTROL}),
    # RFC9000-19.9-2
    ("stream data beyond the connection's credit",
     [stream(i * 4, (1 << 20) - 100) for i in range(99)], {FLOW_CONTROL}),
    # RFC9000-4.6-3 RFC9000-19.11-4
    ("stream over the limit", stream(4 * 70000), {STREAM_LIMIT}),
    ("one-way stream over the limit", stream(4 * 70000 + 2), {STREAM_LIMIT}),
    # RFC9000-19.8-1
    ("stream that only the server opens", stream(1), {STREAM_STATE}),
    ("data on the server's one-way stream", stream(3), {STREAM_STATE}),
    # RFC9000-19.4-1
    ("RESET_STREAM of the server's one-way stream", v(4) + v(3) + v(0) + v(0),
     {STREAM_STATE}),
    ("RESET_STREAM of a stream not opened", v(4) + v(5) + v(0) + v(0), {STREAM_STATE}),
    # RFC9000-4.5-1
    ("RESET_STREAM beyond the credit", v(4) + v(0) + v(0) + v(1 << 40), {FLOW_CONTROL}),
    # RFC9000-19.5-2
    ("STOP_SENDING for our one-way stream", v(5) + v(2) + v(0), {STREAM_STATE}),
    # RFC9000-19.5-1
    ("STOP_SENDING for a stream not opened", v(5) + v(1) + v(0), {STREAM_STATE}),
    # RFC9000-19.10-2
    ("MAX_STREAM_DATA for our one-way stream", v(0x11) + v(2) + v(9), {STREAM_STATE}),
    # RFC9000-19.10-1
    ("MAX_STREAM_DATA for a stream not opened", v(0x11) + v(1) + v(9), {STREAM_STATE}),
    # RFC9000-19.13-1
    ("STREAM_DATA_BLOCKED for the server's one-way stream",
     v(0x15) + v(3) + v(9), {STREAM_STATE}),
    # RFC9000-19.11-1
    ("MAX_STREAMS beyond 2^60", v(0x12) + v((1 << 60) + 1), {FRAME_ENCODING}),
    ("one-way MAX_STREAMS beyond 2^60", v(0x13) + v((1 << 60) + 1), {FRAME_ENCODING}),
    # RFC9000-19.14-1
    ("STREAMS_BLOCKED beyond 2^60", v(0x16) + v((1 << 60) + 1),
     {FRAME_ENCODING, STREAM_LIMIT}),
    ("data after the end", stream(0, 0, b"GE", True) + stream(0, 2), {FINAL_SIZE}),
    ("end before the data", [stream(0, 50), stream(0, 10, b"", True)], {FINAL_SIZE}),
    ("two ends", stream(2, 1, b"GET", True) + stream(2, 0, b"GE", True), {FINAL_SIZE}),
    ("reset with another end", stream(2, 1, b"GET", True) + v(4) + v(2) + v(0) + v(9),
     {FINAL_SIZE}),
    ("ACK of what was never sent", v(2) + v(1 << 30) + v(0) + v(0) + v(0),
     {PROTOCOL_VIOLATION}),
    # RFC9000-19.3.1-1
    ("ACK with ranges below zero", v(2) + v(0) + v(0) + v(0) + v(5),
     {FRAME_ENCODING}),
    ("ACK with more ranges than bytes", v(2) + v(1) + v(0) + v(1 << 20) + v(0),
     {FRAME_ENCODING}),
    # RFC9000-7.5-2
    ("CRYPTO far away", v(6) + v(1 << 20) + v(1) + b"x", {CRYPTO_BUFFER}),
    # RFC9000-19.6-1
    ("CRYPTO beyond 2^62", v(6) + v((1 << 62) - 1) + v(2) + b"xy",
     {FRAME_ENCODING, CRYPTO_BUFFER}),
    # RFC9000-19.15-1
    ("NEW_CONNECTION_ID of no bytes", new_cid(1, 0, b""), {FRAME_ENCODING}),
    ("NEW_CONNECTION_ID of 21 bytes", new_cid(1, 0, os.urandom(21)), {FRAME_ENCODING}),
    # RFC9000-19.15-6
    ("NEW_CONNECTION_ID that retires later ones", new_cid(1, 2), {FRAME_ENCODING}),
    ("NEW_CONNECTION_ID twice with other bytes", new_cid(1) + new_cid(1),
     {PROTOCOL_VIOLATION}),
    # RFC9000-5.1.1-4
    ("more connection IDs than agreed", [new_cid(i) for i in range(20, 60)],
     {CONNECTION_ID_LIMIT}),
    # RFC9000-19.16-1
    ("RETIRE_CONNECTION_ID of one never issued", v(0x19) + v(1000),
     {PROTOCOL_VIOLATION}),
    # RFC9000-19.20-2
    ("HANDSHAKE_DONE from a client", v(0x1e), {PROTOCOL_VIOLATION}),
    # RFC9000-19.7-4
    ("NEW_TOKEN from a client", v(7) + v(3) + b"abc", {PROTOCOL_VIOLATION}),
    ("NEW_TOKEN without a token", v(7) + v(0), {FRAME_ENCODING, PROTOCOL_VIOLATION}),
]


def truncated(name):
    return name.startswith("truncated") or name.endswith("than bytes")


def illegal(address, name, frames, codes):
    client = Client(address)
    for frame in frames if isinstance(frames, list) else [frames]:
        # PADDING makes a packet long enough, but would complete a cut frame.
        client.packet(frame if truncated(name) else frame + bytes(20))
    client.wait(lambda: False)
    got = client.code
    if got not in codes:
        print("# closed with %s, not %s" % (got, codes))
    return got in codes


# RFC9000-12.4-2
def empty_packet(address):
    client = Client(address)
    client.packet(b"")
    client.wait(lambda: False)
    return client.code == PROTOCOL_VIOLATION


# RFC9000-17.3.1-3
def reserved_bits(address):
    client = Client(address)
    client.packet(b"\x01" + bytes(20), reserved=3)
    client.wait(lambda: False)
    return client.code == PROTOCOL_VIOLATION


# Nothing asks for an acknowledgment, so nothing confirms the first update
# (RFC 9001 section 6.2).
def update_twice(address):
    client = Client(address)
    client.wait(lambda: False, 0.5)     # until no answer is owed
    client.update_keys()
    client.packet(bytes(20))
    for _ in range(5):
        time.sleep(0.2)         # the server is ready for another one
        client.packet(bytes(20))
    client.update_keys(both=False)      # the server does not follow this one
    client.packet(bytes(20))
    client.wait(lambda: False)
    return client.code == KEY_UPDATE


# A later packet must not have an older key (RFC 9001 section 6.4).
def old_key_again(address):
    client = Client(address)
    keys = client.quic._cryptos[Epoch.ONE_RTT]
    old = copy.copy(keys.send)
    client.update_keys()
    client.packet(bytes(20))
    keys.send = old
    client.packet(bytes(20))
    client.wait(lambda: False)
    return client.code == KEY_UPDATE


def slab():
    for line in open("/proc/meminfo"):
        if line.startswith("Slab:"):
            return int(line.split()[1])


def bounded(before, limit_kb):
    used = slab() - before
    print("# slab grew by %d KiB" % used)
    return used < limit_kb


# The answer may be a close; memory and life must go on.
def path_challenges(address):
    client, before = Client(address), slab()
    for _ in range(1000):
        client.packet(b"".join(b"\x1a" + os.urandom(8) for _ in range(100)))
    ok = bounded(before, 16384)
    return ok and (client.alive() or client.closed)


def one_answer_for_many_challenges(address):
    """RFC 9000 section 8.2.2; as many answers as packets, and the newest."""
    client, seen, last = Client(address), [], None
    handlers = client.quic._QuicConnection__frame_handlers
    handlers[0x1b] = (lambda context, frame_type, buf: seen.append(buf.pull_bytes(8)),
                      handlers[0x1b][1])
    for _ in range(3):
        asked = [os.urandom(8) for _ in range(100)]
        last = asked[-1]
        client.packet(b"".join(b"\x1a" + data for data in asked))
    client.wait(lambda: last in seen)
    client.wait(lambda: False, 1)
    print("# %d answers to 300 challenges in 3 packets" % len(seen))
    return last in seen and len(seen) <= 3 and client.alive()


def own_cid(client, seq):
    """An ID that the client goes on to be known by."""
    cid, ids = os.urandom(8), client.quic._host_cids
    ids.append(type(ids[0])(cid=cid, sequence_number=seq,
                            stateless_reset_token=bytes(16), was_sent=True))
    return cid


def called_back_connection_ids(address):
    """Numbers that were retired before they came, acknowledgments withheld:
    each is to be retired, which is bounded (RFC 9000 section 5.1.2)."""
    client = Client(address)
    client.packet(new_cid(200, 200, own_cid(client, 200)) + bytes(20))
    for i in range(10):
        client.packet(b"".join(new_cid(n) for n in range(1 + i * 10, 11 + i * 10)))
    client.wait(lambda: False)
    return client.code == CONNECTION_ID_LIMIT


def retired_connection_ids_again(address):
    """A frame may be late, or come twice (section 19.15): no offence, no cost."""
    client, old, retired = Client(address), [new_cid(n) for n in range(20, 24)], []
    handlers = client.quic._QuicConnection__frame_handlers
    handlers[0x19] = (lambda context, frame_type, buf: retired.append(buf.pull_uint_var()),
                      handlers[0x19][1])
    client.packet(new_cid(24, 24, own_cid(client, 24)) + bytes(20))
    for _ in range(300):
        client.packet(b"".join(old))
    client.wait(lambda: False, 1)
    print("# retired: %s" % sorted(retired))
    return set(retired) >= set(range(20, 24)) and len(retired) < 100 and client.alive()


def retirements(address):
    """Each is answered by a new ID, within the limit."""
    client, before = Client(address), slab()
    for n in range(4):
        for _ in range(250):
            client.packet(v(0x19) + v(n) + bytes(20))
    return bounded(before, 16384) and (client.alive() or client.closed)


def new_connection_ids(address):
    client, before = Client(address), slab()
    for i in range(1000):
        client.packet(b"".join(new_cid(n, n) for n in range(100 + i * 20, 120 + i * 20)))
    return bounded(before, 16384)


def fragments(address):
    """Every other byte of a window, so that nothing can be joined."""
    client, before = Client(address), slab()
    for i in range(0, 40000, 100):
        client.packet(b"".join(stream(0, 2 * (i + k) + 1) for k in range(100)))
    return bounded(before, 65536)


# RFC9000-7.5-1
def crypto_fragments(address):
    client, before = Client(address), slab()
    for i in range(0, 60000, 200):
        client.packet(b"".join(v(6) + v(i + 2 * k + 1) + v(1) + b"x" for k in range(100)))
    return bounded(before, 16384)


def duplicates(address):
    client = Client(address)
    quic = client.quic
    send, client.sock = client.sock, None

    class Twice:
        def send(self, data):
            for _ in range(200):
                send.send(data)

        def __getattr__(self, name):
            return getattr(send, name)
    client.sock = Twice()
    return client.alive() and quic is client.quic


def streams_churn(address):
    """Opens and resets as fast as the limit allows."""
    client, before = Client(address), slab()
    for i in range(100):
        client.packet(stream(i * 4 + 2) + v(4) + v(i * 4 + 2) + v(0) + v(1))
    return bounded(before, 16384) and (client.alive() or client.closed)


def largest_received(client):
    return client.quic._spaces[Epoch.ONE_RTT].largest_received_packet


def ecn_lies(address):
    """Counts that cannot be: the server gives ECN up and lives on."""
    client = Client(address)
    for counts in ([0, 1 << 61, 0], [0, 0, 1 << 61], [1 << 61] * 3, [0, 0, 0]):
        client.packet(v(3) + v(largest_received(client)) + v(0) + v(0) + v(0) +
                      b"".join(v(n) for n in counts) + b"\x01")
        if not client.alive():
            return False
    return True


def optimistic_ack(address):
    """Acknowledges what it did not receive (RFC 9000 section 21.4)."""
    client = Client(address)
    quic, handle = client.quic, client.quic.receive_datagram
    space = quic._spaces[Epoch.ONE_RTT]

    def lie(*args, **kwargs):
        handle(*args, **kwargs)
        space.ack_queue.add(0, space.largest_received_packet + 1)
    quic.receive_datagram = lie
    quic.send_stream_data(0, b"GET /large\r\n", True)
    client.wait(lambda: False)
    return client.code == PROTOCOL_VIOLATION


def main():
    address = (sys.argv[1], int(sys.argv[2]))
    tests = [(name, lambda n=name, f=frames, c=codes: illegal(address, n, f, c))
             for name, frames, codes in CASES]
    for function in (empty_packet, reserved_bits, path_challenges,
                     one_answer_for_many_challenges, new_connection_ids,
                     called_back_connection_ids, retired_connection_ids_again,
                     retirements,
                     fragments, crypto_fragments, duplicates, streams_churn, update_twice,
                     old_key_again, ecn_lies,
                     optimistic_ack):
        tests.append((function.__name__.replace("_", " "),
                      lambda f=function: f(address)))
    chosen = sys.argv[3:]
    unknown = set(chosen) - {name for name, test in tests}
    if unknown:
        print("Bail out! no such case:", ", ".join(sorted(unknown)))
        sys.exit(2)
    if chosen:
        tests = [t for t in tests if t[0] in chosen]
    print("TAP version 13")
    failed = 0
    for number, (name, test) in enumerate(tests, 1):
        start = time.monotonic()
        try:
            ok = test()
        except Exception as e:      # of the attacked or of ours: say it, go on
            print("# %s: %s" % (type(e).__name__, e))
            ok = False
        failed += not ok
        print("# %.1f s" % (time.monotonic() - start))
        print("%sok %d - %s" % ("" if ok else "not ", number, name), flush=True)
    print("1..%d" % len(tests))
    sys.exit(failed != 0)


main()
