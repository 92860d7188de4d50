# SPDX-License-Identifier: GPL-2.0
"""
The rows of interop: an object per case, role of kquic and peer, in an array.

docs/interop.json has those that docs/INTEROP.md was made of. What runs here goes to
build/results/interop.json, which begins with them.
"""

import fcntl
import json
import os

from cases import CASES

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
RESULTS = os.environ.get("RESULTS", os.path.join(TOP, "build", "results"))
HERE = os.path.join(RESULTS, "interop.json")
PUBLISHED = os.path.join(TOP, "docs", "interop.json")


def load():
    for path in HERE, PUBLISHED:
        if os.path.exists(path):
            with open(path) as source:
                return json.load(source)
    return []


def save(rows, path):
    with open(path + ".new", "w") as out:
        out.write("[\n" + ",\n".join(json.dumps(r) for r in rows) + "\n]\n")
    os.rename(path + ".new", path)


def keep(row):
    """In place of that of the same case; two VMs may do so at the same time."""
    with open(os.path.join(RESULTS, "interop.lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        same = ("case", "role", "peer")
        rows = [r for r in load() if any(r[k] != row[k] for k in same)] + [row]
        order = list(CASES)
        rows.sort(key=lambda r: (r["peer"] != "kquic", r["peer"], r["role"],
                                 order.index(r["case"])))
        save(rows, HERE)
