"""Daemons that break the protocol on the wire: a sentence each time, and neither a crash nor a wait
without end.  The faults are those that the C client is tested with, and it says the same words."""

import json
import os
import socket
import subprocess
import sys
import textwrap
import threading

import fake_daemon
import pytest
import stoker
from fake_daemon import FAULTS, NONSENSE, STEPS, UNREADABLE, FakeDaemon, spoilt, with_fault
from stokerd import BUILD, ROOT, SLOW

TIMEOUT = 20 * SLOW
WAIT_S = 60 * SLOW


@pytest.fixture
def fake():
    """Start a daemon that answers so; the url of its stream is fake(...).endpoint + "/train"."""
    made = []

    def make(*answer):
        made.append(FakeDaemon(*answer))
        return made[-1]

    yield make
    for each in made:
        each.close()


def connect(one, **options):
    return stoker.connect(f"{one.endpoint}/train", **{"timeout": TIMEOUT, **options})


def told(stream):
    """The sentence that the next batch fails with."""
    with pytest.raises(stoker.Error) as raised:
        next(stream)
    assert "receiving thread" not in str(raised.value)
    return raised.value


def c_client_says(url, step, *options):
    """What `stoker get` complains of."""
    words = (os.path.join(ROOT, BUILD, "stoker"), "get", url, "--step", str(step), *options)
    ended = subprocess.run(words, capture_output=True, text=True, timeout=WAIT_S)
    assert ended.returncode == 1, ended.stdout + ended.stderr
    return ended.stderr.removeprefix("stoker: ").strip()


@pytest.mark.parametrize("name", FAULTS)
def test_a_batch_that_breaks_the_protocol_is_refused_as_by_the_c_client(fake, name):
    with connect(fake(spoilt(with_fault(name))), epochs=1) as stream:
        assert next(stream).step == 0
        error = told(stream)
        assert type(error) is stoker.InvalidError
        assert str(error).startswith("a daemon broke the protocol: ")
        assert [batch.step for batch in stream] == list(range(1, STEPS))
    assert c_client_says(f"{fake(spoilt(with_fault(name))).endpoint}/train", 1) == str(error)


@pytest.mark.parametrize("name", UNREADABLE)
def test_a_header_that_nobody_can_read_is_refused(fake, name):
    with connect(fake(spoilt(with_fault(name))), epochs=1) as stream:
        assert next(stream).step == 0
        error = told(stream)
        assert str(error) == (
            "a daemon broke the protocol: its batch has a header that cannot be read"
        )
        assert isinstance(error, (stoker.InvalidError, stoker.LimitError))
        assert [batch.step for batch in stream] == list(range(1, STEPS))
    c_client_says(f"{fake(spoilt(with_fault(name))).endpoint}/train", 1)


@pytest.mark.parametrize("name", NONSENSE)
def test_bytes_that_are_no_message_end_the_connection(fake, name):
    one = fake(spoilt(lambda request: [NONSENSE[name]]))
    with connect(one, epochs=1, window=1) as stream:
        assert next(stream).step == 0
        assert str(told(stream)) == (
            f"'{one.endpoint}' sent bytes that are no reply: is it a stokerd?"
        )
        assert [batch.step for batch in stream] == list(range(1, STEPS))
    assert [each["k"] for each in one.asked].count("hello") == 2


@pytest.mark.parametrize("name", NONSENSE)
def test_a_greeting_that_is_answered_with_nonsense_is_a_sentence(fake, name):
    one = fake(lambda request: [NONSENSE[name]])
    with pytest.raises(stoker.Error, match="bytes that are no reply: is it a stokerd?"):
        connect(one)
    with pytest.raises(stoker.Error, match="an answer that cannot be read .*: is it a stokerd"):
        stoker.stats(one.endpoint, timeout=TIMEOUT)


SPOILT_VALUES = (
    None,
    -1,
    2**64 - 1,
    1.5,
    "",
    "x" * 2000,
    b"x",
    [],
    [None] * 300,
    {"x": {}},
    True,
)


def is_harmless(key, value):
    """What a daemon may well say: any text, numbers as large as they like, no phases."""
    if key in ("samples", "epoch_samples", "steps"):
        return type(value) is int and value >= 0
    if key in ("mix", "decoder"):
        return value == ""
    return key == "phases" and value == []


@pytest.mark.parametrize("key", sorted(set(fake_daemon.welcome()) - {"k"}))
def test_a_spoilt_welcome_is_refused_and_none_is_a_crash(fake, key):
    answers = iter(())
    one = fake(lambda request: [next(answers)] if request["k"] == "hello" else None)
    for value in SPOILT_VALUES:
        answers = iter([fake_daemon.welcome(**{key: value})] * 100)
        if is_harmless(key, value):
            with connect(one) as stream:
                assert next(stream).step == 0
        elif key == "id":
            with pytest.raises(stoker.TimeoutError, match="no answer from|has not answered"):
                connect(one, timeout=0.1)
        else:
            with pytest.raises(stoker.Error, match=f"'{one.endpoint}' "):
                connect(one)


def test_a_welcome_may_be_followed_by_anything(fake):
    """Replies that nobody asked for, for other steps, twice, and kinds that are not known."""

    def answer(request):
        if request["k"] != "get":
            return None
        one.spray += 1
        good = fake_daemon.good(request)
        return {
            1: [{**good[0], "id": 2**64 - 1}, *good[1:]],
            2: [{**good[0], "id": -1}, *good[1:]],
            3: [{**good[0], "k": ["batch"]}, *good[1:]],
            4: [fake_daemon.welcome(fingerprint=bytes(16))],
            5: [{"k": "stats", "id": request["id"], "figures": {}}],
            6: [{"k": "brand_new", "id": request["id"]}],
            7: [{}],
        }.get(one.spray)

    one = fake(answer)
    one.spray = 0
    with connect(one) as stream:
        stream.timeout = 0.3
        with pytest.raises(stoker.TimeoutError, match="step 0 has not come"):
            next(stream)


@pytest.mark.parametrize(
    "error, words",
    [
        (dict(code="corrupt", message="a\x1b[2J\nb\u202e"), r"says: a\?\[2J\?b\?\?\?"),
        (dict(code="nobody knows", message="so"), "says: so"),
        (dict(code="ok", message="so"), "an error that cannot be read"),
        (dict(code=7, message="so"), "an error that cannot be read"),
        (dict(code="corrupt", message="x" * 513), "an error that cannot be read"),
        (dict(code="corrupt"), "an error that cannot be read"),
        (dict(code="overloaded", message="so", retry_ms=-1), "an error that cannot be read"),
    ],
)
def test_an_error_of_any_kind_is_a_sentence(fake, error, words):
    one = fake(spoilt(lambda request: [dict(k="error", id=request["id"], **error)]))
    with connect(one, epochs=1) as stream:
        assert next(stream).step == 0
        with pytest.raises(stoker.Error, match=words) as raised:
            next(stream)
        assert f"'{one.endpoint}'" in str(raised.value) and raised.value.code != "end"
        assert [batch.step for batch in stream] == list(range(1, STEPS))


def test_a_daemon_cannot_put_its_trainers_off_for_ever(fake):
    later = dict(k="error", code="overloaded", message="later", retry_ms=2**32 - 1)
    one = fake(spoilt(lambda request: [dict(later, id=request["id"])]))
    with connect(one, epochs=1) as stream:
        assert [batch.step for batch in stream] == list(range(STEPS))


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"\xff" + bytes(8) + b"\x7f\x03\0" + b"NULL".ljust(20, b"\0") + bytes(32) + b"\x06" * 400,
        b"\xff"
        + bytes(8)
        + b"\x7f\x03\0"
        + b"NULL".ljust(20, b"\0")
        + bytes(32)
        + b"\2"
        + b"\xff" * 8,
    ],
)
def test_a_peer_that_does_not_speak_zmtp_is_a_timeout(said):
    with socket.create_server(("127.0.0.1", 0)) as server:
        held = []

        def serve():
            while True:
                try:
                    held.append(server.accept()[0])
                    held[-1].sendall(said)
                except OSError:
                    return

        threading.Thread(target=serve, daemon=True).start()
        with pytest.raises(stoker.TimeoutError, match="is stokerd running"):
            stoker.connect(f"tcp://127.0.0.1:{server.getsockname()[1]}/train", timeout=0.3)
        server.shutdown(socket.SHUT_RDWR)
        for each in held:
            each.close()


FLOOD = """
import sys
sys.path[:0] = sys.argv[1:]
import fake_daemon, msgpack, zmq
router = zmq.Context().socket(zmq.ROUTER)
print(router.bind_to_random_port("tcp://127.0.0.1"), flush=True)
peer, data = router.recv_multipart()
router.send_multipart([peer, msgpack.packb(fake_daemon.welcome(id=1))])
# It takes longer to read than to send, so that there always is a next one.
noise = msgpack.packb({"k": "batch", "id": 0, "noise": [0] * 100000})
while True:
    router.send(peer, zmq.SNDMORE)
    router.send(noise)
"""


@pytest.fixture
def flood():
    """The url of a daemon that greets and then sends without end."""
    command = [sys.executable, "-c", FLOOD, os.path.dirname(__file__)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        yield f"tcp://127.0.0.1:{int(process.stdout.readline())}/train"
        process.kill()


def test_a_flood_of_replies_neither_holds_next_nor_close(flood):
    ended = []

    def train():
        stream = stoker.connect(flood, timeout=TIMEOUT)
        stream.timeout = 0.3
        try:
            next(stream)
        except stoker.TimeoutError as error:
            stream.close()
            ended.append((str(error), stream._client.engine._thread.is_alive()))

    trainer = threading.Thread(target=train, daemon=True)
    trainer.start()
    trainer.join(WAIT_S)
    ((sentence, receiving),) = ended
    assert "step 0 has not come" in sentence and not receiving


def test_a_flood_of_replies_does_not_hold_the_c_client(flood):
    assert "step 0 has not come" in c_client_says(flood, 0, "--timeout", "1")


def test_pages_of_an_answer_that_never_end_are_refused(fake):
    """A daemon that answers every page with the first one."""
    pages = {
        "labels": dict(first=0, names=["a"], counts=[1]),
        "replaced": dict(
            first=0,
            samples=1,
            rows=[dict(index=0, path="a", reason="b", slots=1, epoch=0, step=0)],
        ),
    }
    one = fake(lambda request: [dict(k=request["k"], id=request["id"], **pages[request["k"]])])
    for question in (stoker.labels, stoker.replaced):
        with pytest.raises(stoker.InvalidError, match="an answer that cannot be read"):
            question(one.endpoint, "train", timeout=TIMEOUT)


def test_the_largest_stream_that_a_daemon_may_tell_of_costs_nothing(fake):
    most = dict(
        samples=2**64 - 1, epoch_samples=2**64 - 1, steps=2**64 - 1, classes=2**32 - 1
    )
    one = fake(lambda request: [fake_daemon.welcome(**most)] if request["k"] == "hello" else None)
    with connect(one, rank=1, world=2**32 - 1) as stream:
        assert next(stream).step == 1 and stream.steps(0) == (2**64 - 1) // (2**32 - 1)


def test_an_interpreter_exits_beside_a_daemon_that_says_nothing_more(fake):
    one = fake(lambda request: None if request["k"] == "hello" else [])
    program = """
        import sys, stoker
        stream = stoker.connect(sys.argv[1], timeout=0.2)
        try:
            next(stream)
        except stoker.TimeoutError as error:
            print(error)
    """
    command = [sys.executable, "-c", textwrap.dedent(program), f"{one.endpoint}/train"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=WAIT_S)
    assert ended.returncode == 0 and ended.stdout.startswith("epoch 0 step 0 has not come")


def test_a_state_of_any_shape_is_a_sentence(fake):
    with connect(fake()) as stream:
        state = stream.state_dict()
        for key in state:
            for value in (*SPOILT_VALUES, 2**64, "\ud800", "\x1b[2J"):
                broken = {**state, key: value}
                for given in (broken, None if value == b"x" else json.dumps(broken, default=str)):
                    try:
                        stream.load_state_dict(given)
                    except stoker.Error as error:
                        assert "\x1b" not in str(error)
        stream.load_state_dict(state)
        assert next(stream).step == 0
