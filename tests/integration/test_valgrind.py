"""memcheck finds nothing in a short run of the daemon and of the command."""

import os
import shutil
import subprocess

import pytest

import dataset
import stokerd
from plan1 import Recipe
from stokerd import SLOW, is_sanitized, stream_text

RECIPE = Recipe(batch=4, height=16, width=16, mix="mixup", labels="dense")
FOUND = 99
MEMCHECK = [
    "valgrind", "-q", f"--error-exitcode={FOUND}", "--leak-check=full",
    "--errors-for-leak-kinds=definite,indirect",
]  # fmt: skip
COMMAND = os.path.join(os.path.dirname(stokerd.PROGRAM), "stoker")


@pytest.mark.skipif(shutil.which("valgrind") is None, reason="valgrind is not installed")
@pytest.mark.skipif(is_sanitized(), reason="valgrind does not run what a sanitizer built")
def test_a_short_run_is_clean_under_memcheck(launch, connect, tmp_path):
    dataset.write_small(tmp_path / "data", classes=3, each=4)
    dataset.write(tmp_path / "data", "class0/broken.jpg", dataset.truncated())
    program = tmp_path / "stokerd"
    program.write_text(f'#!/bin/sh\nexec {" ".join(MEMCHECK)} {stokerd.PROGRAM} "$@"\n')
    program.chmod(0o755)
    running = launch(stream_text("train", tmp_path / "data", RECIPE), program=str(program))
    running.wait_log("server.ready", timeout_s=60 * SLOW)
    url = f"{running.endpoint}/train"
    words = [COMMAND, "get", url, "--epoch", "0", "--step", "1", "--digest"]
    told = subprocess.run(MEMCHECK + words, capture_output=True, text=True, timeout=60 * SLOW)
    assert told.returncode == 0, told.stderr
    client = connect(running.endpoint)
    client.round_s *= 5
    digests = [batch.digest for batch in client.epoch("train", 0, range(3))]
    assert told.stdout.split() == [digests[1]]
    assert client.stats()["images_replaced"] > 0
    client.labels("train")
    client.close()
    running.signal()
    assert running.wait_exit(60 * SLOW) == 0, running.stderr
