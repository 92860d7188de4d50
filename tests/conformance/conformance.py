#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""
conformance.py server ADDRESS PORT [CASE...]
conformance.py client CERTIFICATE KEY [CASE...]

Each row of cases.tsv whose case is in this role: break one rule, and see which
error arrives. TAP on stdout.

The answer, one of those that the row has, is
  NAME           a transport error (RFC 9000 section 20.1) in a CONNECTION_CLOSE
  tls:ALERT      the same, of a TLS alert
  H3_*, QPACK_*  an application's CONNECTION_CLOSE with this error
  stream:NAME    RESET_STREAM or STOP_SENDING with this error, or the close
  none           none: the peer lives on and does what it is asked to
"""

import os
import sys
import time

TRANSPORT = """NO_ERROR INTERNAL_ERROR CONNECTION_REFUSED FLOW_CONTROL_ERROR
STREAM_LIMIT_ERROR STREAM_STATE_ERROR FINAL_SIZE_ERROR FRAME_ENCODING_ERROR
TRANSPORT_PARAMETER_ERROR CONNECTION_ID_LIMIT_ERROR PROTOCOL_VIOLATION INVALID_TOKEN
APPLICATION_ERROR CRYPTO_BUFFER_EXCEEDED KEY_UPDATE_ERROR AEAD_LIMIT_REACHED
NO_VIABLE_PATH""".split()
ALERTS = {"unexpected_message": 10, "handshake_failure": 40, "bad_certificate": 42,
          "illegal_parameter": 47, "decode_error": 50, "decrypt_error": 51,
          "protocol_version": 70, "missing_extension": 109,
          "unsupported_extension": 110, "no_application_protocol": 120}
H3 = {name: 0x100 + i for i, name in enumerate("""H3_NO_ERROR H3_GENERAL_PROTOCOL_ERROR
H3_INTERNAL_ERROR H3_STREAM_CREATION_ERROR H3_CLOSED_CRITICAL_STREAM H3_FRAME_UNEXPECTED
H3_FRAME_ERROR H3_EXCESSIVE_LOAD H3_ID_ERROR H3_SETTINGS_ERROR H3_MISSING_SETTINGS
H3_REQUEST_REJECTED H3_REQUEST_CANCELLED H3_REQUEST_INCOMPLETE H3_MESSAGE_ERROR
H3_CONNECT_ERROR H3_VERSION_FALLBACK""".split())}
H3.update(QPACK_DECOMPRESSION_FAILED=0x200, QPACK_ENCODER_STREAM_ERROR=0x201,
          QPACK_DECODER_STREAM_ERROR=0x202)


def code_of(name):
    """(code, is it the application's)"""
    if name in H3:
        return H3[name], True
    if name.startswith("tls:"):
        return 0x100 + ALERTS[name[4:]], False
    return TRANSPORT.index(name), False


def name_of(close):
    code, app = close
    if app:
        names = [name for name, number in H3.items() if number == code]
    elif 0x100 <= code < 0x200:
        names = ["tls:" + name for name, number in ALERTS.items()
                 if number == code - 0x100]
    else:
        names = TRANSPORT[code:code + 1]
    return names[0] if names else "%s 0x%x" % ("application's" if app else "transport", code)


def answered(peer, answer):
    """Is this the answer that has arrived?"""
    if answer == "none":
        return peer.unharmed()
    if answer.startswith("stream:"):
        answer = answer[7:]
        if H3[answer] in [*peer.resets.values(), *peer.stops.values()]:
            return True
    return peer.closed == code_of(answer)


def describe(peer):
    said = ["closed with " + name_of(peer.closed) if peer.closed else "not closed"]
    for what, codes in ("reset", peer.resets), ("stopped", peer.stops):
        said += ["stream %d %s with %s" % (stream, what, name_of((code, True)))
                 for stream, code in codes.items()]
    return ", ".join(said)


def run(function, answers):
    peer = function()
    try:
        if "none" not in answers:
            peer.wait(lambda: any(answered(peer, a) for a in answers))
        ok = any(answered(peer, a) for a in answers)
        if not ok:
            print("# " + describe(peer))
        return ok
    finally:
        peer.close()


def read_table():
    rows = {}
    for line in open(os.path.join(os.path.dirname(__file__), "cases.tsv")):
        if line.startswith("#"):
            continue
        name, section, what, answers = line.rstrip("\n").split("\t")
        if name != "id":
            rows[name] = section, what, answers.split()
    return rows


def load(role, arguments):
    """{case: function of no argument}"""
    if role == "server":
        import http3
        import transport
        address = (arguments[0], int(arguments[1]))
        cases = {**transport.CASES, **http3.CASES}
        return {name: lambda f=f: f(address) for name, f in cases.items()}
    import victim
    return {name: lambda f=f: f(*arguments[:2]) for name, f in victim.CASES.items()}


def main():
    role, arguments, wanted = sys.argv[1], sys.argv[2:4], sys.argv[4:]
    table, cases = read_table(), load(role, arguments)
    missing = [name for name in cases if name not in table]
    if missing:
        sys.exit("cases.tsv lacks " + ", ".join(missing))
    names = [name for name in table if name in cases and (not wanted or name in wanted)]
    print("TAP version 13\n1..%d" % len(names))
    failed = 0
    for number, name in enumerate(names, 1):
        section, what, answers = table[name]
        start = time.monotonic()
        try:
            ok = run(cases[name], answers)
        except Exception as e:      # of the peer or of ours: say it, go on
            print("# %s: %s" % (type(e).__name__, e))
            ok = False
        failed += not ok
        print("%sok %d - %s (RFC %s): %s" % ("" if ok else "not ", number, name, section,
                                            what))
        if time.monotonic() - start > 2 or not ok:
            print("# %.1f s, expected %s" % (time.monotonic() - start,
                                             " or ".join(answers)), flush=True)
    sys.exit(failed != 0)


main()
