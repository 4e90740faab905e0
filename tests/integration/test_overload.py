"""Too many clients, too many requests: each is told to come back, and when."""

import pytest

from plan1 import Recipe
from stokerd import stream_text, wait_until
from wire import RawPeer, Refused

SMALL = Recipe(batch=5, height=16, width=16)
SLOW = Recipe(batch=60, height=512, width=512, transform=("resize", "flip"))


def refused_when(client, id_):
    """When the error `overloaded` says to come back."""
    with pytest.raises(Refused) as refused:
        client.take(id_)
    assert refused.value.code == "overloaded"
    return refused.value.retry_ms


def test_a_client_too_many_is_told_when_to_come_back(daemon, connect, good):
    running = daemon("clients_max = 2\n" + stream_text("train", good, SMALL))
    first, second, third = (connect(running.endpoint) for _ in range(3))
    first.hello("train")
    digest = second.get("train", 0, 0).digest
    hello = dict(v=1, stream="train", name="third", window=8)
    times = [refused_when(third, third.post("hello", **hello)) for _ in range(20)]
    assert all(500 <= ms < 1000 for ms in times) and len(set(times)) > 10, times
    assert 500 <= refused_when(third, third.post_get("train", 0, 0)) < 1000
    assert third.stats()["overloaded"] == 21, "figures are told to anyone"
    first.close()
    wait_until(lambda: third.stats()["clients"] == 1, "the first one to leave")
    assert third.get("train", 0, 0).digest == second.get("train", 0, 0).digest == digest


def test_requests_beyond_those_of_all_clients_are_sent_away_but_a_first_one_is_taken(
    daemon, connect, good
):
    running = daemon("requests_max = 4\n" + stream_text("slow", good, SLOW), workers=1)
    greedy = RawPeer.connect(running.endpoint)
    greedy.post("hello", 0, v=1, stream="slow", name="greedy", window=64)
    for epoch in range(64):
        greedy.post("get", 1 + epoch, stream="slow", epoch=epoch, step=0)
    watcher, modest = connect(running.endpoint), connect(running.endpoint)
    figures = wait_until(lambda: all_read(watcher.stats(), 65), "its requests to be read")
    assert figures["requests_waiting"] <= 4 and figures["overloaded"] >= 50
    first = modest.post_get("slow", 100, 0)
    second = modest.post_get("slow", 101, 0)
    assert refused_when(modest, second) >= 500
    assert modest.take(first).epoch == 100
    greedy.close()
    wait_until(lambda: watcher.stats()["requests_waiting"] == 0, "room again")
    ids = [modest.post_get("slow", epoch, 0) for epoch in range(4)]
    assert [modest.take(id_).epoch for id_ in ids] == [0, 1, 2, 3]


def all_read(figures, count):
    return figures if figures["requests"] >= count else None
