"""The example: a training that is stopped in an epoch's middle, and shows where it went on."""

import os
import subprocess
import sys

import pytest
from conftest import ROOT
from plan1 import Recipe
from stokerd import SLOW, stream_text

pytest.importorskip("torch", reason="PyTorch is not installed")

EXAMPLE = os.path.join(ROOT, "client", "python", "examples", "train_torch.py")
TRAIN = Recipe(batch=4, height=32, width=32, mix="mixup")  # 21 pictures: 5 steps
VALID = Recipe(
    batch=4,
    height=32,
    width=32,
    order="sequential",
    last="mask",
    transform=("resize", "center_crop"),
)


def test_the_example_stops_goes_on_and_shows_that_nothing_was_lost(daemon, small, tmp_path):
    texts = stream_text("train", small, TRAIN) + stream_text("valid", small, VALID)
    endpoint = daemon(texts).endpoint

    def train(*options):
        urls = f"{endpoint}/train", "--valid", f"{endpoint}/valid"
        command = [sys.executable, EXAMPLE, *urls, "--epochs", "2", *options]
        ended = subprocess.run(
            command, cwd=tmp_path, capture_output=True, text=True, timeout=60 * SLOW
        )
        return ended.returncode, ended.stdout + ended.stderr

    status, said = train("--stop-after", "8")
    assert status == 0 and "stopped behind epoch 1 step 2" in said, said
    status, said = train()
    assert status == 0 and "goes on behind epoch 1 step 2" in said, said
    assert "epoch 1: all 5 batches once, in order, as in an undisturbed pass" in said
    assert said.count("accuracy") == 1 and said.count("stopped here") == 1
