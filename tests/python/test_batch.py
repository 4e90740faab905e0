"""Batches of the Python package: what is refused, and soft labels to the bit."""

import ctypes
import os

import numpy as np
import pytest
import stoker
from stokerd import BUILD, ROOT, is_sanitized
from stoker import Address
from stoker.batch import Opener, soft_labels
from test_message import FINGERPRINT, info

COUNT = 3
TENSORS = {
    "images": ("|u1", [COUNT, 8, 8, 3]),
    "label": ("<i4", [COUNT]),
    "partner_label": ("<i4", [COUNT]),
    "lambda": ("<f4", [COUNT]),
    "index": ("<u8", [COUNT]),
    "partner_index": ("<u8", [COUNT]),
    "crop": ("<i4", [COUNT, 4]),
    "flip": ("|u1", [COUNT]),
}
BYTES = {"|u1": 1, "<i4": 4, "<f4": 4, "<u8": 8}


class Frame:
    """As zmq.Frame."""

    def __init__(self, count):
        self.buffer = memoryview(bytes(count))

    def __len__(self):
        return len(self.buffer)


def reply(tensors=TENSORS, **changes):
    header = dict(
        k="batch",
        id=2,
        stream="train",
        fingerprint=bytes.fromhex(FINGERPRINT),
        epoch=0,
        step=5,
        count=COUNT,
        tensors=[
            dict(name=name, dtype=dtype, shape=shape) for name, (dtype, shape) in tensors.items()
        ],
        replaced=[],
    )
    return {**header, **changes}


def frames(tensors=TENSORS):
    lengths = [BYTES[dtype] * int(np.prod(shape)) for dtype, shape in tensors.values()]
    return [Frame(1), *map(Frame, lengths)]


@pytest.fixture
def opener():
    """One that has seen a good batch, and one that has not."""
    told = info(steps=10, batch=4, shape=[8, 8, 3], classes=6, phases=[])
    seasoned = Opener(told)
    seasoned.open(reply(), frames(), Address(0, 5))
    return [seasoned, Opener(told)]


def without(name):
    return {key: value for key, value in TENSORS.items() if key != name}


def test_a_good_batch_is_taken(opener):
    for each in opener:
        batch = each.open(reply(replaced=[]), frames(), Address(0, 5))
        assert batch.images.shape == (3, 8, 8, 3) and batch.crop.dtype == np.int32


@pytest.mark.parametrize(
    "changes, words",
    [
        (dict(step=6), "asked for epoch 0 step 5 it sent epoch 0 step 6"),
        (dict(stream="val"), "asked for stream 'train' it sent 'val'"),
        (dict(fingerprint=bytes(16)), "another fingerprint"),
        (dict(count=5), "a batch of 5 samples where 4 are the most"),
        (dict(count=0), "a batch of 0 samples"),
        (dict(count=2), "the tensor 'images' has not the bytes and the shape"),
        (dict(replaced=[dict(slot=3, index=0, reason="")]), "slot 3 is replaced in a batch of 3"),
        (dict(replaced=[dict(slot=3)]), "a header that cannot be read"),
    ],
)
def test_a_header_that_was_not_asked_for_is_refused(opener, changes, words):
    for each in opener:
        with pytest.raises(stoker.InvalidError, match=f"a daemon broke the protocol: .*{words}"):
            each.open(reply(**changes), frames(), Address(0, 5))
        assert each.open(reply(), frames(), Address(0, 5)).count == COUNT


@pytest.mark.parametrize(
    "tensors, words",
    [
        (without("images"), "the tensor 'images' not once"),
        (without("flip"), "the tensor 'flip' not once"),
        ({**TENSORS, "images": ("|u1", [COUNT, 8, 9, 3])}, "'images' has not the bytes"),
        ({**TENSORS, "images": ("<f4", [COUNT, 8, 8, 3])}, "'images' has not the bytes"),
        ({**TENSORS, "label": ("<u8", [COUNT])}, "'label' has not the bytes"),
        ({**TENSORS, "crop": ("<i4", [COUNT])}, "'crop' has not the bytes"),
        ({**TENSORS, "target": ("<f4", [COUNT, 5])}, "'target' has not the bytes"),
        ({**TENSORS, "new": ("<f4", [2**31, 2**31, 2**31])}, "header that cannot be read"),
    ],
)
def test_tensors_that_do_not_fit_are_refused(opener, tensors, words):
    for each in opener:
        with pytest.raises(stoker.InvalidError, match=words):
            each.open(reply(tensors), frames(), Address(0, 5))


def test_tensors_that_are_not_known_are_given(opener):
    tensors = {**TENSORS, "brand_new": ("<i4", [2, 2])}
    for each in opener:
        assert each.open(reply(tensors), frames(tensors), Address(0, 5)).brand_new.shape == (2, 2)


def test_frames_of_other_lengths_or_numbers_are_refused(opener):
    for each in opener:
        short = frames()
        short[1] = Frame(len(short[1]) - 1)
        with pytest.raises(stoker.InvalidError, match="'images' has not the bytes"):
            each.open(reply(), short, Address(0, 5))
        for wrong in (frames()[:-1], [*frames(), Frame(0)]):
            with pytest.raises(stoker.InvalidError, match="of 8 tensors came in"):
                each.open(reply(), wrong, Address(0, 5))


def c_soft_labels(label, partner, lam, classes, smoothing):
    library = ctypes.CDLL(os.path.join(ROOT, BUILD, "libstoker.so.0"))
    target = np.empty((len(label), classes), np.float32)
    pointers = [array.ctypes.data_as(ctypes.c_void_p) for array in (label, partner, lam)]
    status = library.stk_soft_labels(
        *pointers,
        ctypes.c_uint32(len(label)),
        ctypes.c_uint32(classes),
        ctypes.c_double(smoothing),
        target.ctypes.data_as(ctypes.c_void_p),
    )
    assert status == 0
    return target


@pytest.mark.skipif(is_sanitized(), reason="the library needs a sanitizer's runtime")
@pytest.mark.parametrize("classes", [1, 2, 10, 1000])
@pytest.mark.parametrize("smoothing", [0.0, 0.1, 1.0])
def test_soft_labels_are_the_c_librarys_to_the_bit(classes, smoothing):
    draw = np.random.default_rng(classes)
    label, partner = draw.integers(0, classes, (2, 500), np.int32)
    partner[::7] = label[::7]
    lam = draw.random(500, np.float32)
    lam[:2] = 0, 1
    ours = soft_labels(label, partner, lam, classes, smoothing)
    assert ours.dtype == np.float32
    assert ours.tobytes() == c_soft_labels(label, partner, lam, classes, smoothing).tobytes()


def test_soft_labels_refuse_what_has_none():
    label, lam = np.zeros(2, np.int32), np.ones(2, np.float32)
    for wrong in (-1, 3):
        with pytest.raises(stoker.RangeError, match="a label is not 0 to 2"):
            soft_labels(label, label + np.int32(wrong), lam, 3)
    with pytest.raises(stoker.RangeError, match="a lambda is not 0 to 1"):
        soft_labels(label, label, lam * np.float32(np.nan), 3)
    with pytest.raises(stoker.InvalidError, match="a smoothing of 2 is not 0 to 1"):
        soft_labels(label, label, lam, 3, 2)
