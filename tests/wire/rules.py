# SPDX-License-Identifier: GPL-2.0
"""
What must hold for everything that an endpoint sends, whatever happens to it.

A rule gets a Peer and yields what is wrong; the first line of its docstring is
its name. All are applied to every conversation.
"""

from watch import (ACK, APP, CLOSE, CLOSE_APP, CRYPTO, EARLY, HANDSHAKE, HANDSHAKE_DONE,
                   INITIAL, NEW_CONNECTION_ID, NEW_TOKEN, PADDING, PING, RESET_STREAM,
                   STREAM, STREAM_DATA_BLOCKED, DATAGRAM)

FULL = 1200
ANYWHERE = {PADDING, PING, ACK, CRYPTO, CLOSE}


def tests_server(peer):
    return peer.quic._is_client


# RFC9000-8.1-3 RFC9000-14.1-1 RFC9000-14.1-2 RFC9001-9.3-1
# RFC9002-6.2.2.1-4
def rule_initials_fill_datagrams(peer):
    """datagrams with Initial packets have 1200 bytes"""
    for datagram in peer.seen.datagrams:
        for packet in datagram.packets:
            if packet.space == INITIAL and len(datagram) < FULL and (
                    packet.eliciting or not tests_server(peer)):
                yield "%d bytes" % len(datagram)


def rule_acks_are_short(peer):
    """a server's Initial with nothing but an ACK is not padded"""
    for datagram in peer.seen.datagrams:
        if tests_server(peer) and len(datagram) >= FULL and all(
                packet.space == INITIAL and not packet.eliciting for packet in datagram.packets):
            yield "%d bytes" % len(datagram)


# RFC9000-12.2-2
def rule_one_id_per_datagram(peer):
    """packets of one datagram have one destination ID"""
    for datagram in peer.seen.datagrams:
        if len({packet.dcid for packet in datagram.packets}) > 1:
            yield "several: %s" % [packet.dcid.hex() for packet in datagram.packets]


# RFC9000-12.3-1 RFC9000-12.3-2 RFC9000-17.2.3-1
def rule_numbers_go_up(peer):
    """no packet number twice, and they go up"""
    used, closing = {}, set()
    for packet in peer.seen.packets:
        # Who is closing may repeat a packet to the byte (section 10.2.1).
        if packet.raw in closing:
            continue
        if packet.of(CLOSE) + packet.of(CLOSE_APP):
            closing.add(packet.raw)
        space = APP if packet.space == EARLY else packet.space
        before = used.setdefault(space, set())
        # Two trains may change places on their way.
        if packet.number in before or packet.number < max(before, default=0) - 64:
            yield "%s: %d after %d" % (space, packet.number, max(before))
        before.add(packet.number)


# RFC9000-12.4-1 RFC9000-12.5-1 RFC9000-12.5-2 RFC9000-19.7-3
def rule_frames_have_their_place(peer):
    """every packet has frames, each of a type that its kind of packet may carry"""
    for packet in peer.seen.packets:
        if not packet.frames or hasattr(packet, "broken"):
            yield "%s without frames" % packet.space
        for frame in packet.frames:
            if packet.space in (INITIAL, HANDSHAKE) and frame.kind not in ANYWHERE:
                yield "%#x in %s" % (frame.type, packet.space)
            if packet.space == EARLY and frame.kind in (ACK, CRYPTO, HANDSHAKE_DONE):
                yield "%#x in 0-RTT" % frame.type
            if frame.kind in (HANDSHAKE_DONE, NEW_TOKEN) and not tests_server(peer):
                yield "%#x from a client" % frame.type
            if frame.type_len != 1:
                yield "%#x in %d bytes" % (frame.type, frame.type_len)


# RFC9000-17.2-2 RFC9000-17.2.2-1 RFC9000-17.2-4 RFC9000-17.2-6
# RFC9000-17.3.1-2 RFC9000-17.4-1 RFC9000-17.4-2 RFC9000-17.4-3
# RFC9000-17.4-4 RFC9368-2.1-5
def rule_headers_are_plain(peer):
    """reserved bits are 0, the spin bit does not spin, IDs have 20 bytes at most, a server has
    no token"""
    spin = {}
    for packet in peer.seen.packets:
        if packet.first & (0x0c if packet.first & 0x80 else 0x18):
            yield "reserved bits: %#x" % packet.first
        if packet.space == APP and \
                spin.setdefault(packet.dcid, packet.first & 0x20) != packet.first & 0x20:
            yield "spin bit"
        if max(len(packet.dcid), len(packet.scid)) > 20:
            yield "an ID of more than 20 bytes"
        if packet.space == INITIAL and packet.token and tests_server(peer):
            yield "a token of %d bytes" % len(packet.token)
    if any(packet.version == 0 for datagram in peer.seen.datagrams
           for packet in datagram.packets if not tests_server(peer)):
        yield "Version Negotiation from a client"


# RFC9000-13.2.6-1 RFC9000-13.2.6-2 RFC9000-17.2.3-3
def rule_acks_stay_in_their_space(peer):
    """what is acknowledged was sent, in this space"""
    sent = {}
    for packet in peer.sent.packets:
        space = APP if packet.space == EARLY else packet.space
        sent.setdefault(space, set()).add(packet.number)
    for packet, ack in peer.seen.frames(ACK):
        for low, high in ack.ranges:
            missing = set(range(low, high + 1)) - sent.get(packet.space, set())
            if missing:
                yield "%s: %s" % (packet.space, sorted(missing)[:5])


# RFC9000-13.2.1-3
def rule_acks_are_few(peer):
    """no more packets with nothing but an ACK than packets that ask for one"""
    for space in INITIAL, HANDSHAKE, APP:
        alone = sum(packet.space == space and not packet.eliciting and
                    bool(packet.of(ACK)) and not packet.of(CLOSE) + packet.of(CLOSE_APP)
                    for packet in peer.seen.packets)
        asked = sum((APP if packet.space == EARLY else packet.space) == space and
                    packet.eliciting for packet in peer.sent.packets)
        if alone > asked:
            yield "%s: %d for %d" % (space, alone, asked)


# RFC9000-13.2.1-4
def rule_acks_are_not_for_acks(peer):
    """an ACK of nothing but ACKs is not sent"""
    eliciting = {(APP if packet.space == EARLY else packet.space, packet.number)
                 for packet in peer.sent.packets if packet.eliciting}
    told = set()
    for packet in peer.seen.packets:
        for ack in packet.of(ACK):
            new = {(packet.space, number) for low, high in ack.ranges
                   for number in range(low, high + 1)} - told
            told |= new
            if not packet.eliciting and new and not new & eliciting and \
                    not packet.of(CLOSE) + packet.of(CLOSE_APP):
                yield "%s" % sorted(new)[:5]


# RFC9000-5.1.1-1 RFC9000-5.1.1-3 RFC9000-5.1-2 RFC9000-10.3.2-5
# RFC9000-19.15-5
def rule_new_ids_are_new(peer):
    """new connection IDs: numbered in turn, all different, within the limit"""
    ids = {0: (next((p.scid for p in peer.seen.packets if p.scid), b""), None, 0)}
    for _, frame in peer.seen.frames(NEW_CONNECTION_ID):
        what = frame.cid, frame.reset, frame.prior
        if frame.prior > frame.seq:
            yield "retires up to %d, has %d" % (frame.prior, frame.seq)
        if ids.setdefault(frame.seq, what)[:2] != what[:2]:
            yield "number %d has changed" % frame.seq
    if sorted(ids) != list(range(len(ids))):
        yield "numbers %s" % sorted(ids)
    if len({cid for cid, _, _ in ids.values()}) < len(ids):
        yield "an ID twice"
    tokens = [token for _, token, _ in ids.values() if token]
    if len(set(tokens)) < len(tokens):
        yield "a reset token twice"
    retired = {frame.values[0] for _, frame in peer.sent.frames(0x19)}
    if len(ids) - len(retired) > peer.quic._local_active_connection_id_limit:
        yield "%d IDs, %d retired" % (len(ids), len(retired))


# RFC9000-7.2-4 RFC9000-7.2-5
def rule_source_id_stays(peer):
    """long headers have one source ID, and the destination ID that was asked for"""
    ids = {packet.scid for packet in peer.seen.packets if packet.space != APP}
    if len(ids) > 1:
        yield "source IDs %s" % [cid.hex() for cid in ids]
    ours = peer.quic._local_initial_source_connection_id
    for packet in peer.seen.packets:
        if tests_server(peer) and packet.space != APP and packet.dcid != ours:
            yield "server to %s" % packet.dcid.hex()
        if not tests_server(peer) and packet.space == HANDSHAKE and packet.dcid != ours:
            yield "client to %s" % packet.dcid.hex()


# RFC9000-7.2-1 RFC9000-7.2-2
def rule_first_id_of_a_client(peer):
    """a client's first destination ID has 8 bytes, and stays until it has an answer"""
    if tests_server(peer):
        return
    answered = min([d.time for d in peer.sent.datagrams], default=float("inf"))
    first = {packet.dcid for packet in peer.seen.packets if packet.datagram.time < answered}
    if len(first) > 1 or any(len(cid) < 8 for cid in first):
        yield "%s" % [cid.hex() for cid in first]


# RFC9001-4.9.1-1 RFC9001-4.9.1-2 RFC9001-4.9.1-3
def rule_initial_keys_go(peer):
    """no Initial after Handshake packets have been sent, or read"""
    gone, before = None, set()
    for packet in peer.seen.packets:
        # A close is repeated as it was (section 10.2.1).
        if packet.space == INITIAL and gone and gone is not packet.datagram and \
                packet.raw not in before:
            yield "Initial %d" % packet.number
        before.add(packet.raw)
        if packet.space == HANDSHAKE and (not tests_server(peer) or packet.of(ACK)):
            gone = gone or packet.datagram


# RFC9000-8-1 RFC9000-8.1-1 RFC9000-8.1-2 RFC9000-10.2.1-2
# RFC9000-14.1-4
def rule_unvalidated_address(peer):
    """a server sends three times what it got until the client has proven its address"""
    if not tests_server(peer) or any(packet.token for packet in peer.sent.packets):
        return
    proof = min([p.datagram.time for p in peer.sent.packets if p.space in (HANDSHAKE, APP)],
                default=float("inf"))
    for datagram in peer.seen.datagrams:
        if datagram.time > proof:
            break
        got = sum(len(d) for d in peer.sent.datagrams if d.time < datagram.time)
        out = sum(len(d) for d in peer.seen.datagrams if d.time <= datagram.time)
        if out > 3 * got:
            yield "%d bytes for %d" % (out, got)


def same_bytes(frames):
    """Offsets at which something else was said before."""
    known = {}
    for name, frame in frames:
        for at, byte in enumerate(frame.data, frame.off):
            if known.setdefault((name, at), byte) != byte:
                yield "%s: other bytes at %d" % (name, at)
                return


# RFC9001-4-1 RFC9001-4.1.3-1 RFC9001-4.9-1
def rule_crypto_is_repeated_as_it_was(peer):
    """TLS bytes that are sent again are the same, at the same level"""
    yield from same_bytes((packet.space, frame) for packet, frame in peer.seen.frames(CRYPTO))


# RFC9000-2.2-2
def rule_streams_are_repeated_as_they_were(peer):
    """stream bytes that are sent again are the same"""
    yield from same_bytes((frame.id, frame) for _, frame in peer.seen.frames(STREAM))


# RFC9000-2.2-3 RFC9000-4.1-1 RFC9000-4.5-2 RFC9000-19.9-1
# RFC9000-19.10-3
def rule_limits_are_kept(peer):
    """stream data stays within the credit, streams within their number"""
    ends, final = {}, {}
    for _, frame in peer.seen.frames(STREAM):
        end = frame.off + len(frame.data)
        ends[frame.id] = max(ends.get(frame.id, 0), end)
        if end > final.get(frame.id, end):
            yield "stream %d: bytes beyond its end" % frame.id
        if frame.fin:
            final[frame.id] = end
    quic = peer.quic
    for number, end in ends.items():
        stream = quic._streams.get(number)
        if stream and end > stream.max_stream_data_local:
            yield "stream %d: %d bytes" % (number, end)
    if sum(ends.values()) > quic._local_max_data.value:
        yield "%d bytes in all" % sum(ends.values())
    for number in ends:
        if (number & 1) == tests_server(peer) and number >> 2 >= 128:
            yield "stream %d" % number


# RFC9000-3.3-1 RFC9000-3.3-2 RFC9000-13.3-1
def rule_reset_is_the_end(peer):
    """after RESET_STREAM nothing more is said of a stream, but the same again"""
    reset = {}
    # As they were sent: two CPUs may change the order in which they arrive.
    said = peer.seen.frames(RESET_STREAM, STREAM, STREAM_DATA_BLOCKED)
    for _, frame in sorted(said, key=lambda found: found[0].number):
        if frame.kind == RESET_STREAM:
            what = reset.setdefault(frame.values[0], frame.values)
            if what != frame.values:
                yield "RESET_STREAM %s after %s" % (frame.values, what)
            continue
        number = frame.id if frame.kind == STREAM else frame.values[0]
        if number in reset:
            yield "stream %d goes on" % number


# RFC9000-10.2.3-1
def rule_close_where_it_is_read(peer):
    """CONNECTION_CLOSE goes in 1-RTT packets once the handshake is confirmed"""
    done = [packet.datagram.time for packet, _ in
            peer.seen.frames(HANDSHAKE_DONE) + peer.sent.frames(HANDSHAKE_DONE)]
    for packet, _ in peer.seen.frames(CLOSE, CLOSE_APP):
        if done and packet.datagram.time > min(done) + 1 and packet.space != APP:
            yield "in %s" % packet.space


# RFC9001-4.9-2 RFC9221-5-1 RFC9221-6-1
def rule_data_has_keys(peer):
    """datagrams and stream data are in 0-RTT and 1-RTT packets only"""
    for packet, frame in peer.seen.frames(STREAM, DATAGRAM):
        if packet.space not in (EARLY, APP):
            yield "%#x in %s" % (frame.type, packet.space)


# RFC9000-5.1-3 RFC9000-18.2-3 RFC9000-18.2-4 RFC9000-19.15-2
def rule_ids_have_eight_bytes(peer):
    """the connection IDs to reach it have 8 bytes, never none"""
    if any(packet.space != APP and len(packet.scid) != 8 for packet in peer.seen.packets):
        yield "in a long header"
    for _, frame in peer.seen.frames(NEW_CONNECTION_ID):
        if len(frame.cid) != 8:
            yield "NEW_CONNECTION_ID of %d bytes" % len(frame.cid)


# RFC9287-3.1-1 RFC9287-3.1-2 RFC9287-3.1-3 RFC9287-3.1-4
def rule_fixed_bit(peer):
    """the fixed bit is set towards a peer that has not agreed to anything else"""
    for datagram in peer.seen.datagrams:
        if not datagram.data[0] & 0x40 and datagram.data[1:5] != bytes(4):
            yield "%#x" % datagram.data[0]


# RFC9001-6.4-1
def rule_phases_in_turn(peer):
    """a key phase that was left does not come back"""
    app = sorted((p.number, p.first >> 2 & 1) for p in peer.seen.packets if p.space == APP)
    changes = sum(a[1] != b[1] for a, b in zip(app, app[1:]))
    if changes > peer.updates:
        yield "%d changes, %d updates" % (changes, peer.updates)


# RFC9001-4.4-2 RFC9001-4.4-3
def rule_no_more_from_tls(peer):
    """after the handshake TLS sends tickets, of a server, and nothing else"""
    starts = [f for p, f in peer.seen.frames(CRYPTO) if p.space == APP and f.off == 0]
    for frame in starts:
        if not tests_server(peer) or frame.data[:1] != b"\x04":
            yield "a message of type %d" % frame.data[0]


# RFC9000-13.2.1-5
def rule_acks_seldom_ask(peer):
    """packets with an ACK and nothing of their own seldom have a PING added"""
    acks = [p for p in peer.seen.packets if p.space == APP and p.of(ACK) and
            {f.kind for f in p.frames} <= {ACK, PING, PADDING}]
    asking = sum(bool(p.of(PING)) for p in acks)
    if asking > 8 + len(acks) / 8:
        yield "%d of %d" % (asking, len(acks))


RULES = [function for name, function in list(globals().items()) if name.startswith("rule_")]
