"""stoker bench: a trainer that counts, measures, and outlives its daemons."""

import dataclasses
import json
import os
import pty
import re
import select
import signal
import tempfile
import threading
import time

import pytest
import zmq

import wire
from command import PICTURES, RECIPE, STEPS
from command import bench, finish, launch_stoker, refused, sentence, stoker
from plan1 import Recipe
from stokerd import SLOW, stream_text, wait_until

OTHER_DATA = dataclasses.replace(RECIPE, seed=1)


def images_of(batches):
    """Pictures in so many batches in order, whole epochs of them and the head of one."""
    return batches // STEPS * PICTURES + batches % STEPS * RECIPE.batch


@pytest.fixture
def running(daemon, good):
    return daemon(stream_text("train", good, RECIPE))


@pytest.fixture(params=["ipc", "tcp"])
def endpoint(request, daemon, good):
    """The endpoint of a daemon that serves "train", by either transport."""
    listen = ["tcp://127.0.0.1:*"] if request.param == "tcp" else None
    return daemon(stream_text("train", good, RECIPE), listen=listen).endpoint


@pytest.fixture
def start_bench():
    """Start a bench in the background; whatever becomes of the test, it ends with it."""
    started = []

    def start(url, *words, **options):
        started.append(launch_stoker("bench", url, *words, **options))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()


class Tap(threading.Thread):
    """A wire-tap on one client: the batches that it asks for, and how many at once."""

    def __init__(self, endpoint, path):
        super().__init__()
        self.endpoint = f"ipc://{path}"
        self.asked = []
        self.in_flight = self.in_flight_max = 0
        self.context = zmq.Context()
        self.front = self.context.socket(zmq.ROUTER)
        self.back = self.context.socket(zmq.DEALER)
        self.end = self.context.socket(zmq.PAIR)
        self.front.bind(self.endpoint)
        self.back.connect(endpoint)
        self.end.bind("inproc://end")
        self.start()

    def run(self):
        poller = zmq.Poller()
        for socket_ in (self.front, self.back, self.end):
            poller.register(socket_, zmq.POLLIN)
        client = None
        while self.end not in (ready := dict(poller.poll())):
            if self.front in ready:
                client, request = self.front.recv_multipart()
                self._note_request(wire.decode(request))
                self.back.send(request)
            if self.back in ready:
                frames = self.back.recv_multipart()
                self.in_flight -= len(frames) > 1
                self.front.send_multipart([client, *frames])

    def _note_request(self, request):
        if request["k"] == "get":
            self.asked.append((request["epoch"], request["step"]))
            self.in_flight += 1
            self.in_flight_max = max(self.in_flight_max, self.in_flight)

    def stop(self):
        with self.context.socket(zmq.PAIR) as bell:
            bell.connect("inproc://end")
            bell.send(b"")
            self.join()
        self.context.destroy(linger=0)


@pytest.fixture
def tap():
    """Make a tap in front of an endpoint."""
    taps = []
    with tempfile.TemporaryDirectory(prefix="stk-", dir="/tmp") as folder:

        def make(endpoint):
            taps.append(Tap(endpoint, f"{folder}/{len(taps)}"))
            return taps[-1]

        yield make
        for one in taps:
            one.stop()


def test_bench_json_tells_what_was_received_and_how_fast(endpoint, connect):
    client = connect(endpoint)
    frames = [frame for step in range(STEPS) for frame in client.get("train", 0, step).frames]
    told = bench(f"{endpoint}/train", "--epochs", 3)
    assert (told["endpoint"], told["stream"]) == (endpoint, "train")
    counted = [told[key] for key in ("epochs", "batches", "images", "bytes")]
    assert counted == [3, 3 * STEPS, 3 * PICTURES, 3 * sum(map(len, frames))]
    assert 0 < told["first_batch_ms"] <= told["seconds"] * 1e3 < 30e3 * SLOW
    assert 0 < told["wait_ms_p50"] <= told["wait_ms_p99"] <= told["seconds"] * 1e3
    assert told["images_per_s"] == pytest.approx(told["images"] / told["seconds"])
    assert told["bytes_per_s"] == pytest.approx(told["bytes"] / told["seconds"])
    assert 0 < told["cpu_seconds"] and told["replaced"] == 0 and told["interrupted"] is False


def test_bench_prints_a_table_and_no_progress_where_there_is_no_terminal(running):
    lines = stoker("bench", f"{running.endpoint}/train").splitlines()
    told = dict(re.split(r"  +", line, maxsplit=1) for line in lines)
    assert told["stream"] == f"{running.endpoint}/train"
    assert (told["images"], told["batches"]) == (str(PICTURES), str(STEPS))
    assert re.fullmatch(r"[\d.]+ images/s, [\d.]+ MB/s", told["rate"])
    assert {"bytes", "time", "first batch", "wait p50", "wait p99", "cpu", "replaced"} <= set(told)


@pytest.mark.parametrize(
    "words, addresses",
    [
        ([], [(0, step) for step in range(STEPS)]),
        (["--batches", STEPS + 2], [(0, step) for step in range(STEPS)] + [(1, 0), (1, 1)]),
        (["--epoch", 5, "--step", 7], [(5, 7), (5, 8)]),
        (["--step", 7, "--epochs", 2], [(0, 7), (0, 8)] + [(1, step) for step in range(STEPS)]),
        (["--step", STEPS], []),
        (["--epoch", 2**32 - 1, "--epochs", 2], [(2**32 - 1, step) for step in range(STEPS)]),
    ],
)
def test_bench_asks_for_what_it_was_told_to_in_order(running, tap, words, addresses):
    between = tap(running.endpoint)
    told = bench(f"{between.endpoint}/train", *words)
    assert between.asked == addresses
    assert told["batches"] == len(addresses)


def test_bench_of_all_ranks_together_is_the_epoch(running, tap):
    asked, images = [], 0
    for rank in range(4):
        between = tap(running.endpoint)
        told = bench(f"{between.endpoint}/train", "--rank", rank, "--world", 4)
        assert between.asked == [(0, step) for step in range(rank, STEPS, 4)]
        assert (told["rank"], told["world"]) == (rank, 4)
        asked += between.asked
        images += told["images"]
    assert sorted(asked) == [(0, step) for step in range(STEPS)]
    assert images == PICTURES


def test_bench_of_four_clients_costs_one_decode(running, connect):
    url = f"{running.endpoint}/train"
    one = bench(url, "--epoch", 0)
    client = connect(running.endpoint)
    before = client.stats()
    four = bench(url, "--epoch", 1, "--clients", 4)
    after = client.stats()
    for key in ("batches", "images", "bytes"):
        assert four[key] == 4 * one[key]
    assert before["batches_made"] == after["batches_made"] - before["batches_made"] == STEPS
    assert after["batches_sent"] - before["batches_sent"] == 4 * STEPS
    assert after["images_decoded"] == 2 * PICTURES


@pytest.mark.parametrize("window", [1, 5])
def test_bench_keeps_as_many_requests_in_flight_as_its_window(daemon, tap, good, window):
    slow = Recipe(batch=60, height=256, width=256, transform=("resize", "flip"))
    running = daemon(stream_text("train", good, slow), workers=1)
    between = tap(running.endpoint)
    told = bench(f"{between.endpoint}/train", "--batches", 8, "--window", window)
    assert (told["window"], told["batches"]) == (window, 8)
    assert between.in_flight_max == window


PROGRESS = re.compile(
    rb"\r\x1b\[Kepoch (\d+)  \[([#-]{24})\] (\d+)/(\d+)  "
    rb"(\d+) images/s  wait (\d+\.\d) ms \((\d+) %\)"
)


def read_terminal(master, until=None):
    """What a terminal shows until a pattern matches, or to its end."""
    shown, deadline = b"", time.monotonic() + 20 * SLOW
    while until is None or not until.search(shown):
        ready, _, _ = select.select([master], [], [], max(0, deadline - time.monotonic()))
        assert ready, f"waited in vain: {shown!r}"
        try:
            shown += os.read(master, 4096)
        except OSError:  # EIO: the last one who had it open has closed it
            assert until is None, f"closed: {shown!r}"
            return shown
    return shown


def test_bench_shows_its_progress_on_a_terminal(running, start_bench):
    master, slave = pty.openpty()
    url = f"{running.endpoint}/train"
    process = start_bench(url, "--epochs", 1000000, stderr=slave)
    os.close(slave)
    shown = read_terminal(master, PROGRESS)
    epoch, bar, step, steps, rate, wait_ms, share = PROGRESS.search(shown).groups()
    assert 1 <= int(step) <= int(steps) == STEPS and int(epoch) < 1000000
    assert bar == b"#" * (24 * int(step) // STEPS) + b"-" * (24 - 24 * int(step) // STEPS)
    assert int(rate) > 0 and int(share) <= 100 and float(wait_ms) < 20e3 * SLOW
    process.send_signal(signal.SIGINT)
    rest = read_terminal(master)
    os.close(master)
    assert rest.endswith(b"\r\x1b[K"), "the line is wiped before the figures come"
    assert b"\n" not in shown + rest
    assert "images/s" in finish(process)[0]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_bench_with_the_figures_so_far(running, start_bench, connect, number):
    begun = time.monotonic()
    process = start_bench(f"{running.endpoint}/train", "--epochs", 1000000, "--json")
    # On a terminal the progress would have been shown by now.
    wait_until(lambda: time.monotonic() > begun + 0.6, "half a second to pass")
    client = connect(running.endpoint)
    wait_until(lambda: client.stats()["batches_sent"] > 64, "more than can be in flight")
    process.send_signal(number)
    out, error = finish(process)
    assert error == ""
    told = json.loads(out)
    assert told["interrupted"] is True
    assert told["batches"] > 0 and told["images"] == images_of(told["batches"])


def is_connecting(process):
    """Whether it has come so far that libzmq runs: signals are awaited before."""
    tasks = f"/proc/{process.pid}/task"
    for task in os.listdir(tasks):
        with open(f"{tasks}/{task}/comm") as name:
            if name.read().startswith("ZMQ"):
                return True
    return False


def is_pending(process, number):
    with open(f"/proc/{process.pid}/status") as status:
        pending = int(re.search(r"^ShdPnd:\s+(\w+)$", status.read(), re.M)[1], 16)
    return pending >> (number - 1) & 1


def test_a_second_signal_ends_bench_at_once(start_bench, tmp_path):
    process = start_bench(f"ipc://{tmp_path}/nobody/train", "--timeout", 3600)
    wait_until(lambda: is_connecting(process), "it to wait for a daemon")
    process.send_signal(signal.SIGINT)
    wait_until(lambda: not is_pending(process, signal.SIGINT), "the first signal to be taken")
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    finish(process, -signal.SIGINT)


# Daemons that go away, and their like.

BATCHES, WINDOW = 400, 8


def pause_midway(process, client):
    """Stop a bench in the middle; how many batches a daemon sent to it, all that it asked for."""
    wait_until(lambda: client.stats()["batches_sent"] >= 20, "some batches to be sent")
    process.send_signal(signal.SIGSTOP)
    assert os.WIFSTOPPED(os.waitpid(process.pid, os.WUNTRACED)[1])
    wait_until(lambda: client.stats()["requests_waiting"] == 0, "what it asked for to be sent")
    sent = client.stats()["batches_sent"]
    assert 20 <= sent < BATCHES - WINDOW, "not in the middle: give it more to do"
    return sent


def kill(running):
    running.process.kill()
    running.wait_exit()


def received_all(process):
    out, error = finish(process)
    told = json.loads(out)
    counted = [told[key] for key in ("batches", "images", "interrupted")]
    return error == "" and counted == [BATCHES, images_of(BATCHES), False]


@pytest.fixture
def start_long(start_bench):
    """Start a bench that takes a while."""
    words = ("--batches", BATCHES, "--window", WINDOW, "--json")
    return lambda endpoints: start_bench(f"{endpoints}/train", *words)


def test_bench_outlives_one_of_two_daemons(launch, daemon, connect, good, start_long):
    text = stream_text("train", good, RECIPE)
    victim, survivor = launch(text).wait_ready(), daemon(text)
    process = start_long(f"{victim.endpoint},{survivor.endpoint}")
    sent = pause_midway(process, connect(victim.endpoint))
    client = connect(survivor.endpoint)
    assert sent + client.stats()["batches_sent"] < BATCHES
    kill(victim)
    process.send_signal(signal.SIGCONT)
    assert received_all(process)
    sent_by_survivor = client.stats()["batches_sent"]
    assert BATCHES - sent <= sent_by_survivor <= BATCHES - sent + WINDOW


@pytest.mark.parametrize("listen", [None, ["tcp://127.0.0.1:*"]])
def test_bench_goes_on_where_it_was_when_its_daemon_comes_back(
    launch, daemon, connect, good, start_long, listen
):
    text = stream_text("train", good, RECIPE)
    first = launch(text, listen=listen).wait_ready()
    process = start_long(first.endpoint)
    sent = pause_midway(process, connect(first.endpoint))
    kill(first)
    process.send_signal(signal.SIGCONT)
    second = daemon(text, listen=[first.endpoint])
    assert received_all(process)
    sent_by_second = connect(second.endpoint).stats()["batches_sent"]
    assert BATCHES - sent <= sent_by_second <= BATCHES - sent + WINDOW


def test_a_daemon_that_comes_back_with_other_data_is_refused(
    launch, daemon, connect, good, start_long
):
    first = launch(stream_text("train", good, RECIPE)).wait_ready()
    process = start_long(first.endpoint)
    pause_midway(process, connect(first.endpoint))
    kill(first)
    daemon(stream_text("train", good, OTHER_DATA), listen=[first.endpoint])
    process.send_signal(signal.SIGCONT)
    out, error = finish(process, 1)
    assert out == "" and f"'{first.endpoint}' came back with other data" in sentence(error)


def test_two_daemons_with_different_data_are_refused_with_both_named(daemon, good):
    one = daemon(stream_text("train", good, RECIPE))
    other = daemon(stream_text("train", good, OTHER_DATA))
    for words in (["bench"], ["get"]):
        line = refused(*words, f"{one.endpoint},{other.endpoint}/train")
        assert f"'{one.endpoint}'" in line and f"'{other.endpoint}'" in line
        assert "different data" in line


def test_a_second_endpoint_serves_where_nothing_listens_at_the_first(running, connect, tmp_path):
    url = f"ipc://{tmp_path}/nobody,{running.endpoint}/train"
    batch = connect(running.endpoint).get("train", 0, 0)
    assert stoker("get", url, "--digest") == batch.digest + "\n"
    assert bench(url)["batches"] == STEPS
