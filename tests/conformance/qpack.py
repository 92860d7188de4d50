# SPDX-License-Identifier: GPL-2.0
"""
HTTP/3 frames and QPACK field sections, made by hand: RFC 9114 section 7, RFC 9204
section 4.5. Nothing of the dynamic table, no Huffman code, nothing checked.
"""

from peer import v

DATA, HEADERS, CANCEL_PUSH, SETTINGS, PUSH_PROMISE, GOAWAY, MAX_PUSH_ID = 0, 1, 3, 4, 5, 7, 13
CONTROL, PUSH, ENCODER, DECODER = 0, 1, 2, 3      # types of one-way streams

GET = [(":method", "GET"), (":scheme", "https"), (":authority", "localhost"),
       (":path", "/file")]
OK = [(":status", "200"), ("content-length", "6")]


def frame(kind, payload=b""):
    return v(kind) + v(len(payload)) + payload


def integer(first, bits, value):
    """RFC 7541 section 5.1: with a prefix of so many bits."""
    most = (1 << bits) - 1
    if value < most:
        return bytes([first | value])
    out, value = [first | most], value - most
    while value >= 128:
        out.append(128 | value & 127)
        value >>= 7
    return bytes(out + [value])


def field_line(name, value):
    """A literal with a literal name (section 4.5.6)."""
    name, value = name.encode(), value.encode()
    return integer(0x20, 3, len(name)) + name + integer(0, 7, len(value)) + value


def section(lines, prefix=b"\0\0"):
    return prefix + b"".join(x if isinstance(x, bytes) else field_line(*x) for x in lines)


def headers(lines):
    return frame(HEADERS, section(lines))


def settings(*pairs):
    return frame(SETTINGS, b"".join(v(number) + v(value) for number, value in pairs))
