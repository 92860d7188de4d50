# SPDX-License-Identifier: GPL-2.0
"""
Figures as bars: build/results/plots/NAME.{png,svg}, drawn by gnuplot from
NAME.gp beside them, which holds the data as well.
"""

import os
import shutil
import subprocess

import figures
import table

BYTES = "instructions per byte, both ends"
PLOTS = (("bytes", "instructions_per_byte", BYTES),
         ("exchanges", "instructions_per_exchange", "instructions per exchange, both ends"),
         ("handshakes", "instructions_per_connection", "instructions per handshake, both ends"),
         ("throughput", "bits_per_second", "bits per second"),
         ("requests", "exchanges_per_second", "exchanges per second"),
         ("connections", "connections_per_second", "handshakes per second"))
PARTS = ("crypto", "copy", "skb+device", "quic", "locks", "memory", "userspace", "other")
TERMINALS = (("png", "pngcairo noenhanced size %d,600"), ("svg", "svg noenhanced size %d,600"))
HEAD = """# gnuplot; made by bench/plot.py
set style data histograms
set style histogram %s
set style fill solid border -1
set boxwidth 0.9
set grid ytics
set xtics rotate by -40 noenhanced
set key outside top horizontal
set yrange [0:*]
set ylabel "%s"
set datafile missing "-"
$data << EOD
%s
EOD
"""


def data(places, names, value):
    yield " ".join(['"scenario"', *('"%s"' % n for n in names)])
    for place in places:
        cells = [value(place, name) for name in names]
        yield " ".join(['"%s, %s"' % place, *("-" if c is None else "%g" % c for c in cells)])


def script(kind, title, places, names, value):
    lines = HEAD % (kind, title, "\n".join(data(places, names, value)))
    width = max(700, 200 + 20 * len(places) * (len(names) if kind == "clustered" else 3))
    for suffix, terminal in TERMINALS:
        lines += 'set terminal %s\nset output "@.%s"\n' % (terminal % width, suffix)
        lines += "plot for [i=2:%d] $data using i:xtic(1) title columnheader(i)\n" % (
            len(names) + 1)
    return lines


def parted(rows):
    """(suffix of a name, rows): by mode, and apart from the others what one transport alone
    has; no suffix where all is alike."""
    parts = {}
    transports = {}
    for row in rows:
        transports.setdefault((row["scenario"], row["mode"]), set()).add(row["transport"])
    several = {mode for _, mode in transports}
    mixed = {len(some) > 1 for some in transports.values()}
    for row in rows:
        alone = len(transports[row["scenario"], row["mode"]]) == 1
        suffix = ("-" + row["mode"]) * (len(several) > 1) + "-alone" * (alone and len(mixed) > 1)
        parts.setdefault(suffix, []).append(row)
    return parts.items()


def scripts(rows):
    """(name, script) of the plots that there are figures for."""
    value = figures.index(rows)
    for name, metric, title in PLOTS:
        for part, there in parted([r for r in rows if r["metric"] == metric]):
            places = list(dict.fromkeys((r["scenario"], r["mode"]) for r in there))
            yield name + part, script("clustered", title, places, table.columns(there),
                                      lambda p, n, m=metric: value.get((n, *p, m)))
    for unit in "byte", "exchange", "connection":
        metric = "profile_per_%s_" % unit
        places = list(dict.fromkeys((r["transport"] + " " + r["scenario"], r["mode"])
                                    for r in rows if r["metric"].startswith(metric)))
        if places:
            yield "profile-" + unit, script(
                "rowstacked", "instructions per " + unit, places, PARTS,
                lambda p, n, m=metric: value.get((*p[0].split(" ", 1), p[1], m + n), 0))


def can_draw(top, output):
    """The lab's gnuplot sees the checkout alone."""
    return bool(shutil.which("gnuplot")) or \
        os.path.abspath(output).startswith(os.path.join(top, ""))


def draw_scripts(top, folder, pairs):
    """Pairs of name and script, with the gnuplot of this machine, or the lab's."""
    os.makedirs(folder, exist_ok=True)
    inside = os.path.relpath(folder, top)
    gnuplot = ["gnuplot"] if shutil.which("gnuplot") else \
        [top + "/tests/lab/chroot", "gnuplot"]
    for name, text in pairs:
        path = os.path.join(inside, name)
        with open(os.path.join(top, path + ".gp"), "w", encoding="utf-8") as file:
            file.write(text.replace("@", path))
        subprocess.run([*gnuplot, path + ".gp"], cwd=top, check=True)


def draw(top, folder, rows):
    draw_scripts(top, folder, scripts(rows))
