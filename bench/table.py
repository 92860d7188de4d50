# SPDX-License-Identifier: GPL-2.0
"""
Figures as a table: a line per scenario and mode, a column per transport, and
what kquic costs compared with kTLS. A dash is what was not run.
"""

import figures

# What is shown of a scenario, the first that there is.
SHOWN = (("instructions_per_byte", "instructions per byte", 2),
         ("instructions_per_exchange", "instructions per exchange", 0),
         ("instructions_per_connection", "instructions per handshake", 0),
         ("bits_per_second", "bits per second", 0),
         ("exchanges_per_second", "exchanges per second", 0),
         ("connections_per_second", "handshakes per second", 0))
ORDER = ("tcp", "ktls", "kquic")
WIDTH = 14


def columns(rows):
    names = {r["transport"] for r in rows}
    return [n for n in ORDER if n in names] + sorted(names - set(ORDER))


def lines_of(metric, digits, rows):
    value = figures.index(rows)
    names = columns([r for r in rows if r["metric"] == metric])
    if not names:
        return
    yield "%-34s" % "" + "".join("%*s" % (WIDTH, n) for n in names) + "   kquic/ktls"
    places = dict.fromkeys((r["scenario"], r["mode"]) for r in rows if r["metric"] == metric)
    for scenario, mode in places:
        cells = [value.get((n, scenario, mode, metric)) for n in names]
        line = "%-34s" % ("%s, %s" % (scenario, mode)) + "".join(
            "%*s" % (WIDTH, "-" if v is None else format(v, ",.%df" % digits)) for v in cells)
        ours = value.get(("kquic", scenario, mode, metric))
        kernel_tls = value.get(("ktls", scenario, mode, metric))
        yield line + ("%11.2f x" % (ours / kernel_tls) if ours and kernel_tls else "")


def rest(rows):
    """What only kquic has, the way it is counted."""
    shown = {m for m, _, _ in SHOWN}
    hidden = ("_min", "_max", "idle_percent")
    for r in rows:
        if r["metric"] not in shown and not r["metric"].endswith(hidden):
            yield "%-34s%-8s%-36s%14s" % (
                "%s, %s" % (r["scenario"], r["mode"]), r["transport"], r["metric"],
                format(r["value"], ",.10g"))


def show(rows):
    for metric, title, digits in SHOWN:
        lines = list(lines_of(metric, digits, rows))
        if lines:
            print("\n%s\n" % title, *lines, sep="\n")
    lines = list(rest(rows))
    if lines:
        print("", *lines, sep="\n")
