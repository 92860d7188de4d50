# SPDX-License-Identifier: GPL-2.0
"""
chromium_peer.py ORDER - let a headless Chromium fetch files over HTTP/3.

ORDER is a JSON file, see peers.py. A page on the disk fetches all files and says on its
console what the SHA-256 of all their SHA-256s is. If it is right, the files are copied
from where they are served, for the browser has nowhere to put them.

A connection is for one name: where the case is about many connections each file has a
name of its own, all of one address, and they are fetched one after the other. Where the
second connection continues the first one's session, the page waits until that is gone.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import urllib.parse

PAGE = """<!doctype html><title>files</title><script>
const digest = data => crypto.subtle.digest("SHA-256", data).then(got => new Uint8Array(got));
const hex = bytes => Array.from(bytes, b => b.toString(16).padStart(2, "0")).join("");
async function get(url) {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(answer.status);
  return digest(await answer.arrayBuffer());
}
// Of requests that wait for a stream it remembers a frame each, and closes at 1000.
async function some(urls, all, next) {
  for (let n = next(); n < urls.length; n = next()) all[n] = await get(urls[n]);
}
async function every(parts, together) {
  const all = [];
  for (const urls of parts) {
    const got = [];
    let count = 0;
    if (all.length) await new Promise(done => setTimeout(done, %d));
    await Promise.all(Array.from({length: together}, () => some(urls, got, () => count++)));
    all.push(...got);
  }
  return all;
}
every(%s, %d)
  .then(all => digest(new Uint8Array(all.flatMap(one => Array.from(one)))))
  .then(got => console.log("RESULT " + hex(got)), error => console.log("FAILED " + error));
</script>
"""

# One process and no compiler, for both are dear where the machine is emulated; the page
# may read answers of another origin, so that nothing but the files crosses the link; a
# server's preferred address is for those who ask for it (SPAD). It stays until it is
# told to go, which is what debugging is for.
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
         "--disable-background-networking", "--disable-extensions", "--no-first-run",
         "--single-process", "--no-zygote", "--in-process-gpu", "--js-flags=--jitless",
         "--disable-web-security", "--enable-logging=stderr", "--remote-debugging-port=0",
         "--quic-connection-options=SPAD")
# It gives up a handshake when nothing came in four seconds, which with a loss of 30 %
# happens; the name of the feature is of no importance.
PATIENCE = "max_time_before_crypto_handshake_seconds/60/" \
           "max_idle_time_before_crypto_handshake_seconds/60"
IDLE = 3                # seconds until it closes a connection, if it has to


def expected(order):
    """What the page has to say."""
    digests = b""
    for url in order["urls"]:
        with open(os.path.join(order["www"], os.path.basename(url)), "rb") as source:
            digests += hashlib.sha256(source.read()).digest()
    return hashlib.sha256(digests).hexdigest()


def own_name(url):
    """The same file of a server with a name that no other file has."""
    parts = urllib.parse.urlsplit(url)
    name = "%s.test:%d" % (os.path.basename(parts.path), parts.port)
    return parts._replace(netloc=name).geturl()


def browse(order):
    """What the page says."""
    urls, settings = order["urls"], PATIENCE
    parts, together = [urls], 200
    if order["what"] == "multiconnect":
        parts, together = [[own_name(url) for url in urls]], 1
    elif order["what"] in ("resumption", "zerortt"):
        parts = [urls[:1], urls[1:]]
        settings += "/idle_connection_timeout_seconds/%d" % IDLE
    with open("page.html", "w") as out:
        out.write(PAGE % (2000 * IDLE, json.dumps(parts), together))
    browser = subprocess.Popen(
        ["chromium-headless-shell", *FLAGS, "--user-data-dir=" + os.path.abspath("profile"),
         "--origin-to-force-quic-on=*", "--host-resolver-rules=MAP *.test " + order["address"],
         "--enable-features=Any<QUIC.Enabled:" + settings,
         "--ignore-certificate-errors-spki-list=" + order["spki"],
         "file://" + os.path.abspath("page.html")],
        text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        for line in browser.stdout:
            print(line, end="", flush=True)
            said = re.search('"(RESULT|FAILED) (.*?)"', line)
            if said:
                return said.group(2)
        return "nothing"
    finally:
        browser.terminate()
        browser.wait()
        shutil.rmtree("profile", ignore_errors=True)


def main():
    with open(sys.argv[1]) as source:
        order = json.load(source)
    said = browse(order)
    if said != expected(order):
        sys.exit("the page says " + said)
    for url in order["urls"]:
        shutil.copy(os.path.join(order["www"], os.path.basename(url)), order["out"])


main()
