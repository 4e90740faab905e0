"""make wheel: a wheel and an sdist without a network, and a wheel that can be installed."""

import os
import subprocess
import sys

import pytest
import stoker
from stokerd import ROOT

for module in ("build", "setuptools", "wheel", "pip", "venv"):
    pytest.importorskip(module, reason=f"make wheel and its test need python3-{module}")


def run(*words, **options):
    ended = subprocess.run(words, capture_output=True, text=True, timeout=300, **options)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def test_the_wheel_is_installed_and_imported(tmp_path):
    made = tmp_path / "made"
    run("make", "run-wheel", f"BUILD={made}", cwd=ROOT)
    version = stoker.__version__
    wheel = made / "wheel" / f"stoker-{version}-py3-none-any.whl"
    assert sorted(os.listdir(made / "wheel")) == [wheel.name, f"stoker-{version}.tar.gz"]
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    fresh = tmp_path / "venv"
    run(sys.executable, "-m", "venv", "--system-site-packages", "--without-pip", fresh)
    python = fresh / "bin" / "python"
    words = ("pip", "install", "--quiet", "--no-deps", "--no-index", wheel)
    run(python, "-m", *words, env=environment, cwd=tmp_path)
    program = "import stoker; print(stoker.__file__, stoker.__version__)"
    where, told = run(python, "-c", program, env=environment, cwd=tmp_path).split()
    assert where.startswith(str(fresh)) and told == version
    folder = os.path.dirname(where)
    assert os.path.exists(os.path.join(folder, "py.typed"))
    assert run(python, "-m", "stoker", "--version", env=environment, cwd=tmp_path)
