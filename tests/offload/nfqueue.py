# SPDX-License-Identifier: GPL-2.0
"""
A program that netfilter asks about packets (queue 0 of a namespace, nfnetlink_queue): it
lets each go on, as it is or with a byte of its payload changed.
"""

import socket
import struct
import threading

from world import inside

NETLINK_NETFILTER, SUBSYSTEM = 12, 3 << 8
PACKET, VERDICT, CONFIG = SUBSYSTEM, SUBSYSTEM | 1, SUBSYSTEM | 2
REQUEST, WANTS_ACK = 1, 4
ERROR = 2
# Attributes, of a packet and a verdict, and of a configuration.
PACKET_HDR, VERDICT_HDR, PAYLOAD = 1, 2, 10
CMD, PARAMS = 1, 2
BIND, COPY_PACKET, ACCEPT = 1, 2, 1


def attribute(kind, data):
    return struct.pack("=HH", 4 + len(data), kind) + data + bytes(-len(data) % 4)


def attributes(data):
    found = {}
    while len(data) >= 4:
        size, kind = struct.unpack_from("=HH", data)
        found[kind & 0x7fff] = data[4:size]
        data = data[(size + 3) & ~3:]
    return found


class Queue(threading.Thread):
    def __init__(self, ns, change=False):
        super().__init__(daemon=True)
        self.change, self.ended = change, False
        with inside(ns):
            self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER)
        self.socket.setsockopt(socket.SOL_SOCKET, 33, 64 << 20)    # SO_RCVBUFFORCE
        self.ask(CMD, struct.pack("!BBH", BIND, 0, 0))
        self.ask(PARAMS, struct.pack("!IB", 0xffff, COPY_PACKET))
        self.socket.settimeout(0.2)
        self.start()

    def send(self, kind, flags, *said):
        body = struct.pack("!BBH", 0, 0, 0) + b"".join(said)
        self.socket.send(struct.pack("=IHHII", 16 + len(body), kind, flags, 0, 0) + body)

    def ask(self, kind, data):
        self.send(CONFIG, REQUEST | WANTS_ACK, attribute(kind, data))
        answer = self.socket.recv(65536)
        assert struct.unpack_from("=HHIIi", answer, 4)[0::4] == (ERROR, 0), "no queue"

    def run(self):
        while not self.ended:
            try:
                message = self.socket.recv(1 << 17)
            except TimeoutError:
                continue
            if struct.unpack_from("=H", message, 4)[0] == PACKET:
                self.answer(attributes(message[20:]))

    def answer(self, packet):
        verdict = [attribute(VERDICT_HDR, struct.pack("!I", ACCEPT) + packet[PACKET_HDR][:4])]
        if self.change:
            data = bytearray(packet[PAYLOAD])
            data[len(data) // 2] ^= 1
            verdict.append(attribute(PAYLOAD, bytes(data)))
        self.send(VERDICT, REQUEST, *verdict)

    def close(self):
        self.ended = True
        self.join()
        self.socket.close()
