"""The parts for JAX and TensorFlow, and what each says where its framework is missing."""

import importlib
import subprocess
import sys
import types

import numpy as np
import pytest
import stoker
from plan1 import Recipe
from stokerd import SLOW, stream_text

SMALL = Recipe(batch=4, height=16, width=16, mix="mixup")  # 21 pictures: 5 steps
TIMEOUT = 20 * SLOW


@pytest.fixture
def serve(daemon, small):
    """Start a daemon of the small pictures; a stream of them."""
    streams = []

    def make(recipe=SMALL, **options):
        url = f"{daemon(stream_text('train', small, recipe)).endpoint}/train"
        streams.append(stoker.connect(url, timeout=TIMEOUT, **options))
        return streams[-1]

    yield make
    for stream in streams:
        stream.close()


@pytest.fixture
def install(monkeypatch):
    """Put fakes where a framework's modules are imported from, and import ours anew."""

    def make(ours, **modules):
        for name, module in modules.items():
            monkeypatch.setitem(sys.modules, name, module)
        monkeypatch.delitem(sys.modules, ours, raising=False)
        return importlib.import_module(ours)

    return make


@pytest.mark.parametrize(
    "ours, framework, sentence",
    [
        ("torch", "torch", "stoker.torch needs PyTorch: install torch"),
        ("fastai", "fastai", "stoker.fastai needs fastai: pip install fastai"),
        ("jax", "jax", "stoker.jax needs JAX: pip install jax"),
        ("tf", "tensorflow", "stoker.tf needs TensorFlow: pip install tensorflow"),
    ],
)
def test_without_its_framework_a_part_says_what_to_install(ours, framework, sentence):
    program = f"import sys; sys.modules[{framework!r}] = None; import stoker.{ours}"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert ended.returncode == 1 and f"ImportError: {sentence}" in ended.stderr


def fake_jax(devices):
    """jax with so many devices; what is put is a tuple of the array and its sharding."""
    fake = types.ModuleType("jax")
    fake.local_devices = lambda: list(range(devices))
    fake.device_put = lambda array, sharding: (array, sharding)
    fake.sharding = types.SimpleNamespace(
        Mesh=lambda devices, names: (list(devices), names),
        PartitionSpec=lambda *names: names,
        NamedSharding=lambda mesh, spec: types.SimpleNamespace(
            mesh=mesh, spec=spec, device_set=set(mesh[0])
        ),
    )
    return fake


def test_jax_has_each_batch_spread_over_its_local_devices(serve, install):
    jax = install("stoker.jax", jax=fake_jax(2))
    stream = serve()
    given = list(jax.batches(stream))
    assert len(given) == 5 and set(given[0]) == {"images", "label", "partner_label", "lambda"}
    images, sharding = given[0]["images"]
    assert images.shape == (4, 16, 16, 3) and images.dtype == np.uint8
    assert sharding.mesh == ([0, 1], ("batch",)) and sharding.spec == ("batch",)
    assert set(next(jax.batches(stream, names=["index"]))) == {"index"}
    assert stream.place == (1, 1)


def test_jax_is_told_of_a_batch_that_cannot_be_spread(serve, install):
    jax = install("stoker.jax", jax=fake_jax(3))
    with pytest.raises(stoker.InvalidError, match="a batch of 4 cannot be spread over 3 devices"):
        next(jax.batches(serve()))


def fake_tensorflow():
    """tensorflow, whose datasets hold each array to its signature."""

    def from_generator(generator, output_signature):
        for elements in generator():
            assert set(elements) == set(output_signature)
            for name, (shape, dtype) in output_signature.items():
                array = elements[name]
                assert array.dtype == dtype and array.ndim == len(shape)
                assert all(
                    have in (want, have) and (want in (None, have))
                    for want, have in zip(shape, array.shape)
                )
            yield elements

    fake = types.ModuleType("tensorflow")
    fake.TensorSpec = lambda shape, dtype: (shape, dtype)
    fake.data = types.SimpleNamespace(Dataset=types.SimpleNamespace(from_generator=from_generator))
    return fake


@pytest.mark.parametrize(
    "changes, count",
    [(dict(last="drop"), 5), (dict(last="partial"), 6), (dict(phases=((1, 3, 8, 8),)), 5)],
)
def test_tensorflow_has_an_epoch_a_dataset_that_fits_its_signature(serve, install, changes, count):
    tf = install("stoker.tf", tensorflow=fake_tensorflow())
    stream = serve(Recipe(**{**vars(SMALL), **changes}))
    assert len(list(tf.dataset(stream))) == count
    assert next(tf.dataset(stream))["images"].shape[0] == (3 if "phases" in changes else 4)
    fixed = "phases" not in changes and changes["last"] != "partial"
    assert tf.signature(stream.info)["label"] == ((4 if fixed else None,), "int32")


def test_tensorflow_is_given_other_tensors_by_name(serve, install):
    tf = install("stoker.tf", tensorflow=fake_tensorflow())
    stream = serve(Recipe(**{**vars(SMALL), "mix": "none", "labels": "dense", "last": "mask"}))
    given = next(tf.dataset(stream, ["images", "target", "valid"]))
    assert given["target"].shape == (4, 3)
