# SPDX-License-Identifier: GPL-2.0
"""
The engines: how each one's server is started and its client called, per case.

A peer is asked for the command line of its server, or for those of its client,
one after the other; they run with the run's scratch directory as current one. What
an engine cannot do is in its tables `cannot_serve` and `cannot_fetch`, with the
reason that ends up in the result; what fails is not listed there. If it fails, and
captures showed that this is the engine's fault, `faults` says what it does wrong.
"""

import functools
import json
import os
import shlex
import subprocess

from topology import PORT, PREFERRED_PORT, PROGRAMS, V4

HERE = os.path.dirname(os.path.abspath(__file__))
GNUTLS = "NORMAL:-VERS-ALL:+VERS-TLS1.3:-CIPHER-ALL:+"

NO_ECN = "it does not set ECN marks"
NO_V2 = "it speaks version 1 alone"
NO_PREFERRED = "it knows no preferred address"
NO_REBINDING = "it disables migration, and drops what comes from another address"
NO_KEY_UPDATE = "nothing makes it start a key update"


@functools.cache                        # it reads all that is known of all packages
def version_of(package):
    return subprocess.run(["dpkg-query", "-W", "-f", "${Version}", package], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout


def split(run, first=1):
    """The URLs of two connections: some, then the rest."""
    return run.urls()[:first], run.urls()[first:]


class Peer:
    name = package = ""
    protocols = ("h3",)
    serves = fetches = True
    cannot_serve, cannot_fetch = {}, {}
    faults = {}                     # (its role, case): what it does wrong

    def cannot(self, role, case):
        """Why the case makes no sense with this engine, or ''."""
        table = self.cannot_serve if role == "server" else self.cannot_fetch
        if not (self.serves if role == "server" else self.fetches):
            return "it has no " + role
        if self.missing():
            return self.missing()
        return table.get(case, "")

    def missing(self):
        return "" if self.version() else "not installed here"

    def version(self):
        return version_of(self.package)


class Kquic(Peer):
    """Ours. Both tools speak hq-interop and HTTP/3."""
    name = "kquic"
    protocols = ("hq", "h3")
    # case: tool, option that it needs
    needs = {("server", "retry"): "--retry", ("server", "zerortt"): "--early-data",
             ("server", "connectionmigration"): "--preferred-address",
             ("client", "resumption"): "--session", ("client", "zerortt"): "--early-data",
             ("client", "keyupdate"): "--key-update", ("server", "v2"): "--quic-version"}
    usage = {}

    def version(self):
        return "Linux " + os.uname().release

    def cannot(self, role, case):
        option = self.needs.get((role, case))
        tool = "quicserve" if role == "server" else "quicget"
        if tool not in self.usage:
            self.usage[tool] = subprocess.run(
                [tool, "--help"], text=True, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT).stdout
        return "" if not option or option in self.usage[tool] else \
            "%s has no %s" % (tool, option)

    def serve(self, run):
        options = {"retry": ["--retry"], "zerortt": ["--early-data"],
                   "v2": ["--quic-version", "2"],
                   "migration": ["--preferred-address", "%s:%d" % (V4, PREFERRED_PORT)],
                   }.get(run.case.what, [])
        return ["quicserve", "-v", "-p", str(PORT), "--cert", run.chain, "--key", run.key,
                "--json-log", "server.json", *options, run.www]

    def fetch(self, run):
        def get(urls, *options):
            return ["quicget", "--json", "--ca", run.ca, "--timeout", str(run.patience),
                    "--alpn", run.protocol, "-O", "out", *options, *urls]
        what = run.case.what
        if what == "chacha20":
            return [get(run.urls(), "--ciphers", "chacha20-poly1305")]
        if what == "multiconnect":
            return [get([url]) for url in run.urls()]
        if what in ("resumption", "zerortt"):
            first, rest = split(run)
            early = ["--early-data"] if what == "zerortt" else []
            return [get(first, "--session", "ticket"),
                    get(rest, "--session", "ticket", *early)]
        if what == "keyupdate":
            return [get(run.urls(), "--key-update", "500000")]
        if what == "v2":
            return [get(run.urls(), "--quic-version", "1,2")]
        return [get(run.urls())]


class Ngtcp2(Peer):
    name, package = "ngtcp2", "ngtcp2-client"
    faults = {("server", "connectionmigration"):
              "it answers the client's probe before it sends its own, which RFC 9000 "
              "section 9.6.2 lets it do and the public runner does not"}

    def serve(self, run):
        options = {"retry": ["--validate-addr"],
                   "v2": ["--preferred-versions=v2", "--available-versions=v2,v1"],
                   "migration": ["--preferred-ipv4-addr=%s:%d" % (V4, PREFERRED_PORT)],
                   }.get(run.case.what, [])
        return ["gtlsserver", "-q", "--max-dyn-length=20M", *options, "-d", run.www,
                "*", str(PORT), run.key, run.chain]

    def fetch(self, run):
        def get(urls, *options):
            return ["gtlsclient", "-q", "--exit-on-all-streams-close", "--download=out",
                    *options, run.address, str(PORT), *urls]
        what = run.case.what
        if what == "chacha20":
            return [get(run.urls(), "--ciphers=" + GNUTLS + "CHACHA20-POLY1305")]
        if what == "multiconnect":
            return [get([url]) for url in run.urls()]
        if what in ("resumption", "zerortt"):
            first, rest = split(run)
            keep = ["--session-file=ticket", "--tp-file=parameters"]
            # Its large probes of the path MTU would count as data that was not early.
            some = ["--disable-early-data"] if what == "resumption" else ["--no-pmtud"]
            return [get(first, *keep, "--wait-for-ticket", *some), get(rest, *keep, *some)]
        if what == "keyupdate":
            return [get(run.urls(), "--key-update=300ms")]
        if what == "v2":
            return [get(run.urls(), "--version=v1", "--preferred-versions=v2,v1",
                        "--available-versions=v2,v1")]
        return [get(run.urls())]


class Curl(Peer):
    name, package = "curl", "curl"  # with OpenSSL's own QUIC
    serves = False
    faults = dict.fromkeys(
        (("client", "handshakeloss"), ("client", "handshakecorruption")),
        "OpenSSL's probes are PINGs, and only an ACK of a probe shows it what was lost: it "
        "sends that again seconds later, if at all")
    cannot_fetch = {
        "longrtt": "OpenSSL probes with PING, it does not send its ClientHello again",
        "resumption": "curl keeps no sessions for OpenSSL's QUIC",
        "zerortt": "curl keeps no sessions for OpenSSL's QUIC",
        "keyupdate": NO_KEY_UPDATE, "ecn": NO_ECN, "v2": NO_V2,
        "connectionmigration": NO_PREFERRED}

    def version(self):
        mine, theirs = super().version(), version_of("libssl3t64")
        return mine and "%s, OpenSSL %s" % (mine, theirs)

    def fetch(self, run):
        def get(urls, *options):
            with open("%s/curl-%s" % (run.dir, os.path.basename(urls[0])[:9]), "w") as config:
                config.writelines('url = "%s"\n' % url for url in urls)
            return ["curl", "--http3-only", "--no-progress-meter", "--fail", "--verbose",
                    "--cacert", run.ca, "--parallel", "--parallel-max", "50", *options,
                    "--remote-name-all", "--output-dir", "out", "--config", config.name]
        if run.case.what == "chacha20":
            return [get(run.urls(), "--tls13-ciphers", "TLS_CHACHA20_POLY1305_SHA256")]
        if run.case.what == "multiconnect":
            # Without a post-quantum key share its ClientHello is one packet.
            return [get([url], "--curves", "X25519") for url in run.urls()]
        return [get(run.urls())]


class Script(Peer):
    """A client that is a script of this directory, told all in JSON."""
    script = ""

    def order(self, run, **more):
        order = {"what": run.case.what, "protocol": run.protocol, "address": run.address,
                 "port": PORT, "urls": run.urls(), "out": "out", "www": run.www,
                 "ca": run.ca, "near_ca": run.near_ca, "chain": run.chain, "key": run.key,
                 "spki": run.spki, "family": run.case.family, "patience": run.patience, **more}
        path = os.path.join(run.dir, self.name + ".order")
        with open(path, "w") as out:
            json.dump(order, out)
        return ["python3", "-B", os.path.join(HERE, self.script), path]

    def fetch(self, run):
        return [self.order(run)]


class LibcurlGnutls(Script):
    name, package, script = "libcurl-gnutls", "libcurl3t64-gnutls", "pycurl_peer.py"
    serves = False
    cannot_fetch = {
        "zerortt": "one request of a connection is early, the others wait for the handshake",
        "keyupdate": NO_KEY_UPDATE, "ecn": NO_ECN, "v2": NO_V2,
        "connectionmigration": NO_PREFERRED}


class Aioquic(Script):
    name, package, script = "aioquic", "python3-aioquic", "aioquic_peer.py"
    protocols = ("hq", "h3")
    cannot_serve = {"ecn": NO_ECN, "connectionmigration": NO_PREFERRED}
    cannot_fetch = cannot_serve

    def serve(self, run):
        return self.order(run, serve=True)


class Nginx(Peer):
    name, package = "nginx", "nginx"
    fetches = False
    cannot_serve = {
        "zerortt": "built on OpenSSL's compatibility layer, it has no early data",
        "ecn": NO_ECN, "v2": NO_V2, "connectionmigration": NO_PREFERRED}

    def serve(self, run):
        # It keeps IDs for a path that the client has left for seven seconds: of the two
        # that it takes by itself there is none for the path after the next change.
        with open(run.dir + "/nginx.conf", "w") as out:
            out.write(nginx_configuration(run, """
                listen %d quic; listen [::]:%d quic;
                quic_gso on; quic_retry %s; keepalive_requests 100000;
                quic_active_connection_id_limit 8;
                ssl_protocols TLSv1.3; ssl_certificate %s; ssl_certificate_key %s;
                """ % (PORT, PORT, "on" if run.case.what == "retry" else "off",
                       run.chain, run.key)))
        return ["nginx", "-e", "stderr", "-c", run.dir + "/nginx.conf"]


def nginx_configuration(run, server):
    temp = "".join("%s_temp_path %s/nginx-%s;\n" % (kind, run.dir, kind) for kind in
                   ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    return """daemon off; user root; worker_processes 1; pid %s/nginx.pid;
        error_log stderr info;
        events { worker_connections 256; }
        http {
            access_log off; %s
            server { %s root %s; }
        }""" % (run.dir, temp, server, run.www)


class Haproxy(Peer):
    """A proxy: the files come from an nginx behind it, over TCP."""
    name, package = "haproxy", "haproxy"
    fetches = False
    cannot_serve = {
        "zerortt": "built on OpenSSL's compatibility layer, it has no early data",
        "rebind-port": NO_REBINDING, "rebind-addr": NO_REBINDING,
        "ecn": NO_ECN, "connectionmigration": NO_PREFERRED}

    def serve(self, run):
        with open(run.dir + "/both.pem", "w") as out:
            out.write(open(run.chain).read() + open(run.key).read())
        with open(run.dir + "/nginx.conf", "w") as out:
            out.write(nginx_configuration(run, "listen 127.0.0.1:8080;"))
        with open(run.dir + "/haproxy.cfg", "w") as out:
            out.write("""
global
    limited-quic
    nbthread 1
defaults
    mode http
    timeout client 60s
    timeout server 60s
    timeout connect 10s
frontend quic
    bind quic4@:%d ssl crt %s/both.pem alpn h3 %s
    bind quic6@:%d ssl crt %s/both.pem alpn h3
    default_backend files
backend files
    server nginx 127.0.0.1:8080
""" % (PORT, run.dir, "quic-force-retry" if run.case.what == "retry" else "",
                PORT, run.dir))
        return ["sh", "-c", "nginx -e stderr -c %s & exec haproxy -db -f %s" % (
            shlex.quote(run.dir + "/nginx.conf"), shlex.quote(run.dir + "/haproxy.cfg"))]


class Caddy(Peer):
    name, package = "caddy", "caddy"  # quic-go with a web server around it
    fetches = False
    cannot_serve = {
        "retry": "nothing makes it ask for a token",
        "ecn": "it wraps its socket, and quic-go marks on plain ones only",
        "v2": "it does not change the version of a connection",
        "connectionmigration": NO_PREFERRED}

    def serve(self, run):
        with open(run.dir + "/Caddyfile", "w") as out:
            out.write("""{
    auto_https off
    admin off
    default_sni server
    storage file_system %s/caddy
}
https://:%d {
    tls %s %s
    root * %s
    file_server
}
""" % (run.dir, PORT, run.chain, run.key, run.www))
        return ["env", "HOME=" + run.dir, "caddy", "run", "--config",
                run.dir + "/Caddyfile", "--adapter", "caddyfile"]


class QuicGo(Peer):
    """Its own interop client and server, which expect a container's places."""
    name, package = "quic-go", "golang-github-lucas-clemente-quic-go-dev"
    protocols = ("hq", "h3")
    cannot_serve = {
        "v2": "it does not change the version of a connection",
        "connectionmigration": NO_PREFERRED}
    cannot_fetch = cannot_serve

    def missing(self):
        return "" if os.path.exists(PROGRAMS + "/quic-go-client") else "not built here"

    def command(self, run, program, *args):
        """In a mount namespace that has /www, /certs, /downloads and /logs."""
        testcase = {"transfer": "http3" if run.protocol == "h3" else "transfer",
                    "ecn": "transfer", "migration": "transfer"}.get(
                        run.case.what, run.case.what)
        if program == "server" and testcase == "keyupdate":
            testcase = "transfer"
        binds = {"/www": run.www, "/certs": run.dir + "/certs",
                 "/downloads": run.dir + "/out", "/logs": run.dir + "/logs-" + program}
        setup = ["mkdir -p certs logs-" + program,
                 "cp %s certs/cert.pem && cp %s certs/priv.key" % (run.chain, run.key)]
        for target, source in binds.items():
            setup.append("mkdir -p %s && mount --bind %s %s" % (
                target, shlex.quote(source), target))
        return ["env", "TESTCASE=" + testcase, "unshare", "-m", "--propagation", "private",
                "sh", "-ec", "; ".join(setup) + '; exec "$@"', "sh",
                "%s/quic-go-%s" % (PROGRAMS, program), *args]

    def serve(self, run):
        return self.command(run, "server")

    def fetch(self, run):
        return [self.command(run, "client", *run.urls())]


class Chromium(Script):
    name, package, script = "chromium", "chromium-headless-shell", "chromium_peer.py"
    serves = False
    faults = {("client", "handshakecorruption"):
              "it closes for a Version Negotiation packet that lists its own version, which "
              "RFC 9000 section 6.2 has it discard"}
    cannot_fetch = {
        "chacha20": "nothing chooses its ciphers of TLS 1.3", "ecn": NO_ECN,
        "keyupdate": NO_KEY_UPDATE, "v2": "it does not change the version of a connection"}


class Firefox(Script):
    """Its QUIC is neqo."""
    name, package, script = "firefox", "firefox-esr", "firefox_peer.py"
    serves = False
    cannot_fetch = {"keyupdate": NO_KEY_UPDATE}


class Quinn(Script):
    """With a program of ours: Debian ships the library alone."""
    name, package = "quinn", "librust-quinn-dev"
    protocols = ("hq",)
    faults = {("server", "handshakecorruption"):
              "it closes for a packet whose first byte was corrupted to that of a Retry, "
              "without a look at the integrity tag"}
    cannot_serve = {
        "v2": NO_V2, "http3": "our program speaks hq-interop alone",
        "connectionmigration": "it does not count the preferred address's connection ID "
                               "and so issues more than it may (RFC 9000 section 5.1.1)"}
    cannot_fetch = {"v2": NO_V2, "http3": "our program speaks hq-interop alone",
                    "connectionmigration": NO_PREFERRED}

    def missing(self):
        return "" if os.path.exists(PROGRAMS + "/quinn-peer") else "not built here"

    def serve(self, run):
        return [PROGRAMS + "/quinn-peer", "server", run.case.what, run.www, run.chain, run.key]

    def fetch(self, run):
        # No chain of more than six certificates is a good one for rustls.
        return [[PROGRAMS + "/quinn-peer", "client", run.case.what, "out", run.near_ca,
                 "%s:%d" % (run.host, PORT), *run.urls()]]


class Knot(Peer):
    name, package = "knot", "knot-dnsutils"
    serves = fetches = True

    def cannot(self, role, case):
        return "it speaks DNS over QUIC alone (ALPN doq), and kquic's tools have no DNS"


PEERS = {peer.name: peer for peer in (
    Kquic(), Ngtcp2(), Curl(), LibcurlGnutls(), Aioquic(), Nginx(), Haproxy(), Caddy(),
    QuicGo(), Chromium(), Firefox(), Quinn(), Knot())}
