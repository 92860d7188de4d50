# SPDX-License-Identifier: GPL-2.0
"""The rules of the house that no common tool knows."""

import os
import re

from tree import code, every, files, grep, lines, text

FILE_LIMIT, FILE_NOTE = 800, 450
FUNCTION_LIMIT = 110
# Texts of licences, marks and data carry no header of their own.
NO_SPDX = ("LICENSE", "LICENSES/*", "*.md", "*.pc.in", "*.gitignore",
           "*.json", "*.map", "*.patch", "*.tsv")


def check_spdx():
    """every source file names its licence, the one of its folder"""
    exempt = set(files(*NO_SPDX))
    for path in every():
        match = re.search(r"SPDX-License-Identifier: (.*?)\s*(\*/)?$",
                          "\n".join(text(path).splitlines()[:3]), re.M)
        if not match:
            if path not in exempt:
                yield path + ":1: no SPDX-License-Identifier in the first three lines"
            continue
        if path.startswith("kernel/include/uapi/"):
            want = "GPL-2.0 WITH Linux-syscall-note"
        elif path.startswith("lib/") or path in files("docs/man/*.3"):
            want = "LGPL-2.1-or-later"
        elif path.startswith("bpf/include/"):
            want = "GPL-2.0 OR BSD-3-Clause"
        else:
            want = "GPL-2.0"
        # quic(7) documents the library's functions as well
        if match.group(1) != want and not path.startswith("docs/man/"):
            yield "%s:1: licence is %s, here it is %s" % (path, match.group(1), want)


def check_abstract():
    """every kernel .c opens with what it is, who calls it, in which context"""
    for path in files("kernel/*.c"):
        match = re.match(r"// SPDX[^\n]*\n/\*\n(.*?)\*/", text(path), re.S)
        if not match or len(match.group(1).splitlines()) < 2:
            yield path + ":2: no abstract after the SPDX line"
        elif not re.search(r"\b(context|pure|process|softirq)\b", match.group(1), re.I):
            yield path + ":2: the abstract does not tell the context"
        elif not re.search(r"\b(owns|called|calls|asks|hands|feeds)\b", match.group(1), re.I):
            yield path + ":2: the abstract tells neither what it owns nor who calls it"


def check_length():
    """no file has more than 800 lines"""
    for path in files("*.c", "*.h", "*.py", "*.sh", "tests/*", "tools/*", "bench/*"):
        count = len(text(path).splitlines())
        if count > FILE_LIMIT:
            yield "%s:%d: longer than %d lines: split it" % (path, count, FILE_LIMIT)
        elif count > FILE_NOTE and path.startswith("kernel/"):
            yield "note: %s has %d lines; up to %d is normal" % (path, count, FILE_NOTE)


def check_functions():
    """no function has more than 110 lines"""
    for path in files("*.c", "*.h"):
        start = None
        for number, line in lines(path):
            if line == "{":
                start = number
            elif line[:1] == "}" and start:
                if number - start - 1 > FUNCTION_LIMIT:
                    yield "%s:%d: function of %d lines" % (path, start, number - start - 1)
                start = None


def includes(path):
    """Line number and target of each #include; "x.h" as a path below kernel/."""
    for number, line in lines(path):
        match = re.match(r'\s*#\s*include\s+(["<])([^">]+)[">]', line)
        if match and match.group(1) == "<":
            yield number, "<%s>" % match.group(2)
        elif match:
            near = os.path.normpath(os.path.join(os.path.dirname(path), match.group(2)))
            if near not in every():
                near = "kernel/" + match.group(2)
            yield number, near[len("kernel/"):]


# Who may not see whom: folder, what it must not include, why.
BARRIERS = (
    ("rx", r"tx/", "rx/ reaches tx/ through quic_tx_kick() alone"),
    ("tx", r"rx/", "tx/ knows nothing of rx/"),
    ("wire", r"(?!wire/|<)", "wire/ is pure: it sees wire/ only"),
    ("recovery", r"(?!wire/|recovery/|registry\.h|<)",
     "recovery/ is pure: it sees wire/, the registry and itself"),
    ("crypto", r"(rx|tx|sock|stream|conn|recovery)/|pipeline\.h|conn\.h",
     "crypto/ knows trains, not connections"),
    ("include", r"(?!<)", "the ABI stands alone"),
)


def check_includes():
    """includes go one way: rx and tx apart, wire and recovery pure"""
    for folder, barred, why in BARRIERS:
        for path in files("kernel/%s/*.[ch]" % folder):
            for number, target in includes(path):
                if re.match(barred, target):
                    yield "%s:%d: includes %s, but %s" % (path, number, target, why)


def check_pure():
    """wire and recovery include only what tests/unit/shim has in userspace"""
    allowed = {"<linux/quic.h>", "<linux/errno.h>"}
    allowed |= {"<linux/%s>" % os.path.basename(p) for p in files("tests/unit/shim/linux/*.h")}
    for path in files("kernel/wire/*.[ch]", "kernel/recovery/*.[ch]",
                      "kernel/registry.[ch]"):
        for number, target in includes(path):
            if target[0] == "<" and target not in allowed:
                yield "%s:%d: %s: needs the kernel around it" % (path, number, target)


# What one file alone may do: pattern, the files, what to call instead.
MONOPOLIES = (
    (r"\bLINUX_VERSION_CODE\b|\bKERNEL_VERSION\b", ("kernel/compat.h",),
     "kernel versions differ in compat.h alone"),
    (r"\bhrtimer_(start|init|setup|cancel|try_to_cancel|forward)\w*\(",
     ("kernel/conn/timer.c", "kernel/compat.h"), "the connection's timer is conn/timer.c's"),
    (r"\b(c|conn)->state = ", ("kernel/conn/state.c",), "quic_conn_set_state() does that"),
    (r"\bEXPORT_SYMBOL\w*\(", ("kernel/sock/sockopt.c", "kernel/crypto/offload.c",
        "kernel/crypto/offload_skb.c"),
     "what is exported is in include/net/quic.h"),
)


def check_monopolies():
    """what is one file's business is done there alone"""
    paths = files("kernel/*.[ch]")
    for pattern, owners, why in MONOPOLIES:
        others = [path for path in paths if path not in owners]
        for path, number, match in grep(pattern, others, code):
            yield "%s:%d: %s: %s" % (path, number, match.group(), why)


def check_prefix():
    """what a kernel header declares begins with quic"""
    declared = r"^(?:extern )?(?!static|typedef)[a-z][\w \t]*[ *](?!(?:bpf_)?quic)(\w+)\([^{}]*\);"
    for path, number, match in grep(declared, files("kernel/*.h"), code):
        yield "%s:%d: %s: no quic_ prefix" % (path, number, match.group(1))


def check_abi():
    """each row of the socket interface in tests/vm/abi.tsv has a test"""
    names = {m.group(1) for _, _, m in grep(
        r"^TEST(?:_EACH|_WITH)?\((\w+)", files("tests/vm/*_test.c"))}
    names |= {m.group(1) for _, _, m in grep(
        r"ok \d+ - (\w+)", files("tests/vm/*.sh"))}
    lines = text("tests/vm/abi.tsv").splitlines()
    if lines[0].split("\t") != ["section", "row", "test"]:
        yield "tests/vm/abi.tsv:1: not the names of the columns"
    for number, line in enumerate(lines[1:], 2):
        columns = line.split("\t")
        if len(columns) != 3:
            yield "tests/vm/abi.tsv:%d: %d columns" % (number, len(columns))
        elif columns[2] not in names:
            yield "tests/vm/abi.tsv:%d: %s: no such test" % (number, columns[2])


HOSTS = r"https?://(?!a\.b/)(?!example\.|[\w.-]*\.example\b)[a-z0-9-]+(\.[a-z0-9-]+)*\.[a-z]{2,}"
MIRRORS = r"\b(deb|security|ftp|mirrors?|proxy|registry|archive|pypi|index)\.[\w-]+\.(org|com|net|io|dev)\b"
# A guest mounts its orders at /work (tests/lab/run); that is no place on a host.
HOMES = r"(?<![\w.$}/*-])/(home|root|Users|mnt|srv|workspace|builds?)/[\w.-]+/|/var/tmp/|(?<!\$)/work/(main|shared)"


def check_places():
    """no address of a server, no place on one machine"""
    paths = [path for path in every() if not path.startswith("LICENSE") and
             path != "tests/lint/house.py"]
    for pattern, what in (HOSTS, "host"), (MIRRORS, "host"), (HOMES, "path"):
        for path, number, match in grep(pattern, paths):
            yield "%s:%d: %s: a %s that others do not have" % (
                path, number, match.group(), what)


def check_space():
    """no blanks at line ends, no missing newline at the end of a file"""
    paths = [path for path in every() if not path.startswith("LICENSE")]
    for path, number, _ in grep(r"[ \t]+$", paths):
        yield "%s:%d: blanks at the end of the line" % (path, number)
    for path in paths:
        if text(path) and not text(path).endswith("\n"):
            yield "%s: no newline at the end of the file" % path
