"""Processes that use the Python package: forks, Ctrl-C, exits; and memory that does not grow."""

import signal
import subprocess
import sys
import textwrap

import pytest
from plan1 import Recipe
from stokerd import SLOW, stream_text

WAIT_S = 30 * SLOW
HEAD = """
import os, signal, sys, threading
import stoker
stream = stoker.connect(sys.argv[1], timeout=60)
next(stream)
"""


@pytest.fixture
def running(launch, small):
    return launch(stream_text("train", small, Recipe(batch=4, height=32, width=32))).wait_ready()


@pytest.fixture
def start(running):
    """Start a trainer; its program's head has connected."""
    started = []

    def make(body):
        program = HEAD + textwrap.dedent(body)
        process = subprocess.Popen(
            [sys.executable, "-c", program, f"{running.endpoint}/train"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield make
    for process in started:
        process.kill()
        process.communicate()


def ended(process):
    """Its exit status and what it wrote, once it has ended; it must not hang."""
    out, error = process.communicate(timeout=WAIT_S)
    return process.returncode, out, error


def test_a_forked_child_is_told_and_both_end(start):
    process = start(
        """
        child = os.fork()
        if child == 0:
            for use in (lambda: next(stream), lambda: stream.seek(0), lambda: list(stream)):
                try:
                    use()
                except stoker.ClosedError as error:
                    print(error)
            stream.close()
            sys.exit(7)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        print(status, next(stream).step, os.getpid())
        """
    )
    status, out, error = ended(process)
    *told, last = out.splitlines()
    assert (status, error) == (0, "")
    assert last == f"7 1 {process.pid}"
    assert (
        told
        == [
            f"the stream 'train' was opened by process {process.pid}, and does not survive a fork: "
            "open streams in the process that uses them"
        ]
        * 3
    )


def test_a_forked_child_may_open_its_own(start):
    process = start(
        """
        child = os.fork()
        if child == 0:
            print([batch.step for batch in stoker.connect(sys.argv[1], epochs=1)], flush=True)
            sys.exit(0)
        print(os.waitpid(child, 0)[1])
        """
    )
    assert ended(process) == (0, "[0, 1, 2, 3, 4]\n0\n", "")


def test_ctrl_c_leaves_next_at_once(start, running):
    process = start(
        """
        os.kill(%d, signal.SIGSTOP)
        stream.timeout = 0.2
        try:
            while True:
                next(stream)
        except stoker.TimeoutError:
            stream.timeout = 60
        try:
            print("waiting", flush=True)
            next(stream)
        except KeyboardInterrupt:
            print("interrupted", stream.state_dict()["step"] > 0)
            raise
        """
        % running.process.pid
    )
    try:
        assert process.stdout.readline() == "waiting\n"
        process.send_signal(signal.SIGINT)
        status, out, error = ended(process)
    finally:
        running.signal(signal.SIGCONT)
    assert (status, out) == (-signal.SIGINT, "interrupted True\n")
    assert error.splitlines()[-1] == "KeyboardInterrupt"


@pytest.mark.parametrize(
    "body",
    [
        "pass",
        "iterator = iter(stream); next(iterator)",
        "stream = None",
        "stream.myself = stream; stream = None",
        "stream.close(); stream.close()",
        "threading.Thread(target=lambda: [next(stream) for _ in range(20)]).start()",
        "streams = [stoker.connect(sys.argv[1]) for _ in range(4)]",
        "os.kill(%d, signal.SIGKILL)",
    ],
)
def test_an_interpreter_exits_whatever_became_of_its_stream(start, running, body):
    process = start(body % running.process.pid if "%d" in body else body)
    assert ended(process) == (0, "", "")


def test_an_exception_that_nobody_catches_ends_the_process(start):
    status, _, error = ended(start("raise RuntimeError('mine')"))
    assert status == 1 and error.splitlines()[-1] == "RuntimeError: mine"


def test_memory_does_not_grow(start):
    process = start(
        """
        def resident():
            with open("/proc/self/statm") as statm:
                return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        for count in range(1, 2001):
            batch = next(stream)
            batch.images, batch.lam
            before = resident() if count == 500 else 0 if count < 500 else before
            if count % 400 == 0:
                stream.seek(count)
        print(resident() - before)
        """
    )
    status, out, error = ended(process)
    assert (status, error) == (0, "")
    assert int(out) < 4 << 20
