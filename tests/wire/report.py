# SPDX-License-Identifier: GPL-2.0
"""Runs the test_ functions of a program, then all rules on what was said: TAP."""

import sys
import time

from rules import RULES


def note(text):
    print("#", text, flush=True)


def result(number, ok, name):
    print("%sok %d - %s" % ("" if ok else "not ", number, name), flush=True)
    return not ok


def attempt(test):
    start = time.monotonic()
    try:
        ok = test()
    except Exception as error:      # of the other end, or of ours: say it, go on
        note("%s: %s" % (type(error).__name__, error))
        ok = False
    note("%s: %.1f s" % (test.__name__, time.monotonic() - start))
    return ok


def name_of(function):
    return " ".join(function.__doc__.split())


def main(names, talks, chosen):
    tests = [function for name, function in names.items() if name.startswith("test_")]
    tests = [t for t in tests if not chosen or t.__name__[len("test_"):] in chosen]
    failed = number = 0
    print("TAP version 13")
    for test in tests:
        count = len(talks)
        ok = attempt(test)
        for talk in talks[count:]:
            talk.name = test.__name__[len("test_"):]
        number += 1
        failed += result(number, ok, name_of(test))
    for rule in RULES:
        faults = ["%s: %s" % (talk.name, fault) for talk in talks for fault in rule(talk)]
        for fault in faults[:10]:
            note(fault)
        number += 1
        failed += result(number, not faults, name_of(rule))
    print("1..%d" % number)
    sys.exit(failed != 0)
