"""While strangers do their worst a good trainer gets its batches, and memory stays where it was."""

import threading
import time
import zlib

import pytest

from hostile import BEHAVIOURS, Attack, encode, frame
from plan1 import Recipe
from stokerd import Stokerd, is_sanitized, stream_text, wait_until
from wire import Client

RECIPE = Recipe(batch=7, height=16, width=16)
LISTEN = {"ipc": None, "tcp": ["tcp://127.0.0.1:*"]}
GROWTH_BYTES_MAX = 96 << 20  # of all behaviours together, over what the first batches took
GETS_MIN = 8
LASTS_S = 0.1


@pytest.fixture(scope="module", params=LISTEN)
def served(request, small):
    """A daemon for all behaviours, a good trainer's connection, its digests, its memory."""
    # As fast as they come: what is refused at once cannot do its worst.
    running = Stokerd(
        stream_text("train", small, RECIPE),
        listen=LISTEN[request.param],
        settings=dict(connections_per_second=0),
    )
    try:
        running.wait_ready()
        with Client(running.endpoint, slow=2) as client:
            client.hello("train", name="good")
            digests = [batch.digest for batch in client.epoch("train", 0, range(3))]
            yield running, client, digests, running.memory_bytes("VmRSS")
        running.stop()
    finally:
        running.discard()


def repeat(endpoint, name):
    """Do a behaviour for a while, and twice at least."""
    until = time.monotonic() + LASTS_S
    seed = 0
    while seed < 2 or time.monotonic() < until:
        seed += 1
        with Attack(endpoint, seed) as attack:
            BEHAVIOURS[name](attack)


def test_there_are_40_behaviours():
    assert len(BEHAVIOURS) >= 40


@pytest.mark.parametrize("name", BEHAVIOURS)
def test_a_good_trainer_is_served_beside(served, name):
    running, client, digests, before = served
    attacker = threading.Thread(target=repeat, args=(running.endpoint, name))
    attacker.start()
    gets = 0
    while gets < GETS_MIN or attacker.is_alive():
        # A batch that is kept, and one that has to be made.
        epoch = 0 if gets % 2 == 0 else 1 + zlib.crc32(name.encode()) + gets
        batch = client.get("train", epoch & 0xFFFFFFFF, gets % 3)
        assert epoch > 0 or batch.digest == digests[gets % 3]
        gets += 1
    attacker.join()
    assert running.is_alive()
    wait_until(lambda: client.stats()["clients"] == 1, "the stranger to be missed", timeout_s=30)
    plan = int(running.events("memory.plan")[0]["bytes_max"])
    if not is_sanitized():
        now = running.memory_bytes("VmRSS")
        assert now < plan and now - before < GROWTH_BYTES_MAX, f"{(now - before) >> 20} MiB more"


def test_who_leaves_behind_more_requests_than_the_queue_takes_ends_nothing(served):
    running, client, digests, _ = served
    for seed in range(60):
        with Attack(running.endpoint, seed) as attack:
            BEHAVIOURS["floods_with_a_ping_whose_peers_are_gone"](attack)
    assert client.get("train", 0, 0).digest == digests[0]
    wait_until(lambda: client.stats()["clients"] == 1, "the strangers to be missed")


@pytest.mark.parametrize("body", [b"x" * 4096, b"x" * 300, b"x", b""], ids=len)
def test_a_message_without_an_end_is_cut_off(served, body):
    running, client, digests, _ = served
    before = running.memory_bytes("VmRSS")
    sent = 0
    with Attack(running.endpoint) as attack:
        stranger = attack.peer()
        stranger.settimeout(client.round_s)
        with pytest.raises(ConnectionError):
            while sent < 256 << 20:
                sent += stranger.send(frame(body, 1) * (65536 // (len(body) + 2)))
        assert client.get("train", 0, 0).digest == digests[0]
        if not is_sanitized():
            assert running.memory_bytes("VmRSS") - before < 64 << 20


def test_a_trainer_that_asks_for_long_is_not_cut_off(served):
    """Four times the bytes that may come without a message, in small requests."""
    _, client, digests, _ = served
    request = encode({"k": "cancel", "id": 0, "why": "x" * 4000})
    for _ in range(4 * 262):
        client.send_raw(request)
        client.stats()
    assert client.get("train", 0, 0).digest == digests[0]
