"""Vector variants against plain C on a processor that is not this one, by emulation."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
COMPILER = "aarch64-linux-gnu-gcc"
EMULATORS = ["qemu-aarch64", "qemu-aarch64-static"]
SOURCES = ["tests/tools/variants.c", "daemon/image/axis.c", "daemon/image/filter.c"]
SOURCES += sorted(f"daemon/image/{path.name}" for path in ROOT.glob("daemon/image/kernel_*.c"))
FLAGS = "-std=c17 -D_GNU_SOURCE -I. -O3 -ffp-contract=off -Wall -Wextra -Werror -static".split()


def test_neon_equals_the_plain_kernel_on_an_emulated_arm(tmp_path):
    emulator = next(filter(None, map(shutil.which, EMULATORS)), None)
    if not shutil.which(COMPILER) or not emulator:
        pytest.skip(f"{COMPILER} and qemu-aarch64 build and run the 64-bit ARM variants")
    program = tmp_path / "variants"
    subprocess.run([COMPILER, *FLAGS, "-o", program, *SOURCES, "-lm"], cwd=ROOT, check=True)
    told = subprocess.run([emulator, program], capture_output=True, text=True, timeout=300)
    assert told.returncode == 0, told.stdout + told.stderr
    assert told.stdout == "kernel neon equal\n"
