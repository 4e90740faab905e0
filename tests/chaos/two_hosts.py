#!/usr/bin/env python3
"""A trainer here, daemons on two other hosts: delay, loss and a partition.

unshare -rn two_hosts.py FOLDER late|parted

late: the lines to both daemons are late and lose packets.  parted: one breaks in the middle, nobody
is told, and later it is whole again; the trainer goes on until it is used again.  FOLDER gets
"log", and "reference", the log of a trainer on lines without fault.  Prints a map: batches,
heartbeat_ms, packets carried and lost on all lines, and broken_ns, when the line broke.
"""

import json
import os
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "integration")]

import check  # noqa: E402
import small  # noqa: E402
from hosts import Host  # noqa: E402
from stokerd import SLOW, Stokerd, wait_until  # noqa: E402
from victims import TERMINATED, TRAINER  # noqa: E402

BATCHES = 400
HEARTBEAT_MS = int(500 * SLOW)
ENDLESS = 1 << 40
AGAIN = 300  # packets: more than greetings and heartbeats take
PORT = 7654
WORK_S = 60 * SLOW


def launch(folder, log, hosts, batches, *options):
    urls = ",".join(f"tcp://{host.address}:{PORT}" for host in hosts)
    words = [f"--heartbeat-ms={HEARTBEAT_MS}", "--window=8", *options]
    return subprocess.Popen([TRAINER, *words, f"{urls}/train", f"{folder}/{log}", str(batches)])


def finish(trainer, status=0):
    ended = trainer.wait(WORK_S)
    if ended != status:
        raise SystemExit(f"the trainer ended with status {ended}")


def count_records(log):
    return os.stat(log).st_size // check.RECORD_BYTES if os.path.exists(log) else 0


def be_late(folder, hosts):
    for host in hosts:
        host.line.delay_s, host.line.loss = 0.01, 0.01
    finish(launch(folder, "log", hosts, BATCHES))
    return {}


def be_parted(folder, hosts):
    line, log = hosts[0].line, f"{folder}/log"
    trainer = launch(folder, "log", hosts, ENDLESS, "--pause-us=5000")
    wait_until(lambda: count_records(log) > BATCHES // 4, "batches over whole lines", 60)
    broken_ns = time.monotonic_ns()
    line.broken = True
    more = count_records(log) + BATCHES // 2
    wait_until(lambda: count_records(log) > more, "batches over the other line", 60)
    carried = line.carried
    line.broken = False
    wait_until(lambda: line.carried > carried + AGAIN, "packets on the line again", 60)
    trainer.terminate()
    finish(trainer, TERMINATED)
    return {"broken_ns": broken_ns}


def main():
    folder, what = sys.argv[1:]
    stream, options = small.draw(folder)
    hosts = [Host(number) for number in range(2)]
    daemons = []
    try:
        for host in hosts:
            listen = [f"tcp://{host.address}:{PORT} insecure=yes"]
            daemon = Stokerd(stream, listen=listen, preexec_fn=host.enter, **options)
            daemons.append(daemon.wait_ready())
            told_so = [fields["endpoint"] for fields in daemon.events("endpoint.insecure")]
            assert told_so == [f"tcp://{host.address}:{PORT}"], told_so
        told = {"late": be_late, "parted": be_parted}[what](folder, hosts)
        for host in hosts:
            host.line.delay_s, host.line.loss = 0.0, 0.0
        told["batches"] = count_records(f"{folder}/log")
        finish(launch(folder, "reference", hosts, max(told["batches"], small.STEPS)))
        for daemon in daemons:
            daemon.stop()
    finally:
        for daemon in daemons:
            daemon.discard()
    lines = [host.line for host in hosts]
    told |= {"carried": sum(line.carried for line in lines)}
    told |= {"lost": sum(line.lost for line in lines)}
    told |= {"heartbeat_ms": HEARTBEAT_MS}
    print(json.dumps(told))


if __name__ == "__main__":
    main()
