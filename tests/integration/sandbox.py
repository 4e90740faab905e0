"""The sandbox of a unit file, as far as seccomp can imitate it where there is no systemd.

The groups of system calls are systemd's own, as systemd-analyze(1) tells them.
"""

import atexit
import errno
import functools
import os
import re
import shutil
import socket
import subprocess
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
UNIT = os.path.join(ROOT, "systemd", "stokerd.service")


def directives(*paths):
    """(key, value) of every directive of a unit and its drop-ins, in order."""
    found = []
    for path in paths:
        with open(path) as unit:
            found += re.findall(r"^(\w+)=(.*)$", unit.read(), re.M)
    return found


@functools.cache
def calls_of(name):
    """The system calls of a group, or the one that is named."""
    if not name.startswith("@"):
        return {name}
    told = subprocess.run(
        ["systemd-analyze", "syscall-filter", "--no-pager", name],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    rows = [row.strip() for row in told.stdout.split("\n")[1:]]
    members = [row for row in rows if row and not row.startswith("#")]
    return set().union(*map(calls_of, members))


def filter_of(values):
    """What SystemCallFilter means: the calls that are allowed, and the answers to others."""
    allowed, answers = set(calls_of("@default")), {}
    for value in values:
        denied = value.startswith("~")
        for word in value.removeprefix("~").split():
            name, _, answer = word.partition(":")
            for call in calls_of(name):
                (allowed.discard if denied else allowed.add)(call)
                if answer:
                    answers[call] = int(answer) if answer.isdigit() else getattr(errno, answer)
    return allowed, answers


def rules(*paths):
    """The lines that confine reads."""
    found = directives(*paths)
    allowed, answers = filter_of([value for key, value in found if key == "SystemCallFilter"])
    families = []
    for key, value in found:
        if key == "RestrictAddressFamilies":
            families = families + value.split() if value else []
    lines = [f"allow {call}" for call in sorted(allowed)]
    lines += [f"answer {call} {answer}" for call, answer in sorted(answers.items())]
    lines += [f"family {int(getattr(socket, family))}" for family in families]
    if ("MemoryDenyWriteExecute", "yes") in found:
        lines.append("no_new_code")
    return "".join(line + "\n" for line in lines)


@functools.cache
def prefix(build, *paths):
    """What stands before a command that is to run in the unit's sandbox."""
    folder = tempfile.mkdtemp(prefix="stk-")
    file = os.path.join(folder, "rules")
    with open(file, "w") as written:
        written.write(rules(*(paths or (UNIT,))))
    os.chmod(folder, 0o755)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return (os.path.join(build, "tests", "tools", "confine"), file)
