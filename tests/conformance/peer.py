# SPDX-License-Identifier: GPL-2.0
"""
A QUIC endpoint that breaks the rules: aioquic plays by them, for handshake, keys
and acknowledgements, until a packet is made by hand under the right keys.

Used by the cases here and by tests/attack.
"""

import os
import socket
import ssl
import time
from contextlib import contextmanager

from aioquic import tls
from aioquic.buffer import Buffer, encode_uint_var as v
from aioquic.quic import events
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import QuicConnection
from aioquic.quic.packet import pull_quic_header
from aioquic.tls import Epoch

PATIENCE = 20
LONG_TYPES = {Epoch.INITIAL: 0, Epoch.ZERO_RTT: 1, Epoch.HANDSHAKE: 2}


def read_params(data):
    """[(ID, value)...] of the TLS extension."""
    buf, params = Buffer(data=data), []
    while not buf.eof():
        number, length = buf.pull_uint_var(), buf.pull_uint_var()
        params.append((number, buf.pull_bytes(length)))
    return params


def write_params(params):
    return b"".join(v(number) + v(len(value)) + value for number, value in params)


class Connection(QuicConnection):
    """What the peer closed with, and hooks into our own handshake."""

    # (code, is it the application's), of a frame that arrived.
    peer_close = None
    # Changes [(ID, value)...] of our transport parameters.
    edit_params = None
    # Changes [(type, bytes)...], the TLS extensions.
    edit_extensions = None

    def _handle_connection_close_frame(self, context, frame_type, buf):
        place = buf.tell()
        self.peer_close = (buf.pull_uint_var(), frame_type == 0x1d)
        buf.seek(place)
        super()._handle_connection_close_frame(context, frame_type, buf)

    def _serialize_transport_parameters(self):
        data = super()._serialize_transport_parameters()
        if not self.edit_params:
            return data
        return write_params(self.edit_params(read_params(data)))

    def _initialize(self, peer_cid):
        super()._initialize(peer_cid)
        if self.edit_extensions:
            self.tls.handshake_extensions = self.edit_extensions(
                self.tls.handshake_extensions)


class Endpoint:
    def __init__(self, sock, address):
        self.sock, self.address = sock, address
        self.mute = False           # send nothing but what is made by hand
        self.resets, self.stops = {}, {}        # stream: code
        self.received, self.ended = {}, set()   # stream: bytes

    @property
    def closed(self):
        return self.quic.peer_close

    def flush(self):
        for data, _ in self.quic.datagrams_to_send(now=time.monotonic()):
            self.sock.send(data)

    def take_events(self):
        while event := self.quic.next_event():
            if isinstance(event, events.StreamReset):
                self.resets[event.stream_id] = event.error_code
            elif isinstance(event, events.StopSendingReceived):
                self.stops[event.stream_id] = event.error_code
            elif isinstance(event, events.StreamDataReceived):
                got = self.received.setdefault(event.stream_id, bytearray())
                got += event.data
                if event.end_stream:
                    self.ended.add(event.stream_id)

    def wait(self, until, patience=PATIENCE):
        """Play by the rules until it is true, or the peer has closed."""
        end = time.monotonic() + patience
        while not until() and not self.closed and time.monotonic() < end:
            if not self.mute:
                self.flush()
            timer = self.quic.get_timer() or end
            self.sock.settimeout(max(0.001, min(timer, end) - time.monotonic()))
            try:
                self.quic.receive_datagram(self.sock.recv(65536), self.address,
                                           now=time.monotonic())
            except TimeoutError:
                self.quic.handle_timer(now=time.monotonic())
            except ConnectionRefusedError:
                pass
            self.take_events()
        return until()

    def confirm(self):
        if not self.wait(lambda: self.quic._handshake_confirmed):
            raise RuntimeError("no handshake: closed with %s" % (self.closed,))

    def has_handshake_keys(self):
        return self.quic._cryptos[Epoch.HANDSHAKE].send.is_valid()

    def packet(self, payload, epoch=Epoch.ONE_RTT, reserved=0, pad=20):
        """Send one packet of these frames as they are. PADDING makes it long
        enough for header protection, but would complete a frame cut short."""
        quic = self.quic
        crypto = quic._cryptos[epoch]
        number = quic._packet_number
        quic._packet_number += 1
        payload += bytes(pad)
        if epoch == Epoch.ONE_RTT:
            header = bytes([0x43 | reserved << 3 | crypto.send.key_phase << 2])
            header += quic._peer_cid.cid
        else:
            if epoch == Epoch.INITIAL:
                payload += bytes(1200 - len(payload))
            header = bytes([0xc3 | LONG_TYPES[epoch] << 4 | reserved << 2])
            header += quic._version.to_bytes(4, "big")
            for cid in quic._peer_cid.cid, quic.host_cid:
                header += bytes([len(cid)]) + cid
            if epoch == Epoch.INITIAL:
                header += v(0)
            length = 4 + len(payload) + 16
            header += (0x4000 | length).to_bytes(2, "big")
        header += number.to_bytes(4, "big")
        self.sock.send(crypto.encrypt_packet(header, payload, number))

    def alive(self, patience=5):
        """Does it still answer a ping?"""
        seen = []
        handle = self.quic.receive_datagram
        self.quic.receive_datagram = lambda *a, **k: (seen.append(1), handle(*a, **k))
        self.packet(b"\x01")
        self.wait(lambda: seen, patience)
        del self.quic.receive_datagram
        return bool(seen) and not self.closed

    def close(self):
        """Be gone, so that the peer need not wait for us."""
        if not self.closed:
            self.quic.close()
            self.flush()
        self.sock.close()


class Client(Endpoint):
    def __init__(self, address, alpn=("hq-interop",), params=None, extensions=None,
                 **config):
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.connect(address)
        super().__init__(sock, address)
        self.quic = Connection(configuration=QuicConfiguration(
            is_client=True, alpn_protocols=alpn and list(alpn),
            verify_mode=ssl.CERT_NONE, server_name="localhost", **config))
        self.quic.edit_params = params
        self.quic.edit_extensions = extensions
        self.quic.connect(address, now=time.monotonic())


class Server(Endpoint):
    """Takes the one client that calls."""

    def __init__(self, sock, certificate, key, alpn=("h3",), params=None,
                 extensions=None):
        sock.settimeout(PATIENCE)
        data, address = sock.recvfrom(65536)
        sock.connect(address)
        super().__init__(sock, address)
        config = QuicConfiguration(is_client=False, alpn_protocols=alpn and list(alpn))
        config.load_cert_chain(certificate, key)
        header = pull_quic_header(Buffer(data=data))
        self.quic = Connection(
            configuration=config,
            original_destination_connection_id=header.destination_cid)
        self.quic.edit_params = params
        self.quic.edit_extensions = extensions
        self.quic.receive_datagram(data, address, now=time.monotonic())


@contextmanager
def patched(module, name, value):
    old = getattr(module, name)
    setattr(module, name, value)
    try:
        yield old
    finally:
        setattr(module, name, old)


# ---- frames ------------------------------------------------------------------

def stream(number, offset=0, data=b"x", fin=False):
    return v(0x0e | fin) + v(number) + v(offset) + v(len(data)) + data


def crypto(data, offset=0):
    return v(6) + v(offset) + v(len(data)) + data


def new_cid(seq, prior=0, cid=None):
    cid = os.urandom(8) if cid is None else cid
    return v(0x18) + v(seq) + v(prior) + bytes([len(cid)]) + cid + os.urandom(16)


def tls_message(kind, body=b""):
    return bytes([kind]) + len(body).to_bytes(3, "big") + body


__all__ = ["Client", "Server", "Epoch", "PATIENCE", "crypto", "new_cid", "patched",
           "stream", "tls", "tls_message", "v"]
