"""The stoker command under test: run, ended, judged."""

import json
import os
import re
import subprocess

from plan1 import Recipe
from stokerd import BUILD, ROOT, SANITIZER_REPORT, SLOW

STOKER = os.path.join(ROOT, BUILD, "stoker")

RECIPE = Recipe(batch=7, last="partial", height=32, width=32, mix="mixup")
PICTURES, STEPS = 60, 9  # of the good pictures by seven


def launch_stoker(*words, **options):
    """Start the command."""
    return subprocess.Popen(
        [STOKER, *(word if isinstance(word, bytes) else str(word) for word in words)],
        **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, **options},
    )


def finish(process, status=0):
    """Wait for its end and judge its status; stdout and stderr."""
    try:
        out, error = process.communicate(timeout=30 * SLOW)
    finally:
        process.kill()
    assert SANITIZER_REPORT.search(error or "") is None, error
    assert process.returncode == status, f"exit status {process.returncode}: {error}"
    return out, error


def stoker(*words):
    """Run the command, which must do its work and have nothing to complain of; its output."""
    out, error = finish(launch_stoker(*words))
    assert error == ""
    return out


def sentence(error):
    """What failed, on one line for a person."""
    assert re.fullmatch(r"stoker: [^\n]*[^.\n]\n", error), error
    return error


def refused(*words, status=1):
    """Run the command, which must fail with a status and a sentence; the sentence."""
    out, error = finish(launch_stoker(*words), status)
    assert out == ""
    return sentence(error)


def bench(*words):
    return json.loads(stoker("bench", *words, "--json"))
