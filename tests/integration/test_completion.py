"""Completion in bash and zsh: what the programs' --help lists, files, and daemons of this host."""

import os
import re
import shutil
import subprocess

import pytest

from command import RECIPE
from stokerd import BUILD, ROOT, SLOW, stream_text

FOLDER = os.path.join(ROOT, "client/completion")
BASH = """
. /usr/share/bash-completion/bash_completion && . "$FOLDER/stoker.bash"
_stoker_sockets() { echo "$SOCKETS"; }
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMP_LINE="$*" COMP_POINT=${#COMP_LINE}
COMP_WORDBREAKS=" "
_stoker "$1" && printf '%s\\n' "${COMPREPLY[@]}"
"""
# The completion system's own words, which print what they are given.
ZSH = """
_describe() { print -l -- ${${(P)2}%%:*}; }
_files() { print -l -- $words[CURRENT]*(N); }
_message() { :; }
compadd() { shift; print -l -- $@; }
words=("$@") CURRENT=$#
eval "$(sed '$d' $FOLDER/_stoker)"
_stoker_sockets() { print -r -- "$SOCKETS"; }
_stoker
"""


def complete(shell, *words, sockets="", folder=ROOT):
    """What a shell offers for the last word; the first one is a program of the build."""
    script = {"bash": BASH, "zsh": ZSH}[shell]
    if shell == "bash" and not os.path.exists("/usr/share/bash-completion/bash_completion"):
        pytest.skip("bash-completion is not installed")
    if not shutil.which(shell):
        pytest.skip(f"{shell} is not installed")
    quiet = ["--norc"] if shell == "bash" else ["-f"]
    done = subprocess.run(
        [shell, *quiet, "-c", script, shell, os.path.join(BUILD, words[0]), *words[1:]],
        env={**os.environ, "FOLDER": FOLDER, "SOCKETS": sockets}, cwd=folder,
        capture_output=True, text=True, timeout=60 * SLOW,
    )  # fmt: skip
    assert done.stderr == ""
    return [line for line in done.stdout.split() if line.startswith(words[-1])]


def help_of(*words):
    done = subprocess.run([os.path.join(BUILD, words[0]), *words[1:], "--help"],
                          capture_output=True, text=True, check=True)  # fmt: skip
    return done.stdout


def sub_commands():
    return re.findall(r"^  ([a-z]+) ", help_of("stoker"), re.M)


shells = pytest.mark.parametrize("shell", ["bash", "zsh"])


@shells
def test_every_sub_command_and_its_options_are_offered(shell):
    commands = sub_commands()
    assert len(commands) >= 6
    offered = complete(shell, "stoker", "")
    assert [word for word in offered if not word.startswith("-")] == commands
    for command in commands:
        wanted = set(re.findall(r"^  (--[a-z-]+)", help_of("stoker", command), re.M))
        assert wanted and set(complete(shell, "stoker", command, "--")) - {"--help"} == wanted


@shells
def test_the_daemons_options_and_its_file_are_offered(shell, tmp_path):
    wanted = set(re.findall(r" (--[a-z-]+)", help_of("stokerd").split("\n\n")[1]))
    assert wanted and set(complete(shell, "stokerd", "--")) == wanted
    (tmp_path / "mine.conf").write_text("")
    assert complete(shell, "stokerd", "-c", "mi", folder=tmp_path) == ["mine.conf"]


@shells
def test_an_option_that_wants_a_file_is_offered_files_and_another_one_nothing(shell, tmp_path):
    (tmp_path / "sheet.png").write_text("")
    words = ("stoker", "preview", "--out", "sh")
    assert complete(shell, *words, folder=tmp_path) == ["sheet.png"]
    assert complete(shell, "stoker", "get", "--step", "", folder=tmp_path) == []


@shells
def test_streams_of_a_daemon_of_this_host_are_offered(shell, daemon, small, tmp_path):
    socket = tmp_path / "s.sock"
    running = daemon(stream_text("train", small, RECIPE), listen=[f"ipc://{socket}"])
    offered = complete(shell, "stoker", "get", "ipc:", sockets=str(socket))
    assert offered == [f"ipc://{socket}", f"ipc://{socket}/train"]
    assert running.endpoint == f"ipc://{socket}"
