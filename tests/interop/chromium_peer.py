# SPDX-License-Identifier: GPL-2.0
"""
chromium_peer.py ORDER - let a headless Chromium fetch files over HTTP/3.

ORDER is a JSON file, see peers.py. A page that lies among the files fetches all of
them and shows their SHA-256; those that are right are then copied from where they
are served, for the browser has nowhere to put them.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys

PAGE = """<!doctype html><title>files</title><body><script>
async function get(name) {
  const answer = await fetch("/" + name);
  if (!answer.ok) throw new Error(answer.status);
  const digest = await crypto.subtle.digest("SHA-256", await answer.arrayBuffer());
  return [name, Array.from(new Uint8Array(digest), b => b.toString(16).padStart(2, "0")).join("")];
}
Promise.all(%s.map(get)).then(
  all => document.body.textContent = "RESULT" + JSON.stringify(Object.fromEntries(all)) + "END",
  error => document.body.textContent = "FAILED " + error);
</script></body>
"""


def main():
    with open(sys.argv[1]) as source:
        order = json.load(source)
    names = [os.path.basename(url) for url in order["urls"]]
    with open(os.path.join(order["www"], "page.html"), "w") as out:
        out.write(PAGE % json.dumps(names))
    origin = order["urls"][0].split("/")[2]
    done = subprocess.run(
        ["chromium-headless-shell", "--headless", "--no-sandbox", "--disable-gpu",
         "--disable-dev-shm-usage", "--disable-background-networking", "--no-first-run",
         "--user-data-dir=" + os.path.abspath("profile"),
         "--origin-to-force-quic-on=" + origin,
         "--ignore-certificate-errors-spki-list=" + order["spki"],
         "--virtual-time-budget=%d" % (order["patience"] * 1000), "--dump-dom",
         "https://%s/page.html" % origin],
        text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    shutil.rmtree("profile", ignore_errors=True)
    result = re.search("RESULT({.*})END", done.stdout)
    if not result:
        sys.exit("no result: " + done.stdout[-2000:])
    for name, digest in json.loads(result.group(1)).items():
        path = os.path.join(order["www"], name)
        with open(path, "rb") as source:
            if hashlib.sha256(source.read()).hexdigest() != digest:
                sys.exit("%s is another file" % name)
        shutil.copy(path, order["out"])


main()
