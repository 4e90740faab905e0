"""Old trainers with a new daemon, and new trainers with an old one, within a major version."""

import hashlib
import os

import pytest
import stoker
import versions
import wire
from fixtures import connect  # noqa: F401
from follower import Follower
from plan1 import Recipe
from stokerd import stream_text

RECIPE = Recipe(batch=4, height=8, width=8, mix="mixup")  # 5 steps an epoch
STEPS = 5
FROZEN = versions.frozen()
REQUESTS = {name for name, (request, _, _) in FROZEN.items() if request}
CHANGES = {"older": versions.older, "newer": versions.newer}


def test_the_messages_of_an_earlier_version_are_frozen():
    hash_ = hashlib.sha256()
    for name in sorted(os.listdir(versions.EARLIER)):
        with open(os.path.join(versions.EARLIER, name), "rb") as file:
            hash_.update(name.encode() + file.read())
    assert hash_.hexdigest()[:16] == "b28f2ab88faa7b93"


def lacks(reply, earlier, path=""):
    """What an earlier reply holds and this one does not, or holds of another type."""
    if type(reply) is not type(earlier):
        return [f"{path} is {type(reply).__name__}"]
    if isinstance(earlier, list):
        pairs = [(row, earlier[0]) for row in reply] if earlier else []
        return [what for row, then in pairs for what in lacks(row, then, f"{path}[]")]
    if not isinstance(earlier, dict) or path.endswith("/figures"):
        return []
    missing = [f"{path}/{key}" for key in earlier if key not in reply]
    there = [key for key in earlier if key in reply]
    return missing + [
        what for key in there for what in lacks(reply[key], earlier[key], f"{path}/{key}")
    ]


@pytest.mark.parametrize("name", sorted(REQUESTS - {"cancel"}))
def test_a_request_of_an_earlier_version_is_answered_as_it_was_then(daemon, connect, small, name):
    running = daemon(stream_text("train", small, RECIPE))
    client = connect(running.endpoint)
    client.send_raw(FROZEN[name][2])
    reply = wire.decode_reply(client.receive_raw()[0])
    earlier = FROZEN[{"get_unmixed": "batch_unmixed"}.get(name, reply["k"])][1]
    if reply["k"] == "error":  # of a fingerprint, or of an epoch that has no such step
        assert name in ("get_pinned", "get", "get_unmixed")
        earlier = FROZEN["error"][1]
    assert lacks(reply, earlier) == []


@pytest.fixture
def between(daemon, small, tmp_path):
    """A daemon, and a proxy before it that makes everything older or newer; its endpoint."""
    proxies = []

    def make(change):
        running = daemon(stream_text("train", small, RECIPE))
        place = f"ipc://{tmp_path}/proxy"
        proxies.append(versions.Proxy(running.endpoint, place, CHANGES[change]))
        return running, place, proxies[-1]

    yield make
    for one in proxies:
        one.end()


def wanted(running, connect):
    return [batch.digest for batch in connect(running.endpoint).epoch("train", 0, range(STEPS))]


@pytest.mark.parametrize("change", CHANGES)
def test_libstoker_streams_from_a_daemon_of_another_version(between, connect, change):
    running, place, proxy = between(change)
    trainer = Follower(f"{place}/train").wait_open()
    took = [told["digest"] for told in trainer.take(STEPS)]
    trainer.close()
    assert took == wanted(running, connect)
    assert change == "older" or {"hello", "get", "welcome", "batch"} <= proxy.changed


@pytest.mark.parametrize("change", CHANGES)
def test_the_package_streams_from_a_daemon_of_another_version(between, connect, change):
    running, place, proxy = between(change)
    with stoker.connect(f"{place}/train", epochs=1) as stream:
        took = [bytes(batch.images) for batch in stream]
    there = connect(running.endpoint).epoch("train", 0, range(STEPS))
    assert took == [batch["images"].tobytes() for batch in there]
    assert stoker.stats(place)["batches_sent"] >= STEPS
    assert change == "older" or {"hello", "get", "welcome", "batch", "stats"} <= proxy.changed
