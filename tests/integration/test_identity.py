"""A batch is an address: same bytes from whoever, whenever, after whatever."""

import dataclasses
import random

import pytest

from plan1 import Recipe
from stokerd import stream_text
from wire import Refused

RECIPE = Recipe(
    seed=7,
    batch=16,
    last="partial",
    height=40,
    width=40,
    transform=("random_resized_crop", "flip", "random_erasing"),
    erase_mode="noise",
    mix="mixup",
)
ADDRESSES = [(epoch, step) for epoch in (0, 1, 77) for step in range(4)]


def digests(client, addresses, stream="train"):
    """Ask for all at once, in this order; digests by address."""
    ids = {address: client.post_get(stream, *address) for address in addresses}
    return {address: client.take(id_).digest for address, id_ in ids.items()}


@pytest.fixture
def reference(daemon, connect, good):
    """Digests of all addresses, asked in order of a daemon with one worker."""
    running = daemon(stream_text("train", good, RECIPE), workers=1)
    client = connect(running.endpoint)
    client.hello("train", window=64)
    return digests(client, ADDRESSES)


def test_every_address_has_bytes_of_its_own(reference):
    assert len(set(reference.values())) == len(ADDRESSES)


@pytest.mark.parametrize("workers", [1, 2, 8])
def test_digests_do_not_depend_on_workers_daemon_or_order(
    daemon, connect, good, reference, workers
):
    addresses = ADDRESSES * 2
    random.Random(workers).shuffle(addresses)
    running = daemon(stream_text("train", good, RECIPE), workers=workers, memory_max="2G")
    client = connect(running.endpoint)
    client.hello("train", window=64)
    assert digests(client, addresses) == reference


def test_another_seed_gives_other_bytes(daemon, connect, good, reference):
    other = dataclasses.replace(RECIPE, seed=8)
    running = daemon(stream_text("train", good, other))
    client = connect(running.endpoint)
    client.hello("train", window=64)
    assert not set(digests(client, ADDRESSES).values()) & set(reference.values())


def test_a_pinned_fingerprint_is_served_and_another_one_refused(daemon, connect, good):
    running = daemon(stream_text("train", good, RECIPE))
    client = connect(running.endpoint)
    fingerprint = client.hello("train")["fingerprint"]
    batch = client.get("train", 0, 0, fingerprint=fingerprint)
    assert batch.fingerprint == fingerprint
    with pytest.raises(Refused) as refused:
        client.get("train", 0, 0, fingerprint=bytes(16))
    assert refused.value.code == "fingerprint"
    assert fingerprint.hex() in refused.value.message and "0" * 32 in refused.value.message
    assert client.get("train", 0, 0).digest == batch.digest


def test_a_client_outlives_a_restart_and_gets_the_same_bytes(daemon, connect, good):
    text = stream_text("train", good, RECIPE)
    first = daemon(text)
    client = connect(first.endpoint)
    before = digests(client, ADDRESSES[:4])
    first.stop()
    unanswered = [client.post_get("train", *address) for address in ADDRESSES[:4]]
    daemon(text, listen=[first.endpoint])
    after = [client.take(id_).digest for id_ in unanswered]
    assert after == list(before.values())


def test_two_endpoints_serve_the_same(daemon, connect, good, tmp_path_factory):
    folder = tmp_path_factory.mktemp("e")
    running = daemon(
        stream_text("train", good, RECIPE), listen=["tcp://127.0.0.1:*", f"ipc://{folder}/s"]
    )
    over_tcp, over_ipc = [
        digests(connect(endpoint), ADDRESSES[:3]) for endpoint in running.endpoints
    ]
    assert over_tcp == over_ipc
    assert len(over_tcp) == 3
