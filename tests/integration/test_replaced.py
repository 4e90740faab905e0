"""What was replaced can be asked for; a stream whose data is mostly broken is stopped."""

import dataclasses
import json

import pytest

import dataset
import plan1
from command import refused, stoker
from stokerd import stream_text
from test_bad_data import RECIPE, limited
from test_batches import assert_equal
from wire import Refused

ALL = dataclasses.replace(RECIPE, batch=10, order="sequential")


def broken(root, good, bad):
    """Good pictures in front, broken ones behind them; the plan over both."""
    dataset.write_small(root, classes=1, each=good)
    for i in range(bad):
        dataset.write(root, f"class1/{i:03}.jpg", dataset.truncated(share=0.02))
    samples, _ = plan1.list_folder(root)
    return samples, list(range(good, good + bad))


def test_the_list_has_every_bad_sample_once_with_its_slots_and_first_batch(
    daemon, connect, tmp_path
):
    samples, bad = broken(tmp_path / "data", 300, 290)
    recipe = dataclasses.replace(ALL, batch=59, height=8, width=8)
    running = daemon(limited(tmp_path / "data", recipe, 0))
    client = connect(running.endpoint)
    assert client.replaced("train") == ([], 0)
    slots = dict.fromkeys(bad, 0)
    for epoch in range(2):
        for batch in client.epoch("train", epoch, range(10)):
            for _, index in batch.replaced_samples:
                slots[index] += 1
    rows, known = client.replaced("train")
    assert known == len(rows) == 290 and {row["index"] for row in rows} == set(bad)
    for row in rows:
        index = row["index"]
        assert row["path"].encode() == samples[index].path
        assert row["reason"].startswith("corrupt: ")
        assert row["slots"] >= slots[index] == 2, "as a stand-in it is met beside"
        assert row["epoch"] < 2 and row["step"] < 10
    assert len(running.events("image.corrupt")) == 290


def test_the_command_lists_what_was_replaced_of_a_stream_or_of_all(daemon, connect, tmp_path):
    broken(tmp_path / "data", 7, 3)
    dataset.write_small(tmp_path / "fine", classes=1, each=10)
    text = stream_text("fine", tmp_path / "fine", ALL) + limited(tmp_path / "data", ALL, 0.5)
    running = daemon(text, listen=["tcp://127.0.0.1:*"])
    client = connect(running.endpoint)
    client.get("train", 0, 0)
    client.get("fine", 0, 0)
    rows, _ = client.replaced("train")
    told = json.loads(stoker("stats", "--replaced", f"{running.endpoint}/train", "--json"))
    assert told == {"streams": [{"stream": "train", "samples": 3, "replaced": rows}]}
    told = json.loads(stoker("stats", "--replaced", running.endpoint, "--json"))
    assert [row["stream"] for row in told["streams"]] == ["fine", "train"]
    assert [row["samples"] for row in told["streams"]] == [0, 3]
    head, *lines = stoker("stats", "--replaced", running.endpoint).splitlines()
    assert head.split() == ["STREAM", "INDEX", "SLOTS", "EPOCH", "STEP", "PATH", "(REASON)"]
    assert [line.split()[:2] for line in lines] == [["train", str(row["index"])] for row in rows]
    assert all("class1/00" in line and "corrupt" in line for line in lines)
    assert "'val'" in refused("stats", "--replaced", f"{running.endpoint}/val").replace('"', "'")


@pytest.mark.parametrize("share", [0.01, 0.1, 0.5])
def test_a_share_of_bad_samples_is_replaced_alike_by_two_daemons(daemon, connect, tmp_path, share):
    samples, bad = broken(tmp_path / "data", 100 - int(100 * share), int(100 * share))
    recipe = dataclasses.replace(ALL, order="shuffle")
    plan = plan1.Plan(recipe, samples, bad)
    for workers in (1, 2):
        running = daemon(limited(tmp_path / "data", recipe, 0.5), workers=workers)
        client = connect(running.endpoint)
        for batch in client.epoch("train", 0, range(10)):
            assert_equal(batch, plan.batch(0, batch.step))
        assert client.replaced("train")[1] == len(bad)
        assert running.events("stream.stopped") == []


@pytest.mark.parametrize("limit, good", [(0.5, 4), (0.5, 0), (0.1, 8)])
def test_a_stream_that_is_mostly_broken_is_stopped_with_a_sentence(
    daemon, connect, small, tmp_path, limit, good
):
    samples, bad = broken(tmp_path / "data", good, 10 - good)
    recipe = dataclasses.replace(ALL, batch=5)
    text = limited(tmp_path / "data", recipe, limit) + stream_text("good", small, ALL)
    running = daemon(text, workers=1)
    client = connect(running.endpoint)
    plan = plan1.Plan(recipe, samples, bad)
    reason = None
    for epoch in range(20):
        try:
            for batch in client.epoch("train", epoch, range(2), window=1):
                assert_equal(batch, plan.batch(epoch, batch.step))
        except Refused as error:
            assert error.code == "corrupt"
            reason = error.message
            break
    stopped = running.wait_log("stream.stopped")
    assert stopped["stream"] == "train" and stopped["samples"] == "10"
    assert int(stopped["bad"]) == int(10 * limit) + 1
    assert 'stream "train" is stopped' in reason and "of its 10 samples" in reason
    assert f"corrupt_max is {limit}" in reason and "stoker stats --replaced" in reason
    with pytest.raises(Refused) as refusal:
        client.get("train", 0, 0)
    assert refusal.value.code == "corrupt" and "is stopped" in refusal.value.message
    assert client.hello("train")["samples"] == 10
    assert len(client.replaced("train")[0]) >= int(stopped["bad"])
    assert client.get("good", 0, 0).count == 10
    assert len(running.events("stream.stopped")) == 1


def test_the_limit_is_of_the_pool_that_is_served(daemon, connect, tmp_path):
    """Of 40 samples ten are served; half of those, not of all, may be bad."""
    samples, _ = broken(tmp_path / "data", 0, 40)
    recipe = dataclasses.replace(ALL, batch=10, subset=0.25)
    running = daemon(limited(tmp_path / "data", recipe, 0.5))
    client = connect(running.endpoint)
    with pytest.raises(Refused) as refusal:
        client.get("train", 0, 0)
    assert refusal.value.code == "corrupt"
    assert running.wait_log("stream.stopped")["samples"] == "10"
    assert client.replaced("train")[1] <= 10


def test_the_limit_changes_neither_the_fingerprint_nor_a_byte(daemon, connect, tmp_path):
    broken(tmp_path / "data", 7, 3)
    told = set()
    for share in (0, 0.4, 1):
        batch = connect(daemon(limited(tmp_path / "data", ALL, share)).endpoint).get("train", 0, 0)
        told.add((batch.fingerprint, batch.digest))
    assert len(told) == 1
