# SPDX-License-Identifier: GPL-2.0
"""
The two ends of a measurement: where commands run, whatever that is.

A namespace of this machine (the lab), or another machine over ssh. Servers that
are started have a pipe as their standard input, and leave when it is closed;
so none outlives the measurement, on whatever machine.
"""

import functools
import json
import os
import shlex
import subprocess
import tempfile

TIMEOUT = 120


class Failed(Exception):
    """A command has, and this is what it said."""


class End:
    """Where one of the two programs runs."""

    def __init__(self):
        self.work = self.run(["mktemp", "-d"]).strip()

    def line(self, argv):
        raise NotImplementedError

    def run(self, argv, stdin=None, timeout=TIMEOUT):
        """Its output; raises Failed."""
        try:
            done = subprocess.run(self.line(argv), input=stdin, capture_output=True,
                                  text=True, timeout=timeout, check=False)
        except subprocess.TimeoutExpired as late:
            raise Failed("%s: %d s are over" % (shlex.join(argv), timeout)) from late
        if done.returncode:
            raise Failed("%s: %s" % (shlex.join(argv), done.stderr.strip() or
                                     "status %d" % done.returncode))
        return done.stdout

    def start(self, argv):
        """A process that ends with its standard input."""
        errors = tempfile.TemporaryFile("w+")
        process = subprocess.Popen(self.line(argv), stdin=subprocess.PIPE, text=True,
                                   stdout=subprocess.PIPE, stderr=errors)
        process.errors = errors
        process.argv = argv
        return process

    def write(self, name, content):
        """A file in the work directory; returns its path."""
        path = os.path.join(self.work, name)
        self.run(["sh", "-c", "umask 077; cat >" + shlex.quote(path)], stdin=content)
        return path

    def read(self, path):
        """A file's content; empty if there is none."""
        try:
            return self.run(["cat", path])
        except Failed:
            return ""

    def close(self):
        self.run(["rm", "-rf", self.work])


class Namespace(End):
    def __init__(self, name):
        self.name = name
        self.work = tempfile.mkdtemp()

    def read(self, path):
        """Without a process, which costs more than some of what is measured."""
        home = os.open("/proc/self/ns/net", os.O_RDONLY)
        try:
            with open("/run/netns/" + self.name, "rb") as there:
                os.setns(there.fileno(), os.CLONE_NEWNET)
            with open(path, encoding="ascii") as file:
                return file.read()
        except FileNotFoundError:
            return ""
        finally:
            os.setns(home, os.CLONE_NEWNET)
            os.close(home)

    def write(self, name, content):
        path = os.path.join(self.work, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(content)
        return path

    def line(self, argv):
        return ["nsenter", "--net=/run/netns/" + self.name, *argv]


class Host(End):
    """All commands share one connection of ssh, which the first one makes."""

    def __init__(self, host, options=()):
        self.name = host
        self.control = tempfile.mkdtemp()
        self.ssh = ["ssh", "-o", "BatchMode=yes", "-o", "ControlMaster=auto",
                    "-o", "ControlPersist=600", "-o", "ControlPath=%s/ssh" % self.control,
                    *options, host]
        try:
            super().__init__()
        except Failed:
            os.rmdir(self.control)
            raise

    def line(self, argv):
        return [*self.ssh, shlex.join(argv)]

    def close(self):
        super().close()
        subprocess.run([*self.ssh[:-1], "-O", "exit", self.name], capture_output=True,
                       check=False)
        os.rmdir(self.control)


def complaint(process):
    process.errors.seek(0)
    return "%s: %s" % (shlex.join(process.argv), process.errors.read().strip())


def first_line(process):
    """What quicperf says first; raises Failed if it does not get so far."""
    line = process.stdout.readline()
    if not line:
        process.wait()
        raise Failed(complaint(process))
    return json.loads(line)


def stop(process):
    process.stdin.close()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    process.stdout.close()
    process.errors.close()


@functools.cache
def certificate(address):
    """PEM texts of a P-256 key and of its certificate for that address."""
    kind = "IP" if address.replace(".", "").isdigit() or ":" in address else "DNS"
    with tempfile.TemporaryDirectory() as work:
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=bench",
                        "-addext", "subjectAltName=%s:%s" % (kind, address), "-days", "30",
                        "-keyout", work + "/key", "-out", work + "/cert"],
                       check=True, capture_output=True)
        texts = []
        for name in "key", "cert":
            with open(work + "/" + name, encoding="ascii") as file:
                texts.append(file.read())
        return texts
