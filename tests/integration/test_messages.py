"""The bytes of messages: golden ones, the daemon's own, and the examples of PROTOCOL.md."""

import json
import os
import re

import pytest

import dataset
import plan1
import wire
from plan1 import Recipe
from stokerd import ROOT, stream_text


GOLDEN = os.path.join(ROOT, "proto", "golden")
REQUESTS = {"hello", "get", "cancel", "streams", "labels", "replaced", "stats"}


def golden(name):
    """A golden message: what its comment says, and its bytes."""
    with open(os.path.join(GOLDEN, name)) as file:
        comment, *lines = file.read().splitlines()
    return told(json.loads(comment.removeprefix("#"))), bytes.fromhex("".join(lines))


def told(message):
    """JSON knows no bytes: fingerprints stand there in hexadecimal."""
    if isinstance(message, dict):
        return {
            key: bytes.fromhex(value) if key == "fingerprint" else told(value)
            for key, value in message.items()
        }
    return [told(row) for row in message] if isinstance(message, list) else message


@pytest.mark.parametrize("name", sorted(os.listdir(GOLDEN)))
def test_golden_bytes_are_the_message_and_the_message_the_bytes(name):
    message, data = golden(name)
    assert wire.decode(data) == message
    assert wire.encode(message) == data
    if message["k"] in wire.REPLIES and not name.endswith("_request.hex"):
        assert wire.decode_reply(data) == message


def test_there_is_a_golden_message_of_every_kind():
    messages = {name: golden(name)[0] for name in os.listdir(GOLDEN)}
    requests = {
        m["k"] for name, m in messages.items() if m["k"] not in wire.REPLIES or "_request" in name
    }
    replies = {m["k"] for name, m in messages.items() if "_request" not in name} & set(wire.REPLIES)
    assert requests == REQUESTS and replies == set(wire.REPLIES)


def keys_in_order(value):
    """The keys of a message at every depth, in order, without values."""
    if isinstance(value, dict):
        return [(key, keys_in_order(inner)) for key, inner in value.items() if key != "figures"]
    if isinstance(value, list):
        return [keys_in_order(inner) for inner in value[:1]]
    return None


def test_the_daemon_encodes_as_the_golden_messages_do(daemon, connect, tmp_path):
    root = dataset.write_small(tmp_path / "data", classes=1, each=3)
    dataset.write(root, "class0/bad.jpg", b"bad")
    recipe = Recipe(batch=4, height=8, width=8, phases=((80, 4, 9, 9),))
    running = daemon(stream_text("train", root, recipe))
    client = connect(running.endpoint)
    requests = {
        "welcome.hex": golden("hello.hex")[0],
        "batch.hex": {"k": "get", "id": 2, "stream": "train", "epoch": 0, "step": 0},
        "error.hex": {"k": "get", "id": 7, "stream": "val", "epoch": 0, "step": 0},
        "streams.hex": golden("streams_request.hex")[0],
        "labels.hex": {"k": "labels", "id": 5, "stream": "train", "first": 0},
        "replaced.hex": {"k": "replaced", "id": 8, "stream": "train", "first": 0},
        "stats_rows.hex": golden("stats_request.hex")[0],
    }
    for name, request in requests.items():
        client.send_raw(wire.encode(request))
        head = client.receive_raw()[0]
        reply = wire.decode_reply(head)
        assert reply["id"] == request["id"]
        assert wire.encode(reply) == head, f"{name} could be shorter"
        assert keys_in_order(reply) == keys_in_order(golden(name)[0]), name
        if name == "error.hex":
            assert head == golden(name)[1]


@pytest.fixture(scope="module")
def example():
    """The worked example of PROTOCOL.md."""
    with open(os.path.join(ROOT, "proto", "PROTOCOL.md")) as file:
        return file.read().partition("## 9. A worked example")[2]


def test_the_pages_example_messages_are_their_bytes(example):
    pairs = re.findall(r"^    (\{.*\})\n\n((?:    [0-9a-f]+\n)+)", example, re.M)
    assert [json.loads(message)["k"] for message, _ in pairs] == ["get", "error"]
    for message, lines in pairs:
        assert wire.encode(json.loads(message)) == bytes.fromhex(lines)


def test_the_pages_example_of_a_plan_is_the_plan(example):
    recipe = Recipe(seed=42, batch=64, scale=(0.08, 1), ratio=(3 / 4, 4 / 3), mix="mixup")
    plan = plan1.Plan(recipe, plan1.Listing([plan1.Sample(b"", 0, 0, b"")] * 1000, ["a"]))
    rows = re.findall(r"^\| (\d+) \| (.*) \|$", example, re.M)
    assert len(rows) >= 4
    slots = plan.slots(0, 0)
    shares = plan.shares(0, 0, slots)
    partner = plan.partner_slots(0, 0, shares)
    for slot, share, other, (number, cells) in zip(slots, shares, partner, rows):
        drawn = plan1.draw_transforms(recipe, 0, slot.position, 375, 500)
        crop = drawn.view.crop((recipe.height, recipe.width))
        values = [slot.index, int(drawn.flip), other, share.weight, *crop]
        assert int(number) == slot.position
        assert [int(value) for value in re.findall(r"\d+", cells)] == values


def test_the_pages_example_of_draws_is_what_the_sampler_draws(example):
    weights = [1, 0, 2.5, 0.001, 0, 1, 7, 1e-12]
    labels = [2, 0, 2, 5, 2, 0, 2, 2]
    samples = [
        plan1.Sample(b"", 0, label, b"", weight=weight) for label, weight in zip(labels, weights)
    ]
    for law in ("weighted", "balanced"):
        sampler = plan1.Sampler(Recipe(seed=42, sampler=law), samples)
        row = re.search(rf"^    {law}: ([\d, ]+)$", example, re.M)[1]
        assert [sampler.epoch(3)(q) for q in range(12)] == [int(i) for i in row.split(",")]
        if law == "weighted":
            told = re.search(r"S is ([\d,\s]+)\.", example)[1]
            assert sampler.sums == [int(i) for i in told.split(",")]
