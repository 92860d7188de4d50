# SPDX-License-Identifier: GPL-2.0
"""
judge.py PLAN - reads what guest.py says, decides, keeps the rows: TAP on stdout.

A function criteria_<case>() has what the interop runner demands of the case beyond
equal files, and that the link did to the packets what the case is about. It returns
what is wrong, or nothing. Packets are those of the captures: `left` at the client's
edge, `right` at the server's; loss, corruption and NAT lie between the two.

Rows go to build/results/interop.json (rows.py), replacing those of the same case, role
and peer; those of the daily part ($CONNECTIONS), which has shorter cases, do not. A run's
directory is removed when it passed, unless KEEP is set.
"""

import json
import os
import shutil
import statistics
import sys
import time

from cases import CASES, CONNECTIONS, repeats
from dissect import V1, V2, dissect, key_log
from peers import PEERS
from rows import RESULTS, keep
from topology import PORT, PREFERRED_PORT

GOODPUT = 9100                          # kbit/s, where kquic sends
CERTIFICATE = 11                        # TLS handshake message
MAX_STREAMS_BIDI, VERSION_INFORMATION, PREFERRED_ADDRESS = 0x08, 0x11, 0x0d
AMPLIFICATION = 3
TAG = 16
HEADERS = 14 + 20 + 8                   # Ethernet, IPv4, UDP
HANDSHAKES = {"resumption": 2, "zerortt": 2, "handshakeloss": CONNECTIONS,
              "handshakecorruption": CONNECTIONS}


class Evidence:
    """The facts and the packets of one run."""

    def __init__(self, facts):
        self.facts, self.case = facts, CASES[facts["case"]]
        self.dir = os.path.join(RESULTS, "interop", facts["run"])
        log = key_log(self.dir + "/keys")
        ports = {PORT, PREFERRED_PORT}
        self.left, _ = dissect(self.dir + "/left.pcap", log, ports, self.case.link.corrupt)
        self.right, self.connections = dissect(self.dir + "/right.pcap", log, ports,
                                               self.case.link.corrupt)
        self.notes = []

    def sent(self, from_server, *kinds):
        """What an end sent, as it left it."""
        return [p for p in (self.right if from_server else self.left)
                if p.from_server == from_server and (not kinds or p.kind in kinds)]

    def received(self, by_server, *kinds):
        return [p for p in (self.right if by_server else self.left)
                if p.from_server != by_server and (not kinds or p.kind in kinds)]

    def note(self, text, *values):
        self.notes.append(text % values)

    def spent(self):
        """Seconds from the client's first packet to its last: emulated, a browser needs
        more than half a minute to start, which is nothing that QUIC could do about."""
        times = [p.datagram.time for p in self.sent(False)]
        return max(times) - min(times) if times else 0

    def rate(self):
        """kbit/s of the files between the first and the last 1-RTT packet of the server,
        as they reach the client."""
        times = [p.datagram.time for p in self.received(False, "1rtt")]
        size = sum(self.case.files.values())
        return 8 * size / 1000 / (max(times) - min(times)) if len(times) > 1 else 0

    def load(self):
        """kbit/s that the link carried of the server's datagrams meanwhile, all headers
        included, and the mean size of these."""
        came = {id(p.datagram): p.datagram for p in self.received(False, "1rtt")}.values()
        times = [d.time for d in came]
        size = sum(len(d.payload) for d in came)
        seconds = max(times) - min(times)
        return 8 * (size + HEADERS * len(came)) / 1000 / seconds, size / len(came)


def opened(packets):
    return [p for p in packets if p.frames is not None]


def has(packet, *names):
    return packet.frames is not None and any(name in names for name, _ in packet.frames)


def stream_bytes(packet):
    return sum(len(fields[2]) for name, fields in packet.frames or () if name == "STREAM")


# ---- what every case demands -------------------------------------------------

def last_words(e):
    """What the client said at last, which may be why it failed."""
    path = os.path.join(e.dir, "client.log")
    if not os.path.exists(path):
        return ""
    with open(path, errors="replace") as source:
        lines = [line.strip() for line in source if line[:1].isalpha()]     # not JSON
    return ", " + lines[-1][-110:].replace("|", "/") if lines else ""


def common(e):
    facts = e.facts
    if facts["error"]:
        return facts["error"]
    if facts["status"] == 124:
        return "the client did not end in time" + (", " + facts["call"] if facts["call"] else "")
    if facts["status"]:
        return "the client ends with status %d%s%s" % (
            facts["status"], ", " + facts["call"] if facts["call"] else "", last_words(e))
    if facts["files"]:
        return facts["files"]
    if e.spent() > e.case.limit:
        return "it took %.0f s instead of %d" % (e.spent(), e.case.limit)
    initials = opened(e.sent(True, "initial"))
    want = HANDSHAKES.get(e.case.name, 1)
    count = len({p.scid for p in initials})
    if count != want:
        return "%d handshakes instead of %d" % (count, want)
    e.note("%d handshake%s", count, "s" * (count > 1))
    versions = {p.version for p in initials}
    if e.case.name != "v2" and versions != {V1}:
        return "versions " + " ".join(map(hex, versions))
    return ""


# ---- what each demands -------------------------------------------------------

def criteria_handshake(e):
    if e.sent(True, "retry"):
        return "there was a Retry"


def criteria_longrtt(e):
    hellos = [p for p in opened(e.sent(False, "initial"))
              if any(name == "CRYPTO" and fields[0] == 0 for name, fields in p.frames)]
    e.note("%d ClientHellos", len(hellos))
    if len(hellos) < 2:
        return "the ClientHello was not sent again"


def criteria_chacha20(e):
    for connection in e.connections:
        # 0xff is no suite but a signal (RFC 5746), which some offer last. The public
        # runner looks at the first of the list alone.
        if set(connection.offered_suites()) - {0xff} != {0x1303}:
            return "offered: " + " ".join(map(hex, connection.offered_suites()))


def criteria_multiplexing(e):
    value = e.connections[0].parameters(True).get(MAX_STREAMS_BIDI)
    if value is None:
        return "the server's initial_max_streams_bidi is not there"
    streams = int.from_bytes(value, "big") & (1 << 8 * len(value) - 2) - 1
    e.note("initial_max_streams_bidi %d", streams)
    if streams > 1000:
        return "initial_max_streams_bidi is %d" % streams


def criteria_retry(e):
    tokens = {p.token for p in e.sent(True, "retry")} - {b""}
    if not tokens:
        return "there was no Retry"
    initials = opened(e.sent(False, "initial"))
    before = [p.number for p in initials if not p.token]
    after = [p.number for p in initials if p.token in tokens]
    if not after:
        return "no Initial has the token of the Retry"
    if min(after) <= max(before):
        return "packet numbers begin again after the Retry"


def certificates(e):
    """Of each connection that the server answered: did it send a Certificate?"""
    return [any(kind == CERTIFICATE for kind, _ in c.messages("handshake", True))
            for c in e.connections if c.messages("handshake", True)]


def criteria_resumption(e):
    if certificates(e) != [True, False]:
        return "Certificate sent: %s" % certificates(e)


def criteria_zerortt(e):
    early = sum(p.length for p in opened(e.received(True, "0rtt")))
    # Whatever is in them, probes of the path MTU too, and what seals them.
    late = sum(p.length + TAG for p in e.sent(False, "1rtt"))
    e.note("%d bytes in 0-RTT, %d in 1-RTT packets", early, late)
    if not early:
        return "no 0-RTT packet"
    if late > 250 * 40 // 2:
        return "%d bytes of the client in 1-RTT packets" % late


def criteria_blackhole(e):
    lost = [e.facts["link"][way]["dropped"] for way in ("server", "client")]
    times = sorted(p.datagram.time for p in e.received(True))
    gap = max(b - a for a, b in zip(times, times[1:]))
    e.note("%d packets lost, silence of %.1f s", sum(lost), gap)
    if not all(lost) or gap < 1.9:
        return "there was no black hole: %s lost, silence of %.1f s" % (lost, gap)


def criteria_keyupdate(e):
    for end in True, False:
        if not any(p.phase for p in opened(e.sent(end, "1rtt"))):
            return "the %s sent nothing in the second key phase" % ("server" if end else "client")
    sent = 0
    for packet in e.sent(True, "1rtt"):
        sent += stream_bytes(packet)
        if packet.phase:
            break
    e.note("after %d bytes", sent)
    if sent > 1 << 20:
        return "after %d bytes" % sent


def criteria_ecn(e):
    for end, name in (True, "server"), (False, "client"):
        marks = {p.datagram.ecn for p in e.sent(end)}
        if not marks & {1, 2}:
            return "the %s marks no packet" % name
        if 3 in marks:
            return "the %s sent CE" % name
        if not any(has(p, "ACK_ECN") for p in e.sent(end)):
            return "the %s reports no marks" % name


def criteria_amplificationlimit(e):
    connection = e.connections[0]
    flight = sum(len(connection.stream(space, True)) for space in ("initial", "handshake"))
    if flight < 7500:
        return "the server's flight has %d bytes only" % flight
    if not e.facts["link"]["server"]["dropped"]:
        return "nothing was lost"
    limit = AMPLIFICATION if e.facts["server_is_kquic"] else AMPLIFICATION + 1
    came = went = 0
    worst = 0.0
    datagrams = []
    for packet in e.right:
        if not datagrams or datagrams[-1][0] is not packet.datagram:
            datagrams.append((packet.datagram, []))
        datagrams[-1][1].append(packet)
    for datagram, packets in datagrams:
        if packets[0].from_server:
            went += len(datagram.payload)
            worst = max(worst, went / came if came else 99)
        else:
            came += len(datagram.payload)
            if any(p.kind == "handshake" for p in packets):
                break
    e.note("flight of %d bytes, %.2f times what came", flight, worst)
    if worst > limit:
        return "the server sent %.2f times what it got" % worst


def hits(e, what, low, high):
    """Both directions must have been hit, about as often as the case wants."""
    for way in "server", "client":
        seen, hit = e.facts["link"][way]["seen"], e.facts["link"][way][what]
        e.note("%d of %d %s to the %s", hit, seen, what, way)
        if not hit and seen > 3 / low or seen > 1000 and not low < hit / seen < high:
            return "%d of %d packets to the %s %s" % (hit, seen, way, what)
    if not any(e.facts["link"][way][what] for way in ("server", "client")):
        return "no packet was " + what


def corrupted(e, low, high):
    """Really delivered, with good checksums, to an end that had to notice."""
    wrong = hits(e, "corrupted", low, high)
    if wrong:
        return wrong
    for by_server in True, False:
        sent = {p.datagram.payload for p in e.sent(not by_server)}
        came = {id(p.datagram): p.datagram for p in e.received(by_server)}.values()
        changed = [d for d in came if d.payload not in sent]
        way = "server" if by_server else "client"
        if any(not d.checksum_ok for d in came):
            return "bad UDP checksums reached the " + way
        if not changed and e.facts["link"][way]["corrupted"]:
            return "no corrupted packet reached the " + way


def criteria_handshakeloss(e):
    return hits(e, "dropped", .2, .4)


def criteria_transferloss(e):
    return hits(e, "dropped", .005, .04)


def criteria_handshakecorruption(e):
    return corrupted(e, .2, .4)


def criteria_transfercorruption(e):
    return corrupted(e, .005, .04)


def criteria_ipv6(e):
    if any(len(p.datagram.src[0]) == 4 for p in e.right):
        return "there are IPv4 packets"


def criteria_v2(e):
    first = e.sent(False, "initial")[0]
    information = e.connections[0].parameters(False).get(VERSION_INFORMATION, b"")
    offered = [int.from_bytes(information[n:n + 4], "big") for n in range(4, len(information), 4)]
    if first.version != V1 or V2 not in offered:
        return "the client begins with %#x and offers %s" % (
            first.version, " ".join(map(hex, offered)))
    if V2 not in {p.version for p in e.sent(True, "initial")}:
        return "no Initial of the server has version 2"
    if {p.version for end in (True, False) for p in e.sent(end, "handshake")} != {V2}:
        return "not all Handshake packets have version 2"


# ---- paths -------------------------------------------------------------------

def paths_of(packets):
    """(address of the client, port of the server) in order of appearance."""
    return list(dict.fromkeys((p.datagram.src, p.datagram.dst[1]) for p in packets))


def challenges(e):
    """The server's first packet on each new path has a PATH_CHALLENGE, and the client
    answers it, and all others that reach it there. The public runner demands so much of
    the first ones, and also that the link's queue loses none of them; on the path that
    the client has left it demands nothing (RFC 9000 section 9.3.3 has servers ask there)."""
    new = paths_of(opened(e.received(True, "1rtt", "handshake", "initial")))[1:]
    for path in new:
        first = next((p.datagram for p in e.sent(True)
                      if (p.datagram.dst, p.datagram.src[1]) == path), None)
        if first and not any(has(p, "PATH_CHALLENGE") for p in e.sent(True)
                             if p.datagram is first):
            return "the server's first packet on a new path has no PATH_CHALLENGE"
    there = [p for p in e.sent(True) if (p.datagram.dst, p.datagram.src[1]) in new]
    asked = {fields[0] for p in there for name, fields in p.frames or ()
             if name == "PATH_CHALLENGE"}
    asked &= {fields[0] for p in e.received(False) for name, fields in p.frames or ()
              if name == "PATH_CHALLENGE"}
    answered = {fields[0] for p in e.sent(False) for name, fields in p.frames or ()
                if name == "PATH_RESPONSE"}
    e.note("%d challenges", len(asked))
    if not asked:
        return "no PATH_CHALLENGE reached the client"
    if asked - answered:
        return "%d of %d challenges were not answered" % (len(asked - answered), len(asked))


def stayed(e):
    """What to add about a server that did not follow the client everywhere."""
    new = paths_of(e.received(True))[1:]
    there = {(p.datagram.dst, p.datagram.src[1]) for p in e.sent(True)}
    lost = [path for path in new if path not in there]
    return ": the server sent nothing to %d of the client's %d new addresses" % (
        len(lost), len(new)) if lost else ""


def criteria_rebind_port(e):
    paths = paths_of(opened(e.received(True)))
    e.note("%d paths", len(paths))
    if not e.facts["link"]["nat"]["changes"] or len(paths) < 2:
        return "%d paths, the NAT changed %d times" % (len(paths), e.facts["link"]["nat"]["changes"])
    return challenges(e)


def criteria_rebind_addr(e):
    if len({address for (address, _), _ in paths_of(opened(e.received(True)))}) < 2:
        return "the client has one address only"
    return criteria_rebind_port(e)


def criteria_connectionmigration(e):
    if PREFERRED_ADDRESS not in e.connections[0].parameters(True):
        return "the server has no preferred address"
    sent = opened(e.sent(False, "1rtt"))
    there = [p for p in sent if p.datagram.dst[1] == PREFERRED_PORT]
    if not any(stream_bytes(p) or has(p, "ACK", "ACK_ECN") for p in there):
        return "the client did not move to the preferred address"
    if there[0].dcid in {p.dcid for p in sent if p.datagram.dst[1] == PORT}:
        return "the first packet on the new path has an old connection ID"
    return challenges(e)


# ---- rows --------------------------------------------------------------------

def judge_run(facts):
    """What is wrong, what there is to say, and of a measurement the figures."""
    if facts["error"]:
        return facts["error"], [], ()
    facts["server_is_kquic"] = facts["server"] == "kquic"
    e = Evidence(facts)
    wrong = common(e)
    if wrong and e.case.link.rebind:
        wrong += stayed(e)
    check = globals().get("criteria_" + e.case.name.replace("-", "_"))
    try:
        wrong = wrong or check and check(e) or ""
    except (IndexError, ValueError, KeyError) as error:
        wrong = "the capture lacks what the case is about (%r)" % error
    e.note("%.1f s", e.spent())
    e.note("over %s", facts["protocol"])
    return wrong, e.notes, (e.rate(), *e.load()) if e.case.alone and not wrong else ()


def judge(runs):
    """The row of all runs of a case between two peers."""
    facts = runs[0]
    kquic = [role for role in ("client", "server") if facts[role] == "kquic"]
    role = kquic[0] if len(kquic) == 1 else "both"
    other = "server" if role == "client" else "client"
    row = {"case": facts["case"], "role": role, "peer": facts[other],
           "version": facts[other + "_version"], "result": "pass", "detail": "",
           "date": time.strftime("%Y-%m-%d %H:%M", time.gmtime())}
    if "unsupported" in facts:
        row.update(result="unsupported", detail=facts["unsupported"])
        return row
    figures = []
    for run in runs:
        wrong, notes, measured = judge_run(run)
        figures.append(measured)
        row["detail"] = ", ".join(notes)
        if wrong:
            fault = PEERS[row["peer"]].faults.get((other, row["case"]), "")
            row.update(result="fail", detail=wrong + (fault and "; " + fault))
            return row
    if CASES[facts["case"]].alone:
        rates = [measured[0] for measured in figures]
        mean, load, size = map(statistics.mean, zip(*figures))
        row["detail"] = "%.0f kbit/s" % mean
        if len(rates) > 1:
            row["detail"] += " (%.0f to %.0f)" % (min(rates), max(rates))
        row["detail"] += "; the link carried %.0f, %.0f bytes a datagram" % (load, size)
        if facts["case"] == "goodput" and facts["server"] == "kquic" and mean < GOODPUT:
            row["result"] = "fail"
            row["detail"] += ", %d are wanted" % GOODPUT
    return row


def tell(number, row, runs):
    name = "%s-%s-%s" % (runs[0]["case"], runs[0]["client"], runs[0]["server"])
    if row["result"] == "unsupported":
        print("ok %d - %s # SKIP %s" % (number, name, row["detail"]), flush=True)
        return
    print("%s %d - %s" % ("ok" if row["result"] == "pass" else "not ok", number, name))
    print("# " + row["detail"], flush=True)
    for run in runs:
        where = os.path.join(RESULTS, "interop", run["run"])
        if row["result"] == "pass" and not os.environ.get("KEEP"):
            shutil.rmtree(where, ignore_errors=True)
            continue
        if row["result"] != "pass":
            with open(where + "/facts.json", "w") as out:
                json.dump(run, out, indent=1)
            for key in "link", "counters-cli", "counters-srv":
                print("# %s: %s" % (key, run.get(key)))
            for log in "client.log", "server.log":
                if os.path.exists(where + "/" + log):
                    with open(where + "/" + log, errors="replace") as source:
                        for line in source.readlines()[-15:]:
                            print("# %s: %s" % (log, line.rstrip()[:200]))


def main():
    plan = json.loads(sys.argv[1])
    print("TAP version 13\n1..%d" % len(plan), flush=True)
    waiting, number, failed = {}, 0, 0
    for line in sys.stdin:
        if not line.startswith("RUN "):
            print("# " + line, end="")
            continue
        facts = json.loads(line[4:])
        key = (facts["case"], facts["client"], facts["server"])
        runs = waiting.setdefault(key, [])
        runs.append(facts)
        if "unsupported" in facts or len(runs) == repeats(*key):
            number += 1
            row = judge(waiting.pop(key))
            failed += row["result"] == "fail"
            if not os.environ.get("CONNECTIONS"):
                keep(row)
            tell(number, row, runs)
    sys.exit(failed > 0 or number != len(plan))


if __name__ == "__main__":
    main()
