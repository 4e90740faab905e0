"""The manuals of the library and the protocol: whole, and their examples run."""

import os
import re
import subprocess
import sys

import pytest

from command import RECIPE
from stokerd import BUILD, ROOT, SLOW, is_sanitized, stream_text


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def example(page):
    """The first display behind EXAMPLES, as mandoc shows it."""
    display = page.split(".Sh EXAMPLES")[1].split(".Bd -literal -offset indent\n")[1]
    return display.split(".Ed\n")[0].replace("\\e", "\\")


def run(*words, **options):
    done = subprocess.run(words, capture_output=True, text=True, timeout=60 * SLOW, **options)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_every_public_function_stands_in_the_librarys_manual():
    public = set(re.findall(r"^    (stk_\w+);", read("client/libstoker.map"), re.M))
    declared = set(re.findall(r"\b(stk_\w+)\(", read("client/stoker.h")))
    named = set(re.findall(r"\.It Fn (stk_\w+)", read("client/libstoker.3")))
    assert len(public) > 30 and declared <= public
    assert named == public


def test_the_librarys_example_compiles_and_trains(daemon, small, tmp_path):
    if is_sanitized():
        pytest.skip("a program without the sanitizer cannot be linked with it")
    source = tmp_path / "trainer.c"
    source.write_text(example(read("client/libstoker.3")))
    libraries = run("pkg-config", "--libs", "libzmq").split()
    for name in ("msgpack-c", "msgpack"):
        if subprocess.run(["pkg-config", "--exists", name], check=False).returncode == 0:
            libraries += run("pkg-config", "--libs", name).split()
            break
    words = ["-std=c17", "-Wall", "-Wextra", "-Werror", f"-I{ROOT}/client", f"-I{ROOT}"]
    program = tmp_path / "trainer"
    archive = os.path.join(BUILD, "libstoker.a")
    run("cc", *words, source, archive, *libraries, "-pthread", "-o", program)
    running = daemon(stream_text("train", small, RECIPE))
    told = run(program, f"{running.endpoint}/train")
    assert len(re.findall(r"^epoch [01] step \d+: \d+ pictures", told, re.M)) == 2 * 3


def test_every_kind_tensor_and_error_stands_in_the_protocols_manual():
    page = read("proto/stoker-protocol.7")
    normative = read("proto/PROTOCOL.md")
    words = set(re.findall(r"\w+", page))
    for begin, end in (("### Requests", "`hello` is where"), ("### Tensors", "Tensors that only"),
                       ("## 6. Error codes", "A client treats")):  # fmt: skip
        part = normative.split(begin)[1].split(end)[0]
        rows = re.findall(r"^\| (`\w+`(?:, `\w+`)*) \|", part, re.M)
        names = [name for row in rows for name in re.findall(r"\w+", row)]
        assert len(names) >= 7 and set(names) - words == set()


def test_the_protocols_example_receives_a_batch(daemon, small):
    running = daemon(stream_text("train", small, RECIPE))
    program = example(read("proto/stoker-protocol.7"))
    endpoint = running.endpoint
    told = run(sys.executable, "-c", program.replace("tcp://localhost:7654", endpoint))
    assert re.match(r"\(\d+, \d+, \d+, 3\) \[", told)
