"""A service that is restarted under load: what a trainer waits, and that it loses nothing."""

import time

import pytest

from activation import Sockets
from follower import Follower
from plan1 import Recipe
from stokerd import SLOW, stream_text

RECIPE = Recipe(batch=4, height=8, width=8)  # 5 steps an epoch
STEPS = 5
GAP_S = 2  # that a restart may cost a trainer
RESTARTS = 3


@pytest.fixture
def follow():
    followers = []

    def make(url):
        followers.append(Follower(url))
        return followers[-1].wait_open()

    yield make
    for one in followers:
        one.discard()


@pytest.fixture
def places(tmp_path):
    """By scheme, and whether the sockets are the service manager's: options of each daemon."""
    made = []

    def make(scheme, activated):
        place = f"ipc://{tmp_path}/s" if scheme == "ipc" else "tcp://127.0.0.1:0"
        if activated or scheme == "tcp":
            made.append(Sockets(place))
        if activated:
            return made[-1].options()
        if scheme == "tcp":  # a port that is free
            place = made[-1].endpoints[0]
            made[-1].close()
        return {"listen": [place]}

    yield make
    for one in made:
        one.close()


def restart(running, launch, text, options):
    """SIGTERM, and what Restart= or systemctl restart does; the next daemon."""
    running.stop()
    return launch(text, **options)


@pytest.mark.parametrize("activated", [False, True], ids=["bound", "activated"])
@pytest.mark.parametrize("scheme", ["tcp", "ipc"])
def test_a_restart_under_load_costs_two_seconds_at_most_and_no_batch(
    launch, small, follow, places, scheme, activated
):
    text = stream_text("train", small, RECIPE)
    options = places(scheme, activated)
    running = launch(text, **options).wait_ready()
    trainer = follow(options["listen"][0] + "/train")
    trainer.say(f"take {1 << 30}")
    came = [trainer.answer() for _ in range(10 * STEPS)]
    for _ in range(RESTARTS):
        running = restart(running, launch, text, options)
        restarted = time.monotonic()
        running.wait_ready()
        while came[-1][0] < restarted + 0.1:
            came.append(trainer.answer())
        came += [trainer.answer() for _ in range(10 * STEPS)]
    addresses = [(told["epoch"], told["step"]) for _, told in came]
    assert addresses == [divmod(number, STEPS) for number in range(len(addresses))]
    gaps = [after - before for (before, _), (after, _) in zip(came, came[1:])]
    print(f"{scheme} {activated=}: the longest gap was {max(gaps):.2f} s")
    assert max(gaps) < GAP_S * SLOW
    digests = {}
    for (epoch, step), (_, told) in zip(addresses, came):
        assert digests.setdefault((epoch, step), told["digest"]) == told["digest"]
    trainer.discard()
    running.stop()
