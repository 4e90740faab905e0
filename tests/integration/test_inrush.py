"""Connections that come too fast: from one address, from many, from a fleet that starts again."""

import contextlib
import os
import socket
import time

import pytest

from command import stoker
from plan1 import Recipe
from stokerd import SLOW, stream_text, wait_until
from wire import RawPeer

RECIPE = Recipe(batch=5, height=16, width=16)
LISTEN = {"ipc": None, "tcp": ["tcp://127.0.0.1:*"]}
FLEET = 200
# A bucket of twenty, and one more a second.
SLOWEST = dict(connections_per_second=1, clients_max=16)
BUCKET = 20
PAUSE_S, REFUSED_AT_ONCE = 0.004, 16


def connect_once(endpoint, wait_s=None):
    """Connect and leave; False where nobody would have taken it just now."""
    scheme, place = endpoint.split("://", 1)
    with socket.socket(socket.AF_UNIX if scheme == "ipc" else socket.AF_INET) as plain:
        plain.settimeout(5 * SLOW if wait_s is None else wait_s)
        host, _, port = place.rpartition(":")
        with contextlib.suppress(OSError):
            plain.connect(place if scheme == "ipc" else (host, int(port)))
            return True
    return False


def throttled(client):
    return client.stats()["connections_throttled"]


def flood(endpoint, client, count):
    """Connect until so many were refused for coming too fast."""
    before = throttled(client)
    wait_until(lambda: connect_once(endpoint) and throttled(client) >= before + count, "a refusal")


@pytest.fixture(params=LISTEN)
def served(request, daemon, small):
    """Start a daemon on one transport with some settings."""

    def served(**settings):
        listen = LISTEN[request.param]
        text = stream_text("train", small, RECIPE)
        return daemon(text, listen=listen, settings=settings, log_level="info")

    return served


def test_a_flood_is_refused_counted_and_told_with_its_address(served, connect):
    running = served(**SLOWEST)
    trainer = connect(running.endpoint)
    digest = trainer.get("train", 0, 0).digest
    flood(running.endpoint, trainer, 2 * BUCKET)
    assert trainer.get("train", 0, 0).digest == digest, "who is connected stays so"
    assert trainer.stats()["connections_refused"] == 0
    told = running.wait_log("connections.throttled", timeout_s=10 * SLOW)
    whose = "127.0.0.1" if running.endpoint.startswith("tcp") else f"uid {os.getuid()}"
    assert told["address"] == whose and int(told["count"]) > 0


def test_who_comes_from_elsewhere_is_let_in_beside_a_flood(daemon, connect, small):
    running = daemon(stream_text("train", small, RECIPE), listen=LISTEN["tcp"], settings=SLOWEST)
    trainer = connect(running.endpoint)
    flood(running.endpoint, trainer, 2 * BUCKET)
    place = running.endpoint.removeprefix("tcp://")
    refused = throttled(trainer)
    other = connect(f"tcp://127.0.0.2:0;{place}")
    assert other.get("train", 0, 0).count == 5
    assert throttled(other) == refused


def test_a_fleet_of_200_that_starts_at_once_is_let_in_at_once(served, connect):
    running = served()
    fleet = [RawPeer.connect(running.endpoint) for _ in range(FLEET)]
    trainer = connect(running.endpoint)
    assert trainer.stats()["connections"] == FLEET + 1
    assert throttled(trainer) == 0
    for peer in fleet:
        peer.close()


def test_a_trainer_that_was_refused_comes_back_and_gets_in(served, connect):
    running = served(**SLOWEST)
    watcher = connect(running.endpoint)
    flood(running.endpoint, watcher, 1)
    digest = stoker("get", f"{running.endpoint}/train", "--digest")
    assert digest == watcher.get("train", 0, 0).digest + "\n"


def test_a_flood_leaves_the_daemon_pauses(served, connect):
    """However fast it is: what it costs is bounded by what is looked at between two pauses."""
    running = served(**SLOWEST)
    trainer = connect(running.endpoint)
    flood(running.endpoint, trainer, 1)
    start, before = time.monotonic(), throttled(trainer)
    while time.monotonic() < start + 0.3:
        connect_once(running.endpoint, wait_s=0.01)
    count = throttled(trainer) - before
    pauses = (time.monotonic() - start) / PAUSE_S + 2
    assert 0 < count <= pauses * REFUSED_AT_ONCE
    assert trainer.get("train", 0, 0).count == 5


def test_a_reload_changes_the_rate(served, connect):
    running = served(**SLOWEST)
    trainer = connect(running.endpoint)
    flood(running.endpoint, trainer, 1)
    with open(running.config) as file:
        text = file.read()
    running.reload(text[text.index("stream train") :], connections_per_second=0)
    refused = throttled(trainer)
    for _ in range(3 * BUCKET):
        RawPeer.connect(running.endpoint).close()
    assert throttled(trainer) == refused
