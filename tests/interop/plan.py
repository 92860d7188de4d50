# SPDX-License-Identifier: GPL-2.0
"""
plan.py [--ci] [PEER=a,b] [CASE=a,b] [ROLE=client|server] [SINCE=DATE]: what to run, as JSON.

An array of [case, client, server]: kquic is one of both, or both. Cases come in the
order in which they are named, and what has a row from DATE ("2026-11-26 09:30", UTC)
or later is left out, so that a run which was ended goes on.
"""

import json
import sys

from cases import CASES
from peers import PEERS
from rows import load

# What changes are tested with, in four minutes: engines of the lab's ordinary root,
# and a case for each part of the protocol and of the links.
CI = (
    ("kquic", "kquic", "handshake multiplexing retry resumption zerortt keyupdate ecn "
     "amplificationlimit handshakeloss transfercorruption v2 rebind-addr "
     "connectionmigration"),
    ("ngtcp2", "kquic", "http3 ipv6 transferloss"),
    ("curl", "kquic", "chacha20"),
    ("aioquic", "kquic", "handshake"),
    ("kquic", "ngtcp2", "chacha20 resumption"),
    ("kquic", "nginx", "http3"),
    ("kquic", "aioquic", "retry"),
)


def fresh(since):
    """(case, client, server) of the rows that are not older than that."""
    return {(row["case"], row["peer"] if row["role"] == "server" else "kquic",
             row["peer"] if row["role"] == "client" else "kquic")
            for row in load() if since and row["date"] >= since}


def main():
    chosen = dict(arg.split("=", 1) for arg in sys.argv[1:] if "=" in arg)
    others = [arg for arg in sys.argv[1:] if "=" not in arg and arg != "--ci"]
    peers = chosen.pop("PEER", "").split(",")
    cases = chosen.pop("CASE", "").split(",")
    role = chosen.pop("ROLE", "")
    done = fresh(chosen.pop("SINCE", ""))
    unknown = others + list(chosen) + [p for p in peers if p and p not in PEERS] + \
        [c for c in cases if c and c not in CASES]
    if unknown or role not in ("", "client", "server"):
        sys.exit("unknown: %s; peers: %s; cases: %s" % (
            " ".join(unknown) or role, " ".join(PEERS), " ".join(CASES)))
    if "--ci" in sys.argv:
        rows = [[case, client, server] for client, server, names in CI
                for case in names.split()]
    else:
        rows = [["", "kquic", "kquic"]]
        for peer in PEERS.values():
            if peer.name != "kquic":
                rows += [["", peer.name, "kquic"]] * peer.fetches
                rows += [["", "kquic", peer.name]] * peer.serves
        rows = [[case, client, server] for _, client, server in rows for case in CASES]
    rows = [row for row in rows if tuple(row) not in done and
            (peers == [""] or (set(row[1:]) - {"kquic"} or {"kquic"}) & set(peers)) and
            (cases == [""] or row[0] in cases) and
            (not role or row[1 if role == "client" else 2] == "kquic")]
    if cases != [""]:
        rows.sort(key=lambda row: cases.index(row[0]))
    json.dump(rows, sys.stdout)


main()
