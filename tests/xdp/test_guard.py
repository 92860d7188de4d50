# SPDX-License-Identifier: GPL-2.0
"""xdp_quic_guard, frame by frame; its answers are read by others: aioquic, Python."""

import socket
import struct
import time

from aioquic.buffer import Buffer
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import QuicConnection
from aioquic.quic.packet import (QuicProtocolVersion, get_retry_integrity_tag,
                                 pull_quic_header)
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

import bpf
import fixtures
import frames
from fixtures import ID
from frames import V1, V2, Answer, frame, initial, long_header, short, unknown_version

RETRY, NO_VERSIONS, WATCH = 1, 2, 4
IPPROTO_QUIC, SOL_QUIC, HANDSHAKE_INFO, LEVEL_INITIAL = 261, 288, 1, 1
# RFC 9369 section 3.3.3; aioquic has those of version 1.
V2_KEY = bytes.fromhex("8fb4b01b56ac48e260fbcbcead7ccc92")
V2_NONCE = bytes.fromhex("d86969bc2d7c6d9990ef b04a".replace(" ", ""))
LIFE = 10                               # seconds of a Retry's token
WANT = {fixtures.OTHER: ("pass", "other"), fixtures.FRAGMENT: ("pass", "fragment"),
        fixtures.BAD: ("drop", "not_quic"), fixtures.FIRST: ("pass", "initial"),
        fixtures.UNKNOWN: ("tx", "versions"), fixtures.SMALL: ("drop", "small"),
        fixtures.QUIC: ("pass", "passed")}
REFLECTORS = (0, 17, 19, 53, 69, 111, 123, 137, 138, 161, 389, 500, 1900, 3702, 5353, 5355,
              11211)

program = bpf.Program(bpf.PROGRAMS + "/guard.bpf.o", "GUARD")
expect = program.expect


def configure(flags=0, threshold=0, rate=0, burst=0, prefix4=0, prefix6=0):
    program.maps["quic_guard"][0] = struct.pack("<6I", flags, threshold, rate, burst, prefix4,
                                                prefix6)
    program.maps["quic_guard_pfx"].clear()


def test_every_form_of_header():
    configure()
    for name, data, what in fixtures.rows():
        yield name, lambda: expect(data, *WANT[what])


def test_cut_off_after_each_octet():
    configure()
    for number, (whole, quic, ends) in enumerate(fixtures.cuts()):
        def every():
            for end in ends:
                if end < quic:
                    expect(whole[:end], "pass", "other")
                else:
                    expect(whole[:end], "drop", "not_quic")
        yield "frame %d" % number, every


def test_only_servers_say_that():
    configure()
    for version in V1, V2:
        yield "Retry of version %#x" % version, lambda: expect(
            frame(long_header("retry", ID, version=version)), "drop", "not_quic")
    yield "Version Negotiation", lambda: expect(
        frame(unknown_version(version=0)), "drop", "not_quic")


def test_reflection():
    configure()
    for port in REFLECTORS:
        yield "from %d" % port, lambda: expect(frame(short(ID), sport=port), "drop", "source")
    yield "from 54", lambda: expect(frame(short(ID), sport=54), "pass", "passed")
    yield "to another port", lambda: expect(frame(short(ID), sport=53, dport=1000),
                                            "pass", "other")


def test_nobody_to_answer():
    """From addresses that no host has, and to all hosts of a link."""
    configure(RETRY)
    for family, sources in ((4, ("0.0.0.0", "0.1.2.3", "224.0.0.1", "255.255.255.255")),
                            (6, ("::", "ff02::1", "::ffff:192.0.2.77"))):
        for src in sources:
            for name, payload in ("Initial", initial()), ("version", unknown_version()):
                yield "%s from %s" % (name, src), lambda: expect(
                    frame(payload, family, src=src), "drop", "source")
    for family, src in (4, "1.0.0.1"), (4, "223.255.255.1"), (6, "::1"), (6, "fe80::1"):
        yield "from " + src, lambda: expect(frame(initial(), family, src=src), "tx", "retry")
    for mac in b"\xff" * 6, bytes.fromhex("01005e000001"):
        for name, payload in ("Initial", initial()), ("version", unknown_version()):
            yield "%s to %s" % (name, mac.hex()), lambda: expect(
                mac + frame(payload)[6:], "drop", "failed")


# ---- Version Negotiation ---------------------------------------------------------

def addressed_back(data, out, family, tags=()):
    """The UDP payload of an answer to @data."""
    a = Answer(out)
    assert len(out) < len(data), "amplified"
    assert (a.dst_mac, a.src_mac) == (frames.MAC_CLIENT, frames.MAC_SERVER)
    assert a.tags == list(tags)
    assert (a.src, a.dst) == (frames.SERVER[family], frames.CLIENT[family])
    payload = a.udp()
    assert (a.sport, a.dport) == (frames.DPORT, frames.SPORT)
    return payload


def negotiated(dcid, scid, family, tags=()):
    data = frame(unknown_version(dcid, scid), family, tags=tags)
    payload = addressed_back(data, expect(data, "tx", "versions"), family, tags)
    assert payload[0] & 0xc0 == 0xc0 and payload[1:5] == bytes(4)
    head = bytes([len(scid)]) + scid + bytes([len(dcid)]) + dcid
    assert payload[5:].startswith(head), "IDs"
    offered = struct.unpack("!3I", payload[5 + len(head):])
    assert offered[:2] == (V1, V2) and offered[2] & 0x0f0f0f0f == 0x0a0a0a0a, offered


def test_version_negotiation():
    configure()
    for dcid in 0, 1, 8, 20, 21, 255:
        for scid in 0, 7, 8, 128, 255:
            for family in 4, 6:
                yield "IDs of %d and %d octets, IPv%d" % (dcid, scid, family), lambda: \
                    negotiated(b"\xd4" * dcid, b"\x51" * scid, family)
    yield "with two VLAN tags", lambda: negotiated(ID, ID, 4, ((0x88a8, 3), (0x8100, 4)))
    yield "with IP options", lambda: expect(
        frame(unknown_version(), options=b"\1" * 4), "drop", "failed")
    cut = unknown_version(b"\xd4" * 255, b"\x51" * 255)
    yield "IDs beyond the datagram", lambda: expect(
        frame(cut[:6 + 255] + b"\xff", udp_length=1208), "drop", "not_quic")
    configure(NO_VERSIONS)
    yield "not wanted", lambda: expect(frame(unknown_version()), "drop", "version")


# ---- Retry ----------------------------------------------------------------------------

def tag_is_good(version, odcid, packet):
    if version == V1:
        return get_retry_integrity_tag(packet[:-16], odcid, V1) == packet[-16:]
    aad = bytes([len(odcid)]) + odcid + packet[:-16]
    return AESGCM(V2_KEY).encrypt(V2_NONCE, b"", aad) == packet[-16:]


def retried(odcid=b"\xd0" * 8, scid=b"\x5c" * 8, version=V1, family=4, token=b"", tags=(),
            **ip):
    """(the server's ID, token)"""
    data = frame(initial(odcid, scid=scid, version=version, token=token), family, tags=tags, **ip)
    payload = addressed_back(data, expect(data, "tx", "retry"), family, tags)
    assert payload[0] >> 4 & 3 == frames.TYPES[version]["retry"] and payload[0] >> 6 == 3
    at = 7 + len(scid)
    assert payload[1:at - 1] == struct.pack("!IB", version, len(scid)) + scid, "destination"
    length = payload[at - 1]
    assert length == 8 and payload[at:at + 8] != odcid, "source"
    assert tag_is_good(version, odcid, payload), "integrity tag"
    if version == V1:
        header = pull_quic_header(Buffer(data=payload), host_cid_length=len(scid))
        assert header.token == payload[at + 8:-16] and header.source_cid == payload[at:at + 8]
    return payload[at:at + 8], payload[at + 8:-16]


def test_retry():
    configure(RETRY)
    for version in V1, V2:
        for family in 4, 6:
            for odcid, scid in ((8, 8), (20, 0), (8, 20), (20, 20), (13, 5)):
                yield "version %#x, IDs of %d and %d octets, IPv%d" % (
                    version, odcid, scid, family), lambda: retried(
                        b"\xd5" * odcid, b"\x52" * scid, version, family)
    yield "with a VLAN tag", lambda: retried(tags=((0x8100, 9),))
    yield "with a token that says nothing", lambda: retried(token=b"\x11" * 64)
    yield "with a cleared fixed bit", lambda: Answer(
        expect(frame(initial(fixed=0)), "tx", "retry")).udp()
    yield "with IP options", lambda: expect(
        frame(initial(), options=b"\1" * 4), "drop", "failed")
    yield "a source ID of 21 octets", lambda: expect(
        frame(initial(scid=b"\x52" * 21)), "drop", "not_quic")
    yield "a token beyond the packet", lambda: expect(
        frame(initial()[:23] + b"\x7f\xff" + initial()[25:]), "drop", "not_quic")
    yield "a length beyond the datagram", lambda: expect(
        frame(initial(length=1300)), "drop", "not_quic")
    yield "1199 bytes", lambda: expect(frame(initial(size=1199)), "drop", "small")


def back(token, dcid=ID, family=4, version=V1, **other):
    return frame(initial(dcid, token=token, version=version), family, **other)


def test_tokens():
    configure(RETRY)
    for family in 4, 6:
        for version in V1, V2:
            server, token = retried(family=family, version=version)
            name = ", IPv%d, version %#x" % (family, version)
            other = "192.0.2.78" if family == 4 else "2001:db8:77::2"
            yield "good" + name, lambda: expect(
                back(token, server, family, version), "pass", "token")
            yield "good a second time" + name, lambda: expect(
                back(token, server, family, version), "pass", "token")
            yield "another address" + name, lambda: expect(
                back(token, server, family, version, src=other), "drop", "bad_token")
            yield "another port" + name, lambda: expect(
                back(token, server, family, version, sport=50001), "drop", "bad_token")
            yield "the other version" + name, lambda: expect(
                back(token, server, family, V1 if version == V2 else V2), "drop", "bad_token")

    def each_octet():
        for i in range(1, len(token)):
            bad = token[:i] + bytes([token[i] ^ 4]) + token[i + 1:]
            expect(back(bad, server, family, version), "drop", "bad_token")
        for i in range(1, len(token)):
            expect(back(token[:i], server, family, version), "drop", "bad_token")
        expect(back(token + b"\0", server, family, version), "drop", "bad_token")
    yield "each octet changed, and cut off", each_octet

    def expired():
        time.sleep(LIFE + 0.2)
        expect(back(token, server, family, version), "drop", "bad_token")
    yield "too old", expired


def test_connections_that_exist():
    """Their Initials pass, but not all whose ID begins as theirs does."""
    configure(RETRY)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer, \
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM, IPPROTO_QUIC) as ours:
        peer.bind(("127.0.0.1", 0))
        ours.connect(peer.getsockname())
        ours.sendmsg([b"ClientHello"], [(SOL_QUIC, HANDSHAKE_INFO, bytes([LEVEL_INITIAL]))])
        known = pull_quic_header(Buffer(data=peer.recv(2000))).source_cid
        yield "its ID", lambda: expect(frame(initial(known)), "pass", "known")
        for more in range(1, 21 - len(known)):
            yield "%d octets more" % more, lambda: expect(
                frame(initial(known + bytes(more))), "tx", "retry")


def test_another_engine_takes_the_retry():
    """aioquic's Initials; what it says to the answer, and comes back with."""
    configure(RETRY)
    server = (frames.SERVER[4], frames.DPORT)

    def comes_back(version):
        client = QuicConnection(configuration=QuicConfiguration(
            is_client=True, alpn_protocols=["h3"], original_version=version,
            supported_versions=[version]))
        client.connect(server, now=0)
        for again in False, True:
            sent = [data for data, _ in client.datagrams_to_send(now=0)]
            assert sent
            for data in sent:
                if again:
                    expect(frame(data), "pass", "token")
                else:
                    answer = Answer(expect(frame(data), "tx", "retry")).udp()
            client.receive_datagram(answer, server, now=0)
    for version in QuicProtocolVersion.VERSION_1, QuicProtocolVersion.VERSION_2:
        yield "version %#x" % version, lambda: comes_back(version)


def test_no_two_tokens_are_equal():
    configure(RETRY)

    def all_differ():
        got = [retried() for _ in range(200)]
        assert len({token for _, token in got}) == len({cid for cid, _ in got}) == 200
    yield "200", all_differ


# ---- how much ---------------------------------------------------------------------------

def soon(seconds, steps):
    """What the steps return; again until they took less than that, on a slow machine."""
    for _ in range(20):
        start = time.monotonic()
        result = steps()
        if time.monotonic() - start < seconds:
            return result
    raise AssertionError("the machine is too slow for this test")


def verdicts(n, family=4, src=None):
    return [program.run(frame(initial(), family, src=src))[0] for _ in range(n)]


def test_threshold():
    """Above it clients have to answer; below again, a second later, they have not."""
    def quiet():
        configure(threshold=3)
        time.sleep(2.1)
        return True

    def above():
        for _ in range(20):
            quiet()
            start = time.monotonic()
            got = verdicts(6)
            if time.monotonic() - start < 0.9:
                break
        assert got == [bpf.PASS] * 3 + [bpf.TX] * 3, got
    yield "3 a second", above

    def remembered():
        def steps():
            verdicts(6)
            time.sleep(1.01)
            return verdicts(1)
        assert soon(1.9, steps) == [bpf.TX]
    yield "for a second more", remembered

    def forgotten():
        quiet()
        assert verdicts(1) == [bpf.PASS]
    yield "and no longer", forgotten


def test_prefixes():
    def bucket():
        configure(rate=1, burst=3)
        return (verdicts(5), verdicts(1, src="192.0.2.1"), verdicts(1, src="192.0.3.77"),
                verdicts(4, 6), verdicts(1, 6, "2001:db8:77:ff::1"),
                verdicts(1, 6, "2001:db8:77:100::1"))

    def of_prefixes():
        full, same, other, full6, same6, other6 = soon(0.9, bucket)
        assert full == [bpf.PASS] * 3 + [bpf.DROP] * 2, full
        assert same == [bpf.DROP] and other == [bpf.PASS]
        assert full6 == [bpf.PASS] * 3 + [bpf.DROP], full6
        assert same6 == [bpf.DROP] and other6 == [bpf.PASS]
    yield "1 a second, 3 at once", of_prefixes

    def later():
        soon(0.9, bucket)
        time.sleep(1.1)
        assert verdicts(1) == [bpf.PASS]
    yield "a second later", later

    def lengths():
        def longest():
            configure(rate=1, burst=1, prefix4=32, prefix6=64)
            return (verdicts(2), verdicts(1, src="192.0.2.78"), verdicts(1, 6),
                    verdicts(1, 6, "2001:db8:77:1::1"))

        def shortest():
            configure(rate=1, burst=1, prefix4=1, prefix6=1)
            return verdicts(1), verdicts(1, src="130.0.0.1"), verdicts(1, src="100.0.0.1")
        assert soon(0.9, longest) == ([bpf.PASS, bpf.DROP], [bpf.PASS], [bpf.PASS], [bpf.PASS])
        assert soon(0.9, shortest) == ([bpf.PASS], [bpf.DROP], [bpf.PASS])
    yield "of other lengths", lengths

    def charged():
        """A good token costs nothing; what is answered does."""
        def steps():
            configure(RETRY, rate=1, burst=2)
            got = [program.counted(frame(initial()))[2] for _ in range(2)]
            got += [program.counted(back(token, server))[2] for _ in range(5)]
            return got + [program.counted(data)[2] for data in (
                frame(initial()), frame(unknown_version()), frame(short(ID)))]
        configure(RETRY)
        server, token = retried()
        assert soon(0.9, steps) == [["retry"]] * 2 + [["token"]] * 5 + [
            ["rate"], ["rate"], ["passed"]]
    yield "what counts, and what does not", charged


def test_watching():
    configure(WATCH | RETRY)
    yield "no QUIC", lambda: expect(frame(b"\0"), "pass", "not_quic")
    yield "reflection", lambda: expect(frame(short(ID), sport=53), "pass", "source")
    yield "Retry", lambda: expect(frame(initial()), "pass", "retry")
    yield "versions", lambda: expect(frame(unknown_version()), "pass", "versions")
    yield "small", lambda: expect(frame(initial(size=1199)), "pass", "small")

    def rate():
        def steps():
            configure(WATCH, rate=1, burst=1)
            return [program.counted(frame(initial()))[::2] for _ in range(2)]
        assert soon(0.9, steps) == [(bpf.PASS, ["initial"]), (bpf.PASS, ["rate"])]
    yield "rate", rate
