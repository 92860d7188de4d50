# SPDX-License-Identifier: GPL-2.0
"""buckets.py PREFIX LINES MODE... - a profile, sorted into what it is spent on.

Reads what guest-profile.sh left (PREFIX.MODE.json, PREFIX.MODE.samples,
PREFIX.modules) and the symbols of quic.ko's objects (PREFIX.nm); prints tables
and writes PREFIX.json: rows with the keys of bench-quick.json.
"""
import bisect
import collections
import json
import re
import sys

KERNEL = 1 << 63

# The first that matches; module and symbol joined by a colon.
BUCKETS = (
    ("crypto", r"(aesni_intel|ghash_.*|chacha.*|gcm|cryptd|crypto_simd):"
               r"|quic/crypto:"
               r"|:_*(crypto_|aead_|skcipher_|scatterwalk_|simd_|gcm_|aes|sg_"
               r"|kernel_fpu|irq_fpu|restore_fpregs|save_fpregs)"),
    ("copy", r":_*(memcpy|memmove|memset|rep_movs|rep_stos|clear_page|copy_"
             r"|csum_|skb_copy_(bits|datagram)|simple_copy|check_object_size"
             r"|check_heap_object|virt_addr_valid|iov_iter)"),
    ("quic", r"^quic[:/]|:_*siphash"),	# the lookup of connection IDs
    ("locks", r":_*(raw_|lock_sock|release_sock|mutex|rcu_|local_bh|preempt"
              r"|queued_spin|pv_.*unlock|up_|down_)"),
    ("memory", r":_*(kmalloc|kmem_cache|kfree$|slab|alloc_pages|get_page"
               r"|free_(pages|unref|frozen)|page_frag|rmqueue|alloc_frozen"
               r"|memcg|obj_cgroup|put_cpu_partial|cache_from_obj|put_pages"
               r"|___slab|folio|get_pfnblock|kvfree|kvmalloc|mod_node)"),
    ("skb+device", r"^(veth|udp_tunnel|ip6_udp_tunnel|tls|nf_.*|sch_.*):"
                   r"|:_*(skb|alloc_skb|build_skb|consume_skb|kfree_skb|napi"
                   r"|netif|net_|dev_|veth|ip_|ip6_|ipv6|udp|tcp|inet|fib"
                   r"|neigh|eth_|sock_|sk_|dst_|rt_|qdisc|process_backlog"
                   r"|enqueue_to_backlog|validate_xmit|xmit|nf_|ktime"
                   r"|handle_softirqs|do_softirq|iptunnel|pskb|gro_|page_pool"
                   r"|udpv6|ipv4|kmalloc_reserve|netdev|loopback|security_)"),
    ("idle", r":(pv_native_safe_halt|default_idle|cpuidle|do_idle)"),
)
USER, OTHER = "userspace", "other"
ORDER = [name for name, _ in BUCKETS] + [USER, OTHER]


class Modules:
    """Which module an address is in."""

    def __init__(self, path):
        with open(path, encoding="utf-8") as file:
            words = [line.split() for line in file]
        self.areas = sorted((int(address, 16), int(size), name)
                            for name, size, address in words)
        self.starts = [area[0] for area in self.areas]

    def find(self, address):
        """Its name, or an empty string for the kernel itself."""
        i = bisect.bisect(self.starts, address) - 1
        if i < 0 or address >= self.areas[i][0] + self.areas[i][1]:
            return ""
        return self.areas[i][2]


def plain(symbol):
    """Without what the compiler appends to copies of a function."""
    return re.sub(r"\.(isra|constprop|part|cold).*", "", symbol)


def read_directories(path):
    """{symbol: directory of kernel/}"""
    found = {}
    with open(path, encoding="utf-8") as file:
        for line in file:
            match = re.match(r"\./(?:([^/]+)/)?.* [tT] (\S+)$", line)
            if match:
                found.setdefault(plain(match[2]), match[1] or "main")
    return found


def bucket_of(place, symbol):
    """The first bucket that claims it."""
    for name, pattern in BUCKETS:
        if re.search(pattern, f"{place}:{symbol}"):
            return name
    return OTHER


def count(path, modules, directories):
    """{(bucket, place, symbol): samples}"""
    counts = collections.Counter()
    with open(path, encoding="utf-8") as file:
        for line in file:
            address, _, symbol = line.strip().partition(" ")
            address = int(address, 16)
            symbol = plain(symbol)
            if address < KERNEL:
                counts[USER, "", "(userspace)"] += 1
                continue
            place = modules.find(address)
            if place == "quic":
                place += "/" + directories.get(symbol, "-")
            counts[bucket_of(place, symbol), place, symbol] += 1
    return counts


def show(mode, report, counts, lines):
    """Prints one mode's tables; returns its rows."""
    total = counts.total()
    cost = report["elapsed_ns"] / report["bytes"]
    rows = []

    def line(name, n, metric=None):
        print(f"{name:44}{100 * n / total:8.2f} %{cost * n / total:9.3f}")
        if metric:
            rows.append({"transport": "kquic" if report["transport"] == "quic"
                         else report["transport"],
                         "scenario": "profile", "mode": mode,
                         "metric": f"instructions_per_byte_{metric}",
                         "value": round(cost * n / total, 3)})

    print(f"\n{report['transport']} {report['direction']}, {mode}: "
          f"{cost:.2f} instructions per byte, {total} samples\n")
    buckets, places = collections.Counter(), collections.Counter()
    for (bucket, place, _), n in counts.items():
        buckets[bucket] += n
        if place.startswith("quic/"):
            places[place] += n
    for bucket in ORDER:
        line(bucket, buckets[bucket], bucket)
    print()
    for place, n in places.most_common():
        line(place, n, place)
    print()
    for (bucket, place, symbol), n in counts.most_common(lines):
        line(f"{bucket:11} {symbol}" + (f" [{place}]" if place else ""), n)
    return rows


def main(prefix, lines, *modes):
    """One table per mode, one file for all."""
    modules = Modules(prefix + ".modules")
    directories = read_directories(prefix + ".nm")
    rows = []
    for mode in modes:
        with open(f"{prefix}.{mode}.json", encoding="utf-8") as file:
            report = json.load(file)
        rows += show(mode, report, count(f"{prefix}.{mode}.samples", modules,
                                         directories), int(lines))
    with open(prefix + ".json", "w", encoding="utf-8") as file:
        json.dump(rows, file, indent=1)
        file.write("\n")


main(*sys.argv[1:])
