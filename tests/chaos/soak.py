#!/usr/bin/env python3
"""A soak: memory, descriptors and threads of a daemon and its trainers stay as they are.

soak.py [--minutes M] [--json]

Four trainers stream over ipc and tcp, and visitors come and go, one every tenth of a second.  The
first fifth of the time is for caches to fill; of the rest, the medians of the first and the last
third are compared.  Resident memory may grow by GROWTH_BYTES_MAX between them, descriptors and
threads not at all.  A visitor's own are gone when they are counted, if the daemon gives them back.
"""

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "integration")]

import check  # noqa: E402
import small  # noqa: E402
from stokerd import BUILD, ROOT, SLOW, Stokerd, is_sanitized  # noqa: E402
from victims import TERMINATED, TRAINER  # noqa: E402

STOKER = os.path.join(ROOT, BUILD, "stoker")
GROWTH_BYTES_MAX = 1 << 20
WARM = 0.2  # of the time
ROWS_MIN = 30
VISIT_S = 0.1
LEAVE_S = 1 * SLOW  # that a visitor may be missed late
PAUSE_US = 2000
ENDLESS = 1 << 40


def look(process):
    """What a process holds: bytes resident, descriptors, threads."""
    with open(f"/proc/{process.pid}/status") as file:
        status = dict(line.split(":", 1) for line in file)
    return (
        int(status["VmRSS"].split()[0]) * 1024,
        len(os.listdir(f"/proc/{process.pid}/fd")),
        int(status["Threads"]),
    )


def visit(endpoint, step):
    """A client that takes one batch and leaves."""
    address = ["--epoch", "0", "--step", str(step % small.STEPS), "--digest"]
    command = [STOKER, "get", f"{endpoint}/train", *address]
    subprocess.run(command, check=True, timeout=30 * SLOW, stdout=subprocess.DEVNULL)


def forget_visitor(daemon, descriptors):
    """Wait until a daemon holds no more than so many, or it seems to keep them."""
    deadline, tick = time.monotonic() + LEAVE_S, threading.Event()
    while look(daemon)[1] > descriptors and time.monotonic() < deadline:
        tick.wait(0.002)


def sample(processes, endpoints, seconds):
    """Rows of what every process holds, from WARM of the time on; the daemon is the first."""
    rows, began, tick = [], time.monotonic(), threading.Event()
    for visits in range(ENDLESS):
        passed_s = time.monotonic() - began
        if passed_s > seconds and len(rows) >= ROWS_MIN:
            return rows, visits
        visit(endpoints[visits % len(endpoints)], visits)
        if passed_s > WARM * seconds:
            if rows:
                forget_visitor(processes[0], statistics.median(row[0][1] for row in rows))
            rows.append([look(process) for process in processes])
        tick.wait(VISIT_S)


def growth(rows, process, column):
    """From the median of the first third to that of the last."""
    values = [row[process][column] for row in rows]
    third = len(values) // 3
    return statistics.median(values[-third:]) - statistics.median(values[:third])


def launch(folder, number, endpoint):
    words = [f"--pause-us={PAUSE_US}", f"{endpoint}/train", f"{folder}/log{number}", str(ENDLESS)]
    return subprocess.Popen([TRAINER, *words])


def soak(folder, seconds):
    text, options = small.draw(folder)
    listen = [f"ipc://{folder}/s", "tcp://127.0.0.1:*"]
    daemon = Stokerd(text, listen=listen, **options).wait_ready()
    trainers = []
    try:
        trainers = [launch(folder, i, daemon.endpoints[i % 2]) for i in range(4)]
        rows, visits = sample([daemon.process, *trainers], daemon.endpoints, seconds)
        for trainer in trainers:
            trainer.send_signal(signal.SIGTERM)
            if trainer.wait(30 * SLOW) != TERMINATED:
                raise SystemExit("soak: a trainer ended by itself")
        daemon.stop()
    finally:
        for process in [*trainers, daemon.process]:
            process.kill()
            process.wait()
        daemon.discard()
    batches = sum(os.stat(f"{folder}/log{i}").st_size // check.RECORD_BYTES for i in range(4))
    return rows, dict(seconds=seconds, samples=len(rows), batches=batches, visits=visits)


def judge(rows):
    """Growth of every process, and whether it is within bounds."""
    told, flat = {}, True
    for process, name in enumerate(["daemon", *(f"trainer {i}" for i in range(4))]):
        bytes_, descriptors, threads = (growth(rows, process, column) for column in range(3))
        told[name] = dict(bytes=bytes_, descriptors=descriptors, threads=threads)
        told[name]["resident_bytes"] = rows[-1][process][0]
        flat = flat and descriptors <= 0 and threads <= 0
        # A sanitizer keeps what was freed: its memory is not the program's.
        flat = flat and (bytes_ <= GROWTH_BYTES_MAX or is_sanitized())
    return told, flat


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="stk-soak-") as folder:
        rows, figures = soak(folder, arguments.minutes * 60)
    told, flat = judge(rows)
    if arguments.json:
        print(json.dumps({**figures, "growth": told, "flat": flat}))
        return 0 if flat else 1
    print(", ".join(f"{value:,.0f} {name}" for name, value in figures.items()))
    print(f"{'growth':12}{'resident KiB':>14}{'descriptors':>14}{'threads':>10}{'resident':>14}")
    for name, row in told.items():
        print(
            f"{name:12}{row['bytes'] / 1024:>14,.0f}{row['descriptors']:>14,.0f}"
            f"{row['threads']:>10,.0f}{row['resident_bytes'] / 1024:>14,.0f}"
        )
    print("flat" if flat else "NOT FLAT")
    return 0 if flat else 1


if __name__ == "__main__":
    sys.exit(main())
