# SPDX-License-Identifier: GPL-2.0
"""
BPF objects from Python, through libbpf: load, set up maps, run a program on a
frame (BPF_PROG_TEST_RUN), read counters. Also for bench/xdp.
"""

import ctypes
import os
import re

DESTDIR = os.environ.get("DESTDIR", "")
INCLUDE = DESTDIR + "/usr/include/quic"
PROGRAMS = DESTDIR + "/usr/lib/quic/bpf/xdp"
ABORTED, DROP, PASS, TX, REDIRECT = range(5)
VERDICTS = ("aborted", "drop", "pass", "tx", "redirect")

lib = ctypes.CDLL("libbpf.so.1", use_errno=True)
for name, result, args in (
        ("bpf_object__open_file", ctypes.c_void_p, (ctypes.c_char_p, ctypes.c_void_p)),
        ("bpf_object__load", ctypes.c_int, (ctypes.c_void_p,)),
        ("bpf_object__next_map", ctypes.c_void_p, (ctypes.c_void_p, ctypes.c_void_p)),
        ("bpf_object__next_program", ctypes.c_void_p, (ctypes.c_void_p, ctypes.c_void_p)),
        ("bpf_map__name", ctypes.c_char_p, (ctypes.c_void_p,)),
        ("bpf_map__fd", ctypes.c_int, (ctypes.c_void_p,)),
        ("bpf_map__value_size", ctypes.c_uint, (ctypes.c_void_p,)),
        ("bpf_map__key_size", ctypes.c_uint, (ctypes.c_void_p,)),
        ("bpf_map__set_pin_path", ctypes.c_int, (ctypes.c_void_p, ctypes.c_char_p)),
        ("bpf_program__fd", ctypes.c_int, (ctypes.c_void_p,)),
        ("bpf_map_update_elem", ctypes.c_int,
         (ctypes.c_int, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_ulonglong)),
        ("bpf_map_delete_elem", ctypes.c_int, (ctypes.c_int, ctypes.c_char_p)),
        ("bpf_map_lookup_elem", ctypes.c_int,
         (ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p)),
        ("bpf_map_get_next_key", ctypes.c_int,
         (ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p)),
        ("bpf_map_lookup_batch", ctypes.c_int,
         (ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p,
          ctypes.POINTER(ctypes.c_uint), ctypes.c_void_p)),
        ("bpf_obj_pin", ctypes.c_int, (ctypes.c_int, ctypes.c_char_p)),
        ("bpf_obj_get", ctypes.c_int, (ctypes.c_char_p,)),
        ("bpf_prog_test_run_opts", ctypes.c_int, (ctypes.c_int, ctypes.c_void_p)),
        ("bpf_prog_load", ctypes.c_int,
         (ctypes.c_int, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_size_t,
          ctypes.c_void_p)),
        ("libbpf_num_possible_cpus", ctypes.c_int, ())):
    getattr(lib, name).restype = result
    getattr(lib, name).argtypes = args
CPUS = lib.libbpf_num_possible_cpus()
running_on = None


class TestRun(ctypes.Structure):
    """struct bpf_test_run_opts"""
    _fields_ = [("sz", ctypes.c_size_t),
                ("data_in", ctypes.c_char_p), ("data_out", ctypes.c_void_p),
                ("data_size_in", ctypes.c_uint), ("data_size_out", ctypes.c_uint),
                ("ctx_in", ctypes.c_void_p), ("ctx_out", ctypes.c_void_p),
                ("ctx_size_in", ctypes.c_uint), ("ctx_size_out", ctypes.c_uint),
                ("retval", ctypes.c_uint), ("repeat", ctypes.c_int),
                ("duration", ctypes.c_uint), ("flags", ctypes.c_uint),
                ("cpu", ctypes.c_uint), ("batch_size", ctypes.c_uint)]


def check(status, what):
    if status < 0:
        number = ctypes.get_errno() or -status
        raise OSError(number, "%s: %s" % (what, os.strerror(number)))
    return status


def names(which):
    """What <quic/xdp_maps.h> calls the counters of a program, in their order."""
    with open(INCLUDE + "/xdp_maps.h", encoding="ascii") as file:
        text = file.read()
    body = re.search(r"#define QUIC_%s_N_NAMES \{(.*?)\n\n" % which, text, re.S).group(1)
    return re.findall(r'"(\w+)"', body)


class Map:
    def __init__(self, fd, key_size, value_size):
        self.fd, self.key_size, self.value_size = fd, key_size, value_size

    def key(self, key):
        return key if isinstance(key, bytes) else key.to_bytes(self.key_size, "little")

    def __setitem__(self, key, value):
        if not isinstance(value, bytes):
            value = value.to_bytes(self.value_size, "little")
        assert len(value) == self.value_size, (len(value), self.value_size)
        check(lib.bpf_map_update_elem(self.fd, self.key(key), value, 0), "map update")

    def __getitem__(self, key):
        """The value; of a per-CPU map all values."""
        buf = ctypes.create_string_buffer(max(self.value_size, 8) * CPUS)
        check(lib.bpf_map_lookup_elem(self.fd, self.key(key), buf), "map look-up")
        return buf.raw

    def __delitem__(self, key):
        check(lib.bpf_map_delete_elem(self.fd, self.key(key)), "map delete")

    def clear(self):
        key = ctypes.create_string_buffer(self.key_size)
        while lib.bpf_map_get_next_key(self.fd, None, key) == 0:
            del self[key.raw]

    def number(self, key):
        return int.from_bytes(self[key][:self.value_size], "little")

    def sums(self, n):
        """Of a PERCPU_ARRAY with n numbers: each over all CPUs."""
        keys, token = ctypes.create_string_buffer(4 * n), ctypes.c_uint()
        values, count = (ctypes.c_ulonglong * (n * CPUS))(), ctypes.c_uint(n)
        check(lib.bpf_map_lookup_batch(self.fd, None, ctypes.byref(token), keys, values,
                                       ctypes.byref(count), None), "look-up of counters")
        return [sum(values[i * CPUS:(i + 1) * CPUS]) for i in range(n)]


def pinned(path, key_size, value_size):
    return Map(check(lib.bpf_obj_get(path.encode()), path), key_size, value_size)


class Runner:
    """A loaded program."""

    def __init__(self, fd):
        self.fd = fd

    def run(self, frame, repeat=1, cpu=0):
        """(verdict, the frame as it is then, ns of a run)"""
        global running_on
        if cpu != running_on:
            os.sched_setaffinity(0, {cpu})
            running_on = cpu
        out = ctypes.create_string_buffer(4096)
        o = TestRun(sz=ctypes.sizeof(TestRun), data_in=frame, data_size_in=len(frame),
                    data_out=ctypes.addressof(out), data_size_out=len(out), repeat=repeat)
        check(lib.bpf_prog_test_run_opts(self.fd, ctypes.byref(o)), "test run")
        return o.retval, out.raw[:o.data_size_out], o.duration


class Empty(Runner):
    """Passes everything: r0 = XDP_PASS; exit."""

    XDP = 6
    INSNS = b"\xb7\0\0\0\2\0\0\0" b"\x95\0\0\0\0\0\0\0"

    def __init__(self):
        super().__init__(check(lib.bpf_prog_load(self.XDP, b"empty", b"GPL", self.INSNS,
                                                 len(self.INSNS) // 8, None), "load"))


class Program(Runner):
    """The only one of an object, loaded with maps of its own."""

    def __init__(self, path, which=None):
        self.object = lib.bpf_object__open_file(path.encode(), None)
        if not self.object:
            raise OSError(ctypes.get_errno(), path)
        maps = []
        entry = lib.bpf_object__next_map(self.object, None)
        while entry:
            lib.bpf_map__set_pin_path(entry, None)
            maps.append(entry)
            entry = lib.bpf_object__next_map(self.object, entry)
        check(lib.bpf_object__load(self.object), path)
        super().__init__(lib.bpf_program__fd(lib.bpf_object__next_program(self.object, None)))
        self.maps = {lib.bpf_map__name(m).decode(): Map(lib.bpf_map__fd(m),
                                                        lib.bpf_map__key_size(m),
                                                        lib.bpf_map__value_size(m))
                     for m in maps}
        self.which = which
        self.reasons = names(which) if which else []

    def counts(self):
        """Packets so far, by reason."""
        return self.maps["quic_%s_n" % self.which.lower()].sums(len(self.reasons))

    def counted(self, frame, **options):
        """(verdict, frame, the reasons whose counters went up)"""
        before = self.counts()
        verdict, out, _ = self.run(frame, **options)
        return verdict, out, [name for name, old, new in zip(self.reasons, before, self.counts())
                              if new != old]

    def expect(self, frame, verdict, reason, **options):
        """It ends so, for this reason alone. The frame as it is then: only what is sent
        back is changed.
        """
        got, out, reasons = self.counted(frame, **options)
        assert (VERDICTS[got], reasons) == (verdict, [reason]), \
            "%s, %s instead of %s, %s" % (VERDICTS[got], reasons, verdict, reason)
        assert verdict == "tx" or out == frame, "the frame was changed"
        return out
