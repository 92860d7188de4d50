#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""
priority.py ADDRESS PORT - which of the answers to several requests comes first.

The answers have to come in the order of urgency, not in that of the requests: one
is told in a field, one in a PRIORITY_UPDATE frame (RFC 9218 sections 5 and 7.1), and
the middle one is left to the default, 3. The second time the server has written all
of the first answer when it gets the urgent request: the kernel has to obey, too.
"""

import os
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../conformance"))

from peer import Client, v  # noqa: E402
from qpack import CONTROL, GET, frame, headers, settings  # noqa: E402

PRIORITY_UPDATE = 0xf0700


def connect(*updates):
    """{stream: its PRIORITY_UPDATE}..."""
    client = Client((sys.argv[1], int(sys.argv[2])), alpn=["h3"])
    client.confirm()
    client.quic.send_stream_data(2, v(CONTROL) + settings() + b"".join(
        frame(PRIORITY_UPDATE, v(stream) + value) for stream, value in updates))
    return client


def ask(client, stream, path, priority=None):
    fields = GET[:3] + [(":path", path)]
    if priority:
        fields.append(("priority", priority))
    client.quic.send_stream_data(stream, headers(fields), True)


def ask_later(client, *request):
    """... when something has come. No window grows before the server has it."""
    client.wait(lambda: client.received)
    ask(client, *request)
    client.flush()
    time.sleep(0.2 * int(os.environ.get("SLOW", "1")))


def order_of(client, count):
    order = []

    def done():
        order.extend(sorted(client.ended - set(order)))
        return len(order) == count
    client.wait(done, 60)
    client.close()
    print("# streams ended in the order %s" % order)
    return order


def at_once():
    client = connect((8, b"u=1"))
    ask(client, 0, "/medium", "u=6")
    ask(client, 4, "/medium")
    ask(client, 8, "/medium")
    return order_of(client, 3) == [8, 4, 0]


def overtaking():
    """A file that fits into the send buffer, but not into the first windows."""
    client = connect()
    ask(client, 0, "/buffered", "u=6")
    ask_later(client, 4, "/page.html", "u=0")
    return order_of(client, 2) == [4, 0]


def in_turns():
    """What is incremental shares (section 4.2): a small one need not wait."""
    client = connect()
    ask(client, 0, "/buffered", "i")
    ask_later(client, 4, "/page.html", "i")
    return order_of(client, 2) == [4, 0]


results = [at_once(), overtaking(), in_turns()]
sys.exit(not all(results))
