"""What is in a batch: stokerd's tensors against plan 1 and Pillow, byte for byte."""

import dataclasses

import numpy as np
import pytest

import plan1
from plan1 import Recipe
from stokerd import stream_text

DTYPES = {"u8": "|u1", "f32": "<f4", "f16": "<f2", "bf16": "bf16"}

# Widths that are whole vectors and more; the last numbers make halves subnormal and large.
FORMATS = {
    f"{dtype}_{layout}_{mix}": Recipe(
        seed=20,
        batch=12,
        height=19,
        width=37,
        dtype=dtype,
        layout=layout,
        mix=mix,
        mean=(0.485, 0.5, 0.001),
        std=(0.229, 0.0001, 900.0),
    )
    for dtype in DTYPES
    for layout in ("nhwc", "nchw")
    for mix in ("none", "mixup")
}

RECIPES = {
    "shuffled": Recipe(seed=7, batch=16, last="partial", height=64, width=64),
    "dropped": Recipe(seed=2**63 + 5, batch=25, last="drop", height=32, width=48),
    "wrapped": Recipe(seed=1, batch=17, last="wrap", height=33, width=31, scale=(0.5, 0.9)),
    "center": Recipe(
        order="sequential",
        batch=16,
        last="partial",
        transform=("resize", "center_crop"),
        height=40,
        width=40,
        side=(52,),
        dtype="f32",
        layout="nchw",
    ),
    "center_wide": Recipe(
        order="sequential",
        batch=13,
        last="wrap",
        transform=("resize", "center_crop", "flip"),
        height=31,
        width=64,
        side=(64,),
        flip=1.0,
    ),
    "whole": Recipe(
        batch=20, transform=("resize", "flip"), height=45, width=71, layout="nchw", flip=0.25
    ),
    "extreme": Recipe(
        seed=3,
        batch=30,
        height=20,
        width=90,
        ratio=(3.0, 9.0),
        scale=(0.3, 1.0),
        dtype="f32",
        mean=(0.5, 0.25, 0.0),
        std=(0.5, 1.0, 0.1),
    ),
    "tiny": Recipe(seed=4, batch=60, height=1, width=1, scale=(1e-6, 1e-3), ratio=(0.001, 1000.0)),
    "bicubic": Recipe(
        batch=20,
        height=40,
        width=56,
        transform=("resize", "center_crop", "flip"),
        side=(61,),
        interpolation="bicubic",
    ),
    "box": Recipe(
        seed=9, batch=20, height=41, width=40, transform=("resize", "flip"), interpolation="box"
    ),
    "lanczos": Recipe(seed=10, batch=20, height=37, width=52, interpolation="lanczos"),
    "nearest": Recipe(
        batch=20,
        height=48,
        width=48,
        transform=("resize", "center_crop", "flip"),
        side=(77,),
        interpolation="nearest",
    ),
    "middle": Recipe(batch=20, height=130, width=131, transform=("center_crop",)),
    "two_sides": Recipe(
        batch=20, height=40, width=41, transform=("resize", "center_crop"), side=(45, 61)
    ),
    "padded": Recipe(
        seed=11,
        batch=20,
        height=64,
        width=128,
        transform=("pad_crop", "flip"),
        padding=60,
        fill=(250, 1, 128),
    ),
    "padded_f16": Recipe(
        seed=12,
        batch=20,
        height=40,
        width=56,
        transform=("resize", "pad_crop", "flip"),
        side=(33,),
        padding=4,
        fill=(9, 8, 7),
        dtype="f16",
        layout="nchw",
        mix="mixup",
    ),
    "erased": Recipe(
        seed=13,
        batch=20,
        height=61,
        width=300,
        transform=("random_resized_crop", "flip", "random_erasing"),
        erase_prob=0.8,
        erase_value=(3, 200, 77),
        mix="mixup",
    ),
    "erased_by_noise": Recipe(
        seed=14,
        batch=20,
        height=40,
        width=40,
        transform=("resize", "random_erasing"),
        erase_prob=1.0,
        erase_scale=(0.01, 0.9),
        erase_mode="noise",
    ),
    "erased_bf16": Recipe(
        seed=15,
        batch=20,
        height=40,
        width=40,
        transform=("pad_crop", "flip", "random_erasing"),
        padding=39,
        erase_scale=(1e-6, 0.3),
        erase_ratio=(0.01, 100.0),
        erase_mode="noise",
        dtype="bf16",
        layout="nchw",
    ),
    "mixed": Recipe(seed=5, batch=16, last="partial", height=48, width=40, mix="mixup"),
    "mixed_paper_f32": Recipe(
        seed=6,
        batch=23,
        last="wrap",
        height=32,
        width=32,
        dtype="f32",
        layout="nchw",
        mix="mixup",
        mix_preset="paper",
        mix_alpha=1.0,
    ),
    "balanced_more": Recipe(
        seed=10, batch=16, sampler="balanced", epoch_samples=100, subset=0.3, height=24, width=24
    ),
    "balanced": Recipe(
        seed=11, batch=7, sampler="balanced", epoch_samples=50, last="partial", height=24, width=24
    ),
    "repeated": Recipe(seed=12, batch=16, repeat=3, last="wrap", height=24, width=24, mix="mixup"),
    "subset": Recipe(
        seed=13, batch=10, subset=0.55, order="sequential", last="partial", height=24, width=24
    ),
    "masked": Recipe(seed=14, batch=16, last="mask", height=24, width=24),
    "phased": Recipe(
        seed=15,
        batch=16,
        height=24,
        width=24,
        last="partial",
        mix="mixup",
        phases=((5, 8, 32, 20), (2**32 - 1, 25, 40, 40)),
    ),
    "mixed_strongly": Recipe(seed=8, batch=60, height=24, width=24, mix="mixup", mix_alpha=20.0),
    "dense": Recipe(seed=9, batch=16, height=8, width=8, labels="dense"),
    "dense_mixed": Recipe(seed=9, batch=7, height=8, width=8, labels="dense", mix="mixup"),
    "dense_smoothed": Recipe(
        seed=9, batch=7, height=8, width=8, labels="dense", mix="both", mix_preset="timm"
    ),
    "mixed_with_all": Recipe(
        seed=9,
        batch=25,
        last="partial",
        height=40,
        width=56,
        mix="both",
        mix_preset="fastbook",
        mix_keys=dict(prob=0.7),
    ),
    "mixed_with_a_pool": Recipe(
        seed=9,
        batch=10,
        subset=0.4,
        height=24,
        width=24,
        labels="dense",
        mix="both",
        mix_preset="fastbook",
        phases=((3, 20, 30, 32),),
    ),
    **FORMATS,
}


def assert_equal(batch, expected):
    """Every tensor byte for byte; the first that differs is named with its slot."""
    assert list(batch.tensors) == list(expected.tensors)
    for name in expected.tensors:
        got, wanted = batch[name], expected.tensors[name]
        assert (got.dtype, got.shape) == (wanted.dtype, wanted.shape), name
        rows = range(len(wanted))
        different = [i for i in rows if got[i].tobytes() != wanted[i].tobytes()]
        assert not different, f"{name} differs in slots {different} of {batch.step}"
    assert batch.replaced_samples == expected.replaced


@pytest.fixture
def serving(daemon, good):
    """One daemon that serves every recipe above as a stream of its name."""
    return daemon("".join(stream_text(name, good, recipe) for name, recipe in RECIPES.items()))


@pytest.mark.parametrize("name", RECIPES)
def test_every_batch_equals_plan_1_and_pillow_byte_for_byte(serving, connect, plan_of, name):
    client, plan = connect(serving.endpoint), plan_of(RECIPES[name])
    assert client.hello(name)["steps"] == plan.steps > 0
    behind = 2 if plan.recipe.last == "mask" else 0
    for epoch in (0, 2**32 - 1):
        for batch in client.epoch(name, epoch, range(plan.steps_of(epoch) + behind)):
            assert batch.count == plan.count(epoch, batch.step)
            assert_equal(batch, plan.batch(epoch, batch.step))


def test_the_recipes_reach_every_kind_of_view(plan_of):
    """The comparison above is worth something: fallbacks, retries, clipped and flipped views."""
    kinds = set()
    for recipe in RECIPES.values():
        plan = plan_of(recipe)
        for slot in plan.slots(0, 0):
            image = plan.decoded(slot.index)
            height, width = image.height, image.width
            drawn = plan1.draw_transforms(recipe, 0, slot.position, height, width)
            kinds |= {("flip", drawn.flip), ("erased", drawn.erase[2] > 0), *recipe.transform}
            if recipe.transform[0] != "random_resized_crop":
                (rows, columns), (top, left) = drawn.view.resized, drawn.view.window
                kinds.add(("rows beside", top < 0, top + recipe.height > rows))
                kinds.add(("columns beside", left < 0, left + recipe.width > columns))
                continue
            first = plan1.words(recipe.seed, 0, plan1.CROP, slot.position, 0)
            only = plan1.Drawn(plan1.View((0, 0, height, width), None))
            plan1.TRANSFORMS["random_resized_crop"](recipe, lambda _, t, w=first: w, only)
            kinds.add(("first try", drawn.view.box == only.view.box))
    both = (False, True)
    assert kinds == {
        *plan1.TRANSFORMS,
        *((what, is_) for what in ("flip", "erased", "first try") for is_ in both),
        *(
            (f"{axis} beside", low, high)
            for axis in ("rows", "columns")
            for low in both
            for high in both
        ),
    }


def test_welcome_describes_the_stream(serving, connect, plan_of, good):
    client = connect(serving.endpoint)
    _, classes = plan1.list_folder(good)
    for name, recipe in RECIPES.items():
        welcome = client.hello(name, window=5)
        shape = [recipe.height, recipe.width, 3]
        if recipe.layout == "nchw":
            shape = [3, recipe.height, recipe.width]
        wanted = {
            "v": 1, "plan": 1, "window": 5, "stream": name, "samples": 60,
            "steps": plan_of(recipe).steps, "batch": recipe.batch, "shape": shape,
            "dtype": DTYPES[recipe.dtype], "layout": recipe.layout,
            "last": recipe.last, "classes": len(classes),
            "fingerprint": plan_of(recipe).fingerprint,
        }  # fmt: skip
        assert {key: welcome[key] for key in wanted} == wanted
        if recipe.mix == "none":
            assert welcome["mix"] == "none"
        else:
            words = f"{recipe.mix} {recipe.mix_preset}"
            assert welcome["mix"].startswith(f"{words} alpha={recipe.mixing.alpha:g}")
        assert welcome["decoder"].startswith("libjpeg-turbo ")


def test_streams_lists_all_streams_by_name_as_welcome_does(serving, connect):
    client = connect(serving.endpoint)
    rows = client.streams()
    assert [row["stream"] for row in rows] == sorted(RECIPES)
    for row in rows:
        welcome = client.hello(row["stream"])
        assert row == {key: welcome[key] for key in row}


def test_labels_names_the_classes_from_the_first_wanted(serving, connect, good):
    client = connect(serving.endpoint)
    _, classes = plan1.list_folder(good)
    names = [name.decode() for name in classes]
    assert client.labels("shuffled") == names
    assert client.labels("shuffled", first=3) == names[3:]
    assert client.labels("shuffled", first=5) == []
    assert client.labels("shuffled", first=2**32 - 1) == []


def test_fingerprint_is_the_protocols_hash_and_follows_every_setting(daemon, connect, good):
    base = Recipe(batch=16, height=8, width=8)
    changes = [
        {}, {"seed": 1}, {"batch": 17}, {"order": "sequential"}, {"last": "wrap"}, {"height": 9},
        {"width": 9}, {"transform": ("resize", "flip")}, {"transform": ("center_crop",)},
        {"transform": ("resize", "center_crop")},
        {"transform": ("resize", "center_crop"), "side": (300,)},
        {"transform": ("resize", "center_crop"), "side": (300, 256)},
        {"transform": ("pad_crop",)}, {"transform": ("pad_crop",), "padding": 3},
        {"transform": ("pad_crop",), "fill": (0, 0, 1)},
        {"transform": ("resize", "random_erasing")},
        {"transform": ("resize", "random_erasing"), "erase_prob": 0.1},
        {"transform": ("resize", "random_erasing"), "erase_scale": (0.1, 0.2)},
        {"transform": ("resize", "random_erasing"), "erase_ratio": (0.5, 2.0)},
        {"transform": ("resize", "random_erasing"), "erase_value": (1, 0, 0)},
        {"transform": ("resize", "random_erasing"), "erase_mode": "noise"},
        {"scale": (0.1, 1.0)}, {"ratio": (0.75, 1.5)}, {"flip": 0.1}, {"dtype": "f32"},
        {"dtype": "f32", "mean": (0.1, 0.2, 0.3)}, {"dtype": "f32", "std": (0.1, 0.2, 0.3)},
        {"dtype": "f16"}, {"dtype": "f16", "mean": (0.1, 0.2, 0.3)}, {"dtype": "bf16"},
        {"dtype": "bf16", "std": (0.1, 0.2, 0.3)},
        {"layout": "nchw"}, {"interpolation": "box"}, {"interpolation": "nearest"},
        {"on_corrupt": "fail"}, {"mix": "mixup"},
        {"labels": "dense"}, {"labels": "dense", "mix_keys": dict(smoothing=0.1)},
        {"mix": "mixup", "mix_alpha": 0.3}, {"mix": "mixup", "mix_preset": "paper",
        "mix_alpha": 0.4},
    ]  # fmt: skip
    recipes = {f"s{i}": dataclasses.replace(base, **change) for i, change in enumerate(changes)}
    running = daemon("".join(stream_text(name, good, recipe) for name, recipe in recipes.items()))
    samples, _ = plan1.list_folder(good)
    told = {row["stream"]: row["fingerprint"] for row in connect(running.endpoint).streams()}
    assert told == {name: plan1.fingerprint(recipe, samples) for name, recipe in recipes.items()}
    assert len(set(told.values())) == len(changes)


def test_settings_without_a_meaning_stay_out_of_the_fingerprint(daemon, connect, good):
    base = Recipe(batch=16, height=8, width=8, transform=("resize", "flip"))
    other = dataclasses.replace(base, scale=(0.2, 0.3), mean=(0.0, 0.0, 0.0), side=(99,))
    running = daemon(stream_text("a", good, base) + stream_text("b", good, other))
    a, b = connect(running.endpoint).streams()
    assert a["fingerprint"] == b["fingerprint"]


def test_an_epoch_with_partial_delivers_every_sample_exactly_once(serving, connect):
    client = connect(serving.endpoint)
    steps = client.hello("shuffled")["steps"]
    orders = []
    for epoch in range(3):
        orders.append(
            np.concatenate(
                [batch["index"] for batch in client.epoch("shuffled", epoch, range(steps))]
            )
        )
        assert sorted(orders[-1]) == list(range(60))
    assert not np.array_equal(orders[0], orders[1]) and not np.array_equal(orders[1], orders[2])


def test_ranks_of_four_together_deliver_each_step_exactly_once(serving, connect):
    seen = []
    for rank in range(4):
        client = connect(serving.endpoint)
        steps = client.hello("shuffled")["steps"]
        batches = list(client.epoch("shuffled", 1, range(rank, steps, 4)))
        seen += [(batch.step, index) for batch in batches for index in batch["index"]]
    assert sorted({step for step, _ in seen}) == list(range(steps))
    assert sorted(index for _, index in seen) == list(range(60))
