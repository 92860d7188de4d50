# SPDX-License-Identifier: GPL-2.0
"""Checks that common tools make; all but mandoc run in the lab's root."""

import fnmatch
import os
import re
import subprocess

from tree import TOP, files, scripts, text

CHROOT = os.path.join(TOP, "tests/lab/chroot")
CHECKPATCH = ("perl /usr/src/checkpatch/checkpatch.pl --no-tree --no-summary"
              " --strict --terse --show-types --file")

# It looks for camel case in the headers of a kernel tree that is not there.
NO_TREE = r"git: not found|\.checkpatch-camelcase|value \$root in|/include.: No such file"


def output(*command):
    """Exit status, and lines of stdout and stderr."""
    done = subprocess.run(command, cwd=TOP, text=True, errors="replace",
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)
    return done.returncode, done.stdout.splitlines()


def failed(status, said):
    """A tool that ended badly without a word that we understand."""
    if status:
        yield "exit status %d" % status
        yield from said[-20:]


def allowances():
    """Pairs of type and pattern from checkpatch.allow."""
    for line in text("tests/lint/checkpatch.allow").splitlines():
        if line.strip() and line[0] != "#":
            yield line.split()[:2]


def check_checkpatch():
    """checkpatch --strict has no complaint about kernel and bpf"""
    paths = files("kernel/*.[ch]", "bpf/*.[ch]")
    allowed = list(allowances())
    everywhere = ",".join(kind for kind, pattern in allowed if pattern == "*")
    _, said = output(CHROOT, "sh", "-c", 'printf "%s\\n" "$@" | xargs -n 25 -P 2 '
                     + CHECKPATCH + " --ignore " + everywhere, "checkpatch", *paths)
    for line in said:
        match = re.match(r"(\S+):\d+: (?:ERROR|WARNING|CHECK):(\w+):", line)
        if not match:
            if not re.search(NO_TREE, line):
                yield line
        elif not any(match.group(2) == kind and fnmatch.fnmatch(match.group(1), pattern)
                     for kind, pattern in allowed):
            yield line


def check_sparse():
    """sparse, with endian checks, and gcc W=1 have no complaint about the module"""
    # Only the object: what modpost and BTF have to say the build shows.
    status, said = output(CHROOT, "sh", "-c", "make -s -j2 -C kernel O=$OUT/sparse"
                          " C=2 W=1 CF=-D__CHECK_ENDIAN__ KCFLAGS=-g0 quic.o")
    faults = [line.replace("/kquic/build/", "") for line in said
              if re.search(r"\b(warning|error)\b:", line, re.I) and
              not re.match(r"(\./|/usr/)", line)]
    yield from faults
    if not faults:
        yield from failed(status, said)


def check_shellcheck():
    """shellcheck has no complaint about the scripts"""
    # Not wrong here: A && B || C where C is for both, '$' for awk and inner
    # shells, functions called by a name in a variable or by a trap.
    status, said = output(CHROOT, "shellcheck", "-x", "-f", "gcc",
                          "-e", "SC2015,SC2016,SC2317", *scripts())
    yield from said
    if not said:
        yield from failed(status, said)


def check_manuals():
    """mandoc has no complaint about the manual pages"""
    status, said = output("tests/lab/host", "mandoc")
    if status:
        yield from failed(status, said)
        return
    # Which other pages this machine has is no fault of ours.
    status, said = output("mandoc", "-T", "lint", *files("docs/man/*"))
    for line in said:
        if not re.search(r"referenced manual not found|mandoc\.db", line):
            yield re.sub(r"^mandoc: ", "", line)
