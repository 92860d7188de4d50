# SPDX-License-Identifier: GPL-2.0
"""
From samples to figures: rows with the keys transport, scenario, mode, metric
and value. What was not run has no row.
"""

import collections
import json
import statistics

NAMES = {"quic": "kquic"}

# kquic per packet and train, from the sums of both ends' counters.
RATIOS = {
    "packets_per_train_tx": (("QuicTxDataPackets",), ("QuicTxDataTrains",), 1),
    "packets_per_train_rx": (("QuicRxDataPackets",), ("QuicRxDataTrains",), 1),
    "aead_calls_per_packet": (("QuicAeadSeal", "QuicAeadOpen"),
                              ("QuicTxPackets", "QuicRxPackets"), 1),
    "hp_calls_per_packet": (("QuicHpCalls",), ("QuicTxPackets", "QuicRxPackets"), 1),
    "ack_packets_per_1000": (("QuicTxAckOnlyPackets",), ("QuicTxDataPackets",), 1000),
    "retransmitted_bytes": (("QuicTxRetransBytes",), (), 1),
}
COUNTED = {"byte": "bytes", "exchange": "exchanges", "connection": "connections"}


def read(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def row(sample, metric, value):
    return {"transport": NAMES.get(sample["transport"], sample["transport"]),
            "scenario": sample["scenario"], "mode": sample["mode"], "metric": metric,
            "value": round(value, 3)}


def busy(sample):
    """Nanoseconds that were instructions: guest time runs on when idle."""
    return sample["elapsed_ns"] - sample["idle_ns"]


def spread(sample, metric, values):
    """Median, least and greatest."""
    yield row(sample, metric, statistics.median(values))
    if len(values) > 1:
        yield row(sample, metric + "_min", min(values))
        yield row(sample, metric + "_max", max(values))


def ratios(samples):
    """What kquic's counters say, over all transfers."""
    total = collections.Counter()
    for sample in samples:
        total.update(sample.get("counters", {}))
    for metric, (over, under, scale) in RATIOS.items():
        divisor = sum(total[name] for name in under) if under else 1
        if divisor:
            yield metric, scale * sum(total[name] for name in over) / divisor


def counted(samples):
    """Rows of one transport in one scenario and mode, in which instructions were counted."""
    unit = samples[0]["unit"]
    amount = COUNTED[unit]
    pairs = list(zip(samples[::2], samples[1::2]))
    if not pairs:
        return
    last = samples[-1]
    # No two transfers lose the same: on a link that loses packets the longer one stands
    # for itself.
    each = [busy(b) / b[amount] if last["link"] else
            (busy(b) - busy(a)) / (b[amount] - a[amount]) for a, b in pairs]
    yield from spread(last, "instructions_per_" + unit, each)
    yield row(last, "idle_percent", 100 * sum(s["idle_ns"] for s in samples) /
              sum(s["elapsed_ns"] for s in samples))
    if unit == "exchange":
        for part in "p50", "p99", "p999":
            yield row(last, "instructions_%s" % part, last["exchange_ns"][part])
    if last["link"]:
        # Time stands still for no instruction: it is what a fast machine would take.
        yield row(last, "bits_per_second", statistics.median(
            8e9 * s["bytes"] / s["elapsed_ns"] for s in samples[1::2]))
    if last["transport"] == "quic" and unit == "byte":
        for metric, value in ratios(samples):
            yield row(last, metric, value)


def clocked(samples):
    """Rows of one transport in one scenario and mode, that ran for a time."""
    unit = samples[0]["unit"]
    last = samples[-1]

    def of(metric, function):
        return spread(last, metric, [function(s) for s in samples])

    yield from of("bits_per_second", lambda s: s["bits_per_second"]) if unit == "byte" else ()
    if unit == "exchange":
        yield from of("exchanges_per_second", lambda s: s["exchanges_per_second"])
    if unit == "connection":
        yield from of("connections_per_second", lambda s: s["connections_per_second"])
    if last["transport"] == "quic" and unit == "byte":
        for metric, value in ratios(samples):
            yield row(last, metric, value)
    if last["transport"] == "quic":
        yield from of("packets_per_second", lambda s: s["counters"].get("QuicRxPackets", 0) /
                      s["elapsed_ns"] * 1e9)
    latency = {"exchange": "exchange_ns", "connection": "handshake_ns"}.get(unit)
    if latency and last[latency]["count"]:
        for part in "p50", "p90", "p99", "p999":
            yield from of("latency_us_" + part, lambda s, p=part: s[latency][p] / 1000)
    for end in "server", "client":
        if unit == "byte" and all(s.get(end + "_busy_s") is not None and s["bytes"]
                                  for s in samples):
            yield from of(end + "_cpu_seconds_per_gb",
                          lambda s, e=end: s[e + "_busy_s"] / s["bytes"] * 1e9)


def memory(samples):
    """Rows of one transport: bytes per idle connection."""
    last = samples[-1]
    yield row(last, "connections", last["connections"])
    for name, size in last["memory"].items():
        if name != "caches":
            yield row(last, name + "_per_connection", size)
    for name, size in last["memory"]["caches"].items():
        yield row(last, "slab_bytes_per_connection." + name, size)


def scaling(all_rows):
    """How much more two processors carry than one."""
    value = index(all_rows)
    for (transport, scenario, mode, metric), two in list(value.items()):
        one = value.get((transport, "scale-1-cpus", mode, metric))
        if scenario == "scale-2-cpus" and metric == "bits_per_second" and one:
            yield {"transport": transport, "scenario": "scale", "mode": mode,
                   "metric": "ratio_of_two_cpus_to_one", "value": round(two / one, 3)}


def lookups(samples):
    yield row(samples[-1], "instructions_per_lookup", samples[-1]["lookup_ns"])


def kind_of(sample):
    if "lookup_ns" in sample:
        return lookups
    if "memory" in sample:
        return memory
    return counted if "idle_ns" in sample else clocked


def rows(samples):
    """Profiles are not among them: buckets.py has those."""
    groups = collections.defaultdict(list)
    for sample in samples:
        groups[sample["scenario"], sample["mode"], sample["transport"]].append(sample)
    found = [r for group in groups.values() for r in kind_of(group[0])(group)]
    return found + list(scaling(found))


def index(all_rows):
    """{(transport, scenario, mode, metric): value}"""
    return {(r["transport"], r["scenario"], r["mode"], r["metric"]): r["value"]
            for r in all_rows}
