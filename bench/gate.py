# SPDX-License-Identifier: GPL-2.0
"""
The gate: figures of today against the committed ones, as TAP.

A figure fails if it costs more than LIMIT percent above its place in
bench/baseline.json. One that costs less by as much is told, so that somebody
commits the better baseline; else a later loss would go unseen.
"""

import json

import figures

LIMIT = 3                               # percent
COSTS = ("instructions_per_byte", "instructions_per_exchange", "instructions_per_connection")


def costs(rows, transport="kquic"):
    """{(scenario, mode, metric): value} of what the gate looks at."""
    return {(r["scenario"], r["mode"], r["metric"]): r["value"] for r in rows
            if r["transport"] == transport and r["metric"] in COSTS}


def write(path, facts, rows):
    kept = [r for r in rows if r["metric"] in COSTS]
    with open(path, "w", encoding="utf-8") as file:
        json.dump({"machine": {"kernel": facts.get("kernel")}, "rows": kept}, file, indent=1)
        file.write("\n")


def check(path, rows):
    """Prints TAP; returns whether all is well."""
    with open(path, encoding="utf-8") as file:
        before = costs(json.load(file)["rows"])
    now = costs(rows)
    print("TAP version 13\n1..%d" % len(before))
    good = True
    for number, (key, old) in enumerate(sorted(before.items()), 1):
        scenario, mode, metric = key
        value = now.get(key)
        change = 100 * (value / old - 1) if value is not None else None
        passed = change is not None and change <= LIMIT
        good &= passed
        print("%s %d - %s, %s: %s" % ("ok" if passed else "not ok", number, scenario, mode,
                                      metric.replace("_", " ")))
        if change is None:
            print("# was not measured")
        else:
            print("# %.4g, before %.4g: %+.1f %%" % (value, old, change))
        if change is not None and change < -LIMIT:
            print("# better by more than %d %%: commit a new baseline "
                  "(make bench-baseline)" % LIMIT)
    return good
