"""What `make install` puts in place: enough to build a trainer with, and all gone afterwards."""

import os
import re
import shutil
import subprocess

import pytest

from command import RECIPE
from stokerd import BUILD, ROOT, SLOW, is_sanitized, stream_text


def make(target, root):
    words = ["make", "-s", target, f"BUILD={BUILD}", f"DESTDIR={root}", "PREFIX=/usr"]
    # A make that runs the tests must not hand its own options down.
    clean = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    subprocess.run(words, cwd=ROOT, env=clean, check=True, timeout=60 * SLOW)


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The root of an installation."""
    root = tmp_path_factory.mktemp("root")
    make("install", root)
    return root


def call(*words, **options):
    return subprocess.run(words, capture_output=True, text=True, timeout=60 * SLOW, **options)


def flags(root, *words):
    """What pkg-config says of the library below a root."""
    environment = {
        "PKG_CONFIG_PATH": f"{root}/usr/lib/pkgconfig", "PKG_CONFIG_SYSROOT_DIR": str(root),
        "PATH": os.environ["PATH"],
    }  # fmt: skip
    return call("pkg-config", *words, "stoker", env=environment, check=True).stdout.split()


def test_the_dashboard_and_the_alerts_are_installed(installed):
    for name in ("grafana-dashboard.json", "stoker.rules.yml"):
        assert (installed / "usr/share/doc/stoker" / name).read_text()


def test_the_programs_that_were_installed_run(installed):
    version = flags(installed, "--modversion")[0]
    for program in ("sbin/stokerd", "bin/stoker"):
        done = call(installed / "usr" / program, "--version")
        assert done.returncode == 0 and f" {version}" in done.stdout


def test_a_trainer_builds_with_pkg_config_and_trains(installed, daemon, small, tmp_path):
    if is_sanitized():
        pytest.skip("a program without the sanitizer cannot load a library with it")
    shutil.copy(os.path.join(ROOT, "client/examples/trainer.c"), tmp_path)
    words = flags(installed, "--cflags", "--libs")
    call("cc", "trainer.c", *words, "-o", "trainer", cwd=tmp_path, check=True)
    assert "[libstoker.so.0]" in call("readelf", "-d", "trainer", cwd=tmp_path).stdout
    running = daemon(stream_text("train", small, RECIPE))
    done = call(
        tmp_path / "trainer", f"{running.endpoint}/train",
        env={"LD_LIBRARY_PATH": f"{installed}/usr/lib"},
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert len(re.findall(r"^epoch [01] step \d+: ", done.stdout, re.M)) == 2 * 3


def test_an_instance_of_the_service_has_its_own_configuration_and_folder(installed):
    units = installed / "usr/lib/systemd/system"
    one, many = ((units / f"stokerd{at}.service").read_text().split("\n") for at in ("", "@"))
    changed = [line for line in many if line not in one]
    assert changed == [
        "Description=stoker data-loading daemon %i",
        "ExecStart=/usr/sbin/stokerd -c /etc/stoker/%i.conf",
        "RuntimeDirectory=stoker-%i",
    ]


def test_nothing_is_left_of_an_installation_but_the_configuration(tmp_path):
    make("install", tmp_path)
    make("uninstall", tmp_path)
    files = [os.path.join(folder, name) for folder, _, names in os.walk(tmp_path) for name in names]
    left = [os.path.relpath(path, tmp_path) for path in files]
    assert left == ["etc/stoker/stokerd.conf"]
