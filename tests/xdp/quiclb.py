# SPDX-License-Identifier: GPL-2.0
"""
QUIC-LB connection IDs (draft-ietf-quic-load-balancers-21) as a server makes
them, with AES of python3-cryptography: the opinion to compare with.
"""

import os
import struct

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes


def ecb(key, block):
    enc = Cipher(algorithms.AES(key), modes.ECB()).encryptor()
    return enc.update(block) + enc.finalize()


def feistel(key, text):
    """Four passes; a half has the middle nibble of an odd length."""
    n, half = len(text), (len(text) + 1) // 2
    number = int.from_bytes(text, "big")
    bits = 4 * n
    left, right = number >> bits, number & ((1 << bits) - 1)
    shift = 8 * half - bits             # 4 if odd

    def mask(value, which, index):
        octets = ((value << shift) if which == "left" else value).to_bytes(half, "big")
        block = octets + bytes(14 - half) + bytes([n, index])
        return int.from_bytes(ecb(key, block)[:half], "big")

    for index in 1, 2, 3, 4:
        if index % 2:
            right ^= mask(left, "left", index) & ((1 << bits) - 1)
        else:
            left ^= mask(right, "right", index) >> shift
    return (left << bits | right).to_bytes(n, "big")


def times(n, x):
    """In the field of AES."""
    total = 0
    while n:
        if n & 1:
            total ^= x
        x = x << 1 ^ (0x11b if x & 0x80 else 0)
        n >>= 1
    return total


def make_sbox():
    sbox, power, inverse = [0x63] * 256, 1, 1
    for _ in range(255):
        power, inverse = times(3, power), times(0xf6, inverse)
        spread = inverse
        for turn in 1, 2, 3, 4:
            spread ^= (inverse << turn | inverse >> 8 - turn) & 0xff
        sbox[power] = spread ^ 0x63
    return sbox


def round_keys(key):
    """struct quic_lb_aes: both schedules, columns with octet 0 lowest."""
    sbox = make_sbox()
    words, rcon = [list(key[i:i + 4]) for i in range(0, 16, 4)], 1
    for i in range(4, 44):
        word = list(words[-1])
        if i % 4 == 0:
            word = [sbox[x] for x in word[1:] + word[:1]]
            word[0] ^= rcon
            rcon = times(2, rcon)
        words.append([a ^ b for a, b in zip(words[i - 4], word)])
    back = []
    for i in range(0, 44, 4):
        for word in words[40 - i:44 - i]:
            back.append(word if i in (0, 40) else unmix(word))
    return b"".join(bytes(word) for word in words + back)


def unmix(column):
    rows = (14, 11, 13, 9)
    return [times(rows[0], column[i]) ^ times(rows[1], column[(i + 1) % 4]) ^
            times(rows[2], column[(i + 2) % 4]) ^ times(rows[3], column[(i + 3) % 4])
            for i in range(4)]


class Conf:
    def __init__(self, rotation, sid_len, nonce_len, key=None, cpu_at=0, self_len=1):
        self.rotation, self.sid_len, self.nonce_len = rotation, sid_len, nonce_len
        self.key, self.cpu_at, self.self_len = key, cpu_at, self_len

    def __str__(self):
        how = "plain" if not self.key else "one pass" \
            if self.sid_len + self.nonce_len == 16 else "four passes"
        return "rotation %d, %d and %d octets, %s" % (self.rotation, self.sid_len,
                                                      self.nonce_len, how)

    def entry(self):
        """struct quic_lb_conf"""
        key = self.key or bytes(16)
        return key + bytes([bool(self.key), self.rotation, self.sid_len, self.nonce_len,
                            self.self_len, 1, self.cpu_at, 0]) + round_keys(key)

    def encode(self, sid):
        assert len(sid) == self.sid_len
        text = sid + os.urandom(self.nonce_len)
        if self.key:
            text = ecb(self.key, text) if len(text) == 16 else feistel(self.key, text)
        first = self.rotation << 5 | (len(text) if self.self_len else os.urandom(1)[0] & 0x1f)
        return struct.pack("B", first) + text

    def make(self, cpu):
        """An ID of a server that says the CPU."""
        sid = bytearray(os.urandom(self.sid_len))
        sid[self.cpu_at - 1] = cpu
        return self.encode(bytes(sid))


KEY = bytes.fromhex("8f95f09245765f80256934e50c66207f")
CONFS = (Conf(0, 3, 4, cpu_at=3), Conf(1, 15, 4, cpu_at=15), Conf(0, 3, 4, KEY, cpu_at=3),
         Conf(2, 8, 8, KEY, cpu_at=1), Conf(3, 9, 10, KEY, cpu_at=9), Conf(1, 10, 5, KEY, cpu_at=6),
         Conf(6, 1, 4, KEY, cpu_at=1), Conf(5, 1, 18, KEY, cpu_at=1, self_len=0),
         Conf(4, 4, 12, KEY, cpu_at=4), Conf(4, 2, 4, None, cpu_at=2, self_len=0))
