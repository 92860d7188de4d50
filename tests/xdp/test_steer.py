# SPDX-License-Identifier: GPL-2.0
"""xdp_quic_steer, frame by frame."""

import random
import struct

import bpf
import fixtures
import frames
import quiclb
from fixtures import ID
from frames import V1, V2, frame, initial, long_header, short

TABLE, CPU, LB = range(3)
SPREAD = 1
HERE = 0                # where test runs are
QUEUE = struct.pack("<Ii", 192, 0)      # struct bpf_cpumap_val
WANT = {fixtures.OTHER: ("pass", "other"), fixtures.FRAGMENT: ("pass", "fragment"),
        fixtures.BAD: ("pass", "short"), fixtures.FIRST: ("pass", "first"),
        fixtures.UNKNOWN: ("pass", "first"), fixtures.SMALL: ("pass", "first"),
        fixtures.QUIC: ("redirect", "moved")}

program = bpf.Program(bpf.PROGRAMS + "/steer.bpf.o", "STEER")
expect = program.expect


def configure(scheme, flags=0, cpus=(), queues=(1,), confs=()):
    program.maps["quic_steer"][0] = struct.pack(
        "<IIII256H", scheme, flags, len(cpus), 0, *(tuple(cpus) + (0,) * (256 - len(cpus))))
    have = set()
    for cpu in range(bpf.CPUS):
        if cpu in queues:
            program.maps["quic_cpus"][cpu] = QUEUE
            have.add(cpu)
        else:
            try:
                del program.maps["quic_cpus"][cpu]
            except OSError:
                pass
    for rotation in range(8):
        program.maps["quic_lb_conf"][rotation] = bytes(program.maps["quic_lb_conf"].value_size)
    for conf in confs:
        program.maps["quic_lb_conf"][conf.rotation] = conf.entry()


def test_every_form_of_header():
    configure(CPU)
    for name, data, what in fixtures.rows():
        yield name, lambda: expect(data, *WANT[what])


def test_cut_off_after_each_octet():
    configure(CPU)
    for number, (whole, quic, ends) in enumerate(fixtures.cuts()):
        def every():
            for end in ends:
                want = "other" if end < quic else "short" if end < quic + 26 else "first"
                expect(whole[:end], "pass", want)
        yield "frame %d" % number, every


def test_home():
    """The owner's CPU has no business with a cpumap."""
    configure(CPU, queues=())
    yield "here", lambda: expect(frame(short(b"\0" + ID[1:])), "pass", "home")
    yield "there", lambda: expect(frame(short(ID)), "pass", "home", cpu=1)
    yield "nobody there", lambda: expect(frame(short(ID)), "pass", "no_cpu")
    yield "no such CPU", lambda: expect(frame(short(b"\xff" + ID[1:])), "pass", "no_cpu")


def test_no_id():
    configure(CPU)
    yield "a long header without", lambda: expect(
        frame(long_header("handshake", b"", size=100)), "pass", "unknown")
    configure(TABLE)
    yield "a look-up without", lambda: expect(
        frame(long_header("handshake", b"", size=100)), "pass", "unknown")


def test_the_table_does_not_know():
    configure(TABLE)
    for name, payload in (("short header", short(ID)),
                          ("Handshake", long_header("handshake", b"\1" * 20, size=100))):
        yield name, lambda: expect(frame(payload), "pass", "unknown")
    yield "Initial", lambda: expect(frame(initial()), "pass", "first")


def test_ports():
    configure(CPU)
    ports = program.maps["quic_ports"]
    yield "443, if nothing is said", lambda: expect(frame(short(ID)), "redirect", "moved")
    ports[0] = 1
    ports[8443 // 64] = 1 << 8443 % 64
    yield "not 443", lambda: expect(frame(short(ID)), "pass", "other")
    yield "8443", lambda: expect(frame(short(ID), dport=8443), "redirect", "moved")
    yield "0", lambda: expect(frame(short(ID), dport=0), "pass", "other")
    yield "8444", lambda: expect(frame(short(ID), dport=8444), "pass", "other")
    ports[1023] = 1 << 63
    yield "65535", lambda: expect(frame(short(ID), 6, dport=65535), "redirect", "moved")
    for word in 0, 8443 // 64, 1023:
        ports[word] = 0


def test_spread():
    """By the address, the same every time; to all CPUs, about alike."""
    configure(CPU, SPREAD, cpus=(0, 1), queues=(0, 1))

    def spread():
        moved = 0
        for port in range(2000, 3000):
            data = frame(initial(), sport=port)
            verdicts = {program.run(data, cpu=HERE)[0] for _ in range(2)}
            assert len(verdicts) == 1, "not the same"
            moved += verdicts == {bpf.REDIRECT}
        assert 420 < moved < 580, moved
    yield "1000 clients", spread

    def unknown():
        data = frame(long_header("handshake", b"", size=100), 6)
        seen = {program.counted(data, cpu=cpu)[::2][0] for cpu in (0, 1)}
        assert seen == {bpf.PASS, bpf.REDIRECT}, "home for one CPU, away for the other"
        assert program.counted(data)[2] == ["unknown"]
    yield "unknown IDs too", unknown


def test_quic_lb():
    for conf in quiclb.CONFS:
        configure(LB, confs=(conf,))
        name = str(conf)
        for cpu, verdict, reason in ((1, "redirect", "moved"), (HERE, "pass", "home"),
                                     (77, "pass", "no_cpu")):
            made = conf.make(cpu)
            if len(made) == 20:
                payload = short(made, size=21 + 16)
            else:
                payload = short(made)
            yield "%s, CPU %d" % (name, cpu), lambda: expect(frame(payload), verdict, reason)
        made = conf.make(1)
        yield name + ", Handshake", lambda: expect(
            frame(long_header("handshake", made, size=200, version=V2), 6), "redirect", "moved")
        yield name + ", one octet less", lambda: expect(
            frame(long_header("handshake", made[:-1], size=200)), "pass", "unknown")
        yield name + ", Initial", lambda: expect(frame(initial(made)), "pass", "first")
        yield name + ", other rotation", lambda: expect(
            frame(short(bytes([made[0] ^ 0x20]) + made[1:])), "pass", "unknown")
    configure(LB)
    yield "no configuration", lambda: expect(frame(short(ID)), "pass", "unknown")


def test_rotations_side_by_side():
    confs = [quiclb.Conf(rotation, 4, 4, bytes([rotation] * 16), cpu_at=2)
             for rotation in range(7)]
    configure(LB, confs=confs)
    for conf in confs:
        yield str(conf.rotation), lambda: expect(frame(short(conf.make(1))), "redirect", "moved")
    yield "7, which is nobody's", lambda: expect(
        frame(short(b"\xe0" + ID[1:])), "pass", "unknown")


def by_rfc_8999(quic):
    """The reason that any payload leads to, by the CPU in the ID."""
    if len(quic) < 21:
        return "short"
    if quic[0] & 0x80:
        if len(quic) < 26:
            return "short"
        version, id_len = struct.unpack("!IB", quic[1:6])
        known = version in (0, V1, V2)
        if known and id_len > 20:
            return "short"
        kind = (quic[0] >> 4) - (version == V2) & 3
        if not known or version and kind < 2:       # 0 and 1: Initial and 0-RTT
            return "first"
        if not id_len:
            return "unknown"
        cpu = quic[6]
    else:
        cpu = quic[1]
    return "home" if cpu == HERE else "moved" if cpu == 1 else "no_cpu"


def test_any_payload():
    """What nobody has thought of; the same every time."""
    configure(CPU)
    dice = random.Random(8999)

    def payload():
        data = bytearray(dice.randbytes(dice.choice((0, 1, 20, 21, 25, 26, 40, 100, 1200, 1472))))
        if len(data) > 6:
            data[0] = dice.randrange(256)
            data[1:5] = struct.pack("!I", dice.choice((0, V1, V2, V1, V2, dice.randrange(1 << 32))))
            data[5] = dice.choice((0, 1, 8, 20, 21, 255))
            data[dice.choice((1, 6))] = dice.choice((0, 1, 1, 7))
        return bytes(data)

    def all_of_them():
        seen = set()
        for _ in range(1500):
            quic = payload()
            reason = by_rfc_8999(quic)
            seen.add(reason)
            expect(frame(quic, dice.choice((4, 6))), "redirect" if reason == "moved" else "pass",
                   reason)
        assert seen == {"short", "first", "unknown", "home", "moved", "no_cpu"}, seen
    yield "1500 of them", all_of_them


def test_steering_is_of_the_destination():
    """Not of anything else in the packet."""
    configure(CPU)
    data = long_header("handshake", b"\0" * 8, scid=ID, size=200)
    yield "source ID", lambda: expect(frame(data), "pass", "home")
    assert frames.DPORT == 443
