#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""
rejects.py PORT CERT KEY TIMES - an HTTP/3 server that rejects the only request of its first
TIMES connections, as one that shuts down does, and says no GOAWAY; later ones get "here".
"""

import asyncio
import sys

from aioquic.asyncio import QuicConnectionProtocol, serve
from aioquic.h3.connection import H3_ALPN, ErrorCode, H3Connection
from aioquic.h3.events import HeadersReceived
from aioquic.quic.configuration import QuicConfiguration

left = int(sys.argv[4])


class Server(QuicConnectionProtocol):
    h3 = None

    def quic_event_received(self, event):
        global left
        self.h3 = self.h3 or H3Connection(self._quic)
        for asked in self.h3.handle_event(event):
            if not isinstance(asked, HeadersReceived):
                continue
            if left:
                left -= 1
                self._quic.reset_stream(asked.stream_id, ErrorCode.H3_REQUEST_REJECTED)
            else:
                self.h3.send_headers(asked.stream_id, [(b":status", b"200")])
                self.h3.send_data(asked.stream_id, b"here\n", True)
        self.transmit()


async def main():
    configuration = QuicConfiguration(is_client=False, alpn_protocols=H3_ALPN)
    configuration.load_cert_chain(sys.argv[2], sys.argv[3])
    await serve("127.0.0.1", int(sys.argv[1]), configuration=configuration,
                create_protocol=Server)
    print("serving", flush=True)
    await asyncio.Future()


asyncio.run(main())
