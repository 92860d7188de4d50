#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""
guest.py [MODULE[.TEST]...] - the XDP programs, in the guest: TAP.

A test is a generator test_<name>() in a module test_<name>.py that yields cases:
a name, and a function that fails by an exception. Without arguments all modules.
"""

import glob
import importlib
import multiprocessing
import os
import subprocess
import sys
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
SHOWN = 5                               # cases of a test that fail, in full


def run(name, test):
    """What failed."""
    bad, n = [], 0
    try:
        for case, check in test():
            n += 1
            try:
                check()
            except Exception:
                bad.append(case)
                if len(bad) <= SHOWN:
                    print("  " + name + ", " + case)
                    print("    " + traceback.format_exc().replace("\n", "\n    "))
    except Exception:
        bad.append("its own")
        print("    " + traceback.format_exc().replace("\n", "\n    "))
    print("# %s: %d cases" % (name, n))
    return bad or ([] if n else ["nothing was tested"])


def module(word, number):
    """What MODULE[.TEST] has, counted on from @number: (the last number, how many failed)."""
    failed = 0
    name, _, only = word.partition(".")
    tests = vars(importlib.import_module(name))
    for test in [test for test in tests if test.startswith("test_")]:
        if only and only != test:
            continue
        number += 1
        bad = run(test, tests[test])
        failed += bool(bad)
        print("%sok %d - %s: %s" % ("not " * bool(bad), number, name,
                                    test[5:].replace("_", " ")))
        for case in bad[SHOWN:]:
            print("  also: " + case)
        sys.stdout.flush()
    return number, failed


def main():
    wanted = sys.argv[1:] or sorted(os.path.basename(path)[:-3]
                                    for path in glob.glob(HERE + "/test_*.py"))
    subprocess.run(["modprobe", "-a", "aesni_intel", "quic"], check=True)
    if not os.path.ismount("/sys/fs/bpf"):
        subprocess.run(["mount", "-t", "bpf", "bpf", "/sys/fs/bpf"], check=True)
    number = failed = 0
    print("TAP version 13", flush=True)
    # In a process each: what a module has loaded is gone after it, and with that the
    # hold on quic.ko.
    with multiprocessing.get_context("fork").Pool(1, maxtasksperchild=1) as pool:
        for word in wanted:
            number, bad = pool.apply(module, (word, number))
            failed += bad
    print("1..%d" % number, flush=True)
    sys.exit(failed > 0 or not number)


main()
