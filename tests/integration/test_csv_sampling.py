"""Labels and weights of a csv in samplers, stand-ins, phases and masks, through a real daemon."""

import collections
import dataclasses
import os

import pytest

import dataset
import plan1
from plan1 import Recipe
from stokerd import stream_text

SMALL = dict(batch=8, height=8, width=8, last="wrap")
WEIGHTED = Recipe(seed=5, sampler="weighted", epoch_samples=200, **SMALL)
BALANCED = Recipe(seed=6, sampler="balanced", epoch_samples=200, **SMALL)
BROKEN = (3, 10, 17)

LAWS = {
    "weighted": WEIGHTED,
    "weighted_subset": dataclasses.replace(WEIGHTED, seed=3, subset=0.6, last="partial"),
    "weighted_mixed": dataclasses.replace(
        WEIGHTED, mix="mixup", labels="dense", mix_keys=dict(smoothing=0.1)
    ),
    "repeated": dataclasses.replace(WEIGHTED, repeat=3, epoch_samples=0),
    "balanced": BALANCED,
    "balanced_subset": dataclasses.replace(BALANCED, subset=0.5, labels="dense"),
    "phased": dataclasses.replace(
        WEIGHTED, labels="dense", mix="mixup", phases=((1, 5, 12, 16), (3, 9, 8, 8))
    ),
}


def weight(i):
    """From none at all to 100 times the usual, which a file that hurts has as well."""
    return [0, 1, 0.001, 7.5, 1e-12, 100][i % 6]


@pytest.fixture
def pictures(tmp_path):
    """Paths of 24 pictures, three of which cannot be decoded, below a root."""
    root = dataset.write_small(tmp_path / "data", classes=3, each=8)
    samples, _ = plan1.list_folder(root)
    for i in BROKEN:
        dataset.write(root, os.fsdecode(samples[i].path), b"no picture")
    return root, [os.fsdecode(sample.path) for sample in samples]


@pytest.fixture
def table(pictures):
    """A csv of the pictures with some labels, and whatever weights: its URL and its listing."""
    root, paths = pictures

    def make(naming, label, weight=weight):
        rows = [f"{path},{label(i)},{weight(i)!r}\n" for i, path in enumerate(paths)]
        file = root / f"{naming}.csv"
        file.write_text(f"path,{naming},weight\n" + "".join(rows))
        return f"csv:{file}", plan1.list_csv(file)

    return make


def uneven(i):
    """Classes of 1, 4 and 19 of 24 samples."""
    return "few" if i == 0 else "some" if i < 5 else "many"


def assert_equal(batch, expected):
    assert list(batch.tensors) == list(expected.tensors)
    for name, wanted in expected.tensors.items():
        assert batch[name].shape == wanted.shape, name
        assert batch[name].tobytes() == wanted.tobytes(), name
    assert batch.replaced_samples == expected.replaced


def served(client, plan, epochs=range(4)):
    """Hold epochs to the plan; how often every sample was served, and how many were replaced."""
    counts, replaced = collections.Counter(), 0
    for epoch in epochs:
        for batch in client.epoch("train", epoch, range(plan.steps_of(epoch))):
            assert_equal(batch, plan.batch(epoch, batch.step))
            counts.update(batch["index"].tolist())
            replaced += len(batch.replaced)
    return counts, replaced


@pytest.mark.parametrize("name", LAWS)
def test_a_csvs_weights_and_classes_are_what_samplers_draw_by(daemon, connect, table, name):
    url, listing = table("class", uneven)
    plan = plan1.Plan(LAWS[name], listing, BROKEN)
    client = connect(daemon(stream_text("train", url, LAWS[name])).endpoint)
    assert client.hello("train")["fingerprint"] == plan.fingerprint
    counts, replaced = served(client, plan)
    assert replaced > 0 and not counts.keys() & set(BROKEN)
    if LAWS[name].sampler == "weighted":
        assert all(weight(i) > 0 for i in counts), "a sample of weight 0 was drawn"


def test_weights_are_shares(daemon, connect, table):
    url, listing = table("class", uneven, lambda i: float(i not in BROKEN) * (1 + 2 * (i % 2)))
    recipe = dataclasses.replace(WEIGHTED, epoch_samples=4000, batch=100, transform=("resize",))
    client = connect(daemon(stream_text("train", url, recipe)).endpoint)
    client.hello("train")
    counts = collections.Counter()
    for batch in client.epoch("train", 0, range(40)):
        counts.update(batch["index"].tolist())
    total = sum(sample.weight for sample in listing)
    for i, sample in enumerate(listing):
        share = 4000 * sample.weight / total
        assert abs(counts[i] - share) <= 5 * share**0.5, i


def test_balanced_serves_classes_alike_and_leaves_empty_ones_out(
    daemon, connect, table, pictures, tmp_path
):
    """A list takes every sample of a class away; the others share its place."""
    url, listing = table("class", uneven)
    kept = [path for i, path in enumerate(pictures[1]) if uneven(i) != "some" and i not in BROKEN]
    (tmp_path / "split.txt").write_text("\n".join(kept))
    recipe = dataclasses.replace(BALANCED, epoch_samples=2000, batch=100)
    text = stream_text("train", url, recipe, list=tmp_path / "split.txt")
    client = connect(daemon(text).endpoint)
    names, counts = client.label_counts("train")
    assert dict(zip(names, counts)) == {"few": 1, "many": len(kept) - 1, "some": 0}
    split = listing.only(lambda sample: os.fsdecode(sample.path) in kept)
    plan = plan1.Plan(recipe, split)
    assert client.hello("train")["fingerprint"] == plan.fingerprint
    labels = collections.Counter()
    for batch in client.epoch("train", 0, range(20)):
        assert batch["index"].tolist() == [slot.index for slot in plan.slots(0, batch.step)]
        labels.update(names[label] for label in batch["label"])
    assert set(labels) == {"few", "many"} and abs(labels["few"] - 1000) < 5 * 500**0.5


KINDS = {
    "labels": lambda i: " ".join("abcd"[: i % 5]),
    "class": uneven,
    "number": lambda i: i / 3,
}


@pytest.mark.parametrize("naming", KINDS)
def test_a_masked_batch_has_target_and_valid(daemon, connect, table, naming):
    url, listing = table(naming, KINDS[naming])
    recipe = Recipe(batch=7, order="sequential", last="mask", height=8, width=8, labels="dense")
    plan = plan1.Plan(recipe, listing, BROKEN)
    client = connect(daemon(stream_text("train", url, recipe)).endpoint)
    assert client.hello("train")["fingerprint"] == plan.fingerprint
    for step in range(plan.steps + 2):  # also those behind the end
        batch = client.get("train", 0, step)
        assert_equal(batch, plan.batch(0, step))
        assert list(batch.tensors)[-2:] == ["target", "valid"]
        assert batch["valid"].sum() == max(0, min(7, 24 - 7 * step))


def test_a_weight_is_in_the_fingerprint_by_whatever_law(daemon, connect, table):
    told = set()
    for change in (0, 1e-9):
        url, _ = table("class", uneven, lambda i: 1 + change * (i == 23))
        for law in ("all", "weighted"):
            recipe = Recipe(sampler=law, **SMALL)
            client = connect(daemon(stream_text("train", url, recipe)).endpoint)
            told.add(client.hello("train")["fingerprint"])
    assert len(told) == 4


REFUSED = {
    "sampler = balanced draws a class first, but sample 0 has no class number": (
        "labels",
        KINDS["labels"],
        BALANCED,
    ),
    "no sample has a weight above 0": ("class", uneven, WEIGHTED),
}
NO_WEIGHTS = (
    'stokerd: stream "train" has sampler = weighted, but its source {} has no weights, which are '
    'the numbers in a column "weight" of a csv source; add it, or set sampler = all or balanced'
)


@pytest.mark.parametrize("kind", ["folder", "csv"])
def test_weighted_draws_of_a_source_without_weights_are_refused(launch, pictures, kind):
    root, paths = pictures
    (root / "a.csv").write_text("path,class\n" + "".join(f"{path},a\n" for path in paths))
    source = f"csv:{root}/a.csv" if kind == "csv" else f"folder:{root}"
    text = stream_text("train", source if kind == "csv" else root, WEIGHTED)
    process = launch(text)
    assert process.wait_exit() == 2
    process.judge()
    assert process.stderr.splitlines()[-1] == NO_WEIGHTS.format(f'"{source}"')


@pytest.mark.parametrize("sentence", REFUSED)
def test_what_cannot_be_drawn_by_is_refused_at_start(launch, table, sentence):
    naming, label, recipe = REFUSED[sentence]
    url, _ = table(naming, label, lambda i: 0)
    running = launch(stream_text("train", url, recipe))
    assert running.wait_exit() == 2
    assert sentence in running.stderr
