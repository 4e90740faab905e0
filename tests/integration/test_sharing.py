"""Several trainers on one daemon: one decode for all, figures that say so."""

import pytest

from plan1 import Recipe
from stokerd import stream_text, wait_until

RECIPE = Recipe(batch=10, last="partial", height=32, width=32, mix="mixup")
STEPS = 6

# What the issue promises of `stats`.
FIGURES = {
    "batches_made", "batches_sent", "images_decoded", "images_replaced", "clients",
    "slab_bytes_in_use", "memory_bytes_max", "read_ns_total", "decode_ns_total", "mix_ns_total",
}  # fmt: skip


@pytest.fixture
def running(daemon, good):
    return daemon(stream_text("train", good, RECIPE))


def test_four_clients_get_every_batch_of_one_decode(running, connect):
    clients = [connect(running.endpoint) for _ in range(4)]
    for client in clients:
        client.hello("train")
    streams = [client.epoch("train", 0, range(STEPS)) for client in clients]
    for lockstep in zip(*streams, strict=True):
        assert len({batch.digest for batch in lockstep}) == 1
    figures = clients[0].stats()
    assert figures["batches_made"] == STEPS
    assert figures["images_decoded"] == 60
    assert figures["batches_sent"] == 4 * STEPS
    assert figures["clients"] == 4


def test_requests_for_one_address_in_flight_together_make_one_batch(running, connect):
    client = connect(running.endpoint)
    client.hello("train", window=64)
    ids = [client.post_get("train", 0, 0) for _ in range(64)]
    assert len({client.take(id_).digest for id_ in ids}) == 1
    assert client.stats()["batches_made"] == 1


def test_stats_tells_all_figures_and_they_add_up(running, connect):
    client = connect(running.endpoint)
    before = client.stats()
    assert FIGURES <= set(before)
    assert before["clients"] == 0 and before["batches_made"] == 0
    batches = list(client.epoch("train", 3, range(STEPS)))
    after = client.stats()
    assert after["batches_made"] == after["batches_sent"] == STEPS
    assert after["images_decoded"] == 60 and after["images_replaced"] == 0
    assert after["bytes_sent"] == sum(len(frame) for batch in batches for frame in batch.frames)
    assert after["memory_bytes_max"] == 512 << 20
    assert 0 < after["slab_bytes_in_use"] < after["memory_bytes_max"]
    for figure in ("read_ns_total", "decode_ns_total", "mix_ns_total"):
        assert after[figure] > before[figure]
    assert after["requests_waiting"] == 0


def test_cancelled_requests_need_no_reply_and_leave_the_window(daemon, connect, good):
    slow = Recipe(batch=60, height=448, width=448, transform=("resize", "flip"))
    client = connect(daemon(stream_text("train", good, slow), workers=1).endpoint)
    client.hello("train", window=2)
    cancelled = [client.post_get("train", epoch, 0) for epoch in (0, 1)]
    for id_ in cancelled:
        client.cancel(id_)
    batch = client.get("train", 2, 0)
    assert batch.epoch == 2
    wait_until(lambda: client.stats()["requests_waiting"] == 0, "cancelled requests to be gone")
    client.cancel(12345)  # of nothing: no reply, no harm
    assert client.get("train", 2, 0).digest == batch.digest
