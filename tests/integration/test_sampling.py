"""Samplers, subsets and phases of a whole daemon: what is planned, told, kept apart and refused."""

import collections
import dataclasses
import re

import pytest

import plan1
from command import stoker
from plan1 import Recipe
from stokerd import stream_text

SMALL = dict(batch=4, height=8, width=8)


def listing_bytes(running):
    return int(running.wait_log("memory.plan")["listing_bytes"])


def test_the_tables_of_a_sampler_are_in_the_memory_plan(daemon, small, tmp_path):
    rows = [f"class{i % 3}/{i // 3}.jpg,{i % 3},1\n" for i in range(21)]
    (tmp_path / "weights.csv").write_text("path,class,weight\n" + "".join(rows))
    source = f"csv:{tmp_path / 'weights.csv'}"
    planned = {
        law: listing_bytes(
            daemon(stream_text("train", source, Recipe(sampler=law, **SMALL), root=small))
        )
        for law in ("all", "weighted", "balanced")
    }
    assert planned["weighted"] - planned["all"] == 21 * 8
    assert planned["balanced"] - planned["all"] == 21 * 4 + (3 + 1) * 8


def test_memory_is_planned_for_the_largest_phase(daemon, launch, small):
    least = Recipe(batch=4, height=8, width=8, phases=((100, 16, 2048, 2048),))
    refused = launch(stream_text("train", small, least), memory_max="400M", workers=1)
    assert refused.wait_exit() == 2
    assert "this configuration needs at least" in refused.stderr
    one = dataclasses.replace(least, phases=())
    daemon(stream_text("train", small, one), memory_max="400M", workers=1)


def test_slabs_go_round_between_phases_within_the_budget(daemon, connect, small):
    """Epochs of phases by turns, in memory for a few batches: what comes again is the same."""
    recipe = Recipe(batch=8, height=64, width=64, phases=((1, 4, 1024, 1024), (2, 8, 48, 48)))
    running = daemon(stream_text("train", small, recipe), memory_max="340M")
    client = connect(running.endpoint)
    client.hello("train", window=8)
    digests = collections.defaultdict(set)
    for _ in range(3):
        for epoch, steps in ((0, 2), (1, 5), (2, 2)):
            for batch in client.epoch("train", epoch, range(steps)):
                digests[epoch, batch.step].add(batch.digest)
    assert len(digests) == 9 and all(len(one) == 1 for one in digests.values())
    assert client.stats()["batches_made"] > 9, "everything had room at once"


REFUSED = {
    'stream "train": subset = 0.01 of 21 samples is none': Recipe(subset=0.01, **SMALL),
    'stream "train" has 21 samples an epoch, fewer than one batch of 32': Recipe(
        phases=((3, 32, 8, 8),), **SMALL
    ),
    'stream "train" has 10 samples an epoch, fewer than one batch of 11': Recipe(
        batch=11, subset=0.5, height=8, width=8
    ),
    'stream "train" has 3 samples an epoch, fewer than one batch of 4': Recipe(
        sampler="balanced", epoch_samples=3, **SMALL
    ),
}


@pytest.mark.parametrize("sentence", REFUSED)
def test_a_stream_without_a_step_is_refused_at_start(launch, small, sentence):
    running = launch(stream_text("train", small, REFUSED[sentence]))
    assert running.wait_exit() == 2
    assert sentence in running.stderr


RECIPES = {
    "plain": Recipe(**SMALL),
    "balanced": Recipe(sampler="balanced", **SMALL),
    "longer": Recipe(sampler="balanced", epoch_samples=100, **SMALL),
    "repeated": Recipe(repeat=2, **SMALL),
    "subset": Recipe(subset=0.5, **SMALL),
    "masked": Recipe(last="mask", **SMALL),
    "phased": Recipe(phases=((9, 2, 16, 16),), **SMALL),
}


def test_fingerprints_are_those_of_plan_1_and_all_different(daemon, connect, small):
    running = daemon(
        "".join(
            stream_text(*pair)
            for pair in ((name, small, recipe) for name, recipe in RECIPES.items())
        )
    )
    told = {row["stream"]: row["fingerprint"] for row in connect(running.endpoint).streams()}
    samples, _ = plan1.list_folder(small)
    assert told == {name: plan1.fingerprint(recipe, samples) for name, recipe in RECIPES.items()}
    assert len(set(told.values())) == len(RECIPES)


def test_a_phase_has_a_line_below_its_stream(daemon, small):
    running = daemon(
        stream_text("all", small, RECIPES["plain"])
        + stream_text("some", small, dataclasses.replace(RECIPES["phased"], subset=0.5))
    )
    lines = stoker("streams", running.endpoint).splitlines()
    _, plain, phased, phase = [line for line in lines if not re.match("  (mix|fingerprint) ", line)]
    assert plain.split()[:5] == ["all", "21", "5", "4", "8x8x3"]
    assert phased.split()[:5] == ["some", "10", "2", "4", "8x8x3"]
    assert phase.split() == ["5", "2", "16x16x3", "from", "epoch", "9"]
    assert phase.index("16x16x3") == phased.index("8x8x3")


def test_the_command_goes_by_the_phase_of_an_epoch(daemon, small, tmp_path):
    running = daemon(stream_text("train", small, RECIPES["phased"]))
    url = f"{running.endpoint}/train"
    told = stoker("get", url, "--epoch", 9, "--step", 9)
    assert "step 9/10  2 samples" in told and "images |u1 [2, 16, 16, 3]" in told
    sheet = tmp_path / "sheet.png"
    assert stoker("preview", url, "--epoch", 9, "--step", 9, "--out", sheet) == f"{sheet}\n"
    assert "batches        15\n" in stoker("bench", url, "--epoch", 8, "--epochs", 2)


def test_a_slot_that_does_not_count_is_said_so(daemon, small):
    running = daemon(stream_text("valid", small, RECIPES["masked"]))
    lines = stoker("get", f"{running.endpoint}/valid", "--step", 5).splitlines()
    slots = [line.split()[0] for line in lines[lines.index("      not valid") - 2 :]]
    assert slots == ["0", "1", "not", "2", "not", "3", "not"]
