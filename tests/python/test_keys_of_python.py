"""Keys in the package: found where libstoker finds them, and told in the same words."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import threading

import pytest
import stoker
import zmq.auth
from command import RECIPE, refused
from keys import config_home, keys  # noqa: F401
from stokerd import SLOW, stream_text

TIMEOUT = 2 * SLOW


class Deaf:
    """What closes each connection at once, as a full daemon does or a proxy without one."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.endpoint = "tcp://127.0.0.1:{}".format(self.listener.getsockname()[1])
        self.thread = threading.Thread(target=self._run)

    def _run(self):
        with contextlib.suppress(OSError):
            while True:
                self.listener.accept()[0].close()

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        self.listener.close()


@pytest.fixture
def keyed(daemon, small, keys):
    """Start a daemon on loopback, first with keys, then without."""

    def keyed():
        listen = ["tcp://127.0.0.1:* keys=yes", "tcp://127.0.0.2:*"]
        text = stream_text("train", small, RECIPE)
        return daemon(text, listen=listen, settings=keys.settings)

    return keyed


def sentence(call, *words, **options):
    """What a call that is refused says, which is what the command says as well."""
    with pytest.raises(stoker.Error) as told:
        call(*words, **options)
    return type(told.value), str(told.value)


def same(endpoint, server_key=None, key=None):
    """The sentence of connect, held against that of the command and of a question."""
    options = dict(server_key=server_key, key=key)
    kind, said = sentence(stoker.connect, f"{endpoint}/train", timeout=TIMEOUT, **options)
    assert sentence(stoker.streams, endpoint, timeout=TIMEOUT, **options) == (kind, said)
    words = [] if server_key is None else ["--server-key", server_key]
    words += [] if key is None else ["--key", key]
    assert refused("streams", endpoint, "--timeout", round(TIMEOUT), *words) == f"stoker: {said}\n"
    return kind, said


def test_a_trainer_with_a_key_is_served_under_its_name(keyed, keys):
    key = keys.admit("alice")
    one = keyed()
    url = f"{one.endpoint}/train"
    with stoker.connect(url, server_key=keys.server, key=key, epochs=1) as stream:
        assert sum(len(batch.label) for batch in stream) == 21
        assert sum(each.count for each in stream.labels()) == 21
    assert one.wait_log("client.hello")["user"] == "alice"
    with stoker.connect(f"{one.endpoints[1]}/train", epochs=1) as stream:
        assert sum(len(batch.label) for batch in stream) == 21
    words = ["--server-key", keys.server, "--key", key, "--batches", "2", "--json"]
    done = [sys.executable, "-m", "stoker", "bench", url, *words]
    assert json.loads(subprocess.run(done, capture_output=True, check=True).stdout)["batches"] == 2
    assert "handshakes_refused" in stoker.stats(one.endpoint, server_key=keys.server, key=key)


def test_keys_come_from_the_environment_or_the_users_files(keyed, keys, monkeypatch, config_home):
    key = keys.admit("alice")
    one = keyed()
    monkeypatch.setenv("STOKER_SERVER_KEY", zmq.auth.load_certificate(keys.server)[0].decode())
    monkeypatch.setenv("STOKER_KEY", key)
    stoker.streams(one.endpoint)
    monkeypatch.delenv("STOKER_KEY")
    (config_home / "stoker").mkdir(parents=True)
    os.link(key, config_home / "stoker" / "client.key_secret")
    stoker.streams(one.endpoint)
    # On this host the user's files alone are no reason for keys.
    monkeypatch.delenv("STOKER_SERVER_KEY")
    os.link(keys.server, config_home / "stoker" / "server.key")
    stoker.streams(one.endpoints[1])


def test_who_is_not_let_in_is_told_so_at_once(keyed, keys):
    bob = keys.make("bob") + "_secret"
    one = keyed()
    kind, said = same(one.endpoint, keys.server, bob)
    assert kind is stoker.ForbiddenError and "does not let the key " in said


def test_a_stream_that_is_not_for_a_key_is_forbidden(keyed, keys):
    key = keys.admit("eve", "--streams", "valid")
    one = keyed()
    options = dict(server_key=keys.server, key=key)
    kind, said = sentence(stoker.connect, f"{one.endpoint}/train", **options)
    assert kind is stoker.ForbiddenError
    assert said.endswith('the stream "train" is not for "eve"; its key is for valid')


def test_a_wrong_server_key_is_told(keyed, keys):
    other, alice = keys.make("other"), keys.admit("alice")
    one = keyed()
    kind, said = same(one.endpoint, other, alice)
    assert kind is stoker.ForbiddenError and "has another key than server_key, " in said


def test_keys_on_one_side_alone_are_told(keyed, keys):
    alice = keys.admit("alice")
    one = keyed()
    kind, said = same(one.endpoint)
    assert kind is stoker.ForbiddenError and "asks for a key: set server_key" in said
    kind, said = same(one.endpoints[1], keys.server, alice)
    assert kind is stoker.ForbiddenError and "has no keys" in said


def test_a_daemon_that_is_down_is_suspected_of_no_other_key(keyed, keys):
    alice = keys.admit("alice")
    one = keyed()
    one.stop()
    options = dict(server_key=keys.server, key=alice, timeout=SLOW)
    kind, said = sentence(stoker.connect, f"{one.endpoint}/train", **options)
    assert kind is stoker.TimeoutError and "is stokerd running" in said
    with Deaf() as deaf:
        kind, said = same(deaf.endpoint, keys.server, alice)
        assert kind is stoker.TimeoutError and "it closes each connection at once" in said


def test_files_are_judged_alike(keys, tmp_path):
    key = keys.admit("alice")
    nowhere = "tcp://127.0.0.1:1"
    os.chmod(key, 0o644)
    assert same(nowhere, keys.server, key)[0] is stoker.ForbiddenError
    assert same(nowhere, None, key)[0] is stoker.InvalidError
    assert same(nowhere, str(tmp_path / "none"))[0] is stoker.SystemCallError
    public = tmp_path / "public"
    public.write_text(open(keys.server).read())
    public.chmod(0o600)
    assert same(nowhere, keys.server, str(public))[0] is stoker.InvalidError
    bad = tmp_path / "bad.key"
    bad.write_text('curve\n    public-key = "' + "#" * 40 + '"\n')
    assert same(nowhere, str(bad))[0] is stoker.InvalidError
