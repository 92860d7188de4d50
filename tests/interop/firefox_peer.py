# SPDX-License-Identifier: GPL-2.0
"""
firefox_peer.py ORDER - let Firefox, whose QUIC is neqo, fetch files over HTTP/3.

ORDER is a JSON file, see peers.py. The browser runs a script where an administrator's
configuration is read, before it has a window, which would be most of what a start costs
where the machine is emulated. The script loads the files with the browser's HTTP, writes
them and says so.

It cannot keep who speaks HTTP/3 for an IPv6 address; there the host has a name.

A connection is for one name and one container: where the case is about many connections
each file is fetched in a container of its own, one after the other. Where the second
connection continues the first one's session, the browser is told to close what is idle.
"""

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.parse

INSTALLED = "/usr/lib/firefox-esr"
# The first line is not read.
SCRIPT = """// SPDX-License-Identifier: GPL-2.0
const order = %s;
for (const [name, value] of Object.entries(order.preferences)) pref(name, value);

// What modules have and this scope has not.
const {IOUtils} = Cu.getGlobalForObject(Services);

const modules = {};
ChromeUtils.defineESModuleGetters(modules, {
  NetUtil: "resource://gre/modules/NetUtil.sys.mjs",
  setTimeout: "resource://gre/modules/Timer.sys.mjs",
});

const pause = ms => new Promise(done => modules.setTimeout(done, ms));

const WAITING = 0x4b000a;       // NS_NET_STATUS_WAITING_FOR: the request is on its way

function channelTo(url, container) {
  const channel = modules.NetUtil.newChannel({uri: url, loadUsingSystemPrincipal: true});
  channel.QueryInterface(Ci.nsIHttpChannel).QueryInterface(Ci.nsIHttpChannelInternal);
  channel.loadInfo.originAttributes = {userContextId: container};
  channel.loadFlags |= Ci.nsIRequest.LOAD_BYPASS_CACHE | Ci.nsIRequest.INHIBIT_CACHING;
  for (const name of order.without) channel.setRequestHeader(name, "", false);
  return channel;
}

async function get(channel, sent) {
  channel.notificationCallbacks = {
    QueryInterface: ChromeUtils.generateQI(["nsIInterfaceRequestor", "nsIProgressEventSink"]),
    getInterface(what) { return this.QueryInterface(what); },
    onProgress() {},
    onStatus(_, status) { if (sent && status == WAITING) sent(); },
  };
  const name = channel.URI.filePath.slice(1);
  const stream = await new Promise((done, failed) => modules.NetUtil.asyncFetch(channel,
    (got, status) => Components.isSuccessCode(status) ? done(got) :
      failed(name + " " + Components.Exception("", status).name)));
  if (channel.responseStatus != 200 || channel.protocolVersion != "h3")
    throw name + " " + channel.responseStatus + " " + channel.protocolVersion;
  const data = modules.NetUtil.readInputStream(stream, stream.available());
  await IOUtils.write(order.out + "/" + name, new Uint8Array(data));
}

// Of requests that wait for a connection only the first may be early data, so the others are
// made ready, and begin when the first is on its way.
async function connection(urls, container) {
  const sent = Promise.withResolvers();
  const [one, ...others] = urls.map(url => channelTo(url, container));
  const first = get(one, sent.resolve);
  await Promise.race([first, sent.promise]);
  await Promise.all([first, ...others.map(channel => get(channel))]);
}

// What is idle is closed.
async function close() {
  Services.obs.notifyObservers(null, "net:prune-all-connections");
  await pause(order.pause);
}

// neqo likes a ticket to come with a NEW_TOKEN frame. If there is none it hands the ticket out
// three probe timeouts later, if then something happens on the connection.
async function onceMore(url) {
  await pause(order.pause);
  await get(channelTo(url, 0));
  await close();
}

// Who speaks HTTP/3 it looks up in a file; before that is read it would take TCP. Begin
// requests, and end them before anything is sent, until one is for HTTP/3.
async function ready(url) {
  let known = false;
  while (!known) {
    const channel = channelTo(url, 0);
    const look = subject => {
      if (subject != channel) return;
      known = channel.connectionInfoHashKey.includes("h3");
      channel.cancel(Cr.NS_ERROR_ABORT);
    };
    Services.obs.addObserver(look, "http-on-modify-request");
    await new Promise(done => modules.NetUtil.asyncFetch(channel, done));
    Services.obs.removeObserver(look, "http-on-modify-request");
    await pause(10);
  }
}

async function every() {
  const store = Cc["@mozilla.org/security/x509certdb;1"].getService(Ci.nsIX509CertDB);
  order.authorities.forEach(one => store.addCertFromBase64(one, "C,,"));
  await ready(order.connections[0][0]);
  for (const [n, urls] of order.connections.entries()) {
    if (n && !order.containers) await onceMore(order.connections[0][0]);
    await connection(urls, order.containers ? n + 1 : 0);
  }
  await close();
}

Services.obs.addObserver(() => {
  every().then(() => "done", error => "failed: " + error).then(
    said => IOUtils.writeUTF8(order.said, said, {tmpPath: order.said + ".new"}));
  Services.tm.spinEventLoopUntil("interop", () => false);
}, "final-ui-startup");
"""

# Nothing but the files is to cross the link, and it is HTTP/3 from the first packet on,
# which an authority that is not one of Mozilla's own would be the end of.
PREFERENCES = {
    "network.http.http3.enable": True,
    "network.http.http3.force-use-alt-svc-mapping-for-testing": True,
    "network.http.http3.disable_when_third_party_roots_found": False,
    "network.http.happy_eyeballs_enabled": False,
    "network.http.speculative-parallel-limit": 0,
    "network.proxy.type": 0,
    "network.http.http3.backup_timer_delay": 10**6,
    "network.dns.disabled": True,
    "browser.region.network.url": "",
    "security.OCSP.enabled": 0,
    "dom.ipc.processPrelaunch.enabled": False,
    "dom.ipc.forkserver.enable": False,
}
NAME = "server"         # that the certificate has
PAUSE = 2000            # ms
# What a request can do without; with it 40 are more than the first flight of packets.
ADORNMENTS = ["User-Agent", "Accept", "Accept-Language", "Accept-Encoding", "Pragma",
              "Cache-Control"]
# neqo asks for all of its suites, whatever the preferences say. What NSS offers of them is
# a matter of policy too, which stands where its modules do.
CHACHA20 = """library=
name=NSS Internal PKCS #11 Module
parameters=configdir='sql:%s' certPrefix='' keyPrefix='' secmod='secmod.db'
NSS=Flags=internal,critical

library=
name=Policy
NSS=flags=policyOnly,moduleDB
config="disallow=AES128-GCM:AES256-GCM"

"""


def addressed(order):
    """The URLs, by name if need be."""
    if order["family"] == 4:
        return order["urls"]
    parts = [urllib.parse.urlsplit(url) for url in order["urls"]]
    return [part._replace(netloc="%s:%d" % (NAME, part.port or 443)).geturl()
            for part in parts]


def preferences(order):
    host = urllib.parse.urlsplit(addressed(order)[0]).hostname
    http3 = {"alt-svc-mapping-for-testing": "%s;h3=:%d" % (host, order["port"])}
    if order["what"] == "v2":
        http3["version_negotiation.enabled"] = True
    if order["what"] == "ecn":
        http3.update(ecn_mark=True, ecn_report=True)
    return {**PREFERENCES, "network.dns.forceResolve": order["address"],
            **{"network.http.http3." + name: http3[name] for name in http3}}


def authorities(order):
    """DER in base64, as PEM has it between its lines."""
    with open(order["near_ca"]) as source:
        blocks = source.read().split("-----BEGIN CERTIFICATE-----")[1:]
    return ["".join(block.split("-----END")[0].split()) for block in blocks]


def connections(order):
    """The URLs of one connection after the other."""
    urls = addressed(order)
    if order["what"] in ("resumption", "zerortt"):
        return [urls[:1], urls[1:]]
    return [[url] for url in urls] if order["what"] == "multiconnect" else [urls]


def install(order):
    """An installation of links, with a configuration of its own."""
    os.makedirs("firefox/defaults/pref")
    for name in os.listdir(INSTALLED):
        if name not in ("firefox-esr", "defaults"):
            os.symlink(os.path.join(INSTALLED, name), os.path.join("firefox", name))
    # It looks for the rest where it is itself.
    shutil.copy(os.path.join(INSTALLED, "firefox-esr"), "firefox")
    os.symlink(os.path.join(INSTALLED, "defaults/pref/channel-prefs.js"),
               "firefox/defaults/pref/channel-prefs.js")
    with open("firefox/defaults/pref/interop.js", "w") as out:
        out.write('pref("general.config.filename", "interop.cfg");\n'
                  'pref("general.config.obscure_value", 0);\n'
                  'pref("general.config.sandbox_enabled", false);\n')
    with open("firefox/interop.cfg", "w") as out:
        out.write(SCRIPT % json.dumps({
            "preferences": preferences(order), "connections": connections(order),
            "containers": order["what"] == "multiconnect", "pause": PAUSE,
            "without": ADORNMENTS if order["what"] == "zerortt" else [],
            "authorities": authorities(order), "out": os.path.abspath(order["out"]),
            "said": os.path.abspath("said")}))


def browse(order):
    """What the script says. It does not end: an orderly end would need a window."""
    profile = os.path.abspath("profile")
    os.makedirs(profile)
    if order["what"] == "chacha20":
        with open("profile/pkcs11.txt", "w") as out:
            out.write(CHACHA20 % profile)
    browser = subprocess.Popen(
        ["firefox/firefox-esr", "--headless", "--no-remote", "--profile", profile],
        env=dict(os.environ, HOME=profile))
    while not os.path.exists("said") and browser.poll() is None:
        time.sleep(.1)
    browser.kill()
    status = browser.wait()
    if not os.path.exists("said"):
        return "nothing, its browser ends with status %d" % status
    with open("said") as source:
        return source.read()


def main():
    with open(sys.argv[1]) as source:
        order = json.load(source)
    install(order)
    said = browse(order)
    for name in "firefox", "profile":
        shutil.rmtree(name, ignore_errors=True)
    if said != "done":
        sys.exit("the script says " + said)


main()
