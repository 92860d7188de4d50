# SPDX-License-Identifier: GPL-2.0
"""
pycurl_peer.py ORDER - fetch files over HTTP/3 with libcurl and GnuTLS (ngtcp2).

ORDER is a JSON file, see peers.py. Files of a connection are fetched at the same
time; `resumption` makes two connections, `multiconnect` one for each file.
"""

import json
import os
import sys

import pycurl

# At a time, as many as the program curl has: of a connection whose streams are used up,
# and all of them done, libcurl does not wait for more, but closes it.
PARALLEL = 50
HTTP3_ONLY = getattr(pycurl, "CURL_HTTP_VERSION_3ONLY", 31)


def handle(order, url, share):
    out = open(os.path.join(order["out"], os.path.basename(url)), "wb")
    curl = pycurl.Curl()
    curl.setopt(pycurl.URL, url)
    curl.setopt(pycurl.HTTP_VERSION, HTTP3_ONLY)
    curl.setopt(pycurl.CAINFO, order["ca"])
    curl.unsetopt(pycurl.CAPATH)        # hundreds, which it would read for each connection
    curl.setopt(pycurl.WRITEDATA, out)
    curl.setopt(pycurl.FAILONERROR, True)
    curl.setopt(pycurl.PIPEWAIT, True)  # rather a stream than a connection
    curl.setopt(pycurl.SHARE, share)
    curl.setopt(pycurl.VERBOSE, True)
    if order["what"] == "chacha20":
        # with GnuTLS this is a priority string
        curl.setopt(pycurl.SSL_CIPHER_LIST, "NORMAL:-VERS-ALL:+VERS-TLS1.3:-CIPHER-ALL:"
                    "+CHACHA20-POLY1305")
    curl.out = out
    return curl


def fetch(order, urls, share):
    """One connection: of a multi handle of its own."""
    multi = pycurl.CurlMulti()
    # Rather than open another connection it shall wait until streams are granted.
    multi.setopt(pycurl.M_MAX_HOST_CONNECTIONS, 1)
    waiting, running = urls[::-1], set()
    while waiting or running:
        while waiting and len(running) < PARALLEL:
            curl = handle(order, waiting.pop(), share)
            multi.add_handle(curl)
            running.add(curl)
        multi.perform()
        queued = True
        while queued:
            queued, done, failed = multi.info_read()
            if failed:
                sys.exit("%s: %s" % (failed[0][0].getinfo(pycurl.EFFECTIVE_URL), failed[0][2]))
            for curl in done:
                multi.remove_handle(curl)
                curl.out.close()
                curl.close()
                running.remove(curl)
        if waiting and len(running) < PARALLEL:
            continue
        wait = multi.timeout()          # ms until its next timer, or -1
        if running:
            multi.select(min(wait, 1000) / 1000 if wait >= 0 else 1.0)
    multi.close()


def main():
    with open(sys.argv[1]) as source:
        order = json.load(source)
    share = pycurl.CurlShare()
    share.setopt(pycurl.SH_SHARE, pycurl.LOCK_DATA_SSL_SESSION)
    urls = order["urls"]
    if order["what"] == "resumption":
        batches = [urls[:1], urls[1:]]
    elif order["what"] == "multiconnect":
        batches = [[url] for url in urls]
    else:
        batches = [urls]
    for batch in batches:
        fetch(order, batch, share)


main()
