#!/usr/bin/env python3
"""A trainer here, a daemon with keys on another host: who gets batches over the line.

unshare -rn keyed_host.py FOLDER

Prints a map: what the command told each of "key", "none", "wrong" and "revoked": its exit status,
what it printed, and what it said to be wrong; and "refused", the log's lines of that.
"""

import json
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "integration")]

import small  # noqa: E402
from command import STOKER  # noqa: E402
from hosts import Host  # noqa: E402
from keys import Keys  # noqa: E402
from stokerd import SLOW, Stokerd  # noqa: E402


def get(url, *words):
    words = [STOKER, "get", url, "--digest", "--timeout", str(round(5 * SLOW)), *words]
    told = subprocess.run(words, capture_output=True, text=True, timeout=60 * SLOW)
    return [told.returncode, told.stdout, told.stderr]


def main():
    (folder,) = sys.argv[1:]
    # Nothing of this user's: no option, and there are no keys.
    os.environ["XDG_CONFIG_HOME"] = folder
    stream, options = small.draw(folder)
    keys = Keys(folder)
    alice, mallory = keys.admit("alice"), keys.make("mallory") + "_secret"
    host = Host(0)
    url = f"tcp://{host.address}:7654/train"
    daemon = Stokerd(
        stream,
        listen=[url[: -len("/train")]],
        settings=keys.settings,
        preexec_fn=host.enter,
        **options,
    )
    told = {}
    try:
        daemon.wait_ready()
        told["key"] = get(url, *keys.words(alice))
        told["none"] = get(url)
        told["wrong"] = get(url, *keys.words(mallory))
        keys.remove("alice")
        daemon.reload(stream)
        told["revoked"] = get(url, *keys.words(alice))
        daemon.wait_log("peer.refused", 2)
        told["refused"] = daemon.events("peer.refused")
        daemon.stop()
    finally:
        daemon.discard()
    print(json.dumps(told))


if __name__ == "__main__":
    main()
