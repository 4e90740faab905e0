"""Requests that are wrong: each is answered or cut off, and a good client is served still."""

import random
import re

import msgpack
import pytest
import zmq

import wire
from plan1 import Recipe
from stokerd import is_sanitized, stream_text, wait_until
from wire import Refused, encode

RECIPE = Recipe(batch=5, height=16, width=16)
SLOW_RECIPE = Recipe(batch=60, height=512, width=512, transform=("resize", "flip"))
GET = {"k": "get", "id": 77, "stream": "train", "epoch": 0, "step": 1}


@pytest.fixture
def running(daemon, good):
    """A daemon; when the test is over, a good client must still get its batch."""
    return daemon(
        stream_text("train", good, RECIPE) + stream_text("valid", good, RECIPE)
        + stream_text("slow", good, SLOW_RECIPE)
    )  # fmt: skip


@pytest.fixture
def client(running, connect):
    client = connect(running.endpoint)
    digest = client.get("train", 0, 1).digest
    yield client
    assert client.get("train", 0, 1).digest == digest
    assert connect(running.endpoint).get("train", 0, 1).digest == digest


def refusal(client, *frames):
    """The error reply to raw frames."""
    client.send_raw(*frames)
    reply = client.receive()
    assert isinstance(reply, dict) and reply["k"] == "error", reply
    assert re.match(r"[a-z0-9].*[^.\n]$", reply["message"]), reply["message"]
    return reply


def with_value(packed, **changes):
    """A get as bytes with some keys' values as they stand in packed form."""
    keys = {key: encode(value) for key, value in GET.items()} | changes
    return (
        bytes([0x80 | len(keys)])
        + b"".join(encode(key) + value for key, value in keys.items())
        + packed
    )


NESTED_6 = encode([[[[["deep"]]]]])
NESTED_7 = encode([[[[[["deep"]]]]]])

INVALID = {
    "not msgpack": b"\xc1",
    "an empty frame": b"",
    "a number": b"\x05",
    "an array": encode(["get", 1]),
    "an empty map": encode({}),
    "a text": b"GET / HTTP/1.1\r\n\r\n",
    "bytes behind the end": encode(GET) + b"\x00",
    "cut short": encode(GET)[:-1],
    "a map that ends early": b"\x86" + encode(GET)[1:],
    "a number as key": b"\x86" + encode(GET)[1:] + b"\x01\x01",
    "a key twice": b"\x86" + encode(GET)[1:] + encode("step") + b"\x02",
    "a key twice in a map inside": with_value(b"", x=b"\x82\xa1a\x01\xa1a\x01"),
    "a huge array": with_value(b"", x=b"\xdd\xff\xff\xff\xff"),
    "a huge map": with_value(b"", x=b"\xdf\xff\xff\xff\xff"),
    "a huge text": with_value(b"", x=b"\xdb\xff\xff\xff\xff"),
    "a huge bin": with_value(b"", x=b"\xc6\xff\xff\xff\xff"),
    "a stream that is not UTF-8": with_value(b"", stream=b"\xa2\xff\xfe"),
    "an unknown text that is not UTF-8": with_value(b"", x=b"\xa2\xc3\x28"),
    "an overlong UTF-8 slash": with_value(b"", x=b"\xa2\xc0\xaf"),
    "a surrogate in UTF-8": with_value(b"", x=b"\xa3\xed\xa0\x80"),
    "a stream as bin": with_value(b"", stream=b"\xc4\x05train"),
    "no id": encode({key: value for key, value in GET.items() if key != "id"}),
    "no kind": encode({key: value for key, value in GET.items() if key != "k"}),
    "no stream": encode({key: value for key, value in GET.items() if key != "stream"}),
    "no step": encode({key: value for key, value in GET.items() if key != "step"}),
    "a negative id": encode({**GET, "id": -1}),
    "a negative step": encode({**GET, "step": -1}),
    "a real step": encode({**GET, "step": 1.0}),
    "a text as step": encode({**GET, "step": "1"}),
    "true as step": encode({**GET, "step": True}),
    "an epoch of 33 bits": encode({**GET, "epoch": 2**32}),
    "a kind that is a number": encode({**GET, "k": 3}),
    "a fingerprint of 15 bytes": encode({**GET, "fingerprint": bytes(15)}),
    "a fingerprint as text": encode({**GET, "fingerprint": "0" * 16}),
}

BEYOND_A_LIMIT = {
    "seven containers deep": with_value(b"", x=NESTED_7),
    "65 keys": encode({**GET, **{f"x{i}": i for i in range(60)}}),
    "65 keys in a map inside": with_value(b"", x=encode({f"x{i}": i for i in range(65)})),
    "a stream name of 65 bytes": with_value(b"", stream=encode("s" * 65)),
    "a client name of 65 bytes": encode(
        {"k": "hello", "id": 77, "v": 1, "stream": "train", "name": "n" * 65, "window": 1}
    ),
}


@pytest.mark.parametrize("what", INVALID)
def test_a_message_that_is_not_one_is_invalid(client, what):
    reply = refusal(client, INVALID[what])
    assert reply["code"] == "invalid"
    assert reply["id"] in (0, 77)


@pytest.mark.parametrize("what", BEYOND_A_LIMIT)
def test_a_message_beyond_a_limit_is_refused(client, what):
    reply = refusal(client, BEYOND_A_LIMIT[what])
    assert reply["code"] == "limit"
    assert reply["id"] in (0, 77)


ALLOWED = {
    "keys it does not know": encode({**GET, "colour": "red", "list": [1, {"a": None}]}),
    "six containers deep": with_value(b"", x=NESTED_6),
    "64 keys": encode({**GET, **{f"x{i}": i for i in range(59)}}),
    "4,096 bytes": with_value(b"", x=b"\xc5" + (4096 - len(encode(GET)) - 5).to_bytes(2, "big")
                              + bytes(4096 - len(encode(GET)) - 5)),
    "numbers wider than they need be": with_value(
        b"", id=b"\xcf" + (77).to_bytes(8, "big"), epoch=b"\xce\0\0\0\0",
        step=b"\xd3" + b"\0" * 7 + b"\1"
    ),
    "a map of 32-bit count": b"\xdf\0\0\0\5" + encode(GET)[1:],
    "an extension type": with_value(b"", x=encode(msgpack.ExtType(5, b"data"))),
}  # fmt: skip


@pytest.mark.parametrize("what", ALLOWED)
def test_what_the_encoding_allows_is_served(client, what):
    assert what != "4,096 bytes" or len(ALLOWED[what]) == 4096
    client.send_raw(ALLOWED[what])
    batch = client.receive()
    assert isinstance(batch, wire.Batch) and (batch.id, batch.step) == (77, 1), batch


def test_an_unknown_kind_is_told_from_an_invalid_message(client):
    reply = refusal(client, encode({"k": "dance", "id": 9}))
    assert (reply["code"], reply["id"]) == ("unknown_kind", 9)
    for kind in wire.REPLIES.keys() - {"streams", "labels", "stats", "replaced"}:
        assert refusal(client, encode({"k": kind, "id": 9}))["code"] == "unknown_kind"


@pytest.mark.parametrize("version", [0, 2, 2**32 - 1])
def test_another_version_is_refused_naming_both(client, version):
    with pytest.raises(Refused) as refused:
        client.hello("train", v=version)
    assert refused.value.code == "version"
    assert {"1", str(version)} <= set(re.findall(r"\d+", refused.value.message))


def test_a_step_beyond_the_epoch_is_out_of_range(client):
    steps = client.hello("train")["steps"]
    assert client.get("train", 2**32 - 1, steps - 1).count == RECIPE.batch
    for step in (steps, 2**32, 2**64 - 1):
        with pytest.raises(Refused) as refused:
            client.get("train", 0, step)
        assert refused.value.code == "range" and str(step) in refused.value.message


def test_an_unknown_stream_is_answered_with_those_there_are(client):
    for kind, keys in {
        "hello": dict(v=1, name="", window=1), "get": dict(epoch=0, step=0),
        "labels": dict(first=0),
    }.items():  # fmt: skip
        with pytest.raises(Refused) as refused:
            client.ask(kind, stream="trian", **keys)
        assert refused.value.code == "unknown_stream"
        for name in ("trian", "train", "valid", "slow"):
            assert f'"{name}"' in refused.value.message


def test_the_longest_stream_name_is_read_whole(client):
    with pytest.raises(Refused) as refused:
        client.get("n" * 64, 0, 0)
    assert refused.value.code == "unknown_stream" and "n" * 64 in refused.value.message


def test_a_request_of_several_frames_is_invalid(client):
    assert refusal(client, encode(GET), b"more")["code"] == "invalid"
    assert refusal(client, b"", encode(GET))["code"] == "invalid"
    assert refusal(client, *[encode(GET)] * 100)["code"] == "invalid"


def test_requests_beyond_the_window_are_refused(client):
    assert client.hello("slow", window=3)["window"] == 3
    ids = [client.post_get("slow", epoch, 0) for epoch in range(8)]
    answered, refused = [], []
    for id_ in ids:
        try:
            answered.append(client.take(id_).epoch)
        except Refused as error:
            assert error.code == "window" and error.id == id_
            refused.append(id_)
    assert answered == [0, 1, 2] and refused == ids[3:]
    assert client.get("slow", 3, 0).epoch == 3


def test_windows_are_granted_between_1_and_64_and_are_8_without_a_hello(client, running, connect):
    for wanted, granted in {0: 1, 1: 1, 64: 64, 65: 64, 2**32 - 1: 64}.items():
        assert client.hello("train", window=wanted)["window"] == granted
    stranger = connect(running.endpoint)
    ids = [stranger.post_get("slow", epoch, 0) for epoch in range(20, 30)]
    codes = []
    for id_ in ids:
        try:
            stranger.take(id_)
        except Refused as error:
            codes.append(error.code)
    assert codes == ["window"] * 2


@pytest.mark.parametrize("length", [4097, 100_000_000])
def test_a_frame_that_is_too_long_ends_its_connection_alone(client, running, connect, length):
    before = running.memory_bytes()
    stranger = connect(running.endpoint)
    assert stranger.get("train", 0, 1).count == RECIPE.batch
    monitor = stranger.socket.get_monitor_socket(zmq.EVENT_DISCONNECTED)
    try:
        message = encode({**GET, "x": bytes(length - len(encode(GET)) - 5)})
        stranger.send_raw(message[:length].ljust(length, b"\0"))
        assert monitor.poll(int(1000 * stranger.round_s)), "the connection still stands"
    finally:
        stranger.socket.disable_monitor()
        monitor.close()
    wait_until(lambda: client.stats()["clients"] == 1, "the stranger to be gone")
    if not is_sanitized():
        assert running.memory_bytes() - before < 16 << 20


def drain(client):
    """Take every reply that is under way, up to one to a request of our own."""
    replies = []
    id_ = client.post("stats")
    while True:
        reply = client.receive()
        if isinstance(reply, dict) and reply["k"] == "stats" and reply["id"] == id_:
            return replies
        replies.append(reply)


def mutated(random_, valid):
    """A valid request with a few bytes changed, taken out or put in."""
    data = bytearray(random_.choice(valid))
    for _ in range(random_.randint(1, 4)):
        place = random_.randrange(len(data) + 1)
        action = random_.randrange(3)
        if action == 0 and place < len(data):
            data[place] = random_.choice(
                [random_.randrange(256), data[place] ^ 1 << random_.randrange(8)]
            )
        elif action == 1:
            del data[place : place + random_.randint(1, 5)]
        else:
            data[place:place] = random_.randbytes(random_.randint(1, 5))
    return bytes(data)


def test_500_random_and_1500_mutated_requests_do_no_harm(client):
    random_ = random.Random(1)
    valid = [
        encode(GET), encode({**GET, "fingerprint": bytes(16)}),
        encode({"k": "hello", "id": 1 << 40, "v": 1, "stream": "train", "name": "é", "window": 8}),
        encode({"k": "labels", "id": 3, "stream": "train", "first": 0}),
        encode({"k": "streams", "id": 4}),
        encode({"k": "cancel", "id": 77}), with_value(b"", x=NESTED_6),
    ]  # fmt: skip
    client.last_id = 1 << 50
    frames = [random_.randbytes(random_.randint(0, 200)) for _ in range(500)]
    frames += [mutated(random_, valid) for _ in range(1500)]
    kinds = []
    for i in range(0, len(frames), 50):
        for frame in frames[i : i + 50]:
            client.send_raw(frame)
        kinds += [
            reply.k if isinstance(reply, wire.Batch) else reply["k"] for reply in drain(client)
        ]
    # All but cancels have an answer; what is still valid after a mutation has a good one.
    assert 1750 < len(kinds) <= len(frames)
    assert kinds.count("error") > 1000
