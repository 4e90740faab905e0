"""stoker doctor: what it finds in a configuration, its data and a daemon, and what not."""

import json
import os
import re
from dataclasses import replace

import pytest

import dataset
from command import RECIPE, finish, launch_stoker, refused
from stokerd import SLOW, quoted, stream_text


def doctor(*words, found=None):
    """Run it; the exit status must be that of so many findings, or of any."""
    process = launch_stoker("doctor", *words, "--json")
    out, error = process.communicate(timeout=60 * SLOW)
    assert error == "" and process.returncode in (0, 1)
    told = json.loads(out)
    assert process.returncode == (1 if told["findings"] else 0)
    assert found is None or len(told["findings"]) == found, told["findings"]
    return told


@pytest.fixture
def configured(tmp_path):
    """Write a configuration; its path."""

    def write(*streams, **settings):
        path = tmp_path / "stokerd.conf"
        lines = [f"listen = {{{quoted(f'ipc://{tmp_path}/s')}}}", "memory_max = 1G"]
        lines += [f"{key} = {value}" for key, value in settings.items()]
        path.write_text("\n".join([*lines, *streams]) + "\n")
        return path

    return write


def test_a_good_configuration_and_good_data_have_no_finding(configured, good):
    told = doctor(configured(stream_text("train", good, RECIPE)), found=0)
    (row,) = told["streams"]
    assert (row["stream"], row["samples"], row["decoded"]) == ("train", 60, 60)
    assert row["bad"] == [] and row["bytes"] > 0
    assert told["cores"] >= told["workers"] >= 1 and told["readers"] >= 1
    assert told["plan_bytes"] <= 1 << 30 and told["plan_bytes"] < told["machine_bytes"]
    assert told["plan_batches"] > 16 and told["connections"] > 0
    assert [row["answers"] for row in told["endpoints"]] == [False]
    out, _ = finish(launch_stoker("doctor", configured(stream_text("train", good, RECIPE))))
    assert out.endswith("\nnothing found\n")


def test_every_kind_of_picture_is_counted(configured, tmp_path):
    for number, kind in enumerate(dataset.KINDS):
        dataset.write(tmp_path / "data", f"a/{number}.jpg", dataset.jpeg(number, 40, 50, **kind))
    (row,) = doctor(configured(stream_text("t", tmp_path / "data", RECIPE)), found=0)["streams"]
    assert (row["gray"], row["cmyk"], row["progressive"]) == (2, 1, 3)
    assert row["pixels"] == len(dataset.KINDS) * 40 * 50


def test_files_that_cannot_be_decoded_are_listed(configured, tmp_path):
    root = tmp_path / "data"
    whole = dataset.jpeg(1, 64, 64)
    for number in range(20):
        dataset.write(root, f"a/{number:02}.jpg", whole)
    dataset.write(root, "a/cut.jpg", whole[: len(whole) * 3 // 4])
    dataset.write(root, "a/text.jpg", b"no picture")
    path = configured(stream_text("train", root, RECIPE))
    told = doctor(path, found=1)
    assert "2 of 22 samples" in told["findings"][0]
    (row,) = told["streams"]
    assert [bad["path"] for bad in row["bad"]] == ["a/cut.jpg", "a/text.jpg"]
    assert all(bad["reason"] for bad in row["bad"]) and row["decoded"] == 20
    out, error = finish(launch_stoker("doctor", path), status=1)
    assert "bad: a/cut.jpg (" in out and error == ""
    assert doctor(path, "--quick", found=0)["streams"][0]["samples"] == 22


def test_a_files_name_moves_no_terminal(configured, tmp_path):
    dataset.write(tmp_path / "data", "a/1.jpg", dataset.jpeg(1, 64, 64))
    dataset.write(tmp_path / "data", b"a/\x1b[2J\xff.jpg", b"no picture")
    path = configured(stream_text("train", tmp_path / "data", replace(RECIPE, batch=2)))
    out, _ = finish(launch_stoker("doctor", path), status=1)
    assert "\x1b" not in out and "bad: a/?[2J?.jpg" in out
    doctor(path, found=1)


def test_pictures_far_larger_or_smaller_than_served_are_a_finding(configured, tmp_path):
    for number in range(8):
        dataset.write(tmp_path / "data", f"a/{number}.jpg", dataset.jpeg(number, 150, 140))
    for side, advice in ((32, "store them with"), (150, "will be enlarged"), (100, None)):
        recipe = replace(RECIPE, height=side, width=side)
        told = doctor(configured(stream_text("train", tmp_path / "data", recipe)))
        assert [advice in found for found in told["findings"]] == ([True] if advice else [])


def test_a_mistake_is_a_finding_and_a_file_that_is_not_there_none(configured, good, tmp_path):
    path = configured(stream_text("train", good, RECIPE), worker=3)
    assert "worker" in doctor(path, found=1)["findings"][0]
    gone = doctor(configured(stream_text("train", tmp_path / "none", RECIPE)), found=1)
    assert os.fspath(tmp_path / "none") in gone["findings"][0]
    refused("doctor", tmp_path / "none.conf", status=2)
    refused("doctor", status=2)
    refused("doctor", "tcp://", status=2)


def test_what_the_machine_cannot_carry_is_a_finding(configured, good):
    stream = stream_text("train", good, RECIPE)
    assert "set workers = 0" in doctor(configured(stream, workers=999), found=None)["findings"][0]
    path = configured(stream)
    path.write_text(path.read_text().replace("memory_max = 1G", "memory_max = 64M"))
    assert "memory_max is 64 MiB" in doctor(path, found=1)["findings"][0]
    path.write_text(path.read_text().replace("memory_max = 64M", "memory_max = 1T"))
    assert "lower memory_max" in doctor(path, found=1)["findings"][0]


def test_a_daemon_that_serves_well_has_no_finding(daemon, good):
    running = daemon(stream_text("train", good, RECIPE))
    told = doctor(running.endpoint, found=0)
    stream = {"stream": "train", "samples": 60, "classes": 5, "limit": "idle"}
    assert told["streams"] == [stream]
    assert re.fullmatch(r"\d+\.\d+\.\d+", told["version"])
    assert (told["protocol"], told["plan"]) == (1, 1)
    assert doctor(f"{running.endpoint}/train", found=0) == told


def test_what_a_daemon_replaced_is_a_finding(daemon, tmp_path):
    for number in range(20):
        dataset.write(tmp_path / "data", f"a/{number:02}.jpg", dataset.jpeg(number, 40, 50))
    dataset.write(tmp_path / "data", "a/text.jpg", b"no picture")
    running = daemon(stream_text("train", tmp_path / "data", RECIPE))
    finish(launch_stoker("bench", f"{running.endpoint}/train", "--epochs", 1))
    (found,) = [f for f in doctor(running.endpoint)["findings"] if "images_replaced" in f]
    assert "stats --replaced" in found


def test_no_daemon_is_a_finding(tmp_path):
    told = doctor(f"ipc://{tmp_path}/none", "--timeout", 1, found=1)
    assert "is stokerd running" in told["findings"][0]
