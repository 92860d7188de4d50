# SPDX-License-Identifier: GPL-2.0
"""table.py SAMPLES JSON - from transfers to instructions per byte.

Reads the lines that guest-quick.sh wrote, writes rows with the keys
transport, scenario, mode, metric and value, and prints them as a table, next
to what was measured the same way when the target was set. Fails if any of the
transports is missing.
"""
import collections
import json
import statistics
import sys

MODES = ("default", "segs1")
# Server to client; client to server; server to a client that saves nothing.
SCENARIOS = ("bulk", "bulk-up", "bulk-drop")
NAMES = {"quic": "kquic"}
WANTED = ("tcp", "ktls", "ngtcp2", "kquic")

# Instructions per byte, default and segs1: Linux 6.12, MTU 1500,
# AES-128-GCM, one stream, 64 KiB writes; for kquic what it must reach.
REFERENCE = {
    "tcp": (0.9, 11.0),
    "ktls": (7.9, 15.3),
    "ngtcp2": (17.6, 26.1),
    "kquic": (10.0, 15.3),
}

# kquic per packet and train, from the sums of both ends' counters.
RATIOS = {
    "packets_per_train_tx": (("QuicTxDataPackets",), ("QuicTxDataTrains",)),
    "packets_per_train_rx": (("QuicRxDataPackets",), ("QuicRxDataTrains",)),
    "aead_calls_per_packet": (("QuicAeadSeal", "QuicAeadOpen"),
                              ("QuicTxPackets", "QuicRxPackets")),
    "hp_calls_per_packet": (("QuicHpCalls",),
                            ("QuicTxPackets", "QuicRxPackets")),
    "ack_packets_per_1000": (("QuicTxAckOnlyPackets",),
                             ("QuicTxDataPackets",)),
    "retransmitted_bytes": (("QuicTxRetransBytes",), ()),
}


def read_samples(path):
    """{(transport, scenario, mode): [sample, ...]}"""
    groups = collections.defaultdict(list)
    with open(path, encoding="utf-8") as file:
        for line in file:
            sample = json.loads(line)
            transport = NAMES.get(sample["transport"], sample["transport"])
            groups[transport, sample["scenario"],
                   sample["mode"]].append(sample)
    return groups


def busy(sample):
    """Nanoseconds that were instructions: guest time runs on when idle."""
    return sample["elapsed_ns"] - sample["idle_ns"]


def per_byte(samples):
    """Median, least and greatest of the differences of 2N and N bytes.

    None if no round came to its end.
    """
    small = min(s["bytes"] for s in samples)
    first = [busy(s) for s in samples if s["bytes"] == small]
    second = [busy(s) for s in samples if s["bytes"] == 2 * small]
    first = first[:len(second)]
    if not second:
        return None
    rounds = [(b - a) / small for a, b in zip(first, second)]
    middle = (statistics.median(second) - statistics.median(first)) / small
    return middle, min(rounds), max(rounds)


def ratios(samples):
    """What kquic's counters say, over all transfers."""
    total = collections.Counter()
    for sample in samples:
        total.update(sample["counters"])
    for metric, (over, under) in RATIOS.items():
        value = sum(total[name] for name in over)
        divisor = sum(total[name] for name in under) if under else 1
        if metric.endswith("per_1000"):
            value *= 1000
        if divisor:
            yield metric, value / divisor


def make_rows(groups):
    """The rows of the JSON file."""
    rows = []
    for (transport, scenario, mode), samples in groups.items():
        figures = per_byte(samples)
        if not figures:
            continue

        def row(metric, value):
            rows.append({"transport": transport, "scenario": scenario,
                         "mode": mode, "metric": metric,
                         "value": round(value, 3)})
        middle, least, most = figures
        row("instructions_per_byte", middle)
        row("instructions_per_byte_min", least)
        row("instructions_per_byte_max", most)
        row("idle_percent", 100 * sum(s["idle_ns"] for s in samples) /
            sum(s["elapsed_ns"] for s in samples))
        if transport == "kquic":
            for metric, value in ratios(samples):
                row(metric, value)
    return rows


def print_table(rows):
    """One line per transport and scenario, then kquic's counters."""
    values = {(r["transport"], r["scenario"], r["mode"], r["metric"]):
              r["value"] for r in rows}

    def cell(transport, scenario, mode):
        key = transport, scenario, mode
        if (*key, "instructions_per_byte") not in values:
            return f"{'-':>8}{'':16}"
        return "{:8.2f}  {:<14}".format(
            values[*key, "instructions_per_byte"],
            "({:.2f}..{:.2f})".format(
                values[*key, "instructions_per_byte_min"],
                values[*key, "instructions_per_byte_max"]))

    print("instructions per byte, sender and receiver together "
          "(least..greatest round)\n")
    print(f"{'':20}{'default':>8}{'':16}{'segs1':>8}{'':16}"
          f"{'reference':>16}")
    for scenario in SCENARIOS:
        for transport in WANTED:
            if not any((transport, scenario, mode, "instructions_per_byte")
                       in values for mode in MODES):
                continue
            sign = "<=" if transport == "kquic" else ""
            reference = () if scenario == "bulk-drop" else \
                REFERENCE[transport]
            print(f"{transport + ' ' + scenario:20}"
                  f"{cell(transport, scenario, 'default')}"
                  f"{cell(transport, scenario, 'segs1')}" +
                  "".join(f"{sign + format(v, '.1f'):>8}"
                          for v in reference))
    print()
    for metric in RATIOS:
        print(f"{'kquic ' + metric:30}" + "".join(
            f"{values.get(('kquic', 'bulk', mode, metric), 0):14.2f}"
            for mode in MODES))


def main(samples, out):
    """Exits with an error if there is a transport without a figure."""
    groups = read_samples(samples)
    rows = make_rows(groups)
    with open(out, "w", encoding="utf-8") as file:
        json.dump(rows, file, indent=1)
        file.write("\n")
    print_table(rows)
    ran = {(r["transport"], r["scenario"], r["mode"]) for r in rows}
    missing = [f"{transport} ({mode})" for transport in WANTED
               for mode in MODES if (transport, "bulk", mode) not in ran]
    if missing:
        sys.exit("bench: did not run: " + ", ".join(missing))


main(*sys.argv[1:])
