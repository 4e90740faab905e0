"""What the page is made of: its files, what it is told of streams and trainers."""

import json
import os

import pytest

import dataset
from plan1 import Recipe
from stokerd import ROOT, stream_text, wait_until
from web import ask, fetch

RECIPE = Recipe(batch=4, height=8, width=8)
TOKEN = "correct-horse-battery"
FOLDER = os.path.join(ROOT, "daemon", "page")
KINDS = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
FILES = {"/" if name == "index.html" else f"/{name}": name for name in os.listdir(FOLDER)}

# What tries to leave the place that is meant for it.
HOSTILE = ["<script>alert(1)</script>", "\"'`&amp;", "a\x1b[2J\nb", "\u202egnp.exe", "</textarea>"]


@pytest.fixture
def serve(daemon, small, tmp_path):
    def make(source=None, recipe=RECIPE, token=None, corrupt_max=0.5):
        settings = {"http": '"127.0.0.1:0"'}
        if token is not None:
            path = tmp_path / "token"
            path.write_text(token + "\n")
            path.chmod(0o600)
            settings["http_token"] = f'"{path}"'
        text = stream_text("train", source or small, recipe)
        text = text.replace("{", f"{{ corrupt_max = {corrupt_max}\n", 1)
        running = daemon(text, settings=settings)
        return running, running.events("http.listening")[-1]["port"]

    return make


def state_of(port, **headers):
    reply, text = ask(port, "/api/state", **headers)
    assert reply.status == 200 and reply.getheader("Content-Type") == "application/json"
    assert not set(text) & set("<>&'"), "what begins markup is escaped"
    return json.loads(text)


def test_the_page_comes_with_a_policy_that_lets_nothing_else_in(serve):
    running, port = serve()
    for path, name in FILES.items():
        reply, body = fetch(port, path)
        with open(os.path.join(FOLDER, name), "rb") as f:
            assert body == f.read()
        assert reply.status == 200
        assert reply.getheader("Content-Type") == KINDS[os.path.splitext(name)[1]]
        policy = reply.getheader("Content-Security-Policy")
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'; ")
        assert "frame-ancestors 'none'" in policy and "unsafe" not in policy
        assert reply.getheader("Referrer-Policy") == "no-referrer"
        assert reply.getheader("X-Content-Type-Options") == "nosniff"
        assert fetch(port, path, "HEAD")[1] == b""
        assert fetch(port, path, "POST", b"x")[0].status == 405


def test_the_page_is_for_all_and_its_data_for_those_with_the_token(serve):
    running, port = serve(token=TOKEN)
    for path in FILES:
        assert fetch(port, path)[0].status == 200
        assert fetch(port, path, Host="stoker.example")[0].status == 200
    for path in ("/api/state", "/api/history", "/metrics", "/nothing", "/page.txt"):
        assert fetch(port, path)[0].status == 401
    assert state_of(port, Authorization=f"Bearer {TOKEN}")["daemon"]["draining"] is False


def test_the_page_is_not_for_pages_of_other_names(serve):
    running, port = serve()
    for path in (*FILES, "/api/state"):
        assert fetch(port, path, Host="evil.example")[0].status == 403


def test_state_tells_what_stats_does_and_the_newest_batch(serve, connect):
    running, port = serve()
    before = state_of(port)
    assert before["daemon"]["workers"] >= 1 and before["daemon"]["name"]
    assert before["streams"][0]["newest"] is None and before["trainers"] == []
    assert before["streams"][0]["sentence"] == "idle, nobody asks for a batch"
    client = connect(running.endpoint)
    client.hello("train", name="resnet")
    client.get("train", 3, 1)
    state = wait_until(lambda: (s := state_of(port))["streams"][0]["newest"] and s, "the newest")
    stream, (trainer,) = state["streams"][0], state["trainers"]
    assert stream["newest"] == {"epoch": 3, "step": 1}
    told = {key: stream[key] for key in ("batch", "height", "width", "samples", "classes")}
    assert told == {"batch": 4, "height": 8, "width": 8, "samples": 21, "classes": 3}
    assert (stream["labels"], stream["mix"], stream["dtype"]) == ("class", "none", "|u1")
    assert stream["phases"] == [{"epoch": 0, "steps": 5, "batch": 4, "height": 8, "width": 8}]
    assert stream["fault"] is None and stream["replaced"] == [] and stream["steps"] == 5
    assert stream["fingerprint"] == client.streams()[0]["fingerprint"].hex()
    assert stream["batches_sent"] == 1 and stream["images_sent"] == 4
    assert (trainer["name"], trainer["number"], trainer["stream"]) == ("resnet", 0, "train")
    assert (trainer["epoch"], trainer["step"], trainer["transport"]) == (3, 1, "ipc")


def test_state_names_what_was_replaced_and_why(serve, connect, tmp_path):
    root = dataset.write_small(tmp_path / "data")
    dataset.write(root, "class1/2.jpg", dataset.truncated())
    running, port = serve(root, Recipe(batch=21, height=8, width=8))
    (replaced,) = connect(running.endpoint).get("train", 2, 0).replaced
    stream = wait_until(lambda: (s := state_of(port)["streams"][0])["replaced"] and s, "the row")
    (row,) = stream["replaced"]
    assert stream["replaced_total"] == 1 and row["path"] == "class1/2.jpg"
    assert (row["index"], row["epoch"], row["step"]) == (replaced["index"], 2, 0)
    assert row["reason"].startswith("corrupt: ") and row["replaced_by"].endswith(".jpg")


def test_a_stopped_stream_has_a_fault(serve, connect, tmp_path):
    root = dataset.write_small(tmp_path / "data")
    for i in range(7):
        dataset.write(root, f"class1/{i}.jpg", dataset.truncated())
    running, port = serve(root, Recipe(batch=21, height=8, width=8), corrupt_max=0.1)
    connect(running.endpoint).post_get("train", 0, 0)
    fault = wait_until(lambda: state_of(port)["streams"][0]["fault"], "the fault")
    assert fault.startswith('stream "train" is stopped: ')


def test_no_name_of_a_stranger_leaves_its_string(serve, connect, tmp_path):
    root = dataset.write_small(tmp_path / "data", classes=1)
    for i, name in enumerate(HOSTILE):
        dataset.write(root, f"{name.replace('/', '|')}/{i}.jpg", b"no picture")
    dataset.write(root, b"\xff\xc3bytes/9.jpg", b"no picture")
    running, port = serve(root, Recipe(batch=13, height=8, width=8), corrupt_max=0.0)
    clients = [connect(running.endpoint) for _ in HOSTILE]
    for client, name in zip(clients, HOSTILE):
        client.hello("train", name=name)
        client.get("train", 0, 0)
    count = len(HOSTILE) + 1
    state = wait_until(
        lambda: len((s := state_of(port))["streams"][0]["replaced"]) == count and s, "all rows"
    )
    assert sorted(row["name"] for row in state["trainers"]) == sorted(HOSTILE)
    paths = {row["path"] for row in state["streams"][0]["replaced"]}
    wanted = {f"{name.replace('/', '|')}/{i}.jpg" for i, name in enumerate(HOSTILE)}
    assert paths == wanted | {"??bytes/9.jpg"}
