"""Streams of the Python package: every batch once, in order, the daemon's bytes, and its places."""

import copy
import gc
import json
import pickle
import threading

import numpy as np
import pytest
import stoker
from plan1 import Recipe
from stokerd import SLOW, stream_text, wait_until

SMALL = Recipe(batch=4, height=16, width=16)  # 21 pictures: 5 steps
TIMEOUT = 20 * SLOW


@pytest.fixture
def serve(daemon, small):
    """Start a daemon of the small pictures; the url of its stream."""

    def make(recipe=SMALL, listen=("tcp://127.0.0.1:*",), **options):
        running = daemon(stream_text("train", small, recipe), listen=list(listen), **options)
        return f"{running.endpoint}/train"

    return make


def connect(url, **options):
    return stoker.connect(url, timeout=TIMEOUT, **options)


def addresses(batches):
    return [(batch.epoch, batch.step) for batch in batches]


@pytest.mark.parametrize("mix", ["none", "mixup"])
def test_a_batch_is_what_the_plan_says(daemon, good, plan_of, mix):
    recipe = Recipe(batch=8, height=24, width=20, mix=mix)
    plan = plan_of(recipe)
    running = daemon(stream_text("train", good, recipe))
    with connect(f"{running.endpoint}/train") as stream:
        assert stream.info.fingerprint == plan.fingerprint.hex()
        for step in range(3):
            batch = next(stream)
            for name, expected in plan.batch(0, step).tensors.items():
                assert np.array_equal(batch[name], expected), name


@pytest.mark.parametrize("window", [1, 2, 8, 64])
def test_batches_come_once_and_in_order_over_epochs(serve, window):
    with connect(serve(), window=window, epochs=4) as stream:
        assert addresses(stream) == [(0, step) for step in range(5)]
        rest = []
        while (batch := next(stream, None)) is not None:
            rest.append((batch.epoch, batch.step))
        assert rest == [(epoch, step) for epoch in (1, 2, 3) for step in range(5)]
        assert next(stream, None) is None and addresses(stream) == []


def test_for_goes_on_with_the_next_epoch(serve):
    with connect(serve()) as stream:
        assert len(stream) == 5
        assert [addresses(stream) for _ in range(3)] == [
            [(epoch, step) for step in range(5)] for epoch in range(3)
        ]


def test_for_yields_the_rest_of_an_epoch(serve):
    with connect(serve(), epoch=2, step=3) as stream:
        assert addresses(stream) == [(2, 3), (2, 4)]
        assert next(stream).epoch == 3
        assert addresses(stream) == [(3, step) for step in range(1, 5)]


@pytest.mark.parametrize("world", [2, 3, 5])
def test_ranks_take_each_step_once(serve, world):
    url = serve(Recipe(batch=4, height=16, width=16, last="partial"))
    taken = []
    for rank in range(world):
        with connect(url, rank=rank, world=world, epochs=2) as stream:
            mine = [addresses(stream), addresses(stream)]
            assert [len(epoch) for epoch in mine] == [stream.steps(0), stream.steps(1)]
            taken += mine[0] + mine[1]
    assert sorted(taken) == [(epoch, step) for epoch in range(2) for step in range(6)]


@pytest.mark.parametrize("rank, mine", [(0, [0, 3]), (1, [1, 4]), (2, [2, 5])])
def test_for_yields_nothing_of_an_epoch_without_a_step_for_this_rank(serve, rank, mine):
    phases = ((1, 11, 16, 16), (2, 4, 16, 16))  # 2 steps in epoch 1, 6 in the others
    url = serve(Recipe(batch=4, height=16, width=16, last="partial", phases=phases))
    expected = [
        [(0, step) for step in mine],
        [(1, rank)][: 2 - rank],
        [(2, step) for step in mine],
    ]
    with connect(url, rank=rank, world=3, epochs=3) as stream:
        for epoch in range(3):
            assert stream.epoch == epoch and len(stream) == len(expected[epoch])
            assert addresses(stream) == expected[epoch]
        assert addresses(stream) == []
        for epoch in (1, 1, 2, 2):
            stream.set_epoch(epoch)
            assert stream.epoch == epoch and addresses(stream) == expected[epoch]


def test_for_yields_nothing_where_others_have_the_rest_of_an_epoch(serve):
    url = serve(Recipe(batch=4, height=16, width=16, last="partial"))  # 6 steps
    with connect(url, rank=2, world=3, epoch=1, step=4, epochs=3) as stream:
        stream.set_epoch(1)  # a run that resumes in its middle
        assert stream.epoch == 1 and addresses(stream) == []
        assert stream.epoch == 2 and addresses(stream) == [(2, 2), (2, 5)]
        stream.seek(1, 6)  # nobody has a step there
        assert stream.epoch == 2 and addresses(stream) == [(2, 2), (2, 5)]


def test_a_limit_of_batches_ends_the_stream(serve):
    with connect(serve(), batches=7) as stream:
        assert len(addresses(stream)) == 5 and len(addresses(stream)) == 2
        assert next(stream, None) is None


def test_seek_goes_anywhere(serve):
    with connect(serve(), window=64) as stream:
        for place in [(3, 4), (0, 0), (7, 2), (7, 2)]:
            stream.seek(*place)
            batch = next(stream)
            assert (batch.epoch, batch.step) == place
        with pytest.raises(stoker.RangeError, match="epoch 1 of 'train' has 5 steps"):
            stream.seek(1, 6)
        assert stream.place == (7, 3)


def test_set_epoch_stays_where_the_epoch_starts_anyway(serve):
    with connect(serve(), epoch=1, step=3) as stream:
        stream.set_epoch(1)  # a run that resumes in its middle
        assert addresses(stream) == [(1, 3), (1, 4)]
        stream.set_epoch(2)
        assert stream.endpoints()[0].dropped == 0
        assert addresses(stream) == [(2, step) for step in range(5)]
        next(stream)
        stream.set_epoch(3)  # one that was left in its middle
        assert addresses(stream)[0] == (3, 0)


def test_a_state_restarts_behind_the_last_batch_with_another_world(serve):
    url = serve(Recipe(batch=2, height=16, width=16))  # 10 steps
    with connect(url, rank=1, world=2) as stream:
        assert addresses([next(stream), next(stream)]) == [(0, 1), (0, 3)]
        state = stream.state_dict()
    assert state["step"] == 4 and (state["rank"], state["world"]) == (1, 2)
    with connect(url) as stream:
        stream.load_state_dict(json.dumps(state))
        assert addresses(stream) == [(0, step) for step in range(4, 10)]
        stream.load_state_dict(state)
        assert next(stream).step == 4


@pytest.mark.parametrize(
    "change, kind, words",
    [
        (dict(stream="other"), stoker.InvalidError, "saved of the stream 'other'"),
        (dict(fingerprint="0" * 32), stoker.FingerprintError, "fingerprints 0000"),
        (dict(step=6), stoker.RangeError, "step 6 lies behind the epoch's end"),
        (dict(stoker_state=2), stoker.VersionError, "the state is of version 2"),
        (dict(extra=1), stoker.InvalidError, "a key 'extra', which no state has"),
        (dict(epoch=-1), stoker.InvalidError, "not one 'epoch' that makes sense"),
        (dict(rank=1), stoker.InvalidError, "rank 1 is not below its world 1"),
    ],
)
def test_a_state_that_does_not_fit_is_refused_and_changes_nothing(serve, change, kind, words):
    with connect(serve()) as stream:
        next(stream)
        state = {**stream.state_dict(), **change}
        with pytest.raises(kind, match=words):
            stream.load_state_dict(state)
        assert next(stream).step == 1


def test_arrays_look_into_the_received_frame_and_keep_it(serve):
    with connect(serve(Recipe(batch=20, height=32, width=32))) as stream:
        batch = next(stream)
        images, frame = batch.images, batch._frames["images"]
        address = np.frombuffer(frame.buffer, np.uint8).__array_interface__["data"][0]
        assert images.__array_interface__["data"][0] == address
        assert not images.flags.writeable and images is batch.images
        content = images.copy()
        del batch, frame
        for _ in stream:
            pass
        assert np.array_equal(images, content)
    assert np.array_equal(images, content)


def test_every_array_is_aligned_and_read_only(serve):
    with connect(serve()) as stream:
        for batch in stream:
            for name, array in batch.tensors.items():
                assert array.flags.aligned and not array.flags.writeable, name


def test_what_a_stream_does_not_have_is_said(serve):
    with connect(serve()) as stream:
        batch = next(stream)
        assert batch["lambda"] is batch.lam
        with pytest.raises(AttributeError, match="have no 'target': .* labels = dense"):
            batch.target
        with pytest.raises(AttributeError, match="a batch has no 'labels'"):
            batch.labels
        with pytest.raises(KeyError):
            batch["valid"]


def test_a_stream_that_nobody_holds_ends_its_thread(serve):
    stream = connect(serve())
    thread = stream._client.engine._thread
    next(stream)
    del stream
    gc.collect()
    wait_until(lambda: not thread.is_alive(), "the thread's end")


def test_a_closed_stream_says_so(serve):
    stream = connect(serve())
    stream.close()
    stream.close()
    for use in (lambda: next(stream), lambda: stream.seek(0, 0), lambda: list(stream)):
        with pytest.raises(stoker.ClosedError, match="the stream 'train' is closed"):
            use()
    assert "closed" in repr(stream)


def test_every_state_is_restored_wherever_the_c_client_would(serve):
    url = serve(Recipe(batch=2, height=16, width=16))
    with connect(url, window=3) as stream, connect(url, window=1) as other:
        for _ in range(23):
            expected = next(stream)
            other.load_state_dict(json.dumps(other.state_dict()))
            assert addresses([next(other)]) == addresses([expected])


def test_closing_wakes_who_waits(serve, launch, small):
    running = launch(stream_text("train", small, SMALL)).wait_ready()
    stream = connect(f"{running.endpoint}/train", window=1)
    running.process.kill()
    running.process.wait()
    failed = []

    def wait():
        try:
            while True:
                next(stream)
        except stoker.Error as error:
            failed.append(error)

    waiter = threading.Thread(target=wait)
    waiter.start()
    wait_until(lambda: stream._client.core.waiting, "the waiter to wait")
    stream.close()
    waiter.join(TIMEOUT)
    assert [type(error) for error in failed] == [stoker.ClosedError]


@pytest.mark.parametrize(
    "options, words",
    [
        (dict(window=0), "a window of 0 is not 1 to 64"),
        (dict(window=65), "a window of 65 is not 1 to 64"),
        (dict(rank=2, world=2), "rank 2 is not below world 2"),
        (dict(rank=-1), "rank = -1 is no whole number"),
        (dict(step=1.0), "step = 1.0 is no whole number"),
        (dict(rank=True), "rank = True is no whole number"),
        (dict(window="8"), "window = '8' is no whole number"),
        (dict(timeout=None), "timeout = None is no number of seconds"),
        (dict(timeout="3"), "timeout = '3' is no number of seconds"),
        (dict(timeout=0), "a timeout of 0 s is none"),
        (dict(timeout=float("nan")), "a timeout of nan s is none"),
        (dict(name=3), "the client's name 3 is no text"),
        (dict(unmixed=True), "unmixed = True is none of 'no', 'own' and 'partner'"),
        (dict(heartbeat=0.01), "a heartbeat of 10 ms is not 100 to 3600000 ms"),
        (dict(name="x" * 65), "is longer than 64 bytes"),
    ],
)
def test_options_that_make_no_sense_are_refused(options, words):
    with pytest.raises(stoker.InvalidError, match=words):
        stoker.connect("tcp://127.0.0.1:1/train", **options)


@pytest.mark.parametrize("url", [None, b"tcp://127.0.0.1:1/train", 7])
def test_a_url_that_is_no_text_is_refused(url):
    with pytest.raises(stoker.InvalidError, match="the url .* is no text"):
        stoker.connect(url)


def test_numbers_may_be_numpys(serve):
    with connect(serve(), epoch=np.int64(1), world=np.uint8(2)) as stream:
        assert addresses(stream) == [(1, 0), (1, 2)]
        stream.timeout = np.float32(20)
        stream.set_epoch(np.int32(3))
        assert stream.state_dict()["epoch"] == 3 and next(stream).epoch == 3
        json.dumps(stream.state_dict())


def test_what_cannot_be_copied_says_so(serve):
    with connect(serve()) as stream:
        for each in (stream, next(stream)):
            for copied in (copy.copy, copy.deepcopy, pickle.dumps):
                with pytest.raises(TypeError, match="cannot be copied or sent"):
                    copied(each)


def test_no_daemon_is_a_timeout():
    with pytest.raises(stoker.TimeoutError, match="is stokerd running") as raised:
        stoker.connect("ipc:///nowhere/at/all/train", timeout=0.2)
    assert isinstance(raised.value, TimeoutError) and raised.value.code == "timeout"


def test_a_daemons_refusal_is_told_in_its_words(serve):
    url = serve().removesuffix("train") + "val"
    with pytest.raises(stoker.UnknownStreamError, match='says: no stream "val"; there is "train"'):
        connect(url)
