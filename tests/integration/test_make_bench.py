"""make bench: that it runs and writes what it says it writes.  Figures are nobody's promise."""

import json
import math
import os
import subprocess
import sys

import pytest

import stokerd
from stokerd import BUILD, ROOT, SLOW

PROGRAM = os.path.join(ROOT, "tests", "bench", "run.py")
BOUNDS = {"decode_whole", "decode_crop", "huffman", "huffman_crop", "memcpy", "ipc", "tcp"}
STAGES = {"plan", "plan_1e9", "read", "header", "decode", "resize", "mix_u8", "mix_f32", "encode"}
STAGES |= {"decode_entered", "decode_collecting", "map", "jpeg_crop_entropy_entered"}


def run_bench(build, data):
    return subprocess.run(
        [sys.executable, PROGRAM, build, "--data", data, "--quick", "--side", "16", "--no-peer"],
        capture_output=True,
        text=True,
        timeout=240 * SLOW,
    )


@pytest.fixture(scope="module")
def bench(small, tmp_path_factory):
    """The quickest run there is, over a few small pictures: what it printed, and its JSON."""
    build = tmp_path_factory.mktemp("bench")
    for name in ("stokerd", "stokerd-library", "stoker", "stoker-measure"):
        (build / name).symlink_to(os.path.join(ROOT, BUILD, name))
    result = run_bench(build, small)
    assert stokerd.SANITIZER_REPORT.search(result.stderr) is None, result.stderr
    assert result.returncode == 0, result.stderr
    with open(build / "bench" / "bench.json", encoding="utf-8") as file:
        return result.stdout, json.load(file)


def test_the_object_says_what_was_measured_on_what(bench):
    _, result = bench
    assert result["version"] == 1
    assert set(result["machine"]) == {"cpu", "cores", "memory_bytes", "kernel"}
    assert result["data"]["pictures"] == 21 and result["data"]["bytes"] > 0
    assert set(result["software"]) == {"stoker", "decoder"}
    assert result["settings"]["quick"] is True and result["settings"]["side"] == 16
    assert 0 <= result["other_load"] <= 1
    left_out = ["peer: not asked for", "parts of JPEGs: none is sampled 1x1"]
    assert result["left_out"] == left_out


def test_every_part_was_run_without_a_failure(bench):
    _, result = bench
    for group, names in (("bound", BOUNDS), ("stage", STAGES)):
        runs = [run for run in result["runs"] if run["group"] == group]
        assert {run["name"] for run in runs} >= names
        for run in runs:
            assert run["failed"] == 0 and run["pictures"] > 0 and run["cpu_ms"] > 0, run


def test_every_variant_of_the_daemon_was_run(bench):
    _, result = bench
    runs = [run for run in result["runs"] if run["group"] == "stoker"]
    assert {run["transport"] for run in runs} == {"ipc", "tcp"}
    assert {run["dtype"] for run in runs} >= {"u8", "f32"}
    assert {run["mix"] for run in runs} == {"mixup", "none"}
    assert {run["clients"] for run in runs} == {1, 2, 4, 8}
    assert {run["cold"] for run in runs} == {False, True}
    assert max(run["workers"] for run in runs) == result["machine"]["cores"]
    for run in runs:
        assert run["images"] >= 64 * run["clients"] and run["replaced"] == 0, run
        assert run["daemon_cpu_ms"] > 0 and run["client_cpu_ms"] > 0, run


def test_every_way_to_decode_was_run_over_both_samplings(bench):
    _, result = bench
    runs = [run for run in result["runs"] if run["group"] == "indexed"]
    ways = {(run["sampling"], run["way"]) for run in runs}
    wanted = ["library", "whole", "index"]
    assert ways == {(sampling, way) for sampling in ("as it is", "4:4:4") for way in wanted}
    assert all(run["cpu_ms"] > 0 and run["replaced"] == 0 for run in runs)


def test_a_distinct_run_has_one_row_of_medians(bench):
    _, result = bench
    assert sum(row["runs"] for row in result["medians"]) == len(result["runs"])
    labels = [
        "group",
        "name",
        "sampling",
        "threads",
        "workers",
        "transport",
        "dtype",
        "mix",
        "clients",
        "cold",
        "way",
    ]
    keys = [tuple(row.get(label) for label in labels) for row in result["medians"]]
    assert len(set(keys)) == len(keys)


def test_memory_was_looked_at_after_each_of_twenty_epochs(bench):
    _, result = bench
    memory = result["memory"]
    assert memory["epochs"] == len(memory["rss_bytes"]) == 20
    assert 0 < max(memory["rss_bytes"]) <= memory["peak_bytes"]
    assert memory["plan_bytes"] > 0


def test_every_target_has_a_value_beside_it_but_the_peer_that_was_left_out(bench):
    table, result = bench
    missing = [row["name"] for row in result["targets"] if row["value"] is None]
    assert missing == ["images/s, over PyTorch with mixup"]
    for row in result["targets"]:
        assert row["name"] in table
        if row["value"] is None:
            assert row["met"] is None
            continue
        assert math.isfinite(row["value"])
        meets = row["value"] <= row["target"] if row["at_most"] else row["value"] >= row["target"]
        assert row["met"] == meets, row


def test_a_bench_that_cannot_run_fails_with_a_sentence(tmp_path):
    result = run_bench(tmp_path, tmp_path)
    assert result.returncode == 1
    assert result.stderr.startswith("bench: ") and "Traceback" not in result.stderr
