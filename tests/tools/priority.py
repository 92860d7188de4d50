#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""
priority.py ADDRESS PORT - three requests at the same time, of different urgency.

The answers have to come in the order of urgency, not in that of the requests: one
is told in a field, one in a PRIORITY_UPDATE frame (RFC 9218 sections 5 and 7.1), and
the middle one is left to the default, 3.
"""

import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../conformance"))

from peer import Client, v  # noqa: E402
from qpack import CONTROL, GET, frame, headers, settings  # noqa: E402

PRIORITY_UPDATE = 0xf0700


def main():
    client = Client((sys.argv[1], int(sys.argv[2])), alpn=["h3"])
    client.confirm()
    big = GET[:3] + [(":path", "/medium")]
    client.quic.send_stream_data(
        2, v(CONTROL) + settings() + frame(PRIORITY_UPDATE, v(8) + b"u=1"))
    client.quic.send_stream_data(0, headers(big + [("priority", "u=6")]), True)
    client.quic.send_stream_data(4, headers(big), True)
    client.quic.send_stream_data(8, headers(big), True)
    order = []

    def done():
        order.extend(sorted(client.ended - set(order)))
        return len(order) == 3
    client.wait(done, 60)
    print("# streams ended in the order %s" % order)
    sys.exit(order != [8, 4, 0])


main()
