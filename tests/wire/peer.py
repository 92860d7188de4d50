# SPDX-License-Identifier: GPL-2.0
"""
The other end of the endpoint under test: aioquic, a socket, and a Watch on each
direction. What is sent and received can be dropped or changed on its way.
"""

import os
import socket
import ssl
import subprocess
import time

from aioquic.buffer import encode_uint_var as v
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import QuicConnection
from aioquic.quic.events import HandshakeCompleted, StreamDataReceived
from aioquic.quic.packet import pull_quic_header
from aioquic.buffer import Buffer
from aioquic.tls import Epoch

from watch import CLOSE, CLOSE_APP, Watch

PATIENCE = 10


class Peer:
    def __init__(self, quic, sock):
        self.quic, self.sock, self.address = quic, sock, None
        self.seen = Watch(quic, False, lambda: quic.configuration.connection_id_length)
        self.sent = Watch(quic, True, lambda: len(quic._peer_cid.cid))
        self.complete = False
        self.updates = 0        # of keys, which the test asks for
        self.streams = {}
        # Return what goes on instead of a datagram, a list of datagrams.
        self.on_send = self.on_receive = lambda data: [data]

    def transmit(self, data):
        self.sent.take(data)
        self.sock.sendto(data, self.address)

    def flush(self):
        for data, _ in self.quic.datagrams_to_send(now=time.monotonic()):
            for part in self.on_send(data):
                self.transmit(part)

    def accept(self, data):
        """aioquic gets what was received."""
        for part in self.on_receive(data):
            self.quic.receive_datagram(part, self.address, now=time.monotonic())
        self.seen.open()
        event = self.quic.next_event()
        while event:
            if isinstance(event, HandshakeCompleted):
                self.complete = True
            elif isinstance(event, StreamDataReceived):
                self.on_stream(event)
            event = self.quic.next_event()

    def on_stream(self, event):
        data, ended = self.streams.get(event.stream_id, (b"", False))
        self.streams[event.stream_id] = data + event.data, ended or event.end_stream

    def receive(self, seconds):
        """One datagram, or None after the time."""
        self.sock.settimeout(max(0.001, seconds))
        try:
            data, self.address = self.sock.recvfrom(65536)
        except (TimeoutError, ConnectionRefusedError):
            return None
        self.seen.take(data)
        return data

    def wait(self, until, patience=PATIENCE):
        """Play by the rules until it is true, or the connection is closed."""
        end = time.monotonic() + patience
        while not until() and not self.closed and time.monotonic() < end:
            self.flush()
            timer = self.quic.get_timer()
            data = self.receive(min(timer or end, end) - time.monotonic())
            if data:
                self.accept(data)
            elif timer and timer <= time.monotonic():
                self.quic.handle_timer(now=time.monotonic())
        return until()

    def listen(self, seconds, until=lambda: False):
        """Say nothing, only look."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and not until():
            if self.receive(end - time.monotonic()):
                self.seen.open()
        return until()

    def packet(self, payload, epoch=Epoch.ONE_RTT, number=None, first=None, cid=None,
               damage=False, send=True):
        """One packet of these frames as they are."""
        quic, pair = self.quic, self.quic._cryptos[epoch]
        if number is None:
            number = quic._packet_number
            quic._packet_number += 1
        cid = quic._peer_cid.cid if cid is None else cid
        payload += bytes(max(0, 4 - len(payload)))
        if epoch == Epoch.ONE_RTT:
            header = bytes([(0x43 if first is None else first) |
                            pair.send.key_phase << 2]) + cid
        else:
            kind = 0xc3 if epoch == Epoch.INITIAL else 0xe3
            header = bytes([kind if first is None else first])
            header += quic._version.to_bytes(4, "big") + bytes([len(cid)]) + cid
            header += bytes([len(quic.host_cid)]) + quic.host_cid
            if epoch == Epoch.INITIAL:
                header += v(0)
            header += (0x4000 | 4 + len(payload) + 16).to_bytes(2, "big")
        header += number.to_bytes(4, "big")
        data = pair.encrypt_packet(header, payload, number)
        if damage:
            data = data[:-1] + bytes([data[-1] ^ 1])
        if send:
            self.transmit(data)
        return data

    def keep_ids(self):
        """No new connection IDs from aioquic: the test makes them."""
        self.quic._replenish_connection_ids = lambda: None
        return self

    @property
    def closed(self):
        return bool(self.seen.frames(CLOSE, CLOSE_APP))

    def code(self):
        """What the other end closed the connection with."""
        return next((frame.code for _, frame in self.seen.frames(CLOSE, CLOSE_APP)), None)


def configuration(is_client, **settings):
    return QuicConfiguration(is_client=is_client, verify_mode=ssl.CERT_NONE,
                             **{"alpn_protocols": ["hq-interop"], **settings})


class Client(Peer):
    """Its endpoint under test is a server."""

    def __init__(self, address, local=None, **settings):
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        if local:
            sock.bind(local)
        super().__init__(QuicConnection(configuration=configuration(True, **settings)), sock)
        self.address = address
        if not self.quic._peer_cid.cid:     # it makes both alike
            self.quic._peer_cid.cid = os.urandom(8)
            self.quic._original_destination_connection_id = self.quic._peer_cid.cid

    def connect(self):
        self.quic.connect(self.address, now=time.monotonic())

    def handshake(self):
        self.connect()
        if not self.wait(lambda: self.quic._handshake_confirmed):
            raise RuntimeError("no handshake, code %s" % self.code())
        return self

    def ask(self, path, stream=0):
        self.quic.send_stream_data(stream, b"GET /%s\r\n" % path.encode(), True)

    def get(self, path, stream=0):
        self.ask(path, stream)
        self.wait(lambda: self.streams.get(stream, (b"", False))[1], 30)
        return self.streams.get(stream, (b"",))[0]

    def move(self, address="0.0.0.0"):
        """To another socket; returns the old one."""
        old, self.sock = self.sock, socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind((address, 0))
        return old

    def alive(self):
        """Does it still answer a ping?"""
        count = len(self.seen.datagrams)
        self.packet(b"\x01" + bytes(20))
        self.wait(lambda: len(self.seen.datagrams) > count, 5)
        return len(self.seen.datagrams) > count and not self.closed


class Server(Peer):
    """Its endpoint under test is a client, of which it starts one."""

    def __init__(self, command, port, certificate, **settings):
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.bind(("", port))
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)
        self.certificate, self.settings, self.sock = certificate, settings, sock
        sock.settimeout(PATIENCE)
        data, address = sock.recvfrom(65536)
        self.adopt(data, pull_quic_header(Buffer(data=data)).destination_cid)
        self.address = address
        self.answer = os.urandom(50000)

    def adopt(self, data, original, **retried):
        """A connection for the client's Initial, the first or the one after Retry."""
        config = configuration(False, **self.settings)
        config.load_cert_chain(*self.certificate)
        quic = QuicConnection(configuration=config,
                              original_destination_connection_id=original, **retried)
        address = getattr(self, "address", None)
        super().__init__(quic, self.sock)
        self.address, self.pending = address, data

    def begin(self):
        """Take the first datagram."""
        self.seen.take(self.pending)
        self.accept(self.pending)

    def on_stream(self, event):
        answered = self.streams.get(event.stream_id, (b"", False))[1]
        super().on_stream(event)
        # aioquic tells of the end again when a FIN that it has comes again.
        if event.end_stream and not answered and self.answer is not None:
            self.quic.send_stream_data(event.stream_id, self.answer, True)

    def serve(self, patience=PATIENCE):
        """Until the client has ended; did it end well?"""
        self.wait(lambda: self.process.poll() is not None, patience)
        try:
            status = self.process.wait(5)
        except subprocess.TimeoutExpired:
            status = None
        if status != 0:
            print("# status %s, closed with %s" % (status, self.code()))
        return status == 0

    def handshake(self):
        self.begin()
        if not self.wait(lambda: self.complete):
            raise RuntimeError("no handshake, code %s" % self.code())
        return self

    def end(self):
        self.process.kill()
        self.process.wait()
        self.sock.close()
