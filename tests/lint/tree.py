# SPDX-License-Identifier: GPL-2.0
"""The checkout's files, as the checks see them."""

import fnmatch
import functools
import os
import re

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
IGNORED = {".git", "build", "__pycache__"}
COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\\n])*\"", re.S)


@functools.lru_cache(None)
def every():
    """Paths of all text files, relative to the top, in order."""
    found = []
    for where, dirs, names in os.walk(TOP):
        dirs[:] = sorted(set(dirs) - IGNORED)
        found += [os.path.relpath(os.path.join(where, name), TOP) for name in names]
    return sorted(path for path in found
                  if not path.endswith((".o", ".ko")) and "\0" not in text(path))


def files(*patterns):
    """Those whose path matches one of the patterns; `*` crosses slashes."""
    return [path for path in every()
            if any(fnmatch.fnmatch(path, pattern) for pattern in patterns)]


@functools.lru_cache(None)
def text(path):
    with open(os.path.join(TOP, path), errors="replace") as file:
        return file.read()


def lines(path):
    """Pairs of line number and line."""
    return enumerate(text(path).splitlines(), 1)


@functools.lru_cache(None)
def code(path):
    """C without comments and strings, line for line."""
    return COMMENT.sub(lambda match: "\n" * match.group().count("\n"), text(path))


def grep(pattern, paths, of=text):
    """path, line number and match of each hit of the pattern."""
    for path in paths:
        for number, line in enumerate(of(path).splitlines(), 1):
            for match in re.finditer(pattern, line):
                yield path, number, match


def scripts():
    """Shell scripts: by their first line, or by what they tell shellcheck."""
    for path in every():
        head = "\n".join(text(path).splitlines()[:3])
        if re.match(r"#!.*\b(ba)?sh\b", head) or re.search(r"^# shellcheck shell=", head, re.M):
            yield path
