"""What the service manager is told: life, progress, and what keeps the daemon busy."""

import re

import dataset
import pytest
import stokerd
from manager import Manager
from plan1 import Recipe
from stokerd import links_systemd, stream_text

RECIPE = Recipe(batch=5, height=16, width=16)
MORE = "EXTEND_TIMEOUT_USEC=60000000"

pytestmark = pytest.mark.skipif(not links_systemd(), reason="built without libsystemd")


@pytest.fixture
def managed(daemon, launch, tmp_path):
    """Start a daemon under a manager, on a disk that does what it is ordered: three of them."""
    made = []

    def make(text, order=None, ready=True, **environment):
        made.append(Manager(str(tmp_path / "n")))
        disk = tmp_path / "order"
        if order is not None:
            disk.write_text(order)
        start = daemon if ready else launch
        running = start(
            text,
            program=stokerd.PROGRAM + "-disk",
            environment={
                "NOTIFY_SOCKET": str(tmp_path / "n"), "STOKER_DISK": str(disk), **environment
            },
        )  # fmt: skip
        return running, made[-1], disk

    yield make
    for one in made:
        one.socket.close()


def test_the_watchdog_is_fed_only_while_work_moves(managed, connect, small):
    """A disk that hangs holds every reader, and so every worker; the loop goes on."""
    running, manager, disk = managed(stream_text("train", small, RECIPE), WATCHDOG_USEC="200000")
    manager.wait("WATCHDOG=1")
    disk.write_text("stall")
    client = connect(running.endpoint)
    asked = client.post_get("train", 0, 0)
    manager.wait_without("WATCHDOG=1", 1)
    assert client.stats()["requests_waiting"] == 1
    disk.unlink()
    manager.states.clear()
    manager.wait("WATCHDOG=1")
    assert client.take(asked).count == 5


def test_a_listing_that_moves_asks_for_more_time(managed, tmp_path):
    root = dataset.write_small(tmp_path / "data", classes=60, each=1)
    running, manager, disk = managed(stream_text("train", root, RECIPE), "crawl", ready=False)
    manager.wait(MORE)
    assert "READY=1" not in manager.states
    disk.unlink()
    manager.wait("READY=1")
    disk.write_text("crawl")
    manager.states.clear()
    running.signal(stokerd.signal.SIGHUP)
    manager.wait("RELOADING=1")
    manager.wait(MORE)
    assert "READY=1" not in manager.states
    disk.unlink()
    manager.wait("READY=1")
    running.stop()


def test_a_reload_says_since_when_it_runs(managed, small):
    running, manager, _ = managed(stream_text("train", small, RECIPE))
    running.reload()
    manager.wait("RELOADING=1")
    manager.wait("READY=1")
    since = next(state for state in manager.states if state.startswith("MONOTONIC_USEC="))
    assert 0 < int(since.partition("=")[2]) <= stokerd.time.monotonic_ns() // 1000


def test_the_status_tells_of_trainers_and_their_rate(managed, connect, small):
    running, manager, _ = managed(stream_text("train", small, RECIPE))
    client = connect(running.endpoint)
    client.hello("train")
    for epoch in range(3):
        client.get("train", epoch, 0)

    def told():
        manager.states += manager.socket.recv(4096).decode().split("\n")
        rate = re.compile(r"STATUS=1 trainers, [1-9]\d* pictures/s")
        return [state for state in manager.states if rate.fullmatch(state)]

    stokerd.wait_until(told, "the rate of 15 pictures in five seconds", 20)
