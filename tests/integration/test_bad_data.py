"""Files that hurt: replaced as section 8.8 says, told once, and nobody else notices."""

import dataclasses
import os
import shutil

import pytest

import dataset
import plan1
from plan1 import Recipe
from stokerd import SLOW, is_sanitized, stream_text
from test_batches import assert_equal
from wire import Refused

# resize alone looks at whole pictures, so that no damage is cropped away.
RECIPE = Recipe(seed=1, batch=16, last="partial", height=32, width=32, transform=("resize", "flip"))


def limited(root, recipe, share):
    """The text of a stream that stops where more than a share of its samples is bad; 0: never."""
    text = stream_text("train", root, recipe)
    return text.replace("{\n", f"{{\n    corrupt_max = {share}\n", 1)


@pytest.fixture
def hurtful(tmp_path):
    """Good pictures with every file that hurts among them: root, plan."""
    root = dataset.write_small(tmp_path / "data", classes=3, each=14)
    for i, (name, data) in enumerate(dataset.HURTFUL.items()):
        dataset.write(root, f"class{i % 3}/{name}", data)
    return root, planned(root, RECIPE)


def planned(root, recipe, also=()):
    """A plan that knows the files that hurt by their names."""
    samples, _ = plan1.list_folder(root)
    names = {name.encode() for name in (*dataset.HURTFUL, *also)}
    bad = [i for i, sample in enumerate(samples) if os.path.basename(sample.path) in names]
    return plan1.Plan(recipe, samples, bad)


def check_epochs(client, plan, epochs, stream="train"):
    """Hold some epochs to the plan; how many slots were replaced."""
    replaced = 0
    for epoch in epochs:
        for batch in client.epoch(stream, epoch, range(plan.steps)):
            assert_equal(batch, plan.batch(epoch, batch.step))
            assert all(row["reason"] for row in batch.replaced)
            replaced += len(batch.replaced)
    return replaced


def test_files_that_hurt_are_replaced_by_the_plans_stand_ins(daemon, connect, hurtful):
    root, plan = hurtful
    assert len(plan.bad) == len(dataset.HURTFUL)
    running = daemon(stream_text("train", root, RECIPE))
    client = connect(running.endpoint)
    client.hello("train")
    assert check_epochs(client, plan, range(3)) == 3 * len(plan.bad)
    assert client.stats()["images_replaced"] == 3 * len(plan.bad)


def test_every_bad_file_is_logged_once_with_path_reason_and_stand_in(daemon, connect, hurtful):
    root, plan = hurtful
    running = daemon(stream_text("train", root, RECIPE))
    client = connect(running.endpoint)
    check_epochs(client, plan, range(3))
    rows = running.events("image.corrupt")
    assert sorted(row["path"].encode() for row in rows) == sorted(
        plan.samples[index].path for index in plan.bad
    )
    for row in rows:
        assert row["stream"] == "train"
        assert plan.samples[int(row["index"])].path == row["path"].encode()
        assert row["reason"] and int(row["replaced_by"]) < len(plan.samples)
    code = {os.path.basename(row["path"]): row["code"] for row in rows}
    assert code["huge.jpg"] == code["huge-progressive.jpg"] == code["scans.jpg"] == "limit"
    assert code["truncated.jpg"] == code["renamed.jpg"] == code["text.jpg"] == "corrupt"
    assert code["empty.jpg"] == "unreadable"


def test_two_daemons_replace_alike(daemon, connect, hurtful):
    root, plan = hurtful
    batches = []
    for workers in (1, 2):
        client = connect(daemon(stream_text("train", root, RECIPE), workers=workers).endpoint)
        batches.append(list(client.epoch("train", 5, range(plan.steps))))
    for one, other in zip(*batches):
        assert one.digest == other.digest and one.replaced == other.replaced


@pytest.mark.parametrize(
    "name", ["scans.jpg", "refinements.jpg", "huge.jpg", "huge-progressive.jpg"]
)
def test_a_bomb_costs_neither_time_nor_memory(daemon, connect, tmp_path, name):
    root = dataset.write_small(tmp_path / "data", classes=1, each=1)
    dataset.write(root, f"class0/{name}", dataset.HURTFUL[name])
    recipe = dataclasses.replace(RECIPE, batch=2, order="sequential")
    running = daemon(stream_text("train", root, recipe), workers=1)
    client = connect(running.endpoint)
    client.hello("train")
    before = running.memory_bytes()
    assert len(client.get("train", 0, 0).replaced) == 1
    assert running.cpu_seconds() < 2 * SLOW
    if not is_sanitized():
        assert running.memory_bytes() - before < 64 << 20


def test_files_that_change_after_the_listing_are_replaced(daemon, connect, tmp_path):
    root = dataset.write_small(tmp_path / "data", classes=2, each=6)
    running = daemon(stream_text("train", root, RECIPE))
    os.remove(root / "class0" / "3.jpg")
    shutil.copy(root / "class1" / "0.jpg", root / "class1" / "0.jpg.bak")
    with open(root / "class1" / "0.jpg", "ab") as file:
        file.write(b"grown")
    os.truncate(root / "class1" / "1.jpg", 100)
    os.remove(root / "class1" / "2.jpg")
    os.mkdir(root / "class1" / "2.jpg")
    os.remove(root / "class1" / "4.jpg")
    os.symlink("nowhere", root / "class1" / "4.jpg")
    os.remove(root / "class1" / "5.jpg")
    os.mkfifo(root / "class1" / "5.jpg")
    client = connect(running.endpoint)
    client.hello("train")
    batch = client.get("train", 0, 0)
    bad = [3, 6, 7, 8, 10, 11]
    assert sorted(index for _, index in batch.replaced_samples) == bad
    assert not set(bad) & set(batch["index"])
    codes = {int(row["index"]): row["code"] for row in running.events("image.corrupt")}
    assert codes == {index: "unreadable" for index in bad}


def test_links_and_folders_named_like_pictures_are_followed_or_left_out(daemon, connect, tmp_path):
    root = dataset.write_small(tmp_path / "data", classes=2, each=4)
    os.symlink("../class0/1.jpg", root / "class1" / "link.jpg")
    os.symlink("nowhere", root / "class1" / "nowhere.jpg")
    os.symlink("../class0", root / "class1" / "folder")
    os.mkdir(root / "class1" / "empty.jpg")
    os.mkfifo(root / "class0" / "fifo.jpg")
    plan = planned(root, RECIPE)
    running = daemon(stream_text("train", root, RECIPE))
    client = connect(running.endpoint)
    welcome = client.hello("train")
    assert welcome["samples"] == len(plan.samples) == 4 + 4 + 1 + 4
    assert welcome["fingerprint"] == plan.fingerprint
    assert check_epochs(client, plan, [0]) == 0


def test_on_corrupt_fail_answers_with_an_error_and_serves_good_batches(daemon, connect, tmp_path):
    root = dataset.write_small(tmp_path / "data", classes=1, each=8)
    dataset.write(root, "class0/9.jpg", dataset.truncated())
    recipe = dataclasses.replace(RECIPE, batch=3, order="sequential", on_corrupt="fail")
    running = daemon(stream_text("train", root, recipe))
    client = connect(running.endpoint)
    client.hello("train")
    for _ in range(2):
        with pytest.raises(Refused) as refused:
            client.get("train", 0, 2)
        assert refused.value.code == "corrupt"
        assert "8" in refused.value.message and "slot 2" in refused.value.message
    plan = plan1.Plan(recipe, plan1.list_folder(root)[0], [8])
    with pytest.raises(plan1.Unservable):
        plan.batch(0, 2)
    for step in range(2):
        assert_equal(client.get("train", 0, step), plan.batch(0, step))
    figures = client.stats()
    assert figures["images_replaced"] == 0 and figures["batches_failed"] >= 1


def test_a_stream_of_bad_files_alone_fails_and_others_are_served(daemon, connect, small, tmp_path):
    for i in range(5):
        dataset.write(tmp_path, f"data/class0/{i}.jpg", dataset.truncated(share=0.02))
    recipe = dataclasses.replace(RECIPE, batch=4)
    running = daemon(limited(tmp_path / "data", recipe, 0) + stream_text("good", small, recipe))
    client = connect(running.endpoint)
    client.hello("train")
    for epoch in range(2):
        with pytest.raises(Refused) as refused:
            client.get("train", epoch, 0)
        assert refused.value.code == "corrupt"
    assert check_epochs(client, planned(small, recipe), [0], "good") == 0
    assert len(running.events("image.corrupt")) == 5


def test_a_limit_of_the_configuration_makes_larger_pictures_corrupt(daemon, connect, tmp_path):
    root = dataset.write_small(tmp_path / "data", classes=1, each=7)
    dataset.write(root, "class0/large.jpg", dataset.jpeg(1, 100, 101))
    dataset.write(root, "class0/long.jpg", dataset.jpeg(1, 99, 99, quality=98))
    settings = "image_pixels_max = 10000\nimage_bytes_max = 8192\n"
    assert os.path.getsize(root / "class0" / "long.jpg") > 8192
    assert os.path.getsize(root / "class0" / "large.jpg") < 8192
    running = daemon(settings + stream_text("train", root, RECIPE))
    plan = planned(root, RECIPE, also=["large.jpg", "long.jpg"])
    client = connect(running.endpoint)
    assert check_epochs(client, plan, [0, 1]) == 4
    assert {row["code"] for row in running.events("image.corrupt")} == {"limit"}


def test_damage_outside_of_a_crop_changes_no_pixel_and_inside_replaces(daemon, connect, tmp_path):
    whole, damaged = tmp_path / "whole", tmp_path / "damaged"
    for i in range(6):
        options = dict(progressive=True) if i == 5 else {}
        data = dataset.jpeg(i, 160, 160, quality=90, **options)
        dataset.write(whole, f"class/{i}.jpg", data)
        dataset.write(damaged, f"class/{i}.jpg", data if i == 0 else data[: len(data) // 2])
    recipe = dataclasses.replace(
        RECIPE, batch=6, transform=("random_resized_crop", "flip"), scale=(0.01, 0.05)
    )
    plan = plan1.Plan(recipe, plan1.list_folder(whole)[0])
    client = connect(daemon(limited(damaged, recipe, 0)).endpoint)
    served = 0
    for epoch in range(20):
        batch, undamaged = client.get("train", epoch, 0), plan.batch(epoch, 0)
        replaced = {slot for slot, _ in batch.replaced_samples}
        for slot in set(range(6)) - replaced:
            assert batch["index"][slot] == undamaged.tensors["index"][slot]
            assert (batch["images"][slot] == undamaged.tensors["images"][slot]).all()
            served += batch["index"][slot] != 0
        assert {5} <= {index for _, index in batch.replaced_samples}, "progressive needs all scans"
    assert 10 < served < 70


def test_limits_that_change_bytes_change_the_fingerprint(daemon, connect, tmp_path):
    """Same fingerprint, same address, same bytes: that is what a client pins."""
    root = dataset.write_small(tmp_path / "data", classes=1, each=7)
    dataset.write(root, "class0/large.jpg", dataset.jpeg(1, 100, 101))
    told = []
    for settings in ("", "image_pixels_max = 10000\n"):
        client = connect(daemon(settings + stream_text("train", root, RECIPE)).endpoint)
        batch = client.get("train", 0, 0)
        told.append((batch.fingerprint, batch.digest))
    assert told[0][1] != told[1][1]
    assert told[0][0] != told[1][0]
