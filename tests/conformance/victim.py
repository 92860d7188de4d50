# SPDX-License-Identifier: GPL-2.0
"""
Servers that break rules, and quicget that calls them: one function per row of
cases.tsv, as in transport.py.
"""

import os
import socket
import subprocess

from peer import PATIENCE, Server, crypto, new_cid, stream, tls, tls_message, v
from qpack import (CANCEL_PUSH, CONTROL, DATA, GOAWAY, MAX_PUSH_ID, OK, PUSH, PUSH_PROMISE,
                   SETTINGS, frame, headers, section, settings)

CASES = {}
ODCID, RESET_TOKEN, MAX_UDP, ACK_EXPONENT, CID_LIMIT, ISCID, RSCID = 0, 2, 3, 10, 14, 15, 16
TP = tls.ExtensionType.QUIC_TRANSPORT_PARAMETERS


class Trap(Server):
    def __init__(self, certificate, key, **how):
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.bind(("127.0.0.1", 0))
        self.process = subprocess.Popen(
            ["quicget", "-qk", "-o", "/dev/null", "--timeout", "15",
             "https://127.0.0.1:%d/file" % sock.getsockname()[1]],
            stderr=subprocess.DEVNULL)
        self.one_way = 3
        super().__init__(sock, certificate, key, **how)

    def confirm(self):
        if not self.wait(lambda: self.quic._handshake_complete):
            raise RuntimeError("no handshake: closed with %s" % (self.closed,))

    def open(self, data, fin=False):
        self.quic.send_stream_data(self.one_way, data, fin)
        self.one_way += 4

    def answer(self, data, fin=True):
        """To the request on stream 0, once it is there."""
        self.confirm()
        if not self.wait(lambda: 0 in self.ended):
            raise RuntimeError("no request: closed with %s" % (self.closed,))
        self.quic.send_stream_data(0, data, fin)

    def unharmed(self):
        """Does quicget end well?"""
        self.wait(lambda: self.process.poll() is not None)
        try:
            return self.process.wait(PATIENCE) == 0
        except subprocess.TimeoutExpired:
            return False

    def close(self):
        super().close()
        self.process.kill()
        self.process.wait()


def frames(name, payload, pad=20):
    def run(*files):
        trap = Trap(*files)
        trap.confirm()
        trap.packet(payload, pad=pad)
        return trap
    CASES[name] = run


frames("c_new_token_empty", v(7) + v(0))
frames("c_stream_uncreated", stream(400))
frames("c_stream_receive_only", stream(2))
frames("c_stream_limit", stream(4 * 70000 + 3))
frames("c_stop_receive_only", v(5) + v(3) + v(0))
frames("c_max_stream_data_receive_only", v(0x11) + v(3) + v(9))
frames("c_reset_send_only", v(4) + v(2) + v(0) + v(0))
frames("c_unknown_frame", v(0x21))
frames("c_no_frames", b"", pad=0)
frames("c_ack_never_sent", v(2) + v(1 << 30) + v(0) + v(0) + v(0))
frames("c_retire_cid_never_issued", v(0x19) + v(1000))
frames("c_new_cid_retires_more", new_cid(1, 2))
frames("c_tls_key_update", crypto(tls_message(24, b"\0")))
frames("c_tls_certificate_request", crypto(tls_message(13, bytes(20))))


def params(name, edit):
    CASES[name] = lambda *files: Trap(*files, params=edit)


def adds(number, value):
    return lambda p: [x for x in p if x[0] != number] + [(number, value)]


def lacks(number):
    return lambda p: [x for x in p if x[0] != number]


params("c_tp_no_original_dcid", lacks(ODCID))
params("c_tp_other_original_dcid", adds(ODCID, os.urandom(8)))
params("c_tp_no_source_cid", lacks(ISCID))
params("c_tp_other_source_cid", adds(ISCID, b"12345678"))
params("c_tp_retry_source_cid", adds(RSCID, os.urandom(8)))
params("c_tp_reset_token", adds(RESET_TOKEN, os.urandom(15)))
params("c_tp_max_udp_payload", adds(MAX_UDP, v(1199)))
params("c_tp_ack_delay_exponent", adds(ACK_EXPONENT, v(21)))
params("c_tp_cid_limit", adds(CID_LIMIT, v(1)))
params("c_tp_twice", lambda p: p + [p[0]])
CASES["c_tls_no_params"] = lambda *files: Trap(
    *files, extensions=lambda e: [x for x in e if x[0] != TP])
CASES["c_tls_no_alpn"] = lambda *files: Trap(*files, alpn=None)


# ---- HTTP/3 ------------------------------------------------------------------------

def answer(name, data, fin=True):
    def run(*files):
        trap = Trap(*files)
        trap.confirm()
        trap.open(v(CONTROL) + settings())
        trap.answer(data, fin)
        return trap
    CASES[name] = run


def streams(name, *data, fin=False):
    def run(*files):
        trap = Trap(*files)
        trap.confirm()
        for bytes_ in data:
            trap.open(bytes_, fin)
        return trap
    CASES[name] = run


GOOD = headers(OK) + frame(DATA, b"hello\n")
answer("c_h3_good", GOOD)
answer("c_h3_interim", headers([(":status", "103")]) + GOOD)
answer("c_h3_unknown_frame", frame(0x21, b"x") + GOOD)
answer("c_h3_data_first", frame(DATA, b"x"))
answer("c_h3_no_status", headers([("a", "b")]))
answer("c_h3_pseudo_of_request", headers(OK[:1] + [(":path", "/")]))
answer("c_h3_push_promise", frame(PUSH_PROMISE, v(0) + section(OK)), fin=False)
answer("c_h3_settings_on_response", headers(OK) + settings(), fin=False)
answer("c_h3_content_too_short", headers(OK) + frame(DATA, b"x"))
answer("c_qpack_static_index", headers([b"\xff\x24"]))
streams("c_h3_push_stream", v(CONTROL) + settings(), v(PUSH) + v(0))
streams("c_h3_no_settings", v(CONTROL) + frame(GOAWAY, v(0)))
streams("c_h3_setting_twice", v(CONTROL) + settings((6, 100), (6, 100)))
streams("c_h3_settings_cut", v(CONTROL) + frame(SETTINGS, v(6)))
streams("c_h3_max_push_id", v(CONTROL) + settings() + frame(MAX_PUSH_ID, v(0)))
streams("c_h3_cancel_push", v(CONTROL) + settings() + frame(CANCEL_PUSH, v(0)))
streams("c_h3_goaway_no_request", v(CONTROL) + settings() + frame(GOAWAY, v(3)))
streams("c_h3_control_ends", v(CONTROL) + settings(), fin=True)


def server_bidi(*files):
    trap = Trap(*files)
    trap.confirm()
    trap.packet(stream(1))
    return trap


CASES["c_h3_server_bidi"] = server_bidi
