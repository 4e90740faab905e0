"""Figures by http: what they are called, who may read them, and what a rude peer can cost."""

import json
import re
import shutil
import socket
import subprocess

import pytest

from plan1 import Recipe
from stokerd import PROGRAM, stream_text, wait_until
from web import ask

RECIPE = Recipe(batch=4, height=8, width=8)
TOKEN = "correct-horse-battery"
NAMES = ["plain", 'a"} 1\n#\\', "Vögel <b>&amp;</b> ✓"]
SAMPLE = re.compile(r'([a-z_]+)(?:\{((?:[a-z]+="(?:[^"\\\n]|\\.)*",?)*)\})? ([0-9.e+-]+)')


@pytest.fixture
def serve(daemon, small):
    def make(http="127.0.0.1:0", **settings):
        quoted = {key: f'"{value}"' for key, value in {"http": http, **settings}.items()}
        running = daemon(stream_text("train", small, RECIPE), settings=quoted)
        return running, running.events("http.listening")[-1]["port"]

    return make


def samples(text):
    """Every sample as (name, labels): value; a line that is none of the format's is a failure."""
    found = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            name, labels, value = SAMPLE.fullmatch(line).groups()
            pairs = dict(re.findall(r'([a-z]+)="((?:[^"\\]|\\.)*)"', labels or ""))
            assert (name, *sorted(pairs.items())) not in found
            found[(name, *sorted(pairs.items()))] = float(value)
    return found


def promtool(*words, text=None):
    if shutil.which("promtool") is None:
        pytest.skip("promtool, of the package prometheus, is not installed")
    done = subprocess.run(["promtool", *words], input=text, capture_output=True, text=True)
    assert done.returncode == 0 and not done.stderr, done.stdout + done.stderr


def test_metrics_are_what_prometheus_wants_and_stats_tells(serve, connect):
    running, port = serve()
    clients = [connect(running.endpoint) for _ in NAMES + NAMES]
    for client, name in zip(clients, NAMES + NAMES):
        client.hello("train", name=name)
        client.get("train", 0, 1)
    wanted = clients[0].stats()["batches_sent"]
    named = ("stoker_batches_sent_total",)
    wait_until(lambda: samples(ask(port, "/metrics")[1])[named] == wanted, "the metrics of now")
    reply, text = ask(port, "/metrics")
    assert reply.getheader("Content-Type").startswith("text/plain; version=0.0.4")
    told = samples(text)
    assert told["stoker_stream_images_sent_total", ("stream", "train")] == 4 * len(clients)
    trainers = [key for key in told if key[0] == "stoker_trainer_epoch"]
    assert sorted(dict(key[1:])["number"] for key in trainers) == ["0"] * 3 + ["1"] * 3
    assert {dict(key[1:])["transport"] for key in trainers} == {"ipc"}
    limits = [value for key, value in told.items() if key[0] == "stoker_stream_limit"]
    assert len(limits) == 5 and sum(limits) == 1
    promtool("check", "metrics", text=text)


def test_without_the_key_there_is_no_http(daemon, small):
    running = daemon(stream_text("train", small, RECIPE))
    assert not running.events("http.listening")


def test_health_readiness_history_and_nothing_else_are_told(serve):
    running, port = serve()
    assert ask(port, "/healthz")[1] == ask(port, "/readyz")[1] == "ok\n"
    history = json.loads(ask(port, "/api/history")[1])
    assert history == {"point_ms": 5000, "streams": [{"stream": "train", "points": []}]}
    assert ask(port, "/x")[0].status == ask(port, "/../metrics")[0].status == 404
    for method in ("POST", "PUT", "DELETE", "TRACE"):
        reply, _ = ask(port, "/metrics", method, "x" * 100)
        assert reply.status == 405 and reply.getheader("Allow") == "GET, HEAD"
    reply, _ = ask(port, "/metrics")
    assert reply.getheader("Content-Security-Policy") == "default-src 'none'"
    assert reply.getheader("X-Content-Type-Options") == "nosniff"


def test_a_page_of_another_name_cannot_ask(serve):
    running, port = serve()
    for host in ("evil.example", "localhost.evil.example:80", "127.0.0.1.evil.example"):
        assert ask(port, "/metrics", Host=host)[0].status == 403
    for host in ("localhost", f"localhost:{port}", "127.0.0.1", "[::1]:80"):
        assert ask(port, "/metrics", Host=host)[0].status == 200


def token_file(tmp_path, text=TOKEN + "\n", mode=0o600):
    path = tmp_path / "token"
    path.write_text(text)
    path.chmod(mode)
    return path


def test_a_token_is_asked_for_on_loopback_too(serve, tmp_path):
    running, port = serve(http_token=token_file(tmp_path))
    for told in (None, "", TOKEN, "Bearer", "Bearer ", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}"):
        headers = {} if told is None else {"Authorization": told}
        for path in ("/metrics", "/healthz", "/nothing"):
            reply, text = ask(port, path, **headers)
            assert reply.status == 401 and TOKEN not in text
            assert reply.getheader("WWW-Authenticate") == "Bearer"
    reply, _ = ask(port, "/metrics", Authorization=f"Bearer {TOKEN}", Host="stoker.example")
    assert reply.status == 200


def test_another_token_and_another_address_are_taken_over(serve, tmp_path, small):
    path = token_file(tmp_path)
    running, port = serve(http_token=path)
    path.write_text(TOKEN[::-1] + "\n")
    running.reload()
    assert ask(port, "/healthz", Authorization=f"Bearer {TOKEN}")[0].status == 401
    assert ask(port, "/healthz", Authorization=f"Bearer {TOKEN[::-1]}")[0].status == 200
    streams = stream_text("train", small, RECIPE)
    path.chmod(0o644)
    assert "chmod it to 0600" in running.reload_refused(streams)
    taken = socket.create_server(("127.0.0.1", 0))
    busy = f'"127.0.0.1:{taken.getsockname()[1]}"'
    assert "in use" in running.reload_refused(streams, http=busy, http_token='""')
    assert ask(port, "/healthz", Authorization=f"Bearer {TOKEN[::-1]}")[0].status == 200
    taken.close()
    running.reload(streams, http='"[::1]:0"', http_token='""')
    second = running.events("http.listening")[-1]["port"]
    assert ask(second, "/healthz", host="::1")[0].status == 200
    with pytest.raises(ConnectionRefusedError):
        ask(port, "/healthz")
    running.reload(streams, http='""')
    with pytest.raises(ConnectionRefusedError):
        ask(second, "/healthz", host="::1")


@pytest.mark.parametrize(
    "text, mode, reason",
    [
        (TOKEN, 0o640, "can be read by others than its owner; chmod it to 0600"),
        ("short", 0o600, "has no line of 16 to 256 bytes; write a random one"),
        ("x" * 257, 0o600, "has no line of 16 to 256 bytes; write a random one"),
        (TOKEN + " \n", 0o600, "has bytes that no header can hold; write visible ASCII"),
    ],
)
def test_a_token_that_keeps_nobody_out_is_refused(launch, small, tmp_path, text, mode, reason):
    path = token_file(tmp_path, text, mode)
    running = launch(
        stream_text("train", small, RECIPE),
        settings={"http": '"127.0.0.1:0"', "http_token": f'"{path}"'},
    )
    assert running.wait_exit() == 2
    assert f'token file "{path}" {reason}' in running.stderr


def test_a_port_in_use_is_told(launch, small):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        running = launch(stream_text("train", small, RECIPE), settings={"http": f'"{address}"'})
        assert running.wait_exit() == 1
    assert f'cannot serve http on "{address}": Address already in use' in running.stderr


def test_peers_take_no_connection_of_the_trainers(serve, connect):
    running, port = serve(connections_max=2)
    for _ in range(5):
        assert ask(port, "/healthz")[0].status == 200
    assert connect(running.endpoint).get("train", 0, 0).count == 4


@pytest.fixture
def on_disk(daemon, small, tmp_path):
    """Start a daemon whose disk does what a file orders, and whose http ages thirtyfold."""
    order = tmp_path / "order"

    def make():
        running = daemon(
            stream_text("train", small, RECIPE),
            settings={"http": '"127.0.0.1:0"'},
            program=PROGRAM + "-disk",
            environment={"STOKER_DISK": str(order), "STOKER_HASTE": "yes"},
        )
        return running, running.events("http.listening")[-1]["port"], order

    return make


def test_a_daemon_whose_workers_stand_still_is_not_healthy(on_disk, connect):
    running, port, order = on_disk()
    client = connect(running.endpoint)
    client.get("train", 0, 0)
    order.write_text("stall")
    asked = client.post_get("train", 1, 0)
    wait_until(lambda: ask(port, "/healthz")[0].status == 503, "a word of half a minute's rest")
    assert ask(port, "/healthz")[1] == "no picture was made for 30 s, and some are wanted\n"
    assert ask(port, "/readyz")[0].status == 200
    order.unlink()
    assert client.take(asked).count == 4
    wait_until(lambda: ask(port, "/healthz")[0].status == 200, "health")


def test_a_daemon_that_drains_is_not_ready(on_disk, connect):
    running, port, order = on_disk()
    client = connect(running.endpoint)
    order.write_text("stall")
    asked = client.post_get("train", 0, 0)
    wait_until(lambda: client.stats()["requests_waiting"] == 1, "the request")
    running.signal()
    running.wait_log("server.draining")
    wait_until(lambda: ask(port, "/readyz")[0].status == 503, "a word of the drain")
    assert ask(port, "/readyz")[1] == "the daemon is shutting down\n"
    order.unlink()
    assert client.take(asked).count == 4
    assert running.wait_exit() == 0


def test_a_connection_ends_after_a_minute_however_much_it_says(on_disk):
    running, port, _ = on_disk()
    peer = socket.create_connection(("127.0.0.1", int(port)), timeout=0.02)
    peer.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ")

    def is_cut():
        try:
            peer.sendall(b"x")
            return peer.recv(1) == b""
        except TimeoutError:
            return False
        except OSError:
            return True

    assert not is_cut()
    wait_until(is_cut, "the end of a connection that never comes to its point", 8)
    peer.close()
    assert ask(port, "/healthz")[0].status == 200


def test_slow_and_rude_peers_keep_no_trainer_waiting(serve, connect):
    running, port = serve()
    peers = [socket.create_connection(("127.0.0.1", int(port))) for _ in range(40)]
    for peer in peers[:30]:
        peer.sendall(b"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ")
    client = connect(running.endpoint)
    for batch in client.epoch("train", 0, range(5)):
        assert batch.count == 4
    assert client.stats()["connections"] == 1, "http's are counted apart"
    peers[0].sendall(b"y" * 20000)
    assert peers[0].recv(100).startswith(b"HTTP/1.1 4") or peers[0].recv(100) == b""
    for peer in peers:
        peer.close()
    wait_until(lambda: ask(port, "/healthz")[0].status == 200, "room for another peer")
