"""Ranks: through libstoker and a real daemon, and by plan 1 alone.

The tool build/tests/tools/ranks is every trainer of a group in turn.
"""

import collections
import json
import os
import subprocess

import pytest

import plan1
from plan1 import Recipe
from stokerd import BUILD, ROOT, SLOW, stream_text

TOOL = os.path.join(ROOT, BUILD, "tests", "tools", "ranks")

SMALL = dict(height=8, width=8)
EVALUATIONS = {
    "partial": Recipe(batch=4, order="sequential", last="partial", flip=0.0, **SMALL),
    "mask": Recipe(batch=4, order="sequential", last="mask", flip=0.0, **SMALL),
    "mask_even": Recipe(batch=7, order="sequential", last="mask", flip=0.0, **SMALL),
    "mask_large": Recipe(batch=64, order="sequential", last="mask", flip=0.0, **SMALL),
    "mask_subset": Recipe(batch=4, order="sequential", last="mask", subset=0.5, **SMALL),
    "mask_shuffled": Recipe(batch=4, last="mask", **SMALL),
}
# Epochs of 5, 5, 3, 7 and 7 steps of 21 samples.
PHASED = Recipe(
    seed=3, batch=4, last="drop", phases=((2, 7, 16, 12), (3, 3, 24, 24)), height=8, width=8
)
STEPS = [5, 5, 3, 7, 7]


def ranks(endpoint, stream, *words):
    """What every rank of a group received, in the order of ranks."""
    told = subprocess.run(
        [TOOL, f"{endpoint}/{stream}", *map(str, words)],
        capture_output=True,
        text=True,
        timeout=30 * SLOW,
    )
    assert told.returncode == 0, told.stderr
    return [json.loads(line) for line in told.stdout.splitlines()]


@pytest.fixture
def serving(daemon, small):
    recipes = {**EVALUATIONS, "phased": PHASED}
    return daemon("".join(stream_text(name, small, recipe) for name, recipe in recipes.items()))


@pytest.fixture
def small_plan(small):
    samples, _ = plan1.list_folder(small)
    return lambda recipe: plan1.Plan(recipe, samples)


def assert_counted_once(recipe, plan, batches):
    """Every sample of the pool counts exactly once in what the ranks of a group received."""
    counted = collections.Counter()
    for batch in batches:
        valid = batch.get("valid", [1] * len(batch["index"]))
        counted.update(index for index, counts in zip(batch["index"], valid) if counts)
    assert counted == collections.Counter(plan.sampler.pool)


@pytest.mark.parametrize("name", EVALUATIONS)
def test_an_evaluation_counts_every_sample_once_for_every_world(serving, small_plan, name):
    recipe = EVALUATIONS[name]
    plan = small_plan(recipe)
    for world in range(1, 10):
        batches = ranks(serving.endpoint, name, world, 0, 0, 1)
        assert_counted_once(recipe, plan, batches)
        if recipe.last == "mask":
            taken = collections.Counter(batch["rank"] for batch in batches)
            assert set(taken) == set(range(world)), "a rank came away empty"
            assert set(taken.values()) == {-(-plan.steps // world)}
            assert all(batch["shape"][0] == recipe.batch for batch in batches)


@pytest.mark.parametrize("name", EVALUATIONS)
def test_so_it_does_by_plan_1(small_plan, name):
    recipe = EVALUATIONS[name]
    plan = small_plan(recipe)
    for world in range(1, 10):
        batches = []
        rounds = -(-plan.steps // world)
        for rank in range(world):
            for step in range(rank, rounds * world, world):
                if recipe.last == "mask" or step < plan.steps:
                    slots = plan.slots(3, step)
                    batches.append(
                        {"index": [s.index for s in slots], "valid": [s.valid for s in slots]}
                    )
        assert_counted_once(recipe, plan, batches)


def test_an_evaluation_goes_on_with_another_world(serving, small_plan):
    """Three ranks take a round; five go on from the place that any of them would save."""
    first = ranks(serving.endpoint, "mask", 3, 0, 0, 1, 1)
    assert [batch["step"] for batch in first] == [0, 1, 2]
    assert {tuple(batch["place"]) for batch in first} == {(0, 3)}
    rest = ranks(serving.endpoint, "mask", 5, 0, 3, 1)
    assert [batch["step"] for batch in rest] == [3, 4, 5, 6, 7]
    assert {tuple(batch["place"]) for batch in rest} == {(0, 6)}
    assert_counted_once(EVALUATIONS["mask"], small_plan(EVALUATIONS["mask"]), first + rest)


def test_epochs_of_phases_have_their_own_steps_shapes_and_samples(serving, small_plan):
    plan = small_plan(PHASED)
    batches = ranks(serving.endpoint, "phased", 1, 0, 0, 5)
    assert [(batch["epoch"], batch["step"]) for batch in batches] == [
        (epoch, step) for epoch, steps in enumerate(STEPS) for step in range(steps)
    ]
    for batch in batches:
        recipe = PHASED.at(batch["epoch"])
        assert batch["shape"] == [recipe.batch, recipe.height, recipe.width]
        assert batch["rank_steps"] == STEPS[batch["epoch"]]
        slots = plan.slots(batch["epoch"], batch["step"])
        assert batch["index"] == [slot.index for slot in slots]


@pytest.mark.parametrize("world", [1, 2, 3])
def test_ranks_of_phases_take_as_many_steps_of_every_epoch(serving, world):
    batches = ranks(serving.endpoint, "phased", world, 0, 0, 5)
    taken = collections.Counter((batch["rank"], batch["epoch"]) for batch in batches)
    assert taken == {
        (rank, epoch): STEPS[epoch] // world for rank in range(world) for epoch in range(5)
    }
    assert all(batch["rank_steps"] == STEPS[batch["epoch"]] // world for batch in batches)


@pytest.mark.parametrize("epoch, after", [(1, 2), (2, 1), (3, 2)])
def test_a_checkpoint_in_any_phase_is_gone_on_from_with_another_world(serving, epoch, after):
    """Two ranks take some rounds of the epoch; one goes on from their place, over the phases."""
    whole = {
        (batch["epoch"], batch["step"]): batch["index"]
        for batch in ranks(serving.endpoint, "phased", 1, 0, 0, 5)
    }
    first = ranks(serving.endpoint, "phased", 2, epoch, 0, 5 - epoch, after)
    places = [batch["place"] for batch in first if batch["rank"] == 0]
    assert places == [batch["place"] for batch in first if batch["rank"] == 1]
    place = places[-1]
    rest = ranks(serving.endpoint, "phased", 1, *place, 5 - place[0])
    came = first + rest
    # A round of two leaves out the odd step of an epoch that it ended; a place does not.
    wanted = [address for address in whole if (epoch, 0) <= address]
    got = [(batch["epoch"], batch["step"]) for batch in came]
    assert sorted(got) == wanted
    assert all(whole[address] == batch["index"] for address, batch in zip(got, came))


def test_a_seek_goes_into_another_phase(serving):
    batches = ranks(serving.endpoint, "phased", 2, 0, 0, 5, 3, 3, 5)
    addresses = [(batch["rank"], batch["epoch"], batch["step"]) for batch in batches]
    assert addresses == [(0, 0, 0), (0, 3, 5), (0, 4, 0), (1, 0, 1), (1, 3, 6), (1, 4, 1)]


def test_more_ranks_than_a_phase_has_steps_are_refused_before_it_is_reached(serving):
    told = subprocess.run(
        [TOOL, f"{serving.endpoint}/phased", "4", "0", "0", "0"], capture_output=True, text=True
    )
    assert told.returncode == 1
    assert told.stderr == (
        "range: an epoch of 'phased' has 3 steps, too few for rank 0 of 4: make its batch smaller\n"
    )


def test_a_welcome_tells_of_phases_and_a_step_is_held_to_its_epochs(serving, connect):
    client = connect(serving.endpoint)
    told = client.hello("phased")
    assert (told["steps"], told["batch"], told["shape"]) == (5, 4, [8, 8, 3])
    assert told["phases"] == [
        {"epoch": 2, "steps": 3, "batch": 7, "shape": [16, 12, 3]},
        {"epoch": 3, "steps": 7, "batch": 3, "shape": [24, 24, 3]},
    ]
    assert client.get("phased", 3, 6)["images"].shape == (3, 24, 24, 3)
    for epoch, step in ((0, 5), (2, 3), (3, 7), (2**32 - 1, 7)):
        with pytest.raises(Exception, match=f"step {step} is beyond the epoch of {step} steps"):
            client.get("phased", epoch, step)


def test_masked_steps_end_where_no_rank_can_need_them(serving, connect):
    client = connect(serving.endpoint)
    steps = client.hello("mask")["steps"]
    assert not client.get("mask", 0, steps - 1 + 2**32)["valid"].any()
    for step in (steps + 2**32, 2**64 - 1):
        with pytest.raises(Exception, match="range: step"):
            client.get("mask", 0, step)
    assert client.hello("mask_subset")["epoch_samples"] == 10


@pytest.mark.parametrize("last", ["drop", "partial", "wrap"])
def test_repeats_of_a_sample_go_to_different_ranks_by_plan_1(small_plan, last):
    for repeat in (2, 3, 4):
        plan = small_plan(Recipe(batch=2, repeat=repeat, last=last, **SMALL))
        steps = plan.steps // repeat * repeat
        for world in (1, 2, 3, 4, 6, 8):
            if repeat % world and world % repeat:
                continue
            taken = collections.Counter()
            for step in range(steps):
                for slot in plan.slots(0, step):
                    taken[slot.index, step % world] += 1
            assert set(taken.values()) == {max(1, repeat // world)}
