"""A wall clock that jumps by years, there and back, changes nothing but the log's time stamps."""

import glob
import os
import subprocess
import threading

import pytest

from plan1 import Recipe
from stokerd import BUILD, ROOT, SLOW, is_sanitized, stream_text

TRAINER = os.path.join(ROOT, BUILD, "client", "examples", "trainer")
LIBRARY = (glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1") or [None])[0]
RECIPE = Recipe(batch=5, height=16, width=16)
JUMPS = ["+20y", "-30y", "+0", "-1d", "+1d", "+300y"]


class Clock:
    """A clock that the programs of its environment read; it jumps until it is stopped."""

    def __init__(self, file):
        self.file = file
        self.environment = {
            "LD_PRELOAD": LIBRARY,
            "FAKETIME_TIMESTAMP_FILE": str(file),
            "FAKETIME_NO_CACHE": "1",
            "DONT_FAKE_MONOTONIC": "1",
        }
        self.jumps = 0
        self.ended = threading.Event()
        self.set("+0")
        self.thread = threading.Thread(target=self._jump)

    def set(self, offset):
        beside = self.file.with_suffix(".new")
        beside.write_text(offset + "\n")
        beside.rename(self.file)

    def _jump(self):
        while not self.ended.wait(0.002):
            self.set(JUMPS[self.jumps % len(JUMPS)])
            self.jumps += 1

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()


def year(clock):
    told = subprocess.run(
        ["date", "+%Y"], env={**os.environ, **clock.environment}, capture_output=True, text=True
    )
    return int(told.stdout)


def train(endpoint, clock=None):
    environment = {**os.environ, **(clock.environment if clock else {})}
    done = subprocess.run(
        [TRAINER, f"{endpoint}/train"], env=environment, capture_output=True, text=True,
        timeout=60 * SLOW,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.skipif(LIBRARY is None, reason="libfaketime is not installed")
@pytest.mark.skipif(is_sanitized(), reason="libfaketime is no match for a sanitizer's start")
def test_a_clock_that_steps_back_and_forth_changes_nothing(daemon, connect, good, tmp_path):
    text = stream_text("train", good, RECIPE)
    undisturbed = train(daemon(text).endpoint)
    clock = Clock(tmp_path / "clock")
    this_year = year(clock)
    clock.set("+20y")
    assert year(clock) == this_year + 20, "the clock is not the one that programs read"
    running = daemon(text, environment=clock.environment)
    client = connect(running.endpoint)
    before = client.stats()["uptime_ns"]
    with clock:
        while clock.jumps < 100:
            assert train(running.endpoint, clock) == undisturbed
    figures = client.stats()
    assert before < figures["uptime_ns"] < 10**9 * 600
    assert figures["decode_ns_total"] + figures["read_ns_total"] < 10**9 * 600
