# SPDX-License-Identifier: GPL-2.0
"""What the documents name must exist."""

import re

from tree import code, every, files, grep, text

PAGES = ("README.md", "CONTRIBUTING.md", "docs/ARCHITECTURE.md")


def kernel_words():
    return {word for path in files("kernel/*.[ch]", "kernel/Kbuild")
            for word in re.findall(r"\w+", text(path))}


def check_names():
    """functions, structs and constants that the documents name exist"""
    words = kernel_words()
    names = r"\b(quic_[a-z0-9_]+[a-z0-9]|QUIC_[A-Z0-9_]+[A-Z0-9])\b(?![.*/-])|\b([a-z]\w+)\(\)"
    known = words | set(re.findall(r"\w+", text("lib/netinet/quic.h")))
    for path, number, match in grep(names, files(*PAGES)):
        name = match.group(1) or match.group(2)
        if name not in known:
            yield "%s:%d: %s: no such name" % (path, number, name)


FOLDERS = "rx|tx|sock|stream|conn|crypto|recovery|wire|obs"


def known_paths():
    """Files and folders, also as kernel/ calls them, also without .c and .h."""
    there = set(every())
    there |= {path.rsplit("/", depth)[0] for path in there
              for depth in range(1, path.count("/") + 1)}
    there |= {path[len("kernel/"):] for path in there if path.startswith("kernel/")}
    return there | {path[:-2] for path in there if path.endswith((".c", ".h"))}


def check_files():
    """files that the documents and the kernel's comments name exist"""
    there = known_paths()
    pages = r"(?<![\w/.$-])((?:kernel|lib|tools|tests|bench|bpf|docs|%s)/[\w.-]*\w)" % FOLDERS
    comments = r"(?<![\w/.<-])((?:%s)/[a-z_]+(?:\.[ch])?)\b" % FOLDERS
    for pattern, paths in (pages, files(*PAGES)), (comments, files("kernel/*.[ch]")):
        for path, number, match in grep(pattern, paths):
            if re.sub(r"\.o$", ".c", match.group(1)) not in there:
                yield "%s:%d: %s: no such file" % (path, number, match.group(1))


def check_bounds():
    """the bounds in ARCHITECTURE have the values that the code has"""
    defined = {}
    for _, _, match in grep(r"^\s*#define\s+(QUIC_\w+)\s+(.+?)\s*$", files("kernel/*.[ch]"), code):
        defined[match.group(1)] = match.group(2)
    row = r"^\| `(QUIC_\w+)` \| `([^`]*)` \|"
    for path, number, match in grep(row, ["docs/ARCHITECTURE.md"]):
        name, said = match.groups()
        if defined.get(name) != said:
            yield "%s:%d: %s is %s, not %s" % (path, number, name, defined.get(name), said)


def check_targets():
    """make targets that the documents name exist"""
    targets = set(re.findall(r"^([a-z-]+):", text("Makefile"), re.M))
    for path, number, match in grep(r"(?:`|^\s*|sudo )make ([a-z-]+)", files(*PAGES)):
        if match.group(1) not in targets:
            yield "%s:%d: make %s: no such target" % (path, number, match.group(1))
