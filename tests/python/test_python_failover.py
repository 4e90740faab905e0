"""Daemons that die, stop and come back under the Python package: nothing is lost, nothing twice."""

import hashlib
import os
import signal
import socket
import subprocess
import sys
import time

import pytest
import stoker
from plan1 import Recipe
from slow_daemon import SlowDaemon
from stokerd import ROOT, SLOW, stream_text, wait_until

sys.path.append(os.path.join(ROOT, "tests", "chaos"))

from proxy import Proxy  # noqa: E402

RECIPE = Recipe(batch=4, height=64, width=64, mix="mixup")  # 21 pictures: 5 steps
TIMEOUT = 30 * SLOW
ALL = [(epoch, step) for epoch in range(12) for step in range(5)]


def digest(batch):
    whole = hashlib.sha256()
    for array in batch.tensors.values():
        whole.update(array)
    return whole.digest()


def connect(url, **options):
    return stoker.connect(url, timeout=TIMEOUT, **options)


@pytest.fixture
def two(launch, small):
    """Two daemons of the same stream."""
    text = stream_text("train", small, RECIPE)
    return [launch(text, listen=["tcp://127.0.0.1:*"]).wait_ready() for _ in range(2)]


def received(url, disturb, **options):
    """Every batch of twelve epochs; disturb is called after some of them."""
    batches = []
    with connect(url, epochs=12, **options) as stream:
        while (batch := next(stream, None)) is not None:
            batches.append((batch.epoch, batch.step, digest(batch)))
            disturb(len(batches), stream)
    return batches


def undisturbed(running):
    return received(f"{running.endpoint}/train", lambda count, stream: None)


def test_one_of_two_daemons_that_is_killed_loses_nothing(two):
    def disturb(count, stream):
        if count == 7:
            two[0].process.kill()

    url = f"{two[0].endpoint},{two[1].endpoint}/train"
    batches = received(url, disturb)
    assert [batch[:2] for batch in batches] == ALL
    assert batches == undisturbed(two[1])


def test_a_daemon_that_stops_is_left_and_asked_again_when_it_goes_on(two):
    seen = []

    def disturb(count, stream):
        if count == 7:
            two[0].signal(signal.SIGSTOP)
        if count == 30:
            wait_until(lambda: not stream.endpoints()[0].live, "the stopped one to be left")
            two[0].signal(signal.SIGCONT)
            wait_until(lambda: stream.endpoints()[0].live, "the stopped one to be back")
            seen.append(stream.endpoints()[0].losses)

    url = f"{two[0].endpoint},{two[1].endpoint}/train"
    try:
        batches = received(url, disturb, heartbeat=0.5 * SLOW)
    finally:
        two[0].signal(signal.SIGCONT)
    assert [batch[:2] for batch in batches] == ALL and seen[0] >= 1
    assert batches == undisturbed(two[1])


@pytest.fixture
def slowed():
    """Daemons whose batches come one after another, each so much later."""
    relays = []

    def make(running, pace_s, **options):
        relays.append(SlowDaemon(running.endpoint, pace_s, **options))
        return relays[-1]

    yield make
    for relay in relays:
        relay.close()


def test_two_daemons_may_take_as_long_as_they_like(two, slowed):
    """Neither gives a batch within a heartbeat, and each is greeted while the other is waited for:
    that one answers a greeting does not say that the other one is stuck."""
    pace_s, heartbeat = 1.4 * SLOW, 0.4 * SLOW
    first, second = slowed(two[0], pace_s), slowed(two[1], pace_s, retry_ms=100)
    url = f"{first.endpoint},{second.endpoint}/train"
    with connect(url, heartbeat=heartbeat, window=1) as stream:
        assert [next(stream).step for _ in range(2)] == [0, 1]
        losses = [each.losses for each in stream.endpoints()]
    assert losses == [0, 1]  # the one that it asked for


TRAINER = """
import sys, time, stoker
with stoker.connect(sys.argv[1], timeout=60, heartbeat=float(sys.argv[2])) as stream:
    for count in range(20):
        next(stream)
    while any(each.in_flight for each in stream.endpoints()):
        time.sleep(0.01)
    print("begun", flush=True)
    input()
    print([next(stream).step for _ in range(60)], [each.losses for each in stream.endpoints()])
"""


@pytest.fixture
def trainer():
    """Start a trainer that takes 20 batches, receives those ahead, and takes 60 once it is told."""
    started = []

    def make(url, heartbeat):
        process = subprocess.Popen(
            [sys.executable, "-c", TRAINER, url, str(heartbeat)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        assert process.stdout.readline() == "begun\n"
        return process

    yield make
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def delayed():
    """A way to a daemon on which every byte takes a tenth of a second."""
    proxies = []

    def make(running):
        proxies.append(Proxy(int(running.endpoint.rsplit(":", 1)[1])))
        proxies[-1].delay(0.1)
        return f"tcp://127.0.0.1:{proxies[-1].port}"

    yield make
    for proxy in proxies:
        proxy.close()


def test_a_trainer_that_was_stopped_itself_leaves_no_daemon(two, trainer, delayed):
    """It has sent no heartbeats meanwhile, so that none were answered; the next answer is late."""
    heartbeat = 1.0 * SLOW
    process = trainer(f"{delayed(two[0])},{delayed(two[1])}/train", heartbeat)
    process.send_signal(signal.SIGSTOP)
    try:
        deadline = time.monotonic() + 2.5 * heartbeat
        wait_until(lambda: time.monotonic() > deadline, "some heartbeats to pass")
    finally:
        process.send_signal(signal.SIGCONT)
    told, _ = process.communicate("\n", timeout=TIMEOUT)
    steps = [step % 5 for step in range(20, 80)]
    assert told == f"{steps} [0, 0]\n"


@pytest.mark.parametrize("scheme", ["tcp", "ipc"])
def test_a_lone_daemon_that_is_killed_and_started_again_loses_nothing(
    launch, small, tmp_path, scheme
):
    text = stream_text("train", small, RECIPE)
    listen = {"tcp": "tcp://127.0.0.1:*", "ipc": f"ipc://{tmp_path}/s"}[scheme]
    running = launch(text, listen=[listen]).wait_ready()
    endpoint = running.endpoint
    whole = undisturbed(running)

    def disturb(count, stream):
        if count == 9:
            running.process.kill()
            running.process.wait()
            launch(text, listen=[endpoint]).wait_ready()

    assert received(f"{endpoint}/train", disturb) == whole


def test_daemons_of_different_data_are_refused_with_both_named(launch, small):
    both = [
        launch(stream_text("train", small, Recipe(batch=4, height=16, width=16, seed=seed)))
        for seed in (1, 2)
    ]
    urls = [running.wait_ready().endpoint for running in both]
    with pytest.raises(stoker.FingerprintError, match="serve different data as 'train'") as raised:
        connect(",".join(urls) + "/train")
    assert all(f"'{url}'" in str(raised.value) for url in urls)


def test_an_endpoint_where_nothing_listens_holds_nothing_up(two):
    with connect(f"tcp://127.0.0.1:1,{two[0].endpoint}/train", epochs=1) as stream:
        assert [batch.step for batch in stream] == list(range(5))
        assert [each.live for each in stream.endpoints()] == [False, True]


def test_a_trainer_that_comes_too_fast_comes_back_and_gets_in(daemon, small):
    """Twenty connections at once, and one more a second."""
    settings = dict(connections_per_second=1, clients_max=16)
    text = stream_text("train", small, RECIPE)
    running = daemon(text, listen=["tcp://127.0.0.1:*"], settings=settings)
    with connect(f"{running.endpoint}/train") as first:
        host, port = running.endpoint.removeprefix("tcp://").split(":")
        for _ in range(20):
            socket.create_connection((host, int(port))).close()
        running.wait_log("connections.throttled")
        with connect(f"{running.endpoint}/train") as second:
            assert digest(next(second)) == digest(next(first))
