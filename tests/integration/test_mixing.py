"""Every preset against the formula of the library that it is named after, and what all have.

The references are the libraries' own statements in NumPy: fastai's callback/mixup.py, timm's
data/mixup.py, torchvision's transforms/v2/_augment.py, mixup-cifar10, CutMix-PyTorch and chapter 7
of fastbook.  They get the pictures of an unmixed stream, our lambda as it was drawn and our
partners, and must come to our pixels and our dense labels.
"""

import dataclasses
import math

import numpy as np
import pytest

import dataset
import mix1
import plan1
from command import stoker
from plan1 import Recipe, below
from stokerd import quoted, stream_text
from test_bad_data import check_epochs, planned
from test_batches import assert_equal

# An even number, for timm; height and width differ, so that no reference can swap them.
PLAIN = Recipe(seed=4, batch=20, height=40, width=56, layout="nchw")
CLASSES = 5


def mixed(preset, method, **keys):
    changes = dict(mix=method, mix_preset=preset, mix_keys=keys)
    return dataclasses.replace(PLAIN, **changes)


@pytest.fixture
def serve(daemon, connect, good):
    """A client of one daemon that serves recipes by name."""

    def make(**recipes):
        text = "".join(stream_text(name, good, recipe) for name, recipe in recipes.items())
        client = connect(daemon(text, memory_max="1G").endpoint)
        client.hello(next(iter(recipes)), window=64)
        return client

    return make


# What a library does to a batch x [B, C, H, W] and y [B], given what it would have drawn.


def one_hot(y, classes=CLASSES, off=0.0, on=1.0):
    target = np.full((len(y), classes), off)
    target[np.arange(len(y)), y] = on
    return target


def smoothed(y, smoothing):
    off = smoothing / CLASSES
    return one_hot(y, off=off, on=1 - smoothing + off)


def columns(lam):
    return np.reshape(lam, (-1, 1, 1, 1))


def fastai_mixup(x, y, drawn):
    """lerp(x[shuffle], x, lam), and the loss lerped alike: that is a lerped label."""
    lam, shuffle = drawn["lam"], drawn["shuffle"]
    targets = (1 - lam[:, None]) * one_hot(y[shuffle]) + lam[:, None] * one_hot(y)
    return x[shuffle] * (1 - columns(lam)) + x * columns(lam), targets


def fastai_cutmix(x, y, drawn):
    lam, shuffle = drawn["lam"][0], drawn["shuffle"]
    (height, width), (cy, cx) = x.shape[-2:], drawn["centre"]
    ratio = math.sqrt(1 - lam)
    cut_w, cut_h = int(np.round(width * ratio)), int(np.round(height * ratio))
    x1, y1 = np.clip(cx - cut_w // 2, 0, width), np.clip(cy - cut_h // 2, 0, height)
    x2, y2 = np.clip(cx + cut_w // 2, 0, width), np.clip(cy + cut_h // 2, 0, height)
    mixed_x = x.copy()
    mixed_x[..., y1:y2, x1:x2] = x[shuffle][..., y1:y2, x1:x2]
    lam = 1 - (x2 - x1) * (y2 - y1) / (width * height)
    return mixed_x, lam * one_hot(y) + (1 - lam) * one_hot(y[shuffle])


def paper_mixup(x, y, drawn):
    lam, index = drawn["lam"][0], drawn["shuffle"]
    targets = lam * one_hot(y) + (1 - lam) * one_hot(y[index])
    return lam * x + (1 - lam) * x[index], targets


def floor_box(shape, lam, centre):
    """rand_bbox of clovaai and timm."""
    ratio = np.sqrt(1.0 - lam)
    cut_h, cut_w = int(shape[-2] * ratio), int(shape[-1] * ratio)
    cy, cx = centre
    yl, yh = np.clip(cy - cut_h // 2, 0, shape[-2]), np.clip(cy + cut_h // 2, 0, shape[-2])
    xl, xh = np.clip(cx - cut_w // 2, 0, shape[-1]), np.clip(cx + cut_w // 2, 0, shape[-1])
    return yl, yh, xl, xh


def paper_cutmix(x, y, drawn):
    rand_index = drawn["shuffle"]
    yl, yh, xl, xh = floor_box(x.shape, drawn["lam"][0], drawn["centre"])
    mixed_x = x.copy()
    mixed_x[:, :, yl:yh, xl:xh] = x[rand_index, :, yl:yh, xl:xh]
    lam = 1 - ((xh - xl) * (yh - yl) / (x.shape[-1] * x.shape[-2]))
    return mixed_x, lam * one_hot(y) + (1 - lam) * one_hot(y[rand_index])


def timm_target(y, lam, smoothing=0.1):
    """mixup_target."""
    y1, y2 = smoothed(y, smoothing), smoothed(y[::-1], smoothing)
    lam = np.reshape(lam, (-1, 1))
    return y1 * lam + y2 * (1.0 - lam)


def timm_mixup(x, y, drawn):
    lam = drawn["lam"][0]
    return x * lam + x[::-1] * (1 - lam), timm_target(y, lam)


def timm_cutmix(x, y, drawn):
    yl, yh, xl, xh = floor_box(x.shape, drawn["lam"][0], drawn["centre"])
    mixed_x = x.copy()
    mixed_x[:, :, yl:yh, xl:xh] = x[::-1][:, :, yl:yh, xl:xh]
    lam = 1.0 - (yh - yl) * (xh - xl) / float(x.shape[-2] * x.shape[-1])
    return mixed_x, timm_target(y, lam)


def timm_elem(x, y, drawn):
    """_mix_elem."""
    mixed_x, lam_batch = x.copy(), np.array(drawn["lam"])
    for i in range(len(x)):
        j = len(x) - i - 1
        lam = lam_batch[i]
        if drawn["use_cutmix"][i]:
            yl, yh, xl, xh = floor_box(x.shape, lam, drawn["centres"][i])
            mixed_x[i][:, yl:yh, xl:xh] = x[j][:, yl:yh, xl:xh]
            lam_batch[i] = 1.0 - (yh - yl) * (xh - xl) / float(x.shape[-2] * x.shape[-1])
        else:
            mixed_x[i] = mixed_x[i] * lam + x[j] * (1 - lam)
    return mixed_x, timm_target(y, lam_batch)


def timm_pair(x, y, drawn):
    """_mix_pair."""
    mixed_x, lam_batch = x.copy(), np.array(drawn["lam"][: len(x) // 2])
    for i in range(len(x) // 2):
        j = len(x) - i - 1
        lam = lam_batch[i]
        if drawn["use_cutmix"][i]:
            yl, yh, xl, xh = floor_box(x.shape, lam, drawn["centres"][i])
            mixed_x[i][:, yl:yh, xl:xh] = x[j][:, yl:yh, xl:xh]
            mixed_x[j][:, yl:yh, xl:xh] = x[i][:, yl:yh, xl:xh]
            lam_batch[i] = 1.0 - (yh - yl) * (xh - xl) / float(x.shape[-2] * x.shape[-1])
        else:
            mixed_x[i] = mixed_x[i] * lam + x[j] * (1 - lam)
            mixed_x[j] = mixed_x[j] * lam + x[i] * (1 - lam)
    return mixed_x, timm_target(y, np.concatenate((lam_batch, lam_batch[::-1])))


def torchvision_labels(y, lam):
    labels = one_hot(y)
    return np.roll(labels, 1, 0) * (1.0 - lam) + labels * lam


def torchvision_mixup(x, y, drawn):
    lam = drawn["lam"][0]
    return np.roll(x, 1, 0) * (1.0 - lam) + x * lam, torchvision_labels(y, lam)


def torchvision_cutmix(x, y, drawn):
    (height, width), (r_y, r_x) = x.shape[-2:], drawn["centre"]
    r = 0.5 * math.sqrt(1.0 - drawn["lam"][0])
    r_w_half, r_h_half = int(r * width), int(r * height)
    x1, y1 = max(r_x - r_w_half, 0), max(r_y - r_h_half, 0)
    x2, y2 = min(r_x + r_w_half, width), min(r_y + r_h_half, height)
    output = x.copy()
    output[..., y1:y2, x1:x2] = np.roll(x, 1, 0)[..., y1:y2, x1:x2]
    lam = float(1.0 - (x2 - x1) * (y2 - y1) / (width * height))
    return output, torchvision_labels(y, lam)


def fastbook_mixup(x, y, drawn):
    """image * t + image2 * (1 - t), target likewise, with any sample of the data set."""
    x2, y2, t = drawn["x2"], drawn["y2"], drawn["lam"]
    targets = one_hot(y) * t[:, None] + one_hot(y2) * (1 - t[:, None])
    return x * columns(t) + x2 * (1 - columns(t)), targets


# preset, method, further keys, the library's way, its smoothing
LIBRARIES = {
    "fastai mixup": ("fastai", "mixup", {}, fastai_mixup, 0),
    "fastai cutmix": ("fastai", "cutmix", {}, fastai_cutmix, 0),
    "paper mixup": ("paper", "mixup", {}, paper_mixup, 0),
    "paper cutmix": ("paper", "cutmix", {}, paper_cutmix, 0),
    "timm mixup": ("timm", "mixup", {}, timm_mixup, 0.1),
    "timm cutmix": ("timm", "cutmix", {}, timm_cutmix, 0.1),
    "timm elem": ("timm", "both", {"per": "sample"}, timm_elem, 0.1),
    "timm pair": ("timm", "both", {"per": "pair"}, timm_pair, 0.1),
    "torchvision mixup": ("torchvision", "mixup", {}, torchvision_mixup, 0),
    "torchvision cutmix": ("torchvision", "cutmix", {}, torchvision_cutmix, 0),
    "fastbook mixup": ("fastbook", "mixup", {}, fastbook_mixup, 0),
}


def partner_pictures(plan, batch):
    """Pictures of a batch's partners, from their provenance alone."""
    pictures = []
    for index, crop, flip in zip(
        batch["partner_index"], batch["partner_crop"], batch["partner_flip"]
    ):
        box = tuple(int(side) for side in crop)
        drawn = plan1.Drawn(plan1.View(box, (plan.recipe.height, plan.recipe.width)), flip)
        pictures.append(plan1.pixels(plan.recipe, plan.decoded(int(index)), drawn))
    elements = plan1.formatted(plan.recipe, np.stack(pictures))
    return plan1.NUMBERS.get(plan.recipe.dtype, np.float64)(elements).astype(np.float64)


def drawn_by(plan, batch):
    """What the library would have drawn: lambdas as they were, partners, centres."""
    slots = plan.slots(batch.epoch, batch.step)
    shares = plan.shares(batch.epoch, batch.step, slots)
    draw, mixing = plan.draws(batch.epoch), plan.recipe.mixing
    places = [slot.position for slot in slots]
    if mixing.per == "batch":
        places = [batch.step] * len(slots)
    words = [draw(mix1.CUT, place, 0) for place in places]
    centres = [(below(w[0], plan.recipe.height), below(w[1], plan.recipe.width)) for w in words]
    drawn = {
        "lam": np.array([s.share if s.drawn is None else s.drawn for s in shares]),
        "use_cutmix": [share.kind == "cut" for share in shares],
        "centres": centres,
        "centre": centres[0],
    }
    if mixing.partner == "dataset":
        drawn |= {"x2": partner_pictures(plan, batch), "y2": batch["partner_label"]}
    else:
        index = list(batch["index"])
        drawn["shuffle"] = [index.index(partner) for partner in batch["partner_index"]]
    return drawn


def dense(batch, smoothing):
    """The dense labels that a trainer makes of a batch."""
    lam = batch["lambda"].astype(np.float64)[:, None]
    own, partner = smoothed(batch["label"], smoothing), smoothed(batch["partner_label"], smoothing)
    return lam * own + (1 - lam) * partner


@pytest.mark.parametrize("name", LIBRARIES)
def test_a_presets_whole_batch_is_the_librarys(serve, plan_of, name):
    preset, method, keys, library, smoothing = LIBRARIES[name]
    recipe = mixed(preset, method, **keys)
    client, plan = serve(plain=PLAIN, mixed=recipe), plan_of(recipe)
    lambdas = set()
    for epoch in range(6):
        for step in range(3):
            plain, batch = client.get("plain", epoch, step), client.get("mixed", epoch, step)
            x, y = plain["images"].astype(np.float64), plain["label"]
            pixels, labels = library(x, y, drawn_by(plan, batch))
            assert np.array_equal(batch["images"], np.floor(pixels + 0.5).astype(np.uint8))
            soft = dense(batch, smoothing)
            assert np.abs(soft - labels).max() < 1e-6
            assert np.abs(soft.sum(1) - 1).max() < 1e-6
            lambdas |= set(batch["lambda"])
    assert len(lambdas) >= 15


@pytest.mark.parametrize("name", ["timm elem", "torchvision cutmix", "fastbook mixup"])
@pytest.mark.parametrize("dtype, error", [("f32", 1e-6), ("f16", 2**-10), ("bf16", 2**-7)])
def test_floats_come_to_the_librarys_numbers(serve, plan_of, name, dtype, error):
    preset, method, keys, library, _ = LIBRARIES[name]
    recipe = dataclasses.replace(mixed(preset, method, **keys), dtype=dtype)
    client = serve(plain=dataclasses.replace(PLAIN, dtype=dtype), mixed=recipe)
    plan, numbers = plan_of(recipe), plan1.NUMBERS[dtype]
    plain, batch = client.get("plain", 1, 1), client.get("mixed", 1, 1)
    drawn = drawn_by(plan, batch)
    pixels, _ = library(numbers(plain["images"]).astype(np.float64), plain["label"], drawn)
    assert np.abs(numbers(batch["images"]) - pixels).max() <= error * 1.001


ERASING = ("pad_crop", "flip", "random_erasing")

# Modes that are nobody's preset, small, odd and by themselves.
MODES = {
    "one": dict(batch=1, mix="both", mix_preset="timm"),
    "one of the data set": dict(batch=1, mix="both", mix_preset="fastbook"),
    "one rolled": dict(batch=1, mix="both", mix_preset="torchvision", mix_keys={"per": "sample"}),
    "odd": dict(batch=7, mix="both", mix_preset="timm", mix_keys={"per": "pair"}),
    "odd rolled": dict(batch=13, mix="both", mix_preset="torchvision"),
    "odd permuted": dict(batch=13, mix="both", mix_preset="fastai"),
    "half mixed": dict(mix="both", mix_preset="fastai", mix_keys={"prob": 0.5}),
    "half mixed batches": dict(mix="both", mix_preset="torchvision", mix_keys={"prob": 0.5}),
    "half mixed pairs": dict(
        batch=15, mix="both", mix_preset="timm", mix_keys={"prob": 0.5, "per": "pair"}
    ),
    "half mixed partners": dict(mix="both", mix_preset="fastbook", mix_keys={"prob": 0.5}),
    "itself": dict(mix="mixup", mix_preset="fastbook", mix_keys={"partner_self": "yes"}),
    "rounded": dict(
        dtype="f16", layout="nhwc", mix="cutmix", mix_preset="fastai", mix_keys={"per": "sample"}
    ),
    "floats": dict(dtype="f32", mix="both", mix_preset="fastbook", mix_keys={"fold": "no"}),
    "halves": dict(dtype="bf16", layout="nhwc", mix="both", mix_preset="timm"),
    "minmax": dict(
        layout="nhwc",
        mix="both",
        mix_preset="timm",
        mix_keys={"box_range": (0.2, 0.8), "cutmix_box": "minmax", "per": "sample"},
    ),
    "partial": dict(batch=23, last="partial", mix="both", mix_preset="timm"),
    "partial partners": dict(batch=23, last="partial", mix="cutmix", mix_preset="fastbook"),
    "erased": dict(transform=ERASING, mix="both", mix_preset="timm", mix_keys={"per": "sample"}),
    "erased partners": dict(
        transform=ERASING,
        erase_mode="noise",
        mix="both",
        mix_preset="fastbook",
        mix_keys={"prob": 0.7},
    ),
    "some epochs": dict(
        mix="both", mix_preset="fastbook", mix_keys={"from_epoch": 1, "until_epoch": 2}
    ),
}


@pytest.mark.parametrize("name", MODES)
def test_every_mode_equals_the_plan_byte_for_byte(serve, plan_of, name):
    recipe = dataclasses.replace(PLAIN, **MODES[name])
    client, plan = serve(mixed=recipe), plan_of(recipe)
    welcome = client.hello("mixed")
    assert (welcome["steps"], welcome["fingerprint"]) == (plan.steps, plan.fingerprint)
    for epoch in range(3):
        for step in range(min(plan.steps, 6)):
            assert_equal(client.get("mixed", epoch, step), plan.batch(epoch, step))


def unmixed(plan, epoch, step):
    """The pictures of an address before they are mixed: the slots' own and their partners'."""
    slots = plan.slots(epoch, step)
    shares = plan.shares(epoch, step, slots)
    own = plan.made(epoch, slots)["images"]
    if plan.recipe.mixing.partner != "dataset":
        return own, own[plan.partner_slots(epoch, step, shares)]
    pairs = zip(slots, plan.partners(epoch, slots), shares)
    chosen = [slot if share.kind == "keep" else other for slot, other, share in pairs]
    return own, plan.made(epoch, chosen)["images"]


@pytest.mark.parametrize("name", MODES)
def test_a_batch_is_served_unmixed_where_that_is_asked_for(serve, plan_of, name):
    recipe = dataclasses.replace(PLAIN, **MODES[name])
    client, plan = serve(mixed=recipe), plan_of(recipe)
    for step in range(2):
        own, partner = unmixed(plan, 1, step)
        mixed_batch = client.get("mixed", 1, step)
        for who, pictures in (("own", own), ("partner", partner), ("own", own)):
            batch = client.get("mixed", 1, step, unmixed=who)
            assert batch.unmixed == who
            assert batch["images"].tobytes() == pictures.tobytes()
            for tensor in mixed_batch.tensors:
                if tensor != "images":
                    assert batch[tensor].tobytes() == mixed_batch[tensor].tobytes()
        assert "unmixed" not in mixed_batch.header
        assert client.get("mixed", 1, step, unmixed="no").digest == mixed_batch.digest
    assert client.stats()["batches_made"] == 6


def test_the_modes_reach_every_kind_of_slot(plan_of):
    """The comparison above is worth something."""
    kinds = set()
    for recipe in (dataclasses.replace(PLAIN, **mode) for mode in MODES.values()):
        plan = plan_of(recipe)
        for step in range(min(plan.steps, 6)):
            slots = plan.slots(1, step)
            shares = plan.shares(1, step, slots)
            kinds |= {(recipe.mixing.partner, share.kind) for share in shares}
    partners = ("permutation", "reverse", "roll", "dataset")
    assert kinds == {(partner, kind) for partner in partners for kind in ("keep", "blend", "cut")}
    plan = plan_of(dataclasses.replace(PLAIN, **MODES["erased partners"]))
    slots = plan.slots(0, 0)
    told = plan.batch(0, 0).tensors
    own, other = told["erase"], told["partner_erase"]
    kept = np.array([share.kind == "keep" for share in plan.shares(0, 0, slots)])
    assert 0 < (other.any(1) & kept).sum() and 2 < (other.any(1) & ~kept).sum() < 18
    assert not np.array_equal(own[~kept], other[~kept])


@pytest.mark.parametrize("preset", mix1.PRESETS)
def test_a_preset_alone_stands_for_all_of_its_keys(daemon, connect, good, plan_of, preset):
    text = f"stream a {{ source = {quoted(good)} batch = 20 mix {{ preset = {preset} }} }}\n"
    welcome = connect(daemon(text).endpoint).hello("a")
    method = mix1.PRESETS[preset]["method"]
    recipe = Recipe(batch=20, mix=method, mix_preset=preset)
    assert welcome["fingerprint"] == plan_of(recipe).fingerprint
    assert welcome["mix"].startswith(f"{method} {preset} alpha=")
    assert ("smoothing=0" in welcome["mix"]) == (preset == "timm")  # class numbers have none


def test_lambda_is_what_the_pixels_were_mixed_with(serve):
    """Counted in pixels, where the partner's differ from the slot's own everywhere that matters."""
    recipe = mixed("timm", "cutmix", per="sample")
    client = serve(plain=PLAIN, mixed=recipe)
    for epoch in range(3):
        plain, batch = client.get("plain", epoch, 0), client.get("mixed", epoch, 0)
        own, got = plain["images"], batch["images"]
        for i, (top, left, height, width) in enumerate(batch["cut"]):
            outside = np.ones((40, 56), bool)
            outside[top : top + height, left : left + width] = False
            assert np.array_equal(got[i][:, outside], own[i][:, outside])
            assert np.array_equal(got[i][:, ~outside], own[19 - i][:, ~outside])
            assert batch["lambda"][i] == np.float32(outside.sum() / outside.size)


def test_outside_of_its_epochs_a_stream_is_not_mixed(serve):
    keys = dict(from_epoch=1, until_epoch=3)
    client = serve(plain=PLAIN, timm=mixed("timm", "both", **keys),
                   book=mixed("fastbook", "mixup", **keys))  # fmt: skip
    for epoch in range(5):
        plain = client.get("plain", epoch, 1)
        for name in ("timm", "book"):
            batch = client.get(name, epoch, 1)
            if 1 <= epoch < 3:
                assert not np.array_equal(batch["images"], plain["images"])
                continue
            for tensor in plain.tensors:
                assert np.array_equal(batch[tensor], plain[tensor])
            if name == "book":
                assert np.array_equal(batch["partner_crop"], batch["crop"])
                assert np.array_equal(batch["partner_flip"], batch["flip"])
            else:
                assert not batch["cut"].any()


def test_partners_that_nobody_needs_are_not_decoded(serve):
    client = serve(mixed=mixed("fastbook", "mixup", prob=0.5, until_epoch=1))
    batch = client.get("mixed", 0, 0)
    needed = int((batch["partner_index"] != batch["index"]).sum())
    assert 2 < needed < 18
    assert client.stats()["images_decoded"] == 20 + needed
    client.get("mixed", 1, 0)
    assert client.stats()["images_decoded"] == 40 + needed


def test_memory_is_planned_for_partners_that_stand_behind_the_batch(daemon, good):
    batches = []
    for recipe in (PLAIN, mixed("fastbook", "mixup")):
        running = daemon(stream_text("train", good, recipe))
        batches.append(int(running.events("memory.plan")[0]["batches"]))
    assert 1.9 < batches[0] / batches[1] < 2.1


def test_a_broken_partner_is_named_by_the_command(daemon, connect, tmp_path):
    root = dataset.write_small(tmp_path / "data", classes=1, each=5)
    dataset.write(root, "class0/bad.jpg", b"no picture")
    recipe = Recipe(batch=6, height=16, width=16, mix="mixup", mix_preset="fastbook")
    endpoint = daemon(stream_text("train", root, recipe)).endpoint
    batches = [(epoch, connect(endpoint).get("train", epoch, 0)) for epoch in range(8)]
    told = [epoch for epoch, batch in batches if any(s >= 6 for s, _ in batch.replaced_samples)]
    assert told
    printed = stoker("get", f"{endpoint}/train", "--epoch", told[0])
    assert "partner instead of 5: corrupt: " in printed


def test_a_partner_of_the_data_set_has_draws_of_its_own_and_is_never_the_sample(serve):
    batches = list(serve(mixed=mixed("fastbook", "mixup")).epoch("mixed", 0, range(3)))
    for batch in batches:
        assert (batch["partner_index"] != batch["index"]).all()
    crops = np.concatenate([batch["partner_crop"] - batch["crop"] for batch in batches])
    flips = np.concatenate([batch["partner_flip"] ^ batch["flip"] for batch in batches])
    assert (np.abs(crops).sum(1) > 0).sum() > 55
    assert 10 < flips.sum() < 50
    partners = np.concatenate([batch["partner_index"] for batch in batches])
    assert len(set(partners)) > 30  # of 60, with repeats


@pytest.mark.parametrize("method, prob", [("both", 1.0), ("mixup", 0.6)])
def test_broken_partners_are_replaced_the_same_with_one_and_eight_workers(
    daemon, connect, tmp_path, method, prob
):
    root = dataset.write_small(tmp_path / "data", classes=3, each=14)
    for i, (name, data) in enumerate(dataset.HURTFUL.items()):
        dataset.write(root, f"class{i % 3}/{name}", data)
    recipe = Recipe(
        seed=1, batch=16, last="partial", height=32, width=32, transform=("resize", "flip"),
        mix=method, mix_preset="fastbook", mix_keys={"prob": prob},
    )  # fmt: skip
    plan = planned(root, recipe)
    clients = []
    for workers in (1, 8):
        running = daemon(stream_text("train", root, recipe), workers=workers, memory_max="2G")
        clients.append(connect(running.endpoint))
        clients[-1].hello("train", window=8)
    assert check_epochs(clients[0], plan, range(2)) > 2 * len(plan.bad)
    beside = 0
    for epoch in range(2):
        for one, other in zip(*(client.epoch("train", epoch, range(4)) for client in clients)):
            assert one.digest == other.digest and one.replaced == other.replaced
            beside += sum(slot >= one.count for slot, _ in one.replaced_samples)
    assert beside > 3


def test_a_validation_stream_beside_a_mixed_one_is_not_mixed(serve):
    valid = dataclasses.replace(PLAIN, order="sequential", last="partial", transform=("resize",))
    client = serve(train=mixed("timm", "both"), valid=valid)
    for batch in client.epoch("valid", 0, range(3)):
        assert list(batch["index"]) == list(range(20 * batch.step, 20 * batch.step + batch.count))
        assert (batch["lambda"] == 1).all() and (batch["partner_index"] == batch["index"]).all()


def test_one_sample_has_no_partner_in_the_data_set(launch, tmp_path):
    root = dataset.write_small(tmp_path / "data", classes=1, each=1)
    recipe = Recipe(batch=1, mix="mixup", mix_preset="fastbook")
    process = launch(stream_text("train", root, recipe))
    assert process.wait_exit() == 2
    assert "partner_self = yes" in process.stderr


def test_a_batch_of_one_sample_may_be_mixed_with_itself(daemon, connect, tmp_path):
    root = dataset.write_small(tmp_path / "data", classes=1, each=1)
    recipe = Recipe(batch=1, mix="mixup", mix_preset="fastbook", mix_keys={"partner_self": "yes"})
    plan = plan1.Plan(recipe, plan1.list_folder(root)[0])
    client = connect(daemon(stream_text("train", root, recipe)).endpoint)
    assert_equal(client.get("train", 5, 0), plan.batch(5, 0))
