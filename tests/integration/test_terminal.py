"""Names that a stranger chose, on a terminal: no byte of them moves its cursor or turns a line.

The names are those of folders, files, classes, streams and figures, and a daemon's sentences.
"""

import json
import re
import threading

import msgpack
import pytest
import zmq

import dataset
from command import launch_stoker, stoker
from plan1 import Recipe
from stokerd import SLOW, stream_text

# Clear the screen as a terminal of 7 bits, of UTF-8 and of 8 bits knows it; turn the line around.
HOSTILE = b"cat\x1b[2J\xc2\x9b2J\x9b2J\xe2\x80\xaejpg\xe2\x80\xa8\x7fend"
TAMED = "cat?[2J??2J?2J???jpg????end"
WORDS = HOSTILE.decode(errors="ignore")  # what is UTF-8 of it: a protocol's text
WORDS_TAMED = "cat?[2J??2J2J???jpg????end"

OBEYED = re.compile("[\0-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufffd]")


def shown(output):
    """What is printed, which must be UTF-8 that a terminal obeys in nothing but ends of lines."""
    text = output.decode()
    assert OBEYED.search(text) is None, ascii(text)
    return text


def run(*words, status=0):
    """Both outputs of the command as bytes."""
    process = launch_stoker(*words, text=False)
    try:
        out, error = process.communicate(timeout=30 * SLOW)
    finally:
        process.kill()
    assert process.returncode == status, error
    return out, error


def test_names_of_folders_and_files_are_shown_harmless(daemon, tmp_path):
    dataset.write(tmp_path, HOSTILE + b"/0.jpg", dataset.jpeg(1, 40, 40))
    dataset.write(tmp_path, b"other/" + HOSTILE + b".jpg", b"no picture")
    recipe = Recipe(batch=2, height=32, width=32, order="sequential")
    running = daemon(stream_text("train", tmp_path, recipe))
    url = f"{running.endpoint}/train"
    assert TAMED in shown(run("labels", url)[0])
    for words in (["streams", url], ["get", url], ["stats", url]):
        assert shown(run(*words)[0])
    for more in ([], ["--explain"]):
        assert stoker("preview", url, "--out", tmp_path / "sheet.png", *more)
    told = shown("\n".join(running.lines).encode())
    assert "image.corrupt" in told and "\\x1b[2J\\xc2\\x9b2J\\x9b2J\\xe2\\x80\\xaejpg" in told


def test_a_daemon_that_does_not_start_names_what_it_cannot_read_harmlessly(launch, tmp_path):
    (tmp_path / "all.csv").write_bytes(b"path,label\n" + HOSTILE + b".jpg,a\n")
    missing = tmp_path / "missing \x9b2J\u202e"
    sources = {f"csv:{tmp_path}/all.csv": "\\xc2\\x9b2J\\x9b2J\\xe2", missing: "missing ??2J???"}
    for source, told in sources.items():
        process = launch(stream_text("train", source, Recipe(batch=1)))
        assert process.wait_exit() != 0
        process.judge()
        assert told in shown("\n".join(process.lines).encode())


STREAM = {
    "stream": WORDS, "fingerprint": bytes(16), "samples": 1, "epoch_samples": 1, "steps": 1,
    "batch": 1, "shape": [8, 8, 3], "dtype": "|u1", "layout": "nhwc", "last": "wrap",
    "labels": "class", "classes": 1, "mix": WORDS, "decoder": WORDS, "phases": [],
}  # fmt: skip

STATS = {
    WORDS: 1,
    "streams": [{"stream": WORDS, "limit": WORDS, WORDS: 2}],
    "trainers": [{"name": WORDS, "number": 3, "stream": WORDS, "transport": "tcp", WORDS: 4}],
}

ANSWERS = {
    "streams": {"k": "streams", "streams": [STREAM]},
    "stats": {
        "k": "stats",
        "figures": {WORDS: 1},
        "streams": [{"stream": WORDS, "limit": WORDS, "figures": {WORDS: 2}}],
        "trainers": [
            {
                "name": WORDS,
                "number": 3,
                "stream": WORDS,
                "transport": "tcp",
                "figures": {WORDS: 4},
            }
        ],
    },
    "labels": {"k": "error", "code": "unknown_stream", "message": WORDS},
    "hello": {"k": "error", "code": "unknown_stream", "message": WORDS},
}


@pytest.fixture
def hostile():
    """The endpoint of a peer that answers every question with hostile words."""
    context = zmq.Context()
    front, stop = context.socket(zmq.ROUTER), threading.Event()
    front.linger = 0
    port = front.bind_to_random_port("tcp://127.0.0.1")

    def answer():
        while not stop.is_set():
            if front.poll(20):
                peer, question = front.recv_multipart()
                asked = msgpack.unpackb(question)
                reply = ANSWERS[asked["k"]] | {"id": asked["id"]}
                front.send_multipart([peer, msgpack.packb(reply)])

    thread = threading.Thread(target=answer)
    thread.start()
    yield f"tcp://127.0.0.1:{port}"
    stop.set()
    thread.join()
    context.destroy()


@pytest.mark.parametrize("command", ["streams", "stats"])
def test_a_hostile_daemons_names_are_shown_harmless(hostile, command):
    assert WORDS_TAMED in shown(run(command, hostile)[0])


def test_json_of_a_hostile_daemon_is_shown_harmless_and_reads_back(hostile):
    streams = json.loads(shown(run("streams", hostile, "--json")[0]))["streams"]
    assert streams[0]["mix"] == streams[0]["decoder"] == WORDS
    assert json.loads(shown(run("stats", hostile, "--json")[0])) == STATS


@pytest.mark.parametrize("words", [["labels"], ["get"], ["bench"], ["preview", "--out", "/x"]])
def test_a_hostile_daemons_sentences_are_shown_harmless(hostile, words):
    out, error = run(*words, f"{hostile}/train", status=1)
    assert out == b"" and WORDS_TAMED in shown(error)


def test_a_wrong_command_line_is_shown_harmless():
    assert TAMED in shown(run(HOSTILE, "tcp://a", status=2)[1])
    assert TAMED in shown(run("get", b"tcp://a/" + HOSTILE, status=2)[1])
