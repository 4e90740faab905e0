"""The PyTorch Loader: the received memory as tensors, an epoch a `for`, places that resume."""

import gc
import itertools
import json
import pickle
import subprocess
import sys
import warnings

import numpy as np
import pytest
import stoker
from plan1 import Recipe
from stokerd import SLOW, stream_text

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
from stoker._torch.ahead import CudaMover  # noqa: E402
from stoker.torch import Loader, Normalize, Target, as_tensor, soft_labels  # noqa: E402

SMALL = Recipe(batch=4, height=16, width=16)  # 21 pictures: 5 steps
MIXED = Recipe(batch=4, height=16, width=16, mix="mixup")
TIMEOUT = 20 * SLOW


@pytest.fixture
def serve(daemon, small):
    """Start a daemon of the small pictures; the url of its stream."""

    def make(recipe=SMALL):
        return f"{daemon(stream_text('train', small, recipe)).endpoint}/train"

    return make


@pytest.fixture
def load(serve):
    """A loader of a recipe's stream, or of one that is served already."""
    loaders = []

    def make(of=SMALL, **options):
        url = of if isinstance(of, str) else serve(of)
        loaders.append(Loader(url, timeout=TIMEOUT, **options))
        return loaders[-1]

    yield make
    for loader in loaders:
        loader.close()


def steps(batches):
    return [(batch.source.epoch, batch.source.step) for batch in batches]


def address(array):
    return array.__array_interface__["data"][0]


@pytest.mark.parametrize("layout", ["nhwc", "nchw"])
@pytest.mark.parametrize("dtype", ["u8", "f32", "f16", "bf16"])
def test_images_are_the_frame_itself_and_nothing_is_warned_of(load, layout, dtype):
    # 20 pictures of 32 x 32: a frame of its own, not a corner of libzmq's receiving buffer.
    recipe = Recipe(batch=20, height=32, width=32, layout=layout, dtype=dtype)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        (images, label), *_ = load(recipe)
    names = dict(u8=torch.uint8, f32=torch.float32, f16=torch.float16, bf16=torch.bfloat16)
    assert images.dtype == names[dtype] and images.shape == (20, 3, 32, 32)
    last = layout == "nhwc"
    assert images.is_contiguous(memory_format=torch.channels_last) == last
    assert label.dtype == torch.int64


@pytest.mark.parametrize("layout", ["nhwc", "nchw"])
def test_images_stand_at_the_address_where_they_were_received(load, layout):
    loader = load(Recipe(batch=20, height=32, width=32, layout=layout, dtype="bf16"))
    batch = next(iter(loader))
    frame = np.frombuffer(batch.source._frames["images"].buffer, np.uint8)
    assert batch.images.data_ptr() == address(frame) == address(batch.source.images)
    images = batch.images
    content = images.clone()
    del batch, frame
    list(loader)
    gc.collect()
    assert torch.equal(images, content)


def test_bfloat16_is_what_the_daemon_rounds_float32_to(load):
    one, other = (
        next(iter(load(Recipe(batch=8, height=16, width=16, dtype=dtype)))).images
        for dtype in ("f32", "bf16")
    )
    assert torch.equal(one.bfloat16(), other)


def test_sample_indexes_are_int64():
    array = np.arange(5, dtype=np.uint64)
    array.flags.writeable = False
    tensor = as_tensor(array)
    assert tensor.dtype == torch.int64 and tensor.data_ptr() == address(array)


@pytest.mark.parametrize("layout, wanted", [("nhwc", False), ("nchw", True)])
def test_the_other_memory_format_is_made_where_asked_for(load, serve, layout, wanted):
    url = serve(Recipe(batch=8, height=16, width=16, layout=layout))
    with load(url) as one, load(url, channels_last=wanted) as other:
        images, made = next(iter(one)).images, next(iter(other)).images
    assert torch.equal(images, made)
    assert made.is_contiguous(memory_format=torch.channels_last) == wanted
    assert made.is_contiguous() != wanted


def test_an_epoch_is_a_for(load):
    loader = load()
    assert len(loader) == 5 and len(loader.dataset) == 21 and loader.batch_size == 4
    assert [steps(loader) for _ in range(3)] == [
        [(epoch, step) for step in range(5)] for epoch in range(3)
    ]


def test_an_epoch_without_a_step_for_this_rank_is_an_empty_for(load):
    phases = ((1, 11, 16, 16), (2, 4, 16, 16))  # 2 steps in epoch 1, 6 in the others
    recipe = Recipe(batch=4, height=16, width=16, last="partial", phases=phases)
    loader = load(recipe, rank=2, world=3, epochs=3)
    assert [steps(loader) for _ in range(3)] == [[(0, 2), (0, 5)], [], [(2, 2), (2, 5)]]
    for epoch, expected in [(1, []), (2, [(2, 2), (2, 5)])]:
        loader.set_epoch(epoch)
        assert len(loader) == len(expected) and steps(loader) == expected


def test_a_for_that_was_left_is_not_taken_up_again(load):
    loader = load()
    assert steps(itertools.islice(loader, 2)) == [(0, 0), (0, 1)]
    assert steps(loader) == [(1, step) for step in range(5)]
    assert steps(itertools.islice(loader, 5)) == [(2, step) for step in range(5)]
    assert steps(loader)[0] == (3, 0)


def test_the_older_of_two_iterations_says_that_it_has_ended(load):
    loader = load()
    older = iter(loader)
    next(older)
    assert steps([next(iter(loader))]) == [(1, 0)]
    with pytest.raises(RuntimeError, match="another iteration of this loader has begun"):
        next(older)


def test_set_epoch_is_distributed_samplers(load):
    loader = load()
    for epoch in (0, 3, 3):
        loader.sampler.set_epoch(epoch)
        assert loader.epoch == epoch
        assert steps(loader) == [(epoch, step) for step in range(5)]


@pytest.mark.parametrize("taken", [0, 1, 4, 5, 7])
def test_a_state_goes_on_behind_the_batch_that_was_handed_out_last(load, serve, taken):
    url = serve()
    every = [(epoch, step) for epoch in range(3) for step in range(5)]
    loader = load(url)
    assert steps(itertools.islice(itertools.chain(loader, loader), taken)) == every[:taken]
    state = pickle.loads(pickle.dumps(loader.state_dict()))
    assert state == json.loads(json.dumps(state))
    other = load(url)
    other.load_state_dict(state)
    assert steps([*other, *other]) == every[taken : 10 if taken < 5 else 15]


def test_a_state_is_that_of_the_batch_given_and_not_of_one_ahead(load, serve):
    url = serve()
    loader = load(url)
    loader._mover = CudaMover("fake", lambda images: images, FakeCuda([]))
    loader._mover.move = lambda images, target: (FakeTensor(images, []), FakeTensor(target, []))
    batches = iter(loader)
    assert steps([next(batches), next(batches)]) == [(0, 0), (0, 1)]
    assert loader.stream.place == (0, 3) and loader.state_dict()["step"] == 2


def test_what_was_received_ahead_of_an_error_comes_again(load, serve):
    loader = load(serve())
    loader._mover = CudaMover("fake", lambda images: images, FakeCuda([]))
    loader._mover.move = lambda images, target: (FakeTensor(images, []), FakeTensor(target, []))
    batches = iter(loader)
    assert steps([next(batches)]) == [(0, 0)]
    loader.stream._client.core.failure = stoker.TimeoutError("nothing came")
    with pytest.raises(stoker.TimeoutError):
        next(batches)
    loader.stream._client.core.failure = None
    assert steps(loader) == [(0, step) for step in range(1, 5)]


def test_an_error_behind_an_empty_epoch_repeats_no_for(load, serve):
    phases = ((1, 11, 16, 16), (2, 4, 16, 16))  # 2 steps in epoch 1, 6 in the others
    url = serve(Recipe(batch=4, height=16, width=16, last="partial", phases=phases))
    loader = load(url, rank=2, world=3, epochs=3)
    loader._mover = CudaMover("fake", lambda images: images, FakeCuda([]))
    loader._mover.move = lambda images, target: (FakeTensor(images, []), FakeTensor(target, []))
    assert [steps(loader), steps(loader)] == [[(0, 2), (0, 5)], []]
    batches = loader._receive

    def fails_behind_its_first(turn):
        yield next(batches(turn))
        raise stoker.TimeoutError("nothing came")

    loader._receive = fails_behind_its_first
    with pytest.raises(stoker.TimeoutError):
        next(iter(loader))
    loader._receive = batches
    assert steps(loader) == [(2, 2), (2, 5)]


GROUP = """
import json, sys
import torch
from stoker.torch import Loader
rank, url, meeting = sys.argv[1:]
torch.distributed.init_process_group(
    "gloo", init_method=f"file://{meeting}", rank=int(rank), world_size=2
)
model = torch.nn.parallel.DistributedDataParallel(torch.nn.Linear(3 * 16 * 16, 3))
taken = []
with Loader(url, timeout=60) as loader:
    for epoch in range(2):
        loader.sampler.set_epoch(epoch)
        for batch in loader:
            output = model(batch.images.flatten(1) / 255)
            torch.nn.functional.cross_entropy(output, batch.target).backward()
            taken.append((epoch, batch.source.step))
    print(json.dumps([taken, len(loader), loader.state_dict()]))
"""


def test_a_group_of_processes_shares_the_steps(serve, tmp_path):
    url = serve()
    meeting = str(tmp_path / "meeting")
    started = [
        subprocess.Popen(
            [sys.executable, "-c", GROUP, str(rank), url, meeting],
            stdout=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    try:
        told = [json.loads(each.communicate(timeout=60 * SLOW)[0]) for each in started]
    finally:
        for each in started:
            each.kill()
            each.wait()
    for rank, (taken, length, state) in enumerate(told):
        assert taken == [[epoch, step] for epoch in range(2) for step in (rank, rank + 2)]
        place = {key: state[key] for key in ("epoch", "step", "rank", "world")}
        assert length == 2 and place == dict(epoch=1, step=4, rank=rank, world=2)


def test_ranks_are_torch_distributeds_where_it_is_initialised(load, serve, monkeypatch):
    url = serve()
    for name, value in dict(is_initialized=True, get_rank=1, get_world_size=2).items():
        monkeypatch.setattr(torch.distributed, name, lambda value=value: value)
    assert steps(load(url)) == [(0, 1), (0, 3)]
    assert steps(load(url, rank=0, world=5)) == [(0, 0)]
    with pytest.raises(stoker.InvalidError, match="rank and world belong together"):
        Loader(url, rank=1)


def test_a_mixed_stream_has_targets_of_two_labels(load):
    images, target = next(iter(load(MIXED)))
    assert isinstance(target, Target) and target.valid is None
    assert target.label.dtype == target.partner_label.dtype == torch.int64
    assert target.lam.dtype == torch.float32 and (target.lam >= 0.5).all()
    assert target.to(torch.float64).label.dtype == torch.float64


def test_a_loss_of_one_label_is_told_of_mixloss(load):
    images, target = next(iter(load(MIXED)))
    output = torch.zeros(len(images), 3)
    for criterion in (torch.nn.CrossEntropyLoss(), torch.nn.functional.cross_entropy):
        with pytest.raises(TypeError, match="take stoker.torch.MixLoss"):
            criterion(output, target)


def test_a_masked_stream_says_which_slots_count(load, serve):
    url = serve(Recipe(batch=4, height=16, width=16, last="mask", order="sequential"))
    assert sum(int(target.valid.sum()) for _, target in load(url)) == 21
    with pytest.raises(stoker.InvalidError, match="would not tell which slots count"):
        Loader(url, target="label", timeout=TIMEOUT)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_soft_targets_are_the_daemons_to_the_bit(load, serve, smoothing):
    keys = dict(mix_keys=dict(smoothing=smoothing)) if smoothing else {}
    dense = Recipe(batch=4, height=16, width=16, mix="mixup", labels="dense", **keys)
    theirs = next(iter(load(dense)))
    assert theirs.target.shape == (4, 3) and theirs.target.dtype == torch.float32
    url = serve(MIXED)
    soft = next(iter(load(url, target="soft", smoothing=smoothing)))
    batch = next(iter(load(url)))
    assert torch.equal(soft.target, theirs.target)
    for of in (batch.target, batch.source):
        assert torch.equal(soft_labels(of, 3, smoothing), theirs.target)
    hard = next(iter(load(url, target="label")))
    assert torch.equal(hard.target, batch.target.label)


def test_frameworks_may_take_a_batch_apart_and_rebuild_it(load):
    batch = next(iter(load(MIXED)))
    rebuilt = type(batch)(*(each for each in batch))
    assert rebuilt.images is batch.images and rebuilt.target == batch.target
    assert rebuilt.source is None


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_normalize_is_torchvisions_rounded_once(dtype):
    images = torch.randint(0, 256, (2, 5, 4, 3), dtype=torch.uint8).permute(0, 3, 1, 2)
    normalized = Normalize(dtype=dtype)(images)
    mean = torch.tensor((0.485, 0.456, 0.406))[:, None, None]
    std = torch.tensor((0.229, 0.224, 0.225))[:, None, None]
    expected = (images.float() / 255 - mean) / std
    assert normalized.dtype == dtype
    assert normalized.is_contiguous(memory_format=torch.channels_last)
    tolerance = dict(rtol=1e-6, atol=1e-6) if dtype == torch.float32 else {}
    torch.testing.assert_close(normalized, expected.to(dtype), **tolerance)
    torch.testing.assert_close(
        Normalize().restore(normalized), images / 255, rtol=0, atol=1e-6 if tolerance else 1e-2
    )
    with pytest.raises(TypeError, match="normalised already"):
        Normalize()(normalized)


def test_normalize_and_transform_come_in_this_order(load):
    loader = load(normalize=Normalize((0, 0, 0), (1, 1, 1)), transform=lambda images: images + 1)
    batch = next(iter(loader))
    expected = torch.from_numpy(batch.source.images / np.float32(255) + 1).permute(0, 3, 1, 2)
    torch.testing.assert_close(batch.images, expected)


class FakeTensor:
    """A tensor on a device: who used it on which stream."""

    def __init__(self, name, log):
        self.name, self.log = name, log

    def record_stream(self, stream):
        self.log.append(f"{self.name} is used on {stream.name}")


class FakeStream:
    def __init__(self, name, log):
        self.name, self.log, self.events = name, log, 0

    def wait_stream(self, other):
        self.log.append(f"{self.name} waits for all of {other.name}")

    def record_event(self):
        self.events += 1
        return f"copy {self.events}"

    def wait_event(self, event):
        self.log.append(f"{self.name} waits for {event}")

    def __enter__(self):
        self.log.append(f"{self.name} begins")

    def __exit__(self, *raised):
        self.log.append(f"{self.name} ends")


class FakeCuda:
    """torch.cuda, writing down what it is told."""

    def __init__(self, log):
        self.log, self.current = log, FakeStream("the trainer's", log)

    def Stream(self, device):  # noqa: N802, as torch's
        return FakeStream("the side", self.log)

    def current_stream(self, device):
        return self.current

    def stream(self, stream):
        return stream


def test_the_next_batch_is_copied_on_a_side_stream_before_this_one_is_handed_out():
    log = []
    mover = CudaMover("fake", lambda images: images, FakeCuda(log))

    def move(images, target):
        log.append(f"{images} is moved")
        return FakeTensor(images, log), FakeTensor(target, log)

    mover.move = move
    for images, _, rest in mover.run([("x0", "y0", 0), ("x1", "y1", 1)]):
        log.append(f"{images.name} is given, {rest}")
    assert log == [
        "the side waits for all of the trainer's",
        *("the side begins", "x0 is moved", "the side ends"),
        *("the side begins", "x1 is moved", "the side ends"),
        "the trainer's waits for copy 1",
        *("x0 is used on the trainer's", "y0 is used on the trainer's", "x0 is given, 0"),
        "the trainer's waits for copy 2",
        *("x1 is used on the trainer's", "y1 is used on the trainer's", "x1 is given, 1"),
    ]


def test_on_the_cpu_a_device_and_pinned_memory_are_no_copy(load):
    loader = load(Recipe(batch=20, height=32, width=32), device="cpu", pin_memory=True)
    batch = next(iter(loader))
    pinned = torch.cuda.is_available()
    assert batch.images.is_pinned() == pinned and batch.images.device.type == "cpu"
    copied = batch.images.data_ptr() != address(batch.source.images)
    assert copied == pinned
    normalized = Loader(loader.stream, normalize=Normalize()).to("cpu")
    assert next(iter(normalized)).images.dtype == torch.float32


@pytest.mark.parametrize("options", [dict(rank=0, world=2), dict(window=4), dict(epoch=1)])
def test_an_open_stream_has_its_options_already(serve, options):
    with stoker.connect(serve(), timeout=TIMEOUT) as stream:
        with pytest.raises(stoker.InvalidError, match=f"{[*options][0]} is stoker.connect's"):
            Loader(stream, **options)
        assert steps(Loader(stream)) == [(0, step) for step in range(5)]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
@pytest.mark.parametrize("layout", ["nhwc", "nchw"])
def test_a_cuda_device_has_the_same_batches(load, serve, layout):
    url = serve(Recipe(batch=8, height=64, width=64, layout=layout, mix="mixup"))
    with load(url) as here, load(url, device="cuda", normalize=Normalize()) as there:
        for one, other in zip(here, there):
            assert other.images.is_cuda and other.target.lam.is_cuda
            torch.testing.assert_close(Normalize()(one.images), other.images.cpu())
            assert torch.equal(one.target.label, other.target.label.cpu())
