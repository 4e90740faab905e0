"""python -m stoker, and the questions that it and others ask."""

import json
import os
import re
import subprocess
import sys

import pytest
import stoker
from plan1 import Recipe
from stokerd import BUILD, ROOT, SLOW, stream_text

RECIPE = Recipe(batch=4, height=16, width=16, mix="mixup")


@pytest.fixture
def endpoint(daemon, small):
    return daemon(stream_text("train", small, RECIPE)).endpoint


def command(*words, status=0, program=(sys.executable, "-m", "stoker"), env=None):
    """Run the command; its output, or what it complains of."""
    ended = subprocess.run(
        [*program, *words], capture_output=True, text=True, timeout=60 * SLOW, env=env
    )
    assert ended.returncode == status, ended.stderr
    return ended.stderr if status else ended.stdout


def test_the_version_is_the_daemons(endpoint):
    told = command("--version", program=(os.path.join(ROOT, BUILD, "stoker"),))
    assert command("--version") == told
    assert stoker.__version__ == told.split()[1].rstrip(",")


def test_bench_tells_what_stoker_bench_tells(endpoint):
    words = ("bench", f"{endpoint}/train", "--epochs", "2", "--step", "1")
    ours = json.loads(command(*words, "--json"))
    theirs = json.loads(command(*words, "--json", program=(os.path.join(ROOT, BUILD, "stoker"),)))
    assert list(ours) == list(theirs)
    same = {"endpoint", "stream", "clients", "window", "rank", "world", "epochs"}
    same |= {"images", "batches", "bytes", "replaced", "interrupted"}
    assert {key: ours[key] for key in same} == {key: theirs[key] for key in same}
    assert ours["batches"] == 9
    rows = command("bench", f"{endpoint}/train", "--batches", "3").splitlines()
    assert rows[1].split() == ["images", "12"] and rows[0].endswith("/train")


def test_bench_takes_what_stoker_bench_takes_but_many_clients():
    """Those of one Python would take turns with its lock, and measure that."""
    ours = command("bench", "--help")
    theirs = command("bench", "--help", program=(os.path.join(ROOT, BUILD, "stoker"),))
    options = [set(re.findall("--[a-z]+", text)) - {"--help"} for text in (theirs, ours)]
    assert options[0] - options[1] == {"--clients"} and options[1] <= options[0]


def test_show_draws_a_sheet(endpoint, tmp_path):
    from PIL import Image

    out = tmp_path / "sheet.png"
    assert command("show", f"{endpoint}/train", "--out", str(out)).startswith(f"{out}: epoch 0")
    with Image.open(out) as sheet:
        assert sheet.format == "PNG" and min(sheet.size) > 2 * 16


def test_show_asks_an_endpoint_that_is_there_for_its_captions(endpoint, tmp_path):
    words = ("show", f"tcp://127.0.0.1:1,{endpoint}/train", "--out", str(tmp_path / "sheet.png"))
    assert "4 of 4 pictures" in command(*words)


def test_show_without_pillow_is_a_sentence(endpoint, tmp_path):
    (tmp_path / "PIL.py").write_text("raise ImportError")
    path = os.pathsep.join([str(tmp_path), os.environ["PYTHONPATH"]])
    env = {**os.environ, "PYTHONPATH": path}
    complaint = command("show", f"{endpoint}/train", status=1, env=env)
    assert complaint == "stoker: a contact sheet needs Pillow: pip install pillow\n"


@pytest.mark.parametrize(
    "words, status, complaint",
    [
        ((), 2, "stoker: the following arguments are required: bench | show"),
        (("bench", "tcp://h:1/t", "--epochs", "-1"), 2, "invalid number value"),
        (("bench", "tcp://h:1/t", "--heartbeat", "50"), 1, "a heartbeat of 50 ms is not 100 to"),
        (("bench", "http://h:1/t"), 1, "'http://h:1' starts with neither tcp:// nor ipc://\n"),
        (("bench", "ipc:///nowhere/s/t", "--timeout", "0.2"), 1, "is stokerd running"),
    ],
)
def test_mistakes_are_sentences(words, status, complaint):
    assert complaint in command(*words, status=status)


def test_questions_are_answered(endpoint):
    (told,) = stoker.streams(endpoint)
    assert (told.stream, told.samples, told.steps) == ("train", 21, 5)
    assert [(label.name, label.count) for label in stoker.labels(endpoint, "train")] == [
        (f"class{i}", 7) for i in range(3)
    ]
    assert stoker.replaced(endpoint, "train") == []
    assert stoker.stats(endpoint)["clients"] >= 0
    with pytest.raises(stoker.UnknownStreamError, match='no stream "val"'):
        stoker.labels(endpoint, "val")
    with pytest.raises(stoker.TimeoutError, match="is stokerd running"):
        stoker.stats("ipc:///nowhere/s", timeout=0.2)
