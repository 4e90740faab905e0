"""Checkpoints that go from the C library's trainer to a Python one and back."""

import json
import os
import subprocess

import pytest
import stoker
from plan1 import Recipe
from stokerd import BUILD, ROOT, SLOW, stream_text

TRAINER = os.path.join(ROOT, BUILD, "client", "examples", "trainer")
RECIPE = Recipe(batch=3, height=16, width=16)  # 21 pictures: 7 steps


@pytest.fixture
def url(daemon, small):
    return f"{daemon(stream_text('train', small, RECIPE)).endpoint}/train"


def train(url, checkpoint):
    """Run the C example, two epochs with a checkpoint every ten batches; what it received."""
    words = [TRAINER, url, checkpoint]
    ended = subprocess.run(words, capture_output=True, text=True, timeout=60 * SLOW)
    assert ended.returncode == 0, ended.stderr
    rows = [line.split() for line in ended.stdout.splitlines() if line.startswith("epoch ")]
    return [(int(row[1]), int(row[3].rstrip(":"))) for row in rows]


ALL = [(epoch, step) for epoch in range(2) for step in range(7)]


def test_a_python_trainer_goes_on_where_a_c_trainer_was(url, tmp_path):
    assert train(url, tmp_path / "state") == ALL
    text = (tmp_path / "state").read_text()
    with stoker.connect(url, timeout=30 * SLOW) as stream:
        stream.load_state_dict(text)
        assert stream.place == ALL[10] and json.dumps(stream.state_dict()) == text.strip()
        assert [(batch.epoch, batch.step) for batch in stream] == ALL[10:]


def test_a_c_trainer_goes_on_where_a_python_trainer_was(url, tmp_path):
    with stoker.connect(url, timeout=30 * SLOW) as stream:
        for taken in (3, 9):
            while stream.place < ALL[taken]:
                next(stream)
            (tmp_path / "state").write_text(json.dumps(stream.state_dict()))
            assert train(url, tmp_path / "state")[0] == ALL[taken]
