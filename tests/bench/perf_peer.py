# SPDX-License-Identifier: GPL-2.0
"""
perf_peer.py client|server ADDRESS PORT CERTIFICATE [KEY] - the protocol `perf`
of draft-banks-quic-performance with aioquic, as the other end of quicperf.

The client asks three times at once and fails unless the answers are as long as
was asked for; the server prints `ready` and serves until it is killed.
"""

import asyncio
import sys

from aioquic.asyncio import QuicConnectionProtocol, connect, serve
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.events import StreamDataReceived

HEAD = 8
REQUESTS = ((0, 100000), (100000, 0), (4000, 504))     # bytes back, bytes up beside the head


class Server(QuicConnectionProtocol):
    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self.heads = {}

    def quic_event_received(self, event):
        if not isinstance(event, StreamDataReceived):
            return
        head = self.heads.get(event.stream_id, b"") + event.data
        self.heads[event.stream_id] = head[:HEAD]
        if event.end_stream:
            want = int.from_bytes(self.heads.pop(event.stream_id), "big")
            self._quic.send_stream_data(event.stream_id, bytes(want), end_stream=True)
            self.transmit()


async def ask(client, want, up):
    reader, writer = await client.create_stream()
    writer.write(want.to_bytes(HEAD, "big") + bytes(up))
    writer.write_eof()
    return len(await reader.read()) == want


async def run_client(address, port, configuration):
    async with connect(address, port, configuration=configuration) as client:
        return all(await asyncio.gather(*(ask(client, *r) for r in REQUESTS)))


async def run_server(address, port, configuration):
    await serve(address, port, configuration=configuration, create_protocol=Server)
    print("ready", flush=True)
    await asyncio.Future()


def main(role, address, port, certificate, key=None):
    configuration = QuicConfiguration(is_client=role == "client", alpn_protocols=["perf"])
    if role == "client":
        configuration.load_verify_locations(certificate)
        sys.exit(not asyncio.run(run_client(address, int(port), configuration)))
    configuration.load_cert_chain(certificate, key)
    asyncio.run(run_server(address, int(port), configuration))


main(*sys.argv[1:])
