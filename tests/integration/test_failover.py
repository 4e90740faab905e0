"""Two daemons behind one trainer, one of which dies, stops, is cut off or is slow; and a lone one.

Every step must come once, in order, with the bytes that an undisturbed run gives.
"""

import json
import os
import signal
import sys
import time

import pytest

from follower import Follower
from plan1 import Recipe
from stokerd import ROOT, SLOW, stream_text, wait_until

sys.path.append(os.path.join(ROOT, "tests", "chaos"))

from proxy import Proxy  # noqa: E402

RECIPE = Recipe(batch=4, height=8, width=8)  # 5 steps an epoch
STEPS = 5
HEARTBEAT_MS = int(500 * SLOW)
SERVED = ["tcp", "ipc"]


def listen_on(scheme, tmp_path, name):
    return ["tcp://127.0.0.1:*"] if scheme == "tcp" else [f"ipc://{tmp_path}/{name}"]


def url_of(*endpoints):
    return ",".join(endpoints) + "/train"


@pytest.fixture
def follow():
    followers = []

    def make(url, **options):
        followers.append(Follower(url, **options))
        return followers[-1].wait_open()

    yield make
    for one in followers:
        one.discard()


@pytest.fixture
def proxy():
    proxies = []

    def make(endpoint):
        proxies.append(Proxy(int(endpoint.rsplit(":", 1)[1])))
        return proxies[-1], f"tcp://127.0.0.1:{proxies[-1].port}"

    yield make
    for one in proxies:
        one.close()


@pytest.fixture
def two(launch, small, tmp_path):
    """Two daemons of the same stream."""

    def make(scheme, recipe=RECIPE):
        text = stream_text("train", small, recipe)
        return [
            launch(text, listen=listen_on(scheme, tmp_path, name)).wait_ready()
            for name in ("first", "second")
        ]

    return make


class Log:
    """What a trainer has received, held against what a daemon says when it is asked once more."""

    def __init__(self, follower):
        self.follower = follower
        self.batches = []

    def take(self, count):
        self.batches += self.follower.take(count)

    def check(self, client):
        failures = [line for line in self.batches if "status" in line]
        assert not failures, failures
        addresses = [(line["epoch"], line["step"]) for line in self.batches]
        assert addresses == [divmod(i, STEPS) for i in range(len(addresses))]
        for line in self.batches:
            assert line["digest"] == client.get("train", line["epoch"], line["step"]).digest

    def longest_wait_ms(self):
        return max(line["waited_ms"] for line in self.batches)


def assert_waited_less(log, what, record_property):
    longest_ms = log.longest_wait_ms()
    record_property("longest_wait_ms", longest_ms)
    print(f"{what}: longest wait {longest_ms:.0f} ms, heartbeat {HEARTBEAT_MS} ms")
    assert longest_ms < HEARTBEAT_MS + 1000 * SLOW


@pytest.mark.parametrize("scheme", SERVED)
def test_a_trainer_of_two_loses_nothing_when_one_is_killed(
    two, follow, connect, scheme, record_property
):
    first, second = two(scheme)
    follower = follow(url_of(first.endpoint, second.endpoint), heartbeat_ms=HEARTBEAT_MS)
    log = Log(follower)
    log.take(40)
    assert all(told["batches"] > 0 for told in follower.figures())
    follower.say("take 200")
    first.signal(signal.SIGKILL)
    log.batches += [follower.answer()[1] for _ in range(200)]
    log.check(connect(second.endpoint))
    assert_waited_less(log, f"killed, {scheme}", record_property)
    dead, alive = follower.figures()
    assert not dead["live"] and dead["in_flight"] == 0 and dead["losses"] > 0
    assert 240 <= alive["batches"] + dead["batches"] <= 240 + 8
    follower.close()


@pytest.mark.parametrize("scheme", SERVED)
def test_a_stopped_daemon_is_left_and_serves_again_when_it_goes_on(
    two, follow, connect, scheme, record_property
):
    first, second = two(scheme)
    follower = follow(url_of(first.endpoint, second.endpoint), heartbeat_ms=HEARTBEAT_MS)
    log = Log(follower)
    log.take(40)
    first.signal(signal.SIGSTOP)
    try:

        def left():
            log.take(5)
            return follower.figures()[0]["losses"] > 0

        wait_until(left, "the stopped daemon to be left", 10)
        log.take(50)
        assert follower.figures()[0]["in_flight"] == 0
    finally:
        first.signal(signal.SIGCONT)
    served = follower.figures()[0]["batches"]

    def back():
        log.take(5)
        return follower.figures()[0]["batches"] > served + 2

    wait_until(back, "the daemon to serve again", 20)
    log.check(connect(second.endpoint))
    assert_waited_less(log, f"stopped, {scheme}", record_property)
    follower.close()


def test_a_trainer_of_a_lone_daemon_goes_on_when_it_is_started_again(
    launch, follow, connect, small, record_property
):
    text = stream_text("train", small, RECIPE)
    first = launch(text, listen=["tcp://127.0.0.1:*"]).wait_ready()
    endpoint = first.endpoint
    follower = follow(url_of(endpoint), heartbeat_ms=HEARTBEAT_MS)
    log = Log(follower)
    log.take(20)
    first.signal(signal.SIGKILL)
    first.wait_exit()
    follower.say("take 20")
    # Long enough for the longest pause between two tries.
    wait_until(lambda: not follower.lines[-1][1] is None, "the trainer to live")
    deadline = time.monotonic() + 1.5
    wait_until(lambda: time.monotonic() > deadline, "time to pass")
    second = launch(text, listen=[endpoint]).wait_ready()
    ready = time.monotonic()
    came = [follower.answer() for _ in range(20)]
    log.batches += [told for _, told in came]
    # What it had received before the daemon died may have come before.
    after = [when - ready for when, _ in came if when > ready - 1][0]
    record_property("first_batch_s", after)
    print(f"restarted: first batch {1000 * after:.0f} ms after the daemon was ready")
    assert after < 2 * SLOW
    log.check(connect(second.endpoint))
    follower.close()


@pytest.mark.parametrize("scheme", SERVED)
def test_a_lone_daemon_that_is_stopped_is_left_as_well(
    launch, follow, connect, small, tmp_path, scheme
):
    """There is nobody else to ask, but its host may be dead, and another one take its address."""
    running = launch(
        stream_text("train", small, RECIPE), listen=listen_on(scheme, tmp_path, "socket")
    ).wait_ready()
    follower = follow(url_of(running.endpoint), heartbeat_ms=HEARTBEAT_MS)
    log = Log(follower)
    log.take(20)
    running.signal(signal.SIGSTOP)
    try:
        follower.say("take 40")
        deadline = time.monotonic() + 2 * HEARTBEAT_MS / 1000
        wait_until(lambda: time.monotonic() > deadline, "two heartbeats to pass")
    finally:
        running.signal(signal.SIGCONT)
    log.batches += [follower.answer()[1] for _ in range(40)]
    assert follower.figures()[0]["losses"] > 0
    log.check(connect(running.endpoint))
    follower.close()


def test_a_trainer_cut_off_from_one_of_two_goes_on_with_the_other(
    two, follow, connect, proxy, record_property
):
    first, second = two("tcp")
    between, endpoint = proxy(first.endpoint)
    follower = follow(url_of(endpoint, second.endpoint), heartbeat_ms=HEARTBEAT_MS)
    log = Log(follower)
    log.take(40)
    between.hang(True)

    def left():
        log.take(5)
        return follower.figures()[0]["losses"] > 0

    wait_until(left, "the daemon that cannot be reached to be left", 10)
    assert_waited_less(log, "cut off", record_property)
    between.hang(False)

    def back():
        log.take(5)
        return follower.figures()[0]["live"]

    wait_until(back, "the daemon to be reached again", 20)
    log.check(connect(second.endpoint))
    follower.close()


def test_a_trainer_that_was_stopped_itself_leaves_no_daemon(two, follow, connect, proxy):
    """It has sent no heartbeats meanwhile, so that none were answered; the next answer is late."""
    first, second = two("tcp")
    between, endpoint = proxy(first.endpoint)
    between.delay(0.1)
    heartbeat_ms = int(1000 * SLOW)
    follower = follow(url_of(endpoint), heartbeat_ms=heartbeat_ms)
    log = Log(follower)
    log.take(20)
    follower.say("take 60")
    follower.process.send_signal(signal.SIGSTOP)
    try:
        deadline = time.monotonic() + 2 * heartbeat_ms / 1000
        wait_until(lambda: time.monotonic() > deadline, "two heartbeats to pass")
    finally:
        follower.process.send_signal(signal.SIGCONT)
    log.batches += [follower.answer()[1] for _ in range(60)]
    assert follower.figures()[0]["losses"] == 0
    log.check(connect(second.endpoint))
    follower.close()


def test_a_batch_that_is_long_on_its_way_is_no_silence(two, follow, connect, proxy):
    """Each batch takes three heartbeats to come through; libzmq alone would give it up."""
    large = Recipe(batch=4, height=256, width=256)  # 786 kB
    first, second = two("tcp", large)
    heartbeat_ms = int(600 * SLOW)
    between, endpoint = proxy(first.endpoint)
    between.throttle(786_432 / (3 * heartbeat_ms / 1000))
    follower = follow(url_of(endpoint), heartbeat_ms=heartbeat_ms, window=2)
    log = Log(follower)
    log.take(2)
    told = follower.figures()[0]
    assert told["losses"] == 0 and told["batches"] == 2, told
    assert log.longest_wait_ms() > 2 * heartbeat_ms
    log.check(connect(second.endpoint))
    follower.close()


def test_a_state_goes_on_at_another_daemon_and_is_refused_by_other_data(
    two, launch, follow, connect, small, tmp_path
):
    first, second = two("ipc")
    follower = follow(url_of(first.endpoint))
    log = Log(follower)
    log.take(13)
    state = follower.ask("state")
    assert (state["epoch"], state["step"]) == divmod(13, STEPS)
    follower.close()
    follower = follow(url_of(second.endpoint), state=json.dumps(state))
    log.follower = follower
    log.take(20)
    log.check(connect(first.endpoint))
    follower.close()

    other = launch(stream_text("train", small, Recipe(batch=4, height=8, width=8, seed=9)))
    refused = Follower(url_of(other.wait_ready().endpoint), state=json.dumps(state))
    _, told = refused.answer()
    assert told["status"] == "fingerprint"
    assert state["fingerprint"] in told["sentence"] and other.endpoint in told["sentence"]
    assert connect(other.endpoint).hello("train")["fingerprint"].hex() in told["sentence"]
    refused.discard()


def test_two_daemons_with_different_data_are_refused_with_both_named(launch, small):
    daemons = [
        launch(stream_text("train", small, Recipe(batch=4, height=8, width=8, seed=seed)))
        for seed in (1, 2)
    ]
    endpoints = [one.wait_ready().endpoint for one in daemons]
    refused = Follower(url_of(*endpoints))
    _, told = refused.answer()
    assert told["status"] == "fingerprint"
    assert all(endpoint in told["sentence"] for endpoint in endpoints)
    refused.discard()


def test_seeks_leave_nothing_behind_in_the_daemon(launch, follow, connect, small):
    """What is cancelled never surfaces, and the daemon forgets it."""
    running = launch(stream_text("train", small, Recipe(batch=4, height=256, width=256)))
    running.wait_ready()
    client = connect(running.endpoint)
    follower = follow(url_of(running.endpoint), window=16)
    for epoch in range(1, 25):
        assert follower.ask(f"seek {epoch} {epoch % STEPS}")["status"] == "ok"
        if epoch % 3 == 0:
            (line,) = follower.take(1)
            assert (line["epoch"], line["step"]) == (epoch, epoch % STEPS)
            assert line["digest"] == client.get("train", line["epoch"], line["step"]).digest
    # The trainer lives, and has at most its window in flight, which is answered.
    wait_until(lambda: client.stats()["requests_waiting"] == 0, "the requests to be forgotten")
    follower.close()
    running.stop()
