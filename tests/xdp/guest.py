#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""
guest.py [MODULE[.TEST]...] - the XDP programs, in the guest: TAP.

A test is a generator test_<name>() in a module test_<name>.py that yields cases:
a name, and a function that fails by an exception. Without arguments all modules.
"""

import glob
import importlib
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


def main():
    wanted = sys.argv[1:] or sorted(os.path.basename(path)[:-3]
                                    for path in glob.glob(HERE + "/test_*.py"))
    subprocess.run(["modprobe", "-a", "aesni_intel", "quic"], check=True)
    if not os.path.ismount("/sys/fs/bpf"):
        subprocess.run(["mount", "-t", "bpf", "bpf", "/sys/fs/bpf"], check=True)
    number = failed = 0
    print("TAP version 13", flush=True)
    for word in wanted:
        module, _, only = word.partition(".")
        tests = vars(importlib.import_module(module))
        for name in [name for name in tests if name.startswith("test_")]:
            if only and only != name:
                continue
            number += 1
            bad = run(name, tests[name])
            failed += bool(bad)
            print("%sok %d - %s: %s" % ("not " * bool(bad), number, module,
                                        name[5:].replace("_", " ")))
            for case in bad[SHOWN:]:
                print("  also: " + case)
            sys.stdout.flush()
    print("1..%d" % number, flush=True)
    sys.exit(failed > 0 or not number)


main()
