# SPDX-License-Identifier: GPL-2.0
"""
The requirement table, docs/compliance/rfc*.tsv: what each MUST of the RFCs has
in code and tests. Run as a program it prints docs/COMPLIANCE.md.

A row has the columns of COLUMNS. Code and test are one or several FILE:NAME, the
name being that of a function, a test or a table; in its body, or in the comment
on top of it, stands the row's id. An exception has a reason instead of a test;
its code is named if there is some.
"""

import collections
import functools
import os
import re
import sys

sys.dont_write_bytecode = True

from tree import TOP, every, files, grep, text  # noqa: E402

COLUMNS = ["id", "section", "wording", "role", "code", "test", "status"]
ROLES = ("client", "server", "both")
TAG = r"\bRFC(?:8899|8999|9\d\d\d)-\d+(?:\.\d+)*-\d+\b"
PAGE = "docs/COMPLIANCE.md"
# Percent of the rows that a test must prove, of the core and of all; see share().
LEAST_CORE, LEAST = 90, 85

# How often each RFC says MUST, MUST NOT, REQUIRED, SHALL or SHALL NOT, counted in its
# text without the paragraph that defines these words.
TITLES = {
    8899: (35, "Packetization Layer Path MTU Discovery for Datagram Transports"),
    8999: (5, "Version-Independent Properties of QUIC"),
    9000: (302, "QUIC: A UDP-Based Multiplexed and Secure Transport"),
    9001: (83, "Using TLS to Secure QUIC"),
    9002: (33, "QUIC Loss Detection and Congestion Control"),
    9221: (11, "An Unreliable Datagram Extension to QUIC"),
    9287: (7, "Greasing the QUIC Bit"),
    9368: (38, "Compatible Version Negotiation for QUIC"),
    9369: (12, "QUIC Version 2"),
}
CORE = (9000, 9001, 9002)

Row = collections.namedtuple("Row", COLUMNS + ["path", "line"])


def table_path(rfc):
    return "docs/compliance/rfc%d.tsv" % rfc


@functools.lru_cache(None)
def table(rfc):
    """The well-formed rows of an RFC."""
    path = table_path(rfc)
    if path not in every():
        return []
    cut = [line.split("\t") for line in text(path).splitlines()]
    return [Row(*cells, path, number) for number, cells in enumerate(cut, 1)
            if number > 1 and len(cells) == len(COLUMNS)]


def all_rows():
    return [row for rfc in TITLES for row in table(rfc)]


def tested(row):
    return row.status == "test"


def share(rows):
    """Percent, rounded down, of the rows that are tested."""
    return 100 * sum(map(tested, rows)) // max(1, len(rows))


def row_faults(row, rfc):
    if not re.fullmatch(r"RFC%d-%s-[1-9]\d*" % (rfc, re.escape(row.section)), row.id):
        yield "%s: not the id of a row of section %s" % (row.id, row.section)
    if not row.wording.strip():
        yield row.id + ": no wording"
    if row.role not in ROLES:
        yield "%s: %s: no such role" % (row.id, row.role)
    if row.status == "":
        yield row.id + ": no status"
    elif not tested(row) and not re.fullmatch(r"exception: \S.*", row.status):
        yield "%s: %s: neither `test` nor `exception: reason`" % (row.id, row.status)
    if tested(row) and not (row.code and row.test):
        yield row.id + ": without code or test, but not an exception"
    if not tested(row) and row.test:
        yield row.id + ": an exception that has a test"


def check_requirements():
    """the rows of docs/compliance have all columns, and one for each MUST"""
    for rfc, (count, _) in TITLES.items():
        path, rows, running = table_path(rfc), table(rfc), collections.Counter()
        content = text(path).splitlines() if path in every() else []
        if content[:1] != ["\t".join(COLUMNS)]:
            yield path + ":1: the columns are " + " ".join(COLUMNS)
            continue
        if len(content) - 1 != len(rows):
            yield "%s:1: %d lines do not have %d columns" % (
                path, len(content) - 1 - len(rows), len(COLUMNS))
        if len(rows) != count:
            yield "%s:1: %d rows, the RFC has %d" % (path, len(rows), count)
        for row in rows:
            running[row.section] += 1
            if not row.id.endswith("-%d" % running[row.section]):
                yield "%s:%d: %s: should have number %d" % (
                    path, row.line, row.id, running[row.section])
            for fault in row_faults(row, rfc):
                yield "%s:%d: %s" % (path, row.line, fault)


def opens(path, at, name):
    """Does the definition of the name begin in this line?"""
    content = text(path).splitlines()
    line, word = content[at], r"(?<!\w)%s(?!\w)" % re.escape(name)
    if path.endswith((".c", ".h")):
        if re.match(r"#\s*define\s+" + word, line):
            return True
        if not re.match(r"[A-Za-z]", line) or not re.search(word, line):
            return False
        rest = re.sub(r'"[^"]*"|/\*.*?\*/', "", " ".join(content[at:at + 8]))
        return "{" in rest.split(";")[0]
    if path.endswith(".py") or "python" in content[0]:
        return bool(re.match(r"\s*(?:def|class) %s|%s =|\w+\(\"%s\"" % (word, word, name), line))
    return bool(re.match(r"\s*%s\s*\(\)|%s=" % (word, word), line))


def end_of(path, at):
    """The line after the definition that begins in this one."""
    content = text(path).splitlines()
    macro = content[at].startswith("#")
    depth = len(content[at]) - len(content[at].lstrip())
    for end in range(at + 1, len(content)):
        if macro:
            if not content[end - 1].endswith("\\"):
                return end
        elif re.match(r"[\]})]", content[end].lstrip()) and \
                len(content[end]) - len(content[end].lstrip()) <= depth:
            return end + 1
        elif path.endswith(".py") and content[end].strip() and \
                len(content[end]) - len(content[end].lstrip()) <= depth:
            if not re.match(r"\s*[)\]}]", content[end]):
                return end
    return len(content)


@functools.lru_cache(None)
def place(path, name):
    """First line and end of a definition with the comment on top of it, or None."""
    if path not in every():
        return None
    content = text(path).splitlines()
    for at in range(len(content)):
        if opens(path, at, name):
            first = at
            while first and re.match(r"\s*(/\*|\*|//|#(?!\s*(define|include|if|endif))|@)",
                                     content[first - 1]):
                first -= 1
            return first, end_of(path, at)
    return None


def tags():
    """Path, line number and match of each tag; the tables and this folder have none."""
    apart = files("docs/*", "tests/lint/*", "CONTRIBUTING.md")
    return grep(TAG, [path for path in every() if path not in apart])


def check_tags():
    """requirements and the tags in code and tests name each other"""
    tagged = collections.defaultdict(list)
    for path, number, match in tags():
        tagged[match.group()].append((path, number))
    rows = {row.id: row for row in all_rows()}
    for tag in sorted(set(tagged) - set(rows)):
        yield "%s:%d: %s: no such row" % (*tagged[tag][0], tag)
    for row in rows.values():
        named = (row.code + " " + row.test).split()
        covered = set()
        for what in named:
            path, _, name = what.partition(":")
            there = place(path, name)
            if not there:
                yield "%s:%d: %s: no such %s" % (row.path, row.line, what,
                                                 "name" if path in every() else "file")
                continue
            inside = {(p, n) for p, n in tagged[row.id]
                      if p == path and there[0] < n <= there[1]}
            if not inside:
                yield "%s:%d: %s has no tag %s" % (row.path, row.line, what, row.id)
            covered |= inside
        for path, number in set(tagged[row.id]) - covered:
            yield "%s:%d: %s: the row names another place" % (path, number, row.id)


def check_coverage():
    """enough of the requirements have a test"""
    core = [row for rfc in CORE for row in table(rfc)]
    for what, rows, least in (("RFC 9000 to 9002", core, LEAST_CORE),
                              ("all", all_rows(), LEAST)):
        if share(rows) < least:
            yield "%s: %d %% of the requirements have a test, not %d %%" % (
                what, share(rows), least)


def figures(name, rows):
    good = sum(map(tested, rows))
    return "| %s | %d | %d | %d | %d %% |" % (name, len(rows), good, len(rows) - good, share(rows))


def page():
    """docs/COMPLIANCE.md"""
    head = "| %s | requirements | tested | exceptions | coverage |"
    rule = "|---|---:|---:|---:|---:|"
    yield from ("# Compliance", "",
                "What the RFCs demand with MUST, MUST NOT, REQUIRED, SHALL or SHALL NOT, and what",
                "here proves it. The rows, with the places in code and tests, are in",
                "[docs/compliance](compliance); `make compliance` writes this page from them.", "",
                "An exception is what no test here can prove or what does not concern an",
                "implementation, and says why. All of them are listed below.", "",
                head % "RFC", rule)
    for rfc, (_, title) in TITLES.items():
        yield figures("[%d](#rfc-%d) %s" % (rfc, rfc, title), table(rfc))
    yield figures("9000, 9001 and 9002", [row for rfc in CORE for row in table(rfc)])
    yield figures("all", all_rows())
    for rfc in TITLES:
        sections = collections.defaultdict(list)
        for row in table(rfc):
            sections[row.section].append(row)
        yield from ("", "## RFC %d" % rfc, "", head % "section", rule)
        for section, rows in sections.items():
            yield figures(section, rows)
        left = [row for row in table(rfc) if not tested(row)]
        if left:
            yield from ("", "| exception | requirement | reason |", "|---|---|---|")
        for row in left:
            yield "| %s | %s | %s |" % (row.id, row.wording,
                                        row.status.partition(": ")[2].replace("|", "\\|"))


def check_page():
    """docs/COMPLIANCE.md says what docs/compliance says"""
    if PAGE not in every() or text(PAGE) != "\n".join(page()) + "\n":
        yield PAGE + ":1: out of date: make compliance"


def main():
    with open(os.path.join(TOP, PAGE), "w") as out:
        out.write("\n".join(page()) + "\n")


if __name__ == "__main__":
    main()
