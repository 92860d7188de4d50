# SPDX-License-Identifier: GPL-2.0
"""
Who sends and receives: quicperf over each of its transports, and other
implementations, which can serve a file to a client of their own.

A peer starts its server for a scenario and then makes transfers, each of which
returns a report: what was done, and the nanoseconds that it took.
"""

import os
import shlex
import subprocess
import time

import ends

PRIORITY = "NORMAL:-VERS-ALL:+VERS-TLS1.3:-CIPHER-ALL:+AES-128-GCM"
MANY = {"byte": 1 << 40, "exchange": (1 << 32) - 1, "connection": (1 << 32) - 1}


class Quicperf:
    """Both ends are quicperf. Its report is its own."""

    def __init__(self, transport, server, client, address, port, programs=("quicperf",) * 2):
        self.name = self.transport = transport
        self.server, self.client = server, client
        self.address, self.port = address, port
        self.programs = programs
        self.process = None
        key, cert = ends.certificate(address)
        self.key = server.write("key.pem", key)
        self.cert = server.write("cert.pem", cert)
        self.ca = client.write("ca.pem", cert)

    def start(self, scenario, threads=1):
        self.process = self.server.start(
            [self.programs[0], "server", "-t", self.transport, "-p", self.port,
             "--cert", self.cert, "--key", self.key, "--threads", str(threads),
             "--until-eof", *scenario.server.split(), self.address])
        ends.first_line(self.process)

    def command(self, options):
        return [self.programs[1], "client", "-t", self.transport, "-p", self.port,
                "--ca", self.ca, *options, self.address]

    def options(self, scenario, n):
        return scenario.client.format(n=n).split()

    def transfer(self, scenario, n):
        return ends.json.loads(self.client.run(self.command(self.options(scenario, n))))

    def timed(self, scenario, seconds, threads=1):
        """For so long, without another end."""
        options = self.options(scenario, MANY[scenario.unit])
        return ends.json.loads(self.client.run(
            self.command([*options, "--duration", str(seconds), "--threads", str(threads)]),
            timeout=seconds + ends.TIMEOUT))

    def hold(self, connections, *options):
        """Open so many and leave them idle; the process that holds them."""
        process = self.client.start(self.command(
            ["-c", str(connections), "-n", "0", "--until-eof", *options]))
        ends.first_line(process)
        return process

    def stop(self):
        if self.process:
            ends.stop(self.process)
        self.process = None


class FilePeer:
    """A server of files named after their size, and a client that fetches them."""

    def __init__(self, server, client, address, port):
        self.server, self.client = server, client
        self.address, self.port = address, port
        self.site = os.path.join(server.work, "site")
        self.process = None
        key, cert = ends.certificate(address)
        self.key = server.write("peer-key.pem", key)
        self.cert = server.write("peer-cert.pem", cert)

    def start(self, scenario, threads=1):
        os.makedirs(self.site, exist_ok=True)
        # It does not watch its standard input: a shell does, and ends it.
        self.process = self.server.start(
            ["sh", "-c", shlex.join(self.serve()) + " </dev/null >&2 & read x; kill $!; wait"])
        for _ in range(200):
            if self.server.run(["ss", "-ulnH", "sport = :" + self.port]):
                return
            if self.process.poll() is not None:
                break
            time.sleep(.05)
        raise ends.Failed(ends.complaint(self.process))

    def serve(self):
        raise NotImplementedError

    def fetch(self, size):
        raise NotImplementedError

    def transfer(self, scenario, n):
        path = os.path.join(self.site, str(n))
        if not os.path.exists(path):
            subprocess.run(["truncate", "-s", str(n), path], check=True)
            with open(path, "r+b") as file:     # no hole: its pages are to be there
                for _ in range(0, n, 1 << 20):
                    file.write(bytes(min(1 << 20, n)))
        got = os.path.join(self.client.work, str(n))
        start = time.monotonic_ns()
        self.client.run(self.fetch(n))
        elapsed = time.monotonic_ns() - start
        size = os.path.getsize(got)
        os.unlink(got)
        if size != n:
            raise ends.Failed("%s: %d bytes of %d" % (self.name, size, n))
        return {"transport": self.name, "bytes": n, "elapsed_ns": elapsed}

    def stop(self):
        if self.process:
            ends.stop(self.process)
        self.process = None


class Ngtcp2(FilePeer):
    """Debian's ngtcp2 with GnuTLS: its example server and client."""
    name = "ngtcp2"

    def serve(self):
        return ["gtlsserver", "-q", "-d", self.site, "--ciphers", PRIORITY, self.address,
                self.port, self.key, self.cert]

    def fetch(self, size):
        return ["gtlsclient", "-q", "--exit-on-all-streams-close", "--ciphers", PRIORITY,
                "--download", self.client.work, self.address, self.port,
                "https://%s:%s/%d" % (self.address, self.port, size)]


class Nginx(FilePeer):
    """Debian's nginx with GSO, and its curl."""
    name = "nginx"

    def serve(self):
        temp = "".join("%s_temp_path %s/nginx-%s;" % (kind, self.server.work, kind) for kind in
                       ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        path = self.server.write("nginx.conf", """daemon off; user root; worker_processes 1;
            pid %s/nginx.pid; error_log stderr error; events { worker_connections 64; }
            http { access_log off; %s sendfile on;
                server { listen %s:%s quic; http3 on; quic_gso on; ssl_protocols TLSv1.3;
                    ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256;
                    ssl_certificate %s; ssl_certificate_key %s; root %s; } }""" % (
                        self.server.work, temp, self.address, self.port, self.cert, self.key,
                        self.site))
        return ["nginx", "-e", "stderr", "-c", path]

    def fetch(self, size):
        return ["curl", "-sk", "--fail", "--http3-only", "-o",
                os.path.join(self.client.work, str(size)),
                "https://%s:%s/%d" % (self.address, self.port, size)]


OTHERS = {peer.name: peer for peer in (Ngtcp2, Nginx)}
