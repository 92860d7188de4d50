# SPDX-License-Identifier: GPL-2.0
"""
A profile, sorted into what instructions are spent on: crypto, copying, skbs and
devices, quic, locks, memory, and quic by directory of kernel/.

The clock's interrupt waits where interrupts are off: their cost shows at the
place that turns them on (_raw_spin_unlock_irqrestore, finish_task_switch).
"""
import bisect
import collections
import os
import re
import subprocess

import figures

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
USER, OTHER, IDLE = "userspace", "other", "idle"
ORDER = [name for name, _ in BUCKETS if name != IDLE] + [USER, OTHER]


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


def read_directories(lines):
    """{symbol: directory of kernel/}"""
    found = {}
    for line in lines:
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
            bucket = bucket_of(place, symbol)
            if bucket != IDLE:
                counts[bucket, place, symbol] += 1
    return counts


def rows_of(sample, counts):
    """Instructions per byte, exchange or connection, by bucket and by directory."""
    unit = sample["unit"]
    cost = sample["elapsed_ns"] / sample[figures.COUNTED[unit]]
    total = counts.total()
    sums = collections.Counter()
    for (bucket, place, _), n in counts.items():
        sums[bucket] += n
        if place.startswith("quic/"):
            sums[place] += n
    for name, n in sums.items():
        yield figures.row(sample, "profile_per_%s_%s" % (unit, name), cost * n / total)
    yield figures.row(sample, "kernel_percent", 100 * (1 - sums[USER] / total))


def show(sample, counts, lines):
    unit = sample["unit"]
    cost = sample["elapsed_ns"] / sample[figures.COUNTED[unit]]
    total = counts.total()

    def line(name, n):
        print("%-52s%8.2f %%%14.3f" % (name, 100 * n / total, cost * n / total))

    print("\n%s %s, %s: %.2f instructions per %s, %d samples\n" % (
        sample["transport"], sample["scenario"], sample["mode"], cost, unit, total))
    buckets, places = collections.Counter(), collections.Counter()
    for (bucket, place, _), n in counts.items():
        buckets[bucket] += n
        if place.startswith("quic/"):
            places[place] += n
    for bucket in ORDER:
        line(bucket, buckets[bucket])
    print()
    for place, n in places.most_common():
        line(place, n)
    print()
    for (bucket, place, symbol), n in counts.most_common(lines):
        line("%-11s %s" % (bucket, symbol) + (" [%s]" % place if place else ""), n)


def symbols(top):
    """Which directory of kernel/ each symbol of quic.ko comes from."""
    return subprocess.run(
        [top + "/tests/lab/chroot", "sh", "-c",
         'cd "$OUT/kernel" && nm -A ./*/*.o ./main.o ./keys.o'],
        cwd=top, check=True, text=True, stdout=subprocess.PIPE).stdout


def evaluate(top, results, samples, lines):
    """Rows of the profiles that a guest has left; prints each, `lines` symbols long."""
    if not samples:
        return []
    modules = Modules(os.path.join(results, "bench-profile.modules"))
    directories = read_directories(symbols(top).splitlines())
    rows = []
    for sample in samples:
        counts = count(os.path.join(results, sample["profile"]), modules, directories)
        if lines:
            show(sample, counts, lines)
        rows += rows_of(sample, counts)
    return rows
