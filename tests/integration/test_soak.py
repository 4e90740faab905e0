"""A short soak; make soak MINUTES=30 is a long one."""

import json
import os
import subprocess
import sys

from stokerd import ROOT

SOAK = os.path.join(ROOT, "tests", "chaos", "soak.py")


def test_memory_descriptors_and_threads_stay_as_they_are():
    """Of a daemon and four trainers, while visitors come and go."""
    command = [sys.executable, SOAK, "--json", "--minutes=0.25"]
    told = subprocess.run(command, capture_output=True, text=True, timeout=300)
    print(told.stdout, told.stderr)
    assert told.returncode == 0
    figures = json.loads(told.stdout)
    assert figures["batches"] > 100 and figures["visits"] > 10 and figures["samples"] > 10
