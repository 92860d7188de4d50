# SPDX-License-Identifier: GPL-2.0
"""
Clients that break rules of the transport and of TLS: one function per row of
cases.tsv, which returns the endpoint that now waits for the close.
"""

import os

from peer import Client, Epoch, crypto, new_cid, patched, stream, tls, tls_message, v

CASES = {}
CREDIT = 1048560    # of a stream, as quicserve grants it; twice that for all
ODCID, RESET_TOKEN, MAX_UDP, STREAMS, ACK_EXPONENT, MAX_ACK_DELAY = 0, 2, 3, 8, 10, 11
PREFERRED, CID_LIMIT, ISCID, RSCID = 13, 14, 15, 16
TP = tls.ExtensionType.QUIC_TRANSPORT_PARAMETERS


def case(function):
    CASES[function.__name__] = function
    return function


# ---- frames of a packet that is right in all else ------------------------------

def frames(name, *packets, pad=20):
    def run(address):
        client = Client(address)
        client.confirm()
        for packet in packets:
            client.packet(packet, pad=pad)
        return client
    CASES[name] = run


frames("flow_stream", stream(0, CREDIT))
frames("flow_stream_far", stream(0, 1 << 40))
frames("flow_stream_2_62", stream(0, (1 << 62) - 1, b"xy"))
frames("flow_connection", *[stream(i * 4, (1 << 20) - 100) for i in range(99)])
frames("flow_reset", v(4) + v(0) + v(0) + v(1 << 40))
frames("stream_limit", stream(4 * 70000))
frames("stream_limit_uni", stream(4 * 70000 + 2))
frames("stream_limit_reset", v(4) + v(4 * 70000) + v(0) + v(0))
frames("unknown_frame", v(0x21))
frames("unknown_frame_long", v(1 << 40))
frames("frame_type_too_long", b"\x40\x01")
frames("frame_cut", v(0x0e) + v(0) + v(0) + v(50) + b"x", pad=0)
frames("varint_cut", b"\x01" * 20 + b"\x04\xc0", pad=0)
frames("no_frames", b"", pad=0)
frames("reset_send_only", v(4) + v(3) + v(0) + v(0))
frames("reset_uncreated", v(4) + v(5) + v(0) + v(0))
frames("stop_uncreated", v(5) + v(1) + v(0))
frames("stop_receive_only", v(5) + v(2) + v(0))
frames("stream_uncreated", stream(1))
frames("stream_send_only", stream(3))
frames("max_stream_data_uncreated", v(0x11) + v(1) + v(9))
frames("max_stream_data_receive_only", v(0x11) + v(2) + v(9))
frames("stream_data_blocked_send_only", v(0x15) + v(3) + v(9))
frames("new_token", v(7) + v(3) + b"abc")
frames("new_token_empty", v(7) + v(0))
frames("max_streams", v(0x12) + v((1 << 60) + 1))
frames("max_streams_uni", v(0x13) + v((1 << 60) + 1))
frames("streams_blocked", v(0x16) + v((1 << 60) + 1))
frames("new_cid_retires_more", new_cid(1, 2))
frames("new_cid_empty", new_cid(1, 0, b""))
frames("new_cid_long", new_cid(1, 0, os.urandom(21)))
frames("new_cid_twice", new_cid(1) + new_cid(1))
frames("new_cid_too_many", *[new_cid(i) for i in range(20, 60)])
frames("retire_cid_never_issued", v(0x19) + v(1000))
frames("retire_cid_never_sent", b"".join(v(0x19) + v(i) for i in range(1, 40)))
frames("handshake_done", v(0x1e))
frames("size_beyond_end", stream(0, 0, b"GE", True) + stream(0, 2))
frames("size_below_data", stream(0, 50), stream(0, 10, b"", True))
frames("size_changes", stream(2, 1, b"GET", True) + stream(2, 0, b"GE", True))
frames("size_of_reset", stream(2, 1, b"GET", True) + v(4) + v(2) + v(0) + v(9))
frames("ack_never_sent", v(2) + v(1 << 30) + v(0) + v(0) + v(0))
frames("ack_below_zero", v(2) + v(0) + v(0) + v(0) + v(5))
frames("ack_ranges_cut", v(2) + v(1) + v(0) + v(1 << 20) + v(0), pad=0)
frames("crypto_far", v(6) + v(1 << 20) + v(1) + b"x")
frames("crypto_2_62", v(6) + v((1 << 62) - 1) + v(2) + b"xy")
# RFC9001-4.4-4 RFC9001-6-2
# RFC 9001 section 6: never in QUIC. A server expects no TLS message at all here.
frames("tls_key_update", crypto(tls_message(24, b"\0")))


@case
def reserved_bits_short(address):
    client = Client(address)
    client.confirm()
    client.packet(b"\x01", reserved=3)
    return client


# ---- the handshake ---------------------------------------------------------------

def in_handshake(name, payload, **how):
    def run(address):
        client = Client(address)
        client.wait(client.has_handshake_keys)
        client.mute = True
        client.packet(payload, Epoch.HANDSHAKE, **how)
        return client
    CASES[name] = run


# RFC9000-17.2-7
in_handshake("reserved_bits_handshake", b"\x01", reserved=3)
in_handshake("no_frames_handshake", b"", pad=0)
# RFC9000-17.2.4-1
in_handshake("path_challenge_handshake", b"\x1a" + os.urandom(8))
in_handshake("stream_handshake", stream(0))
in_handshake("new_cid_handshake", new_cid(1))
in_handshake("handshake_done_handshake", v(0x1e))
in_handshake("app_close_handshake", v(0x1d) + v(0) + v(0))
in_handshake("ack_never_sent_handshake", v(2) + v(1 << 30) + v(0) + v(0) + v(0))
in_handshake("tls_key_update_handshake", crypto(tls_message(24, b"\0")))
# RFC9001-8.3-1
in_handshake("tls_end_of_early_data", crypto(tls_message(5)))
in_handshake("tls_client_hello_twice", crypto(tls_message(1, bytes(60))))


@case
def tls_finished_wrong(address):
    client = Client(address)
    client.wait(client.has_handshake_keys)
    client.mute = True
    size = client.quic.tls.key_schedule.algorithm.digest_size
    client.packet(crypto(tls_message(20, bytes(size))), Epoch.HANDSHAKE)
    return client


def in_initial(name, payload):
    def run(address):
        client = Client(address)
        client.flush()
        client.mute = True
        # The keys and the connection ID change with the server's first packet.
        client.packet(payload, Epoch.INITIAL)
        return client
    CASES[name] = run


in_initial("stream_initial", stream(0))
in_initial("unknown_frame_initial", v(0x21))
in_initial("ping_then_path_challenge_initial", b"\x01\x1a" + os.urandom(8))


# ---- the ClientHello ---------------------------------------------------------------

def params(name, edit):
    CASES[name] = lambda address: Client(address, params=edit)


def adds(number, value):
    return lambda p: [x for x in p if x[0] != number] + [(number, value)]


def lacks(number):
    return lambda p: [x for x in p if x[0] != number]


params("tp_no_source_cid", lacks(ISCID))
params("tp_other_source_cid", adds(ISCID, b"12345678"))
# RFC9000-18.2-9
params("tp_original_dcid", adds(ODCID, os.urandom(8)))
params("tp_preferred_address",
       adds(PREFERRED, bytes(4 + 2 + 16 + 2) + b"\x08" + os.urandom(8 + 16)))
params("tp_retry_source_cid", adds(RSCID, os.urandom(8)))
params("tp_reset_token", adds(RESET_TOKEN, os.urandom(16)))
params("tp_max_udp_payload", adds(MAX_UDP, v(1199)))
params("tp_ack_delay_exponent", adds(ACK_EXPONENT, v(21)))
params("tp_max_ack_delay", adds(MAX_ACK_DELAY, v(1 << 14)))
params("tp_max_streams", adds(STREAMS, v((1 << 60) + 1)))
# RFC9000-18.2-7
params("tp_cid_limit", adds(CID_LIMIT, v(1)))
params("tp_twice", lambda p: p + [p[0]])
params("tp_not_whole", adds(MAX_UDP, v(1500) + b"\0"))


def extensions(name, edit):
    CASES[name] = lambda address: Client(address, extensions=edit)


# RFC9001-8.2-2
extensions("tls_no_params", lambda e: [x for x in e if x[0] != TP])
# The number that drafts used.
extensions("tls_draft_params", lambda e: [(0xffa5, x[1]) for x in e if x[0] == TP])


# RFC9001-8.1-2
@case
def tls_no_alpn(address):
    return Client(address, alpn=None)


# RFC9001-8.1-5
@case
def tls_other_alpn(address):
    return Client(address, alpn=["nobody-speaks-this"])


def hello(name, edit):
    """Change the ClientHello before it is written."""
    def run(address):
        push = tls.push_client_hello

        def edited(buf, message):
            edit(message)
            push(buf, message)
        with patched(tls, "push_client_hello", edited):
            return Client(address)
    CASES[name] = run


def only_tls_1_2(message):
    message.supported_versions = [0x0303]


def no_common_cipher(message):
    message.cipher_suites = [0x1399]


# RFC9001-4.2-2
hello("tls_version", only_tls_1_2)
hello("tls_no_common_cipher", no_common_cipher)


@case
def tls_no_client_hello(address):
    """The first message is another one."""
    def other(buf, message):
        buf.push_bytes(tls_message(20, bytes(300)))
    with patched(tls, "push_client_hello", other):
        return Client(address)
