"""Who is served next: clients and streams take turns; what others will come to stays made."""

import pytest

from plan1 import Recipe
from stokerd import READY_S, stream_text, wait_until

SLOW = Recipe(batch=60, height=512, width=512, transform=("resize", "flip"))
FEW = Recipe(batch=15, height=512, width=512, transform=("resize", "flip"))
SMALL = Recipe(batch=5, height=448, width=448)  # 3 MB a batch, 12 steps an epoch


def made(running, count=0):
    """The batches in the order in which they were begun: one worker makes one after the other."""
    if count > 0:
        running.wait_log("batch.made", count, 6 * READY_S)
    return [(row["stream"], int(row["epoch"])) for row in running.events("batch.made")]


def leads(streams, pictures):
    """By how many pictures one stream is ahead of the other after each batch, from the first one
    of the stream that came later to the last of the one that ended first."""
    late, early = list(pictures)
    start = streams.index(late)
    end = min(len(streams) - streams[::-1].index(stream) for stream in pictures)
    lead, found = 0, []
    for stream in streams[start:end]:
        lead += pictures[stream] if stream == late else -pictures[early]
        found.append(lead)
    return start, found


def test_a_window_of_64_does_not_starve_a_window_of_1(daemon, connect, good):
    running = daemon(stream_text("slow", good, SLOW), workers=1, memory_max="1500M")
    greedy, *modest = (connect(running.endpoint) for _ in range(4))
    greedy.hello("slow", window=64)
    for client in modest:
        client.hello("slow", window=1)
    for epoch in range(64):
        greedy.post_get("slow", epoch, 0)
    greedy.stats()  # requests are handled in order, so the gets were received
    for i, client in enumerate(modest):
        client.post_get("slow", 100 + i, 0)
    order = [epoch for _, epoch in made(running, 7)]
    # What was begun before is made first; then it is the turn of all the others.
    assert {100, 101, 102} <= set(order), order


def test_streams_take_turns_however_many_ask_for_one(daemon, connect, good):
    text = stream_text("crowd", good, SLOW) + stream_text("lone", good, SLOW)
    running = daemon(text, workers=1, memory_max="2G")
    for i in range(4):
        client = connect(running.endpoint)
        for k in range(3):
            client.post_get("crowd", 10 * i + k, 0)
        client.stats()
    lone = connect(running.endpoint)
    ids = [lone.post_get("lone", epoch, 0) for epoch in range(4)]
    for id_ in ids:
        lone.take(id_)
    streams = [stream for stream, _ in made(running)]
    start, found = leads(streams, {"lone": 60, "crowd": 60})
    assert start <= 3 and max(map(abs, found)) <= 120, streams


def test_a_stream_of_small_batches_gets_as_many_pictures_as_one_of_large_ones(
    daemon, connect, good
):
    text = stream_text("large", good, SLOW) + stream_text("small", good, FEW)
    running = daemon(text, workers=1, memory_max="2G")
    for stream, count in (("large", 5), ("small", 12)):
        client = connect(running.endpoint)
        client.hello(stream, window=64)
        for epoch in range(count):
            client.post_get(stream, epoch, 0)
        client.stats()
    streams = [stream for stream, _ in made(running, 17)]
    start, found = leads(streams, {"small": 15, "large": 60})
    assert start <= 3 and len(found) > 10 and max(map(abs, found)) <= 120, streams


@pytest.fixture
def tight(daemon, good):
    """A daemon with memory for 8 batches."""
    text = stream_text("train", good, SMALL)
    running = daemon(text, workers=1, memory_max="512M")
    plan = running.events("memory.plan")[0]
    fixed = (512 << 20) - int(plan["slab_bytes"])
    slab = int(plan["slab_bytes"]) // int(plan["batches"])
    running.stop()
    memory_max = fixed + 8 * slab + slab // 2
    running = daemon(text, workers=1, memory_max=memory_max)
    assert int(running.events("memory.plan")[0]["batches"]) == 8
    return running


def test_what_a_laggard_will_want_stays_and_the_rest_is_made_again_the_same(tight, connect):
    leader, laggard = connect(tight.endpoint), connect(tight.endpoint)
    laggard.get("train", 0, 0)
    digests = [batch.digest for batch in leader.epoch("train", 0, range(12), window=1)]
    digests += [batch.digest for batch in leader.epoch("train", 1, range(12), window=1)]
    wait_until(lambda: leader.stats()["batches_cached"] == 8, "the memory to be full")
    before = leader.stats()["batches_made"]
    assert [laggard.get("train", 0, step).digest for step in range(1, 7)] == digests[1:7]
    assert leader.stats()["batches_made"] == before, "its next steps were kept"
    again = [laggard.get("train", 0, step).digest for step in range(7, 12)]
    again += [laggard.get("train", 1, step).digest for step in range(12)]
    assert again == digests[7:]
    assert leader.stats()["batches_made"] > before
    assert leader.stats()["batches_evicted"] > 0
