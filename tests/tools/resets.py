#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""
resets.py PORT PID - a client that resets each stream before it says anything, and tells
its priority then. Prints how many KiB the server's process grows by in 1500 of them, when it
knows such things from 300 before.
"""

import asyncio
import ssl
import sys

from aioquic.asyncio import QuicConnectionProtocol, connect
from aioquic.buffer import encode_uint_var as v
from aioquic.h3.connection import H3_ALPN, H3Connection
from aioquic.quic.configuration import QuicConfiguration

PRIORITY_UPDATE = 0xf0700


class Client(QuicConnectionProtocol):
    def quic_event_received(self, event):
        """Nobody reads."""


def resident(pid):
    with open("/proc/%s/status" % pid, encoding="ascii") as file:
        return int([line for line in file if line.startswith("VmRSS")][0].split()[1])


async def resets(client, h3, count):
    quic = client._quic
    for _ in range(count):
        stream = quic.get_next_available_stream_id()
        quic._get_or_create_stream_for_send(stream)
        quic.reset_stream(stream, 0x10c)
        client.transmit()
        while quic._streams_blocked_bidi:
            await client.ping()
        frame = v(stream) + b"u=1"
        quic.send_stream_data(h3._local_control_stream_id,
                              v(PRIORITY_UPDATE) + v(len(frame)) + frame)
        client.transmit()
        # The reset is to come first.
        if stream % 32 == 0:
            await client.ping()
    await client.ping()
    await asyncio.sleep(1)


async def main(port, pid):
    configuration = QuicConfiguration(alpn_protocols=H3_ALPN, verify_mode=ssl.CERT_NONE)
    async with connect("127.0.0.1", port, configuration=configuration,
                       create_protocol=Client) as client:
        h3 = H3Connection(client._quic)
        await resets(client, h3, 300)
        before = resident(pid)
        await resets(client, h3, 1500)
        print(resident(pid) - before)


asyncio.run(main(int(sys.argv[1]), sys.argv[2]))
