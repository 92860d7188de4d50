# SPDX-License-Identifier: GPL-2.0
"""
aioquic_peer.py ORDER - a file server, or a client, on aioquic's library.

ORDER is a JSON file, see peers.py. Both speak hq-interop and HTTP/3. What the
library needs time for is Python: it is the slowest of the engines.
"""

import asyncio
import json
import os
import sys
from urllib.parse import urlsplit

from aioquic.asyncio import QuicConnectionProtocol, connect, serve
from aioquic.h3.connection import H3_ALPN, H3Connection
from aioquic.h3.events import DataReceived, HeadersReceived
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.events import ProtocolNegotiated, StreamDataReceived
from aioquic.quic.packet import QuicProtocolVersion
from aioquic.tls import CipherSuite

ALPN = {"hq": ["hq-interop"], "h3": H3_ALPN}
CHUNK = 1 << 16


class Protocol(QuicConnectionProtocol):
    """HTTP/3 if that was negotiated, else HTTP/0.9."""
    http = None
    www = ""

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self.requests = {}              # stream: (file, future); or bytes of a request

    def quic_event_received(self, event):
        if isinstance(event, ProtocolNegotiated) and event.alpn_protocol in H3_ALPN:
            self.http = self.http or H3Connection(self._quic)
        if self.http:
            for each in self.http.handle_event(event):
                if isinstance(each, HeadersReceived):
                    self.headers(each)
                elif isinstance(each, DataReceived):
                    self.data(each.stream_id, each.data, each.stream_ended)
        elif isinstance(event, StreamDataReceived):
            self.data(event.stream_id, event.data, event.end_stream)


class Server(Protocol):
    def headers(self, event):
        path = dict(event.headers)[b":path"].decode()
        if event.stream_ended:
            self.answer(event.stream_id, path)
        else:
            self.requests[event.stream_id] = path

    def data(self, stream, data, ended):
        if self.http:
            if ended:
                self.answer(stream, self.requests.pop(stream))
            return
        got = self.requests.pop(stream, b"") + data
        if b"\n" in got or ended:
            self.answer(stream, got.decode().split()[1])
        else:
            self.requests[stream] = got

    def answer(self, stream, path):
        name = os.path.join(self.www, os.path.basename(path))
        found = os.path.isfile(name)
        body = open(name, "rb").read() if found else b""
        if self.http:
            self.http.send_headers(stream, [
                (b":status", b"200" if found else b"404"),
                (b"content-length", b"%d" % len(body))])
            self.http.send_data(stream, body, end_stream=True)
        else:
            self._quic.send_stream_data(stream, body, end_stream=True)
        self.transmit()


class Client(Protocol):
    def headers(self, event):
        status = dict(event.headers)[b":status"]
        if status != b"200":
            self.requests[event.stream_id][1].set_exception(RuntimeError(status.decode()))
        elif event.stream_ended:
            self.data(event.stream_id, b"", True)

    def data(self, stream, data, ended):
        if stream not in self.requests:
            return
        out, done = self.requests[stream]
        out.write(data)
        if ended and not done.done():
            out.close()
            done.set_result(None)

    def get(self, url, out):
        """Ask; a future that is done with the file."""
        parts = urlsplit(url)
        if self.protocol == "h3" and not self.http:
            self.http = H3Connection(self._quic)
        stream = self._quic.get_next_available_stream_id()
        done = asyncio.get_running_loop().create_future()
        self.requests[stream] = (
            open(os.path.join(out, os.path.basename(parts.path)), "wb"), done)
        if self.http:
            self.http.send_headers(stream, [
                (b":method", b"GET"), (b":scheme", b"https"),
                (b":authority", parts.netloc.encode()), (b":path", parts.path.encode())],
                end_stream=True)
        else:
            self._quic.send_stream_data(stream, b"GET %s\r\n" % parts.path.encode(), True)
        return done


def connection_lost(client, futures):
    async def watch():
        await client.wait_closed()
        for future in futures:
            if not future.done():
                future.set_exception(ConnectionError("the connection is gone"))
    return asyncio.ensure_future(watch())


async def one_connection(order, configuration, urls, tickets):
    async with connect(
            order["address"], order["port"], configuration=configuration,
            create_protocol=Client, session_ticket_handler=tickets.append,
            wait_connected=configuration.session_ticket is None) as client:
        client.protocol = order["protocol"]
        futures = [client.get(url, order["out"]) for url in urls]
        client.transmit()
        watcher = connection_lost(client, futures)
        if order["what"] == "keyupdate":
            await asyncio.sleep(0.3)
            client.request_key_update()
            client.transmit()
        await asyncio.gather(*futures)
        if order["what"] in ("resumption", "zerortt"):
            for _ in range(100):
                if tickets:
                    break
                await asyncio.sleep(0.1)
        watcher.cancel()


async def client(order):
    def configuration(ticket=None):
        made = configure(order, True)
        made.server_name = order["address"]
        made.load_verify_locations(order["ca"])
        made.session_ticket = ticket
        if order["what"] == "v2":
            made.original_version = QuicProtocolVersion.VERSION_1
            made.supported_versions = [QuicProtocolVersion.VERSION_2,
                                       QuicProtocolVersion.VERSION_1]
        else:
            made.supported_versions = [QuicProtocolVersion.VERSION_1]
        return made
    urls, tickets = order["urls"], []
    if order["what"] in ("resumption", "zerortt"):
        await one_connection(order, configuration(), urls[:1], tickets)
        await one_connection(order, configuration(tickets[0]), urls[1:], [])
    elif order["what"] == "multiconnect":
        for url in urls:
            await one_connection(order, configuration(), [url], [])
    else:
        await one_connection(order, configuration(), urls, [])


def configure(order, is_client):
    made = QuicConfiguration(
        is_client=is_client, alpn_protocols=ALPN[order["protocol"]] if is_client else
        ALPN["hq"] + ALPN["h3"], congestion_control_algorithm="cubic", idle_timeout=30,
        secrets_log_file=open(os.environ["SSLKEYLOGFILE"], "a", 1))
    if order["what"] == "chacha20":
        made.cipher_suites = [CipherSuite.CHACHA20_POLY1305_SHA256]
    return made


async def server(order):
    tickets = {}
    Server.www = order["www"]
    configuration = configure(order, False)
    configuration.load_cert_chain(order["chain"], order["key"])
    await serve("::", order["port"], configuration=configuration, create_protocol=Server,
                retry=order["what"] == "retry",
                session_ticket_handler=lambda t: tickets.__setitem__(t.ticket, t),
                session_ticket_fetcher=lambda label: tickets.pop(label, None))
    await asyncio.Event().wait()


with open(sys.argv[1]) as source:
    ORDER = json.load(source)
asyncio.run((server if ORDER.get("serve") else client)(ORDER))
