"""Trainers that ask and do not read: what they hold comes back after client_timeout."""

import os
import re
import signal
import subprocess
import sys

import pytest

from plan1 import Recipe
from stokerd import SLOW, stream_text, wait_until
from wire import RawPeer

HERE = os.path.dirname(os.path.abspath(__file__))

LARGE = Recipe(batch=20, last="partial", height=448, width=448)  # 12 MB a batch
SMALL = Recipe(batch=5, height=16, width=16)
TCP = ["tcp://127.0.0.1:*"]

# A trainer that asks for a lot, sees that it was heard, and has all the time in the world.
TRAINER = """
import sys, threading, stokerd, wire
first = 1000 * int(sys.argv[2])
client = wire.Client(sys.argv[1])
client.hello("train", window=64, name=sys.argv[2])
for i in range(64):
    client.post_get("train", first + i, 0)
with wire.Client(sys.argv[1]) as other:
    heard = lambda: (sys.argv[2], first + 63) in [
        (row["name"], row["figures"]["epoch"]) for row in other.trainer_stats()
    ]
    stokerd.wait_until(heard, "the last request to arrive", 20)
print("asked", flush=True)
threading.Event().wait()
"""


def timeout_text(timeout_ms):
    return f"client_timeout = {int(timeout_ms * SLOW)}ms\n"


def least_memory(launch, text):
    """A memory_max with which two batches fit, and no third."""
    refused = launch(text, workers=1, memory_max="1M")
    assert refused.wait_exit() == 2
    return re.search(r"needs at least (\d+) MiB", refused.stderr)[1] + "M"


def let_pass(client, ms):
    """Wait until the daemon is so much older."""
    old_ns = client.stats()["uptime_ns"]
    wait_until(lambda: client.stats()["uptime_ns"] > old_ns + ms * SLOW * 1e6, "time to pass")


@pytest.fixture
def stopped():
    """Trainers that are stopped as soon as they have asked."""
    trainers = []

    def start(endpoint):
        command = [sys.executable, "-c", TRAINER, endpoint, str(len(trainers) + 1)]
        trainers.append(subprocess.Popen(command, cwd=HERE, stdout=subprocess.PIPE))
        assert trainers[-1].stdout.readline() == b"asked\n"
        trainers[-1].send_signal(signal.SIGSTOP)

    yield start
    for trainer in trainers:
        trainer.kill()
        trainer.wait()
        trainer.stdout.close()


@pytest.mark.parametrize("listen", [None, TCP])
def test_stopped_trainers_that_hold_all_memory_are_cut_and_a_good_one_goes_on(
    launch, daemon, connect, good, stopped, listen
):
    text = stream_text("train", good, LARGE)
    running = daemon(
        timeout_text(500) + text, workers=1, memory_max=least_memory(launch, text), listen=listen
    )
    plan = running.events("memory.plan")[0]
    assert int(plan["batches"]) == 2
    for _ in range(3):
        stopped(running.endpoint)
    client = connect(running.endpoint)
    wait_until(lambda: client.stats()["clients_cut"] >= 2, "the stopped ones to be cut", 20)
    client.hello("train")
    assert [batch.step for batch in client.epoch("train", 0, range(3))] == [0, 1, 2]
    wait_until(lambda: client.stats()["clients"] == 1, "the last of them to go", 20)
    count = client.stats()["clients_cut"]
    wait_until(lambda: len(running.events("client.cut")) == count, "the log to tell of each")
    assert all(int(cut["batches_unread"]) >= 1 for cut in running.events("client.cut"))
    assert [batch.step for batch in client.epoch("train", 1, range(3))] == [0, 1, 2]


@pytest.mark.parametrize("listen", [None, TCP])
def test_a_client_that_never_reads_loses_its_connection_and_its_memory_returns(
    daemon, connect, good, listen
):
    text = timeout_text(500) + stream_text("train", good, LARGE)
    running = daemon(text, listen=listen)
    client = connect(running.endpoint)
    for epoch in range(4):
        client.get("train", epoch, 0)  # so that the deaf one is answered at once
    client.close()
    client = connect(running.endpoint)
    deaf = RawPeer.connect(running.endpoint)
    deaf.post("hello", 1, v=1, stream="train", name="deaf", window=4)
    for epoch in range(4):
        deaf.post("get", 2 + epoch, stream="train", epoch=epoch, step=0)
    cut = running.wait_log("client.cut")
    assert (cut["client"], cut["batches_unread"]) == ("deaf", "4")
    wait_until(lambda: client.stats()["batches_cached"] == 4, "its batches to return")
    figures = client.stats()
    assert (figures["clients"], figures["clients_cut"]) == (0, 1)
    assert deaf.is_closed_by_peer()
    deaf.close()


def test_a_trainer_that_computes_or_rests_for_long_is_kept(daemon, connect, good):
    running = daemon(timeout_text(500) + stream_text("train", good, SMALL))
    busy, resting, watcher = (connect(running.endpoint) for _ in range(3))
    busy.hello("train", window=64)
    ids = [busy.post_get("train", epoch, 0) for epoch in range(64)]
    resting.hello("train")
    resting.get("train", 0, 0)
    wait_until(lambda: watcher.stats()["batches_sent"] == 65, "all to be sent")
    let_pass(watcher, 1500)
    figures = watcher.stats()
    assert (figures["clients"], figures["clients_cut"]) == (2, 0)
    assert [busy.take(id_).epoch for id_ in ids] == list(range(64))
    assert resting.get("train", 1, 0).epoch == 1


def test_without_a_timeout_nobody_is_cut(daemon, connect, good):
    running = daemon("client_timeout = 0\n" + stream_text("train", good, LARGE))
    watcher = connect(running.endpoint)
    deaf = RawPeer.connect(running.endpoint)
    deaf.post("get", 1, stream="train", epoch=0, step=0)
    wait_until(lambda: watcher.stats()["batches_sent"] == 1, "a batch to be stuck")
    let_pass(watcher, 500)
    assert (watcher.stats()["clients"], watcher.stats()["clients_cut"]) == (1, 0)
    deaf.close()


def test_a_client_holds_at_most_as_many_batches_as_its_window(daemon, connect, good):
    running = daemon(stream_text("train", good, LARGE), memory_max="1G")
    watcher = connect(running.endpoint)
    deaf = RawPeer.connect(running.endpoint)
    deaf.post("hello", 0, v=1, stream="train", name="deaf", window=3)
    for i in range(1, 4):
        deaf.post("get", i, stream="train", epoch=i, step=0)
    wait_until(lambda: watcher.stats()["batches_sent"] == 3, "its window to be sent")
    for i in range(4, 7):
        deaf.post("get", i, stream="train", epoch=i, step=0)
    wait_until(lambda: watcher.stats()["requests_waiting"] == 3, "it to ask for more")
    watcher.get("train", 7, 0)  # made behind whatever would be made for the deaf one
    figures = watcher.stats()
    assert (figures["batches_sent"], figures["requests_waiting"]) == (4, 3)
    deaf.close()
