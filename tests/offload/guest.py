#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""
guest.py [TEST...] - sealing and opening by a network device, in the guest: TAP.
world.py says where.  "ways" are all those of ways.py, "faults" those of faults.py.
"""

import concurrent.futures
import contextlib
import json
import subprocess
import sys
import time
import traceback

import faults
import ways
from world import (Capture, Download, Server, counter, device, directions, inject, ip, keys,
                   left, make_files, offer_anew, run, set_up, tear_down, two_routes, wait_for,
                   within)


# ---- transfers -------------------------------------------------------------------


def test_off():
    directions(0, 0)
    with Server() as s:
        s.get()
    for ns in "srv", "cli":
        assert device(ns)["tx_packets"] == device(ns)["rx_packets"] == 0
        assert counter(ns, "QuicOffloadKeys") == 0


def test_both_ways():
    with Server() as s:
        s.get_by_devices()
    srv, cli = device("srv"), device("cli")
    assert srv["tx_packets"] > 500 and cli["rx_packets"] > 500
    # Every packet that was left to a device was sealed by it, and every one that
    # it opened was taken as such.
    assert srv["tx_packets"] == counter("srv", "QuicOffloadTx")
    assert cli["rx_packets"] == counter("cli", "QuicOffloadRx")
    assert cli["tx_packets"] == counter("cli", "QuicOffloadTx") > 0
    assert srv["rx_packets"] == counter("srv", "QuicOffloadRx") > 0
    for ns in "srv", "cli":
        assert counter(ns, "QuicOffloadTxFallback") == 0
        assert counter(ns, "QuicOffloadTxDrop") == 0
        assert counter(ns, "QuicOffloadRxBad") == 0
        assert counter(ns, "QuicPktDecDrop") == 0
    wait_for("keys gone", lambda: not any(
        device(ns)[what] for ns in ("srv", "cli") for what in ("tx_keys", "rx_keys")))


def test_ipv6():
    with Server(host="fd09::1") as s:
        s.get_by_devices()
    assert device("srv")["tx_packets"] > 500 and device("cli")["rx_packets"] > 500


def test_sealing_only():
    directions(2, 0)
    with Server() as s, Capture("cli", "qs1") as wire, Capture("srv", "qs0") as tap:
        s.get_by_devices(1, 0)
    assert device("srv")["tx_packets"] > 500
    assert counter("cli", "QuicOffloadRx") == 0
    wire.sealed()
    # What docs/offload.md says: at the device that seals tcpdump sees plaintext.
    assert tap.words > 1000


def test_opening_only():
    directions(0, 1)
    with Server() as s, Capture("srv", "qs0") as wire, Capture("cli", "qs1") as tap:
        s.get_by_devices(0, 1)
    assert counter("srv", "QuicOffloadTx") == 0
    assert counter("cli", "QuicOffloadRx") > 500
    wire.sealed()
    assert tap.words > 1000


def test_a_cipher_that_no_device_has():
    with Server() as s:
        s.get("file", "--ciphers", "chacha20-poly1305")
        assert counter("srv", "QuicOffloadKeys") == 0
        s.get_by_devices(options=("--ciphers", "aes-256-gcm"))
        assert counter("srv", "QuicOffloadTx") > 500


def test_switched_on_and_off():
    directions(0, 0)
    with Server() as s:
        s.begin()
        for value in 3, 1, 2, 0, 3:
            directions(value, value)
            count = bin(value).count("1")
            s.until("%d keys" % count,
                    lambda: (keys("srv"), keys("cli")) == (count, count))
        s.end()
    # What was on its way to the device when its key went was sealed by the CPU.
    assert device("srv")["tx_packets"] + counter("srv", "QuicOffloadTxFallback") == \
        counter("srv", "QuicOffloadTx")
    assert counter("srv", "QuicOffloadTxDrop") == 0


def test_key_updates():
    """Because a key has sealed so many packets, whoever sealed them."""
    within("srv", "sysctl", "-qw", "net.quic.key_update_packets=5000")
    with Server() as s:
        s.get_by_devices()
    assert counter("srv", "QuicKeyUpdates") >= 2
    # The first two keys of a direction, and more for each update; then the device goes on.
    assert counter("srv", "QuicOffloadKeys") > 2
    assert device("srv")["tx_packets"] == counter("srv", "QuicOffloadTx")
    # With the first key it would seal less than the number above.
    assert counter("srv", "QuicOffloadTx") > 6000
    assert counter("cli", "QuicOffloadRxBad") == 0


def test_key_updates_of_the_peer():
    with Server() as s:
        s.get_by_devices(options=("--key-update", "5000000"))
    assert counter("srv", "QuicKeyUpdates") == 1
    for ns in "srv", "cli":
        assert counter(ns, "QuicOffloadKeys") >= 4
        assert counter(ns, "QuicOffloadRxBad") == 0
    assert counter("srv", "QuicOffloadTx") > 6000


def test_migration():
    """The client goes on from another port; what devices seal and open is the same again."""
    directions(3, 2)
    with Server() as s, Capture("cli", "qs1") as wire:
        s.begin("large", "--migrate", "6000000")
        s.until("keys in the devices", lambda: (keys("srv"), keys("cli")) == (2, 1))
        s.until("another path", lambda: counter("srv", "QuicMigrations") == 1)
        sealed, opened = counter("srv", "QuicOffloadTx"), counter("srv", "QuicOffloadRx")
        s.until("packets of it from the device, and to it", lambda:
                counter("srv", "QuicOffloadTx") > sealed + 500 and
                counter("srv", "QuicOffloadRx") > opened + 20)
        s.end()
    assert (counter("cli", "QuicMigrations"), counter("srv", "QuicPktDecDrop")) == (1, 0)
    wire.sealed()


def test_migration_to_another_device():
    directions(3, 2)
    with Server() as s, Capture("cli", "vb") as wire:
        s.begin("large", "--migrate", "6000000,10.8.0.2:4434")
        s.until("keys in the device", lambda: keys("srv") == 2)
        s.until("another path", lambda: counter("srv", "QuicMigrations") == 1)
        s.until("none any more", lambda: keys("srv") == 0)
        s.end()
    wire.sealed()


def test_losses():
    within("srv", "tc", "qdisc", "add", "dev", "qs0", "root", "netem", "limit", "10000",
           "loss", "2%")
    with Server() as s:
        s.get_by_devices()
    assert counter("srv", "QuicTxRetransBytes") > 0
    # The qdisc has lost some.
    assert 500 < device("srv")["tx_packets"] <= counter("srv", "QuicOffloadTx")


def test_segmented_by_software():
    """Below the qdisc at one end, so that GRO has to do at the other."""
    directions(2, 1)
    for ns, dev in ("srv", "qs0"), ("cli", "qs1"):
        within(ns, "ethtool", "-K", dev, "tx-udp-segmentation", "off", "gso", "off")
    with Server() as s:
        s.get_by_devices(1, 1)
    assert device("srv")["tx_packets"] == counter("srv", "QuicOffloadTx") > 500
    assert device("cli")["rx_packets"] > 500


def test_few_segments():
    """Trains are no longer than what the device can seal of them."""
    inject("segs", 5)
    offer_anew()
    assert device("srv")["tx_segs"] == 5
    directions(2, 0)
    with Server() as s:
        s.get_by_devices(1, 0)
    assert device("srv")["tx_packets"] == counter("srv", "QuicOffloadTx")
    assert device("srv")["tx_dropped"] == 0
    # All but what was sent before it had keys.
    assert counter("srv", "QuicOffloadTx") > counter("srv", "QuicTxPackets") // 2


# ---- other ways out -----------------------------------------------------------------
# The client's device opens nothing here, so that what is captured there is the wire.


def test_route_change():
    directions(3, 2)
    ip("-n", "srv", "address", "add", "10.7.0.1/32", "dev", "lo")
    ip("-n", "cli", "route", "add", "10.7.0.1/32", "via", "10.9.0.1")
    with Server(host="10.7.0.1") as s, Capture("cli", "vb") as wire:
        s.begin()
        s.until("plaintext for the device", lambda: counter("srv", "QuicOffloadTx") > 0)
        ip("-n", "srv", "route", "add", "10.9.0.2/32", "via", "10.8.0.2", "dev", "va")
        s.end()
    wire.sealed()


# ---- devices that fail ----------------------------------------------------------------


def test_no_key_is_taken():
    inject("fail_add", 1)
    with Server() as s:
        s.begin()
        s.until("a refusal", lambda: counter("srv", "QuicOffloadKeysFailed") > 0)
        s.end()
    assert device("srv")["keys_refused"] > 0
    assert counter("srv", "QuicOffloadTx") == 0


def test_out_of_keys():
    """Of two connections one finds room, and the other when it has gone."""
    inject("room", 2)
    with Server() as s, contextlib.closing(Download()) as first:
        first.begin()
        first.until("keys of one", lambda: keys("srv") == 2 and keys("cli") == 2)
        s.begin()
        for ns in "srv", "cli":
            s.until("refusals", lambda: device(ns)["keys_refused"] >= 2)
        assert (keys("srv"), keys("cli")) == (2, 2)
        # Its keys may go, and the other's come, before its end is seen here.
        before = counter("srv", "QuicOffloadKeys")
        first.close()
        s.until("keys of the other", lambda: counter("srv", "QuicOffloadKeys") >= before + 2)
        s.end()


def test_no_second_key_is_taken():
    """The CPU goes on from where a key update failed."""
    inject("fail_rotate", 1)
    directions(3, 2)
    with Server() as s, Capture("cli", "qs1") as wire:
        s.begin("large", "--key-update", "6000000")
        s.until("keys in the devices", lambda: (keys("srv"), keys("cli")) == (2, 1))
        s.until("none to seal with", lambda: device("srv")["tx_keys"] == 0)
        assert s.client.poll() is None
        s.end()
    for ns in "srv", "cli":
        assert counter(ns, "QuicOffloadKeysFailed") > 0
        # A train that comes late seems to have other numbers; with wrong keys it were all.
        assert counter(ns, "QuicPktDecDrop") <= 64
    assert counter("srv", "QuicOffloadTx") > 500
    wire.sealed()


def test_lost_keys_with_packets_in_the_queue():
    """They were given in plaintext to a device that cannot seal them any more."""
    directions(3, 2)
    # Two keys' packets are in the queue at times.
    within("srv", "sysctl", "-qw", "net.quic.key_update_packets=200")
    queue = ("dev", "qs0", "root", "tbf", "burst", "70000", "limit", "10000000", "rate")
    within("srv", "tc", "qdisc", "add", *queue, "4mbit")
    # Were it read more slowly than that the queue would be empty.
    with Server(step=1 << 20) as s, Capture("cli", "qs1") as wire:
        s.begin()
        for _ in range(3):
            before = counter("srv", "QuicOffloadTx")
            s.until("plaintext for the device",
                    lambda: counter("srv", "QuicOffloadTx") > before + 100)
            inject("reset", 0)
        s.until("sealing by the CPU", lambda: counter("srv", "QuicOffloadTxFallback") > 0)
        # Then it gets no key any more.
        before = counter("srv", "QuicOffloadTxFallback")
        directions(1, 2)
        s.until("sealing for a device without keys", lambda: keys("srv") == 1 and
                counter("srv", "QuicOffloadTxFallback") > before)
        within("srv", "tc", "qdisc", "change", *queue, "1gbit")
        s.end()
    wire.sealed()
    assert counter("srv", "QuicOffloadTxDrop") == 0
    # What the CPU has sealed is no plaintext for the device: that sees at most what was
    # just on its way when its keys went, each of the three times.
    assert device("srv")["tx_dropped"] <= 3, device("srv")
    # The queue may have overflowed.
    assert device("srv")["tx_packets"] + counter("srv", "QuicOffloadTxFallback") <= \
        counter("srv", "QuicOffloadTx")


def test_down_and_up():
    with Server() as s:
        s.begin()
        for _ in range(2):
            s.until("keys in the device", lambda: keys("srv") == 2)
            ip("-n", "srv", "link", "set", "qs0", "down")
            assert keys("srv") == 0
            ip("-n", "srv", "link", "set", "qs0", "up")
        s.end()


def test_unplugged_under_load():
    two_routes()
    with Server(host="10.7.0.1") as s, Capture("cli", "vb") as wire:
        s.begin()
        s.until("plaintext for the device", lambda: counter("srv", "QuicOffloadTx") > 0)
        inject("unplug", 1)
        s.end()
    wire.sealed()


def test_tags_that_are_wrong():
    inject("bad_tags", 50)
    with Server() as s:
        s.get_by_devices()
    assert device("srv")["rx_failed"] + device("cli")["rx_failed"] >= 50
    assert counter("cli", "QuicPktDecDrop") == 0
    assert counter("cli", "QuicOffloadRx") > 500


def test_marks_that_are_wrong():
    """What is said to be opened with another connection's token is not believed."""
    with Server() as s, contextlib.closing(Download()) as other:
        s.begin()
        other.begin("file")
        s.until("keys of both", lambda: keys("cli") == 4)
        inject("wrong_marks", 50)
        # Most may have a number that looks like an old one.
        s.until("wrong marks", lambda: counter("cli", "QuicPktDecDrop") +
                counter("srv", "QuicPktDecDrop") > 5)
        # At once: one that nobody reads for long seems to be dead.
        with concurrent.futures.ThreadPoolExecutor() as pool:
            for end in pool.submit(other.end), pool.submit(s.end):
                end.result()
    assert left("wrong_marks") == 0


def refused_once_opened(fault):
    directions(2, 1)
    with Server() as s:
        s.begin()
        s.until("opened packets", lambda: counter("cli", "QuicOffloadRx") > 0)
        inject(fault, 20)
        s.until("refusals", lambda: counter("cli", "QuicOffloadRxBad") == 20)
        s.end()


def test_numbers_that_are_wrong():
    """What comes late seems to be another packet than the one the device has opened."""
    refused_once_opened("wrong_numbers")


def test_phases_that_are_wrong():
    """A key that the device cannot have: the packet is refused, and no key update."""
    refused_once_opened("wrong_phases")
    assert counter("cli", "QuicKeyUpdates") == counter("srv", "QuicKeyUpdates") == 0


def test_packets_that_come_twice():
    inject("twice", 100)
    with Server() as s:
        s.get_by_devices()
    assert counter("cli", "QuicDropDuplicate") + counter("srv", "QuicDropDuplicate") >= 100
    assert counter("cli", "QuicPktDecDrop") == 0


def test_a_device_that_lost_its_place():
    with Server() as s:
        s.begin()
        s.until("opened packets", lambda: counter("cli", "QuicOffloadRx") > 0)
        inject("lose", 1)
        before = counter("cli", "QuicOffloadKeys")
        s.until("the key again", lambda: counter("cli", "QuicOffloadKeys") > before)
        s.end()


def test_quicctl_tells():
    with Server() as s:
        s.get_by_devices()
    said = json.loads(within("srv", "quicctl", "-j", "offload", "status"))
    assert said["allowed"] == "both"
    assert [row["device"] for row in said["devices"]] == ["qs0"]
    assert said["devices"][0]["tx_packets"] == said["QuicOffloadTx"] > 0
    within("srv", "quicctl", "offload", "status")


def main():
    tests = {name[5:]: test for name, test in globals().items() if name[:5] == "test_"}
    chosen = sys.argv[1:] or list(tests)
    for module in ways, faults:
        tests.update(module.TESTS)
        if chosen == [module.__name__]:
            chosen = list(module.TESTS)
    print("TAP version 13")
    print("1..%d" % len(chosen))
    failed = 0
    run("modprobe", "-a", "quic", "aesni_intel")
    make_files()
    for number, name in enumerate(chosen, 1):
        result = "ok"
        began = time.monotonic()
        try:
            set_up()
            tests[name]()
        except Exception:
            for line in traceback.format_exc().splitlines():
                print(" ", line)
            for ns in "srv", "cli":
                run("sh", "-c", "ip netns exec %s grep -hE 'Offload|Drop|Loss|Dec|qs' "
                    "/proc/net/quic/stats /proc/net/quic/snmp /proc/net/quic/offload | "
                    "grep -v ' 0$'" % ns, fine=False)
            result = "not ok"
            failed = 1
        finally:
            tear_down()
        print(result, number, "-", name, "# %.0f s" % (time.monotonic() - began), flush=True)
    return failed


sys.exit(main())
