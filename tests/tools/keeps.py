#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""
keeps.py PORT PATH SECONDS - a client that asks for a file, gives no credit for more than a
little of it, and sends a PING each half second. Prints how long the server let it do that,
SECONDS at most.
"""

import asyncio
import ssl
import sys
import time

from aioquic.asyncio import QuicConnectionProtocol, connect
from aioquic.h3.connection import H3_ALPN, H3Connection
from aioquic.quic.configuration import QuicConfiguration


class Client(QuicConnectionProtocol):
    def quic_event_received(self, event):
        """Nobody reads."""


async def main(port, path, seconds):
    configuration = QuicConfiguration(alpn_protocols=H3_ALPN, verify_mode=ssl.CERT_NONE,
                                      max_data=20000, max_stream_data=10000)
    began = time.monotonic()
    async with connect("127.0.0.1", port, configuration=configuration,
                       create_protocol=Client) as client:
        client._quic._write_stream_limits = lambda *_, **__: None
        client._quic._write_connection_limits = lambda *_, **__: None
        h3 = H3Connection(client._quic)
        stream = client._quic.get_next_available_stream_id()
        h3.send_headers(stream, [(b":method", b"GET"), (b":scheme", b"https"),
                                 (b":authority", b"localhost"), (b":path", path.encode())], True)
        client.transmit()
        while not client._closed.is_set() and time.monotonic() < began + seconds:
            try:
                await asyncio.wait_for(client.ping(), 0.5)
            except (asyncio.TimeoutError, ConnectionError):
                pass
            await asyncio.sleep(0.5)
        print("%.0f" % (time.monotonic() - began))


asyncio.run(main(int(sys.argv[1]), sys.argv[2], float(sys.argv[3])))
