"""stoker top: on a terminal, on a dumb one, and into a file."""

import json
import re
import signal

import msgpack
import pytest
import termios
import zmq
from command import STOKER, finish, launch_stoker, refused, stoker
from keys import config_home, keys  # noqa: F401
from plan1 import Recipe
from stokerd import SLOW, stream_text, wait_until
from terminal import Terminal
from test_terminal import WORDS, WORDS_TAMED, hostile, shown  # noqa: F401
from trainers import Trainer

RECIPE = Recipe(batch=4, height=32, width=32, last="wrap")
KEYS = "q quit  p pause  s sort  h help"


@pytest.fixture
def running(daemon, small):
    return daemon(stream_text("train", small, RECIPE) + stream_text("valid", small, RECIPE))


@pytest.fixture
def trainer(running):
    one = Trainer(running.endpoint, "train", slow=SLOW)
    yield one
    one.stop()


@pytest.fixture
def top():
    """Start stoker top on a terminal."""
    made = []

    def top(*words, columns=80, rows=24, **environment):
        made.append(Terminal([STOKER, "top", *words], columns, rows, **environment))
        return made[-1]

    yield top
    for terminal in made:
        terminal.close()


def test_the_screen_shows_the_verdict_and_the_trainers(running, trainer, top):
    terminal = top(running.endpoint)
    terminal.wait_for("train: limited by ")
    text = terminal.wait_for("trainer of train 0")
    assert text.startswith(f"{running.endpoint} stokerd 0.1.0 up 0 min at 2")
    assert "valid: idle, nobody asks for a batch" in text
    assert "images/s" in text and "TRAINER (by rate)" in text and KEYS in text
    terminal.wait_for("ms a picture: ")
    assert not terminal.has_cursor()
    terminal.press(b"q")
    assert terminal.wait_exit() == 0
    wait_until(terminal.has_cursor, "the cursor")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_and_gives_the_terminal_back(running, top, number):
    terminal = top(running.endpoint)
    terminal.wait_for(KEYS)
    assert termios.tcgetattr(terminal.slave) != terminal.modes_before
    terminal.process.send_signal(number)
    assert terminal.wait_exit() == 0
    wait_until(terminal.has_cursor, "the cursor")


def test_keys_sort_help_pause_and_scroll(running, trainer, top):
    terminal = top(running.endpoint)
    terminal.wait_for("TRAINER (by rate)")
    terminal.press(b"s")
    terminal.wait_for("TRAINER (by ready)")
    terminal.press(b"h")
    terminal.wait_for("stop looking, or go on")
    terminal.press(b"h")
    terminal.wait_for("TRAINER (by ready)")
    terminal.press(b"p")
    terminal.wait_for(" paused\n")
    terminal.press(b"p")
    terminal.wait_without(" paused\n")
    terminal.resize(80, 10)
    terminal.wait_for("  rows 1 to 6 of ")
    terminal.press(b"\x1b[B")
    terminal.wait_for("  rows 2 to 7 of ")
    terminal.press(b"\x1b[A\x1b[A")
    terminal.wait_for("  rows 1 to 6 of ")


def test_a_new_size_is_taken_up(running, trainer, top):
    terminal = top(running.endpoint)
    terminal.wait_for("STREAM          VIA")
    terminal.resize(40, 30)
    terminal.wait_for("TRAINER (by rate)        IMAGES/S  READY\n")
    assert "WINDOW" not in terminal.text()
    terminal.resize(120, 30)
    terminal.wait_for("STREAM          VIA")
    terminal.resize(3, 1)
    terminal.wait_for("h h")
    terminal.press(b"q")
    assert terminal.wait_exit() == 0


def test_it_stops_and_goes_on_as_a_shell_asks(running):
    script = f"{STOKER} top {running.endpoint}; echo it stopped; read x; fg; echo ended $?"
    terminal = Terminal(["bash", "--norc", "-mc", script])
    try:
        terminal.wait_for(KEYS)
        terminal.press(b"\x1a")
        terminal.wait_for("it stopped")
        assert terminal.has_cursor()
        assert termios.tcgetattr(terminal.slave)[3] & termios.ICANON
        terminal.press(b"\n")
        terminal.wait_without("it stopped")
        terminal.wait_for(KEYS)
        terminal.press(b"q")
        terminal.wait_for("ended 0")
        terminal.wait_exit()
    finally:
        terminal.close()


def test_a_daemon_that_is_gone_is_told_and_looked_at_when_it_is_back(launch, small, top, tmp_path):
    listen = [f"ipc://{tmp_path}/s"]
    text = stream_text("train", small, RECIPE)
    first = launch(text, listen=listen).wait_ready()
    terminal = top(listen[0])
    terminal.wait_for("train: idle")
    first.stop()
    terminal.wait_for("no connection to")
    second = launch(text + stream_text("second", small, RECIPE), listen=listen).wait_ready()
    terminal.wait_for("second: idle")
    assert "no connection" not in terminal.text()
    terminal.press(b"q")
    assert terminal.wait_exit() == 0
    second.stop()


def test_a_daemon_that_is_stopped_is_told_to_be_silent(daemon, small, top):
    one = daemon(stream_text("train", small, RECIPE), listen=["tcp://127.0.0.1:*"])
    terminal = top(one.endpoint)
    terminal.wait_for("train: idle")
    one.signal(signal.SIGSTOP)
    terminal.wait_for("no answer from ")
    one.signal(signal.SIGCONT)
    terminal.wait_without("no answer from ")
    terminal.press(b"q")
    assert terminal.wait_exit() == 0


def test_hostile_names_stay_in_their_places(hostile, top):  # noqa: F811
    terminal = top(hostile, columns=120)
    wait_until(lambda: terminal.text().count(WORDS_TAMED) >= 3, "names of all kinds")
    with terminal.lock:
        written = terminal.written
    assert b"\x1b[2J\xc2" not in written and b"\xe2\x80\xae" not in written
    assert terminal.lines()[-1] == KEYS


def test_a_terminal_of_letters_alone_gets_letters(running, trainer, top):
    terminal = top(running.endpoint, LC_ALL="C", TERM="vt100")
    terminal.wait_for(" 5 s")
    terminal.press(b"q")
    assert terminal.wait_exit() == 0
    assert all(byte < 128 for byte in terminal.written)


def test_colours_are_left_out_where_they_are_not_wanted(running, trainer, top):
    for value, wanted in (("", True), ("1", False)):
        terminal = top(running.endpoint, NO_COLOR=value)
        terminal.wait_for("trainer of train 0")
        terminal.press(b"q")
        assert terminal.wait_exit() == 0
        coloured = re.search(rb"\x1b\[3\dm", terminal.written) is not None
        assert coloured == wanted, terminal.written


def test_a_dumb_terminal_gets_blocks_of_text(running, top):
    terminal = top(running.endpoint, "--count", 2, TERM="dumb", rows=40)
    assert terminal.wait_exit() == 0
    wait_until(lambda: terminal.text().count("train: idle") == 2, "two blocks")
    assert b"\x1b" not in terminal.written


def test_into_a_file_it_writes_a_block_an_interval(running, trainer):
    blocks = stoker("top", running.endpoint, "--count", 2).split("\n\n")
    heads = [block for block in blocks if block.startswith(running.endpoint)]
    assert len(heads) == 2
    assert "train: limited by " in "".join(blocks) and "trainer of train 0 " in "".join(blocks)
    lines = stoker("top", f"{running.endpoint}/valid", "--count", 1).splitlines()
    assert "valid: idle, nobody asks for a batch" in lines
    assert not [line for line in lines if "train:" in line or "TRAINER" in line]


def test_lines_of_json_are_those_of_stats(running):
    lines = [
        json.loads(line)
        for line in stoker("top", running.endpoint, "--json", "--count", 2).splitlines()
    ]
    stats = json.loads(stoker("stats", running.endpoint, "--json"))
    assert len(lines) == 2
    assert all(list(line) == list(stats) for line in lines)
    assert lines[0]["uptime_ns"] < lines[1]["uptime_ns"]


def test_text_says_that_a_daemon_is_gone_and_the_exit_status_too(launch, small):
    first = launch(stream_text("train", small, RECIPE)).wait_ready()
    process = launch_stoker("top", first.endpoint, "--count", 3, "--json")
    assert json.loads(process.stdout.readline())["streams"]
    first.stop()
    out, error = finish(process, 1)
    assert error == ""
    assert "no connection to " in json.loads(out.splitlines()[-1])["error"]


def test_an_answer_that_comes_too_late_is_passed_over():
    context = zmq.Context()
    front = context.socket(zmq.ROUTER)
    front.linger = 0
    port = front.bind_to_random_port("tcp://127.0.0.1")
    process = launch_stoker("top", f"tcp://127.0.0.1:{port}", "--json", "--count", 2)
    for look in (1, 2):
        assert front.poll(20000 * SLOW)
        peer, question = front.recv_multipart()
        asked = msgpack.unpackb(question)["id"]
        for told in range(asked - look + 1, asked + 1):
            reply = {"k": "stats", "id": told, "figures": {"workers": told}}
            front.send_multipart([peer, msgpack.packb(reply)])
    out, error = finish(process)
    assert [json.loads(line)["workers"] for line in out.splitlines()] == [1, 2] and error == ""
    context.destroy()


def test_hostile_names_are_text_in_a_file(hostile):  # noqa: F811
    assert WORDS_TAMED in shown(stoker("top", hostile, "--count", 1).encode())
    assert WORDS in json.loads(stoker("top", hostile, "--count", 1, "--json"))


def test_a_daemon_that_does_not_answer_at_first_and_a_wrong_option_are_refused(tmp_path):
    error = refused("top", f"ipc://{tmp_path}/none", "--timeout", 1)
    assert "no answer from " in error
    assert "can be rate, ready or name" in refused("top", "tcp://a", "--sort", "size", status=2)
    assert "is 'ten', not a number" in refused("top", "tcp://a", "--count", "ten", status=2)


def test_keys_are_those_of_other_sub_commands(daemon, small, keys):  # noqa: F811
    key = keys.admit("eve", "--streams", "valid")
    text = stream_text("train", small, RECIPE) + stream_text("valid", small, RECIPE)
    one = daemon(text, listen=["tcp://127.0.0.1:* keys=yes"], settings=keys.settings)
    block = stoker("top", one.endpoint, "--count", 1, *keys.words(key))
    assert "valid: idle" in block and "train:" not in block
    assert "asks for a key" in refused("top", one.endpoint, "--timeout", round(2 * SLOW))


def test_a_pipe_that_is_closed_ends_it(running):
    process = launch_stoker("top", running.endpoint)
    process.stdout.readline()
    process.stdout.close()
    wait_until(lambda: process.poll() is not None, "the end")
    assert process.returncode in (1, -signal.SIGPIPE)
    process.stderr.close()
