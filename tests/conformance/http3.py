# SPDX-License-Identifier: GPL-2.0
"""
Clients that break rules of HTTP/3 (RFC 9114) and QPACK (RFC 9204), and some that
only look as if they did: one function per row of cases.tsv.
"""

from peer import Client, stream, v
from qpack import (CANCEL_PUSH, CONTROL, DATA, DECODER, ENCODER, GET, GOAWAY, HEADERS,
                   MAX_PUSH_ID, PUSH, PUSH_PROMISE, SETTINGS, frame, headers, section,
                   settings)

CASES = {}
INITIAL_MAX_STREAMS_UNI = 9


class Browser(Client):
    def __init__(self, address):
        super().__init__(address, alpn=["h3"])
        self.confirm()
        self.requests, self.one_way = 0, 2

    def send(self, number, data, fin=False):
        self.quic.send_stream_data(number, data, fin)

    def open(self, data, fin=False):
        """A one-way stream."""
        number = self.one_way
        self.one_way += 4
        self.send(number, data, fin)
        return number

    def request(self, data, fin=True):
        number = self.requests
        self.requests += 4
        self.send(number, data, fin)
        return number

    def unharmed(self):
        """Does it answer one more request as it should?"""
        number = self.request(headers(GET))
        return (self.wait(lambda: number in self.ended) and not self.closed and
                self.received[number].endswith(b"hello\n"))


def request(name, data, fin=True):
    """After a control stream as it should be."""
    def run(address):
        browser = Browser(address)
        browser.open(v(CONTROL) + settings())
        browser.request(data, fin)
        return browser
    CASES[name] = run


def streams(name, *data, fin=False):
    """One-way streams, each with these bytes."""
    def run(address):
        browser = Browser(address)
        for bytes_ in data:
            browser.open(bytes_, fin)
        return browser
    CASES[name] = run


def control(name, *frames, fin=False):
    """On the control stream, after SETTINGS."""
    streams(name, v(CONTROL) + settings() + b"".join(frames), fin=fin)


# ---- frames (section 7) ----------------------------------------------------------

request("h3_data_first", frame(DATA, b"x") + headers(GET))
request("h3_data_after_trailers",
        headers(GET) + frame(DATA, b"x") + headers([("a", "b")]) + frame(DATA, b"x"))
request("h3_cancel_push_on_request", frame(CANCEL_PUSH, v(0)))
request("h3_settings_on_request", headers(GET) + settings(), fin=False)
request("h3_goaway_on_request", headers(GET) + frame(GOAWAY, v(0)), fin=False)
request("h3_max_push_id_on_request", headers(GET) + frame(MAX_PUSH_ID, v(0)), fin=False)
request("h3_push_promise_from_client",
        headers(GET) + frame(PUSH_PROMISE, v(0) + section(GET)), fin=False)
request("h3_http2_frame", headers(GET) + frame(2, bytes(5)), fin=False)
request("h3_frame_cut", headers(GET)[:-3])
request("h3_unknown_frame", frame(0x21, b"x") + headers(GET) + frame(0x40, bytes(9)))

control("h3_data_on_control", frame(DATA, b"x"))
control("h3_headers_on_control", headers(GET))
control("h3_push_promise_on_control", frame(PUSH_PROMISE, v(0) + section(GET)))
control("h3_settings_twice", settings())
control("h3_http2_frame_on_control", frame(8, bytes(4)))
control("h3_cancel_push_never_promised", frame(CANCEL_PUSH, v(9)))
control("h3_max_push_id_smaller", frame(MAX_PUSH_ID, v(9)) + frame(MAX_PUSH_ID, v(8)))
control("h3_goaway_larger", frame(GOAWAY, v(4)) + frame(GOAWAY, v(8)))
control("h3_goaway_too_long", frame(GOAWAY, v(4) + b"x"))
control("h3_priority_update_of_push", frame(0xf0701, v(0) + b"u=1"))
control("h3_priority_update_one_way", frame(0xf0700, v(2) + b"u=1"))
control("h3_unknown_frame_on_control", frame(0x21, b"x"))
control("h3_control_ends", fin=True)

streams("h3_no_settings", v(CONTROL) + frame(GOAWAY, v(0)))
streams("h3_setting_twice", v(CONTROL) + settings((6, 100), (6, 100)))
streams("h3_http2_setting", v(CONTROL) + settings((2, 1)))
streams("h3_settings_cut", v(CONTROL) + frame(SETTINGS, v(6)))
streams("h3_unknown_setting", v(CONTROL) + settings((0x21, 1), (0x4242, 9)))
streams("h3_control_twice", v(CONTROL) + settings(), v(CONTROL) + settings())
streams("h3_encoder_twice", v(ENCODER), v(ENCODER))
streams("h3_decoder_twice", v(DECODER), v(DECODER))
streams("h3_push_from_client", v(PUSH) + v(0))
streams("h3_unknown_stream", v(CONTROL) + settings(), v(0x21) + bytes(99))
streams("qpack_encoder_ends", v(CONTROL) + settings(), v(ENCODER), fin=True)
streams("qpack_decoder_ends", v(CONTROL) + settings(), v(DECODER), fin=True)


def no_streams(address):
    """The server may not open what it needs."""
    return Client(address, alpn=["h3"], params=lambda params: [
        (number, v(2) if number == INITIAL_MAX_STREAMS_UNI else value)
        for number, value in params])


CASES["h3_no_streams"] = no_streams


def reset_of(name, kind):
    def run(address):
        browser = Browser(address)
        number = browser.open(v(kind) + (settings() if kind == CONTROL else b""))
        # A reset takes back what has not been read yet, the type as well.
        browser.unharmed()
        browser.quic.reset_stream(number, 0x100)
        return browser
    CASES[name] = run


reset_of("h3_control_reset", CONTROL)
reset_of("qpack_encoder_reset", ENCODER)


def stop_of(name, number):
    """The server's one-way streams are 3, 7 and 11."""
    def run(address):
        browser = Browser(address)
        browser.open(v(CONTROL) + settings())
        browser.wait(lambda: number in browser.received)
        browser.packet(v(5) + v(number) + v(0x100))
        return browser
    CASES[name] = run


stop_of("h3_control_stopped", 3)


# ---- messages (section 4) ----------------------------------------------------------

def fields(name, lines):
    request(name, headers(lines))


fields("h3_pseudo_twice", GET + [(":path", "/file")])
fields("h3_pseudo_missing", GET[:1] + GET[2:])
fields("h3_no_path", GET[:3])
fields("h3_no_method", GET[1:])
fields("h3_empty_path", GET[:3] + [(":path", "")])
fields("h3_no_authority", GET[:2] + GET[3:])
fields("h3_pseudo_of_response", GET + [(":status", "200")])
fields("h3_pseudo_unknown", GET + [(":x", "y")])
fields("h3_pseudo_late", GET[:3] + [("a", "b")] + GET[3:])
fields("h3_upper_case", GET + [("Accept", "x")])
fields("h3_name_forbidden", GET + [("a b", "x")])
fields("h3_value_forbidden", GET + [("a", "x\r\ny: z")])
fields("h3_connection_field", GET + [("connection", "close")])
fields("h3_transfer_encoding", GET + [("transfer-encoding", "chunked")])
fields("h3_te", GET + [("te", "gzip")])
fields("h3_authority_and_other_host", GET + [("host", "localhost")])
request("h3_pseudo_in_trailers",
        headers(GET) + frame(DATA, b"x") + headers([(":path", "/file")]))
request("h3_content_too_short",
        headers(GET + [("content-length", "5")]) + frame(DATA, b"x"))
request("h3_content_too_long",
        headers(GET + [("content-length", "5")]) + frame(DATA, b"123456"))
request("h3_no_headers", b"")

# ---- QPACK -------------------------------------------------------------------------

# The static table has 99 entries (appendix A).
request("qpack_static_index", headers([b"\xff\x24"]))
request("qpack_static_name", headers([b"\x5f\xf0\x7f\x01x"]))
request("qpack_dynamic_index", headers([b"\x80"]))
request("qpack_blocked", frame(HEADERS, section(GET, b"\x02\0")))
request("qpack_base_below_zero", frame(HEADERS, section(GET, b"\0\x80")))
request("qpack_section_cut", frame(HEADERS, b"\0"))
request("qpack_huffman_padding", headers([b"\x2b\xff\xff\xff\0"]))
streams("qpack_capacity", v(CONTROL) + settings(), v(ENCODER) + b"\x3f\xe1\x1f")
streams("qpack_insert_without_room", v(CONTROL) + settings(), v(ENCODER) + b"\x41a\x01b")
streams("qpack_increment_zero", v(CONTROL) + settings(), v(DECODER) + b"\0")
streams("qpack_increment_too_much", v(CONTROL) + settings(), v(DECODER) + b"\x05")
streams("qpack_acknowledges_nothing", v(CONTROL) + settings(), v(DECODER) + b"\x84")
streams("qpack_cancel", v(CONTROL) + settings(), v(DECODER) + b"\x44")

# A stream that nobody opened, of the server's: nothing of HTTP/3 is needed for it.
CASES["h3_server_stream"] = lambda address: raw(address, stream(1))


def raw(address, payload):
    browser = Browser(address)
    browser.packet(payload)
    return browser
