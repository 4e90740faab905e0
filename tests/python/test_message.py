"""Messages of the Python package: the golden bytes, and what a stranger may send."""

import json
import random
import re
from pathlib import Path

import msgpack
import pytest
import stoker
from conftest import ROOT
from stoker import Address
from stoker._client import message, url
from stoker._client.order import Order
from stoker.state import read_state

GOLDEN = Path(ROOT, "proto", "golden")
FINGERPRINT = bytes(range(16)).hex()

REQUESTS = {
    "hello": lambda: message.encode_hello(1, "train", "trainer-0", 8),
    "get": lambda: message.encode_get(2, "train", Address(3, 20017)),
    "get_pinned": lambda: message.encode_get(
        300, "train", Address(4294967295, 4294967296), FINGERPRINT
    ),
    "get_unmixed": lambda: message.encode_get(7, "train", Address(3, 20017), unmixed="partner"),
    "cancel": lambda: message.encode("cancel", 2),
    "streams_request": lambda: message.encode("streams", 4),
    "labels_request": lambda: message.encode("labels", 5, stream="train", first=512),
    "replaced_request": lambda: message.encode("replaced", 8, stream="train", first=256),
    "stats_request": lambda: message.encode("stats", 6),
}
REPLIES = {
    "welcome": message.decode_welcome,
    "batch": message.decode_batch,
    "batch_unmixed": message.decode_batch,
    "error": message.decode_refusal,
    "error_retry": message.decode_refusal,
    "error_forbidden": message.decode_refusal,
    "streams": message.decode_streams,
    "labels": message.decode_labels,
    "replaced": message.decode_replaced,
    "stats": message.decode_stats,
}


def golden(name):
    """A golden message's content and its bytes."""
    first, *rest = (GOLDEN / f"{name}.hex").read_text().splitlines()
    return json.loads(first.removeprefix("# ")), bytes.fromhex("".join(rest))


def test_every_golden_message_is_known():
    known = {*REQUESTS, *REPLIES, "stats_rows"}
    assert {path.stem for path in GOLDEN.glob("*.hex")} == known


def test_rows_of_stats_are_keys_that_this_package_does_without():
    content, data = golden("stats_rows")
    assert message.decode_stats(message.unpack(data)) == content["figures"]


@pytest.mark.parametrize("name", REQUESTS)
def test_a_request_is_the_golden_bytes(name):
    assert REQUESTS[name]() == golden(name)[1]


def flat(value):
    """Every number and text in a decoded reply or in a golden message's content."""
    if isinstance(value, dict):
        return [each for item in value.values() for each in flat(item)]
    if isinstance(value, (list, tuple)):
        return [each for item in value for each in flat(item)]
    return flat(vars(value)) if hasattr(value, "__dataclass_fields__") else [value]


@pytest.mark.parametrize("name", REPLIES)
def test_a_reply_has_the_golden_content(name):
    content, data = golden(name)
    decoded = flat(REPLIES[name](message.unpack(data)))
    wanted = [each for each in flat(content) if each not in (content["k"], content["id"])]
    assert not [each for each in wanted if each not in decoded and each != content.get("first")]


@pytest.mark.parametrize("name", REPLIES)
def test_a_reply_that_lacks_or_spoils_a_key_is_refused(name):
    _, data = golden(name)
    whole = message.unpack(data)
    optional = {"retry_ms", "unmixed", "k", "first", "id"}
    for key in set(whole) - optional:
        for spoilt in (None, -1, "x" * 2000, b"x", [None], {"x": None}, 1.5, True):
            reply = {**whole, key: spoilt}
            with pytest.raises((stoker.InvalidError, stoker.LimitError, stoker.VersionError)):
                REPLIES[name](reply)
                pytest.fail(f"{key} = {spoilt!r}")
        with pytest.raises(stoker.InvalidError):
            REPLIES[name]({k: v for k, v in whole.items() if k != key})


def nested(depth):
    value = 1
    for _ in range(depth):
        value = [value]
    return msgpack.packb({"x": value})


@pytest.mark.parametrize(
    "data, kind",
    [
        (b"", stoker.InvalidError),
        (b"\x01", stoker.InvalidError),
        (b"\x90", stoker.InvalidError),
        (b"\x80\x00", stoker.InvalidError),
        (b"\x81\xa1k", stoker.InvalidError),
        (b"\x82\xa1k\x01\xa1k\x01", stoker.InvalidError),
        (b"\x81\x01\x01", stoker.InvalidError),
        (b"\x81\xc4\x01k\x01", stoker.InvalidError),
        (b"\x81\xa1k\xa1\xff", stoker.InvalidError),
        (b"\x81\xa1k\xdd\xff\xff\xff\xff", stoker.InvalidError),
        (b"\x81\xa1k\xdb\xff\xff\xff\xff", stoker.InvalidError),
        (b"\x81\xa1k\xc1", stoker.InvalidError),
        (b"\x81\xa1k" + b"\x91" * 100000, stoker.InvalidError),
        (nested(6), stoker.LimitError),
        (msgpack.packb({str(i): 1 for i in range(65)}), stoker.LimitError),
        (msgpack.packb({"x": b"x" * (1 << 20)}), stoker.LimitError),
    ],
)
def test_what_is_no_message_is_refused(data, kind):
    with pytest.raises(kind):
        message.unpack(data)


def test_the_deepest_and_widest_message_is_read():
    assert message.unpack(nested(5)) and message.unpack(
        msgpack.packb({str(i): 1 for i in range(64)})
    )


def test_random_bytes_raise_nothing_but_an_error():
    draw = random.Random(7)
    whole = [golden(name)[1] for name in REPLIES]
    for _ in range(20000):
        data = bytearray(draw.choice(whole))
        for _ in range(draw.randrange(1, 6)):
            how, at = draw.randrange(3), draw.randrange(len(data))
            if how == 0:
                data[at] = draw.randrange(256)
            elif how == 1:
                del data[at : at + draw.randrange(1, 9)]
            else:
                data[at:at] = draw.randbytes(draw.randrange(1, 9))
            data = data or bytearray(b"\x80")
        try:
            reply = message.unpack(bytes(data))
            message.id_of(reply)
            REPLIES[{"error": "error"}.get(reply.get("k"), "batch")](reply)
            draw.choice(list(REPLIES.values()))(reply)
        except stoker.Error:
            pass


def test_a_strangers_text_cannot_steer_a_terminal():
    refusal = message.Refusal(1, "corrupt", "a\x1b[2Jb\u202ec", 0)
    error = message.error_of(refusal, "tcp://h:1")
    assert type(error) is stoker.CorruptError
    assert str(error) == "'tcp://h:1' says: a?[2Jb???c"


# Urls.


@pytest.mark.parametrize(
    "text, endpoints",
    [
        ("tcp://host/train", ["tcp://host:7654"]),
        ("tcp://[::1]:7/train", ["tcp://[::1]:7"]),
        ("ipc:///run/s.sock/train", ["ipc:///run/s.sock"]),
        ("tcp://a:1,ipc://@b/train", ["tcp://a:1", "ipc://@b"]),
        ("tcp://n{08..10}/train", [f"tcp://n{i}:7654" for i in ("08", "09", "10")]),
        ("tcp://{a,b}:{1..2}/train", [f"tcp://{h}:{p}" for h in "ab" for p in (1, 2)]),
    ],
)
def test_a_url_names_endpoints(text, endpoints):
    assert url.parse(text) == (tuple(endpoints), "train")


@pytest.mark.parametrize(
    "text, words",
    [
        ("tcp://host:7654", "names no stream"),
        ("tcp://host:7654/", "names no stream"),
        ("tcp://host:7654/a b", "'a b' is no stream's name"),
        ("http://host/train", "starts with neither tcp:// nor ipc://"),
        ("tcp://:1/train", "names no host"),
        ("tcp://ho st/train", "names no host"),
        ("tcp://h:0/train", "no port between 1 and 65535"),
        ("tcp://h:65536/train", "no port between 1 and 65535"),
        ("tcp://h:1x/train", "no port between 1 and 65535"),
        ("ipc://run/train", "names no socket"),
        ("ipc:///" + "x" * 108 + "/train", "longer than 107 bytes"),
        ("tcp://h:1,tcp://h:1/train", "the url names 'tcp://h:1' twice"),
        ("tcp://h:{1..17}/train", "more than 16 endpoints: 'tcp://h:17' is too many"),
        ("tcp://h{4..1}/train", "counts down"),
        ("tcp://h{1..x}/train", "is no range of numbers"),
        ("tcp://h{a}/train", "neither a range as"),
        ("tcp://h{a,}/train", "a place with nothing in it"),
        ("tcp://h{a/train", "opens a brace that nobody closes"),
        ("tcp://ha}/train", "closes a brace that nobody opened"),
        ("tcp://{{a,b},c}/train", "braces inside braces"),
    ],
)
def test_a_url_that_makes_no_sense_is_refused_with_the_part(text, words):
    with pytest.raises(stoker.InvalidError, match=re.escape(words)):
        url.parse(text)


# Orders over phases.


def info(**changes):
    content, data = golden("welcome")
    whole = message.unpack(data)
    return message.decode_info({**whole, **changes})


def test_an_order_follows_the_steps_of_each_phase():
    phases = [dict(epoch=2, steps=4, batch=8, shape=[8, 8, 3])]
    order = Order(info(steps=2, phases=phases), 1, 2, Address(1, 0), 2)
    assert [order.next() for _ in range(4)] == [(1, 1), (2, 1), (2, 3), None]


def test_too_many_ranks_for_a_later_phase_are_refused():
    phases = [dict(epoch=5, steps=1, batch=8, shape=[8, 8, 3])]
    with pytest.raises(stoker.RangeError, match="1 steps, too few for rank 0 of 2"):
        Order(info(steps=2, phases=phases), 0, 2, Address(0, 0), 0)


# States.


def test_the_c_librarys_text_is_read_and_written():
    text = (
        '{"stoker_state": 1, "stream": "train", "fingerprint": "00112233445566778899aabbccddeeff", '
        '"epoch": 3, "step": 17, "rank": 0, "world": 4}'
    )
    assert json.dumps(read_state(text).to_dict()) == text
    for broken in ("", "[]", "{}", text[:-1], text.replace('"epoch": 3', '"epoch": 3, "epoch": 3')):
        with pytest.raises(stoker.InvalidError):
            read_state(broken)
