"""Service in turns, windows that change, peers that come and go in numbers or read nothing."""

import dataclasses
import os
import signal
import threading

import dataset
from plan1 import Recipe
from stokerd import is_sanitized, stream_text, wait_until
from wire import RawPeer, Refused

SMALL = Recipe(batch=10, last="partial", height=64, width=64)


def test_a_window_that_shrinks_under_requests_in_flight_is_kept(daemon, connect, good):
    slow = Recipe(batch=60, height=512, width=512, transform=("resize", "flip"))
    running = daemon(stream_text("slow", good, slow), workers=1)
    client = connect(running.endpoint)
    client.hello("slow", window=64)
    for epoch in range(10):
        client.post_get("slow", epoch, 0)
    assert client.hello("slow", window=1)["window"] == 1
    late = [client.post("get", stream="slow", epoch=1000 + i, step=0) for i in range(80)]
    refused = 0
    for id_ in late:
        try:
            client.take(id_)
        except Refused as refusal:
            assert refusal.code == "window"
            refused += 1
    assert refused > 40, "70 of 80 find the ten in flight"
    assert running.is_alive()


def test_equal_trainers_are_served_equally(daemon, connect, good):
    """Four trainers that want different batches all the time; none may be left behind."""
    running = daemon(stream_text("train", good, SMALL), memory_max="300M")
    done, rounds = threading.Event(), [0] * 4

    def train(number):
        with connect(running.endpoint) as client:
            client.hello("train", window=16, name=f"trainer-{number}")
            pending = [client.post_get("train", 1000 * number + i, i % 6) for i in range(16)]
            while not done.is_set():
                client.take(pending.pop(0))
                rounds[number] += 1
                pending.append(client.post_get("train", 1000 * number + 16 + rounds[number], 0))

    threads = [threading.Thread(target=train, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    wait_until(lambda: sum(rounds) >= 240, "240 batches", timeout_s=60)
    counts = list(rounds)
    done.set()
    for thread in threads:
        thread.join()
    assert min(counts) > 0.6 * max(counts), counts


def test_a_large_batch_that_has_to_wait_costs_no_other_its_place(daemon, connect, good):
    """What cannot fit evicts nothing: the small batch that was made stays made."""
    large = Recipe(batch=60, height=448, width=448, dtype="f32")
    text = stream_text("large", good, large) + stream_text("small", good, SMALL)
    running = daemon(text, workers=1, memory_max="480M")
    deaf = RawPeer.connect(running.endpoint)
    deaf.post("hello", 1, v=1, stream="large", name="deaf", window=64)
    client = connect(running.endpoint)
    client.get("small", 0, 0)
    for epoch in range(6):
        deaf.post("get", 2 + epoch, stream="large", epoch=epoch, step=0)
    wait_until(lambda: client.stats()["batches_sent"] >= 2, "the large ones to fill the memory")
    assert client.stats()["requests_waiting"] > 0
    made = client.stats()["batches_made"]
    for _ in range(5):
        client.get("small", 0, 0)
    assert client.stats()["batches_made"] - made <= 4, "only the large ones"
    deaf.close()


def test_trainers_that_say_hello_and_leave_are_not_counted(daemon, connect, good):
    running = daemon(stream_text("train", good, SMALL))
    watcher = connect(running.endpoint)
    for _ in range(3):
        peers = [RawPeer.connect(running.endpoint) for _ in range(40)]
        for peer in peers:
            peer.post("hello", 1, v=1, stream="train", name="ghost", window=8)
            peer.close()
    wait_until(lambda: watcher.stats()["clients"] == 0, "the ghosts to leave")


def test_replies_that_nobody_reads_stay_inside_the_plan(daemon, connect, tmp_path):
    root = tmp_path / "data"
    picture = dataset.jpeg(1, 40, 40)
    for i in range(256):
        dataset.write(root, f"{i:04d}{'x' * 230}/a.jpg", picture)
    running = daemon(stream_text("train", root, dataclasses.replace(SMALL, batch=8)))
    before = running.memory_bytes("VmRSS")
    deaf = [RawPeer.connect(running.endpoint) for _ in range(20)]
    for peer in deaf:
        for i in range(100):
            peer.post("labels", i, stream="train", first=0)
    client = connect(running.endpoint)
    wait_until(lambda: client.stats()["requests"] > 2000, "the requests to be read", timeout_s=90)
    if not is_sanitized():
        assert running.memory_bytes("VmRSS") - before < 48 << 20
    for peer in deaf:
        peer.close()
    wait_until(lambda: len(client.labels("train")) == 256, "room for replies again")


def test_impatient_signals_end_it_without_a_crash(launch, connect, good):
    large = Recipe(batch=60, height=448, width=448, dtype="f32")
    running = launch(stream_text("large", good, large), memory_max="1G")
    running.wait_ready()
    deaf = RawPeer.connect(running.endpoint)
    deaf.post("hello", 1, v=1, stream="large", name="deaf", window=8)
    for epoch in range(4):
        deaf.post("get", 2 + epoch, stream="large", epoch=epoch, step=0)
    client = connect(running.endpoint)
    wait_until(lambda: client.stats()["batches_sent"] > 0, "a batch to be stuck", timeout_s=30)
    while running.is_alive():
        try:
            os.kill(running.process.pid, signal.SIGTERM)
        except ProcessLookupError:
            break
    assert running.wait_exit() == 1
    deaf.close()
